"""Vitals of a server under attack: the memory of its processes, and how long /healthz takes meanwhile."""

from __future__ import annotations

import threading
import time
from types import TracebackType

import psutil

from support import plain
from support.server import RowkeepServer

PAUSE_SECONDS = 0.02
MEGABYTE = 1024 * 1024


class Vitals:
    """Asks /healthz again and again, each time on a new connection, for as long as the block runs."""

    def __init__(self, server: RowkeepServer) -> None:
        self._server = server
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="vitals")
        self.slowest_health_seconds = 0.0
        """The longest that /healthz took."""
        self.failures: list[str] = []
        """What /healthz answered instead of 200."""
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
        while not self._stop.wait(PAUSE_SECONDS):
            started = time.monotonic()
            try:
                response = plain.get(self._server.url + "/healthz")
                if response.status_code != 200:
                    self.failures.append(f"{response.status_code} {response.text}")
            except Exception as error:
                self.failures.append(repr(error))
            self.slowest_health_seconds = max(self.slowest_health_seconds, time.monotonic() - started)
            self._peak_bytes = max(self._peak_bytes, self._memory())

    def _memory(self) -> int:
        total = 0
        try:
            process = psutil.Process(self._server.process.pid)
            for each in [process, *process.children(recursive=True)]:
                total += each.memory_info().rss
        except (psutil.NoSuchProcess, AssertionError):
            pass
        return total
