"""Vitals of a server under attack: the memory of its processes, and how long /healthz takes meanwhile."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import TypeVar

import psutil

from support import plain
from support.server import RowkeepServer

T = TypeVar("T")
PAUSE_SECONDS = 0.05
MEGABYTE = 1024 * 1024
SLOWER = 10
"""A machine that does much else may be so many times as slow."""


class Vitals:
    """Asks /healthz again and again, each time on a new connection, for as long as the block runs."""

    def __init__(self, server: RowkeepServer) -> None:
        self._server = server
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="vitals")
        self.slowest_health_seconds = 0.0
        """The longest that /healthz took, in processor time that the server used meanwhile: what holds up
        others uses it, and a busy machine takes it from all. A tenth of the time on the clock counts too, for
        who waits uses none."""
        self.failures: list[str] = []
        """What /healthz answered instead of 200."""
        self._processes = self._family()
        self._idle_bytes = self._memory()
        self._peak_bytes = self._idle_bytes

    @property
    def grown_megabytes(self) -> float:
        """How much more memory the server's processes took at most than at the start (RSS)."""
        return (self._peak_bytes - self._idle_bytes) / MEGABYTE

    @property
    def kept_megabytes(self) -> float:
        """How much more memory they take now than at the start."""
        return (self._memory() - self._idle_bytes) / MEGABYTE

    def __enter__(self) -> Vitals:
        self._thread.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.end()

    def end(self) -> None:
        """Stop watching."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def _watch(self) -> None:
        while True:
            started, used = time.monotonic(), self._used_seconds()
            try:
                response = plain.get(self._server.url + "/healthz")
                if response.status_code != 200:
                    self.failures.append(f"{response.status_code} {response.text}")
            except Exception as error:
                self.failures.append(repr(error))
            took = time.monotonic() - started
            took = max(min(took, self._used_seconds() - used), took / SLOWER)
            self.slowest_health_seconds = max(self.slowest_health_seconds, took)
            self._peak_bytes = max(self._peak_bytes, self._memory())
            if self._stop.wait(PAUSE_SECONDS):
                return

    def _family(self) -> list[psutil.Process]:
        """The processes of the server. To look for them takes longer than all else here."""
        process = psutil.Process(self._server.process.pid)
        return [process, *process.children(recursive=True)]

    def _memory(self) -> int:
        return sum(self._of_each(lambda process: process.memory_info().rss))

    def _used_seconds(self) -> float:
        return sum(self._of_each(lambda process: sum(process.cpu_times()[:2])))

    def _of_each(self, measure: Callable[[psutil.Process], T]) -> Iterator[T]:
        for each in self._processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                yield measure(each)
