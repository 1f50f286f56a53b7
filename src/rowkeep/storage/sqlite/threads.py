"""Threads of a store: long queries, writes, and everything else have separate threads.

So writes and the work of administrators never wait for queries of other workspaces. Long work in a thread can
be stopped from the event loop.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from rowkeep.errors.catalogue import Busy
from rowkeep.storage.sqlite.connections import Connection

INTERRUPT_AGAIN_SECONDS = 0.02
"""An interrupt between two statements has no effect, so it is repeated."""


class Threads:
    """The threads of a store. ``count`` is how many long queries run at once, over all of its files; there
    are as many threads for all other reads, and twice as many for writes. There are ``streams`` threads for
    streamed queries, one for each."""

    def __init__(self, name: str, count: int, streams: int = 1) -> None:
        self.queries = ThreadPoolExecutor(count, thread_name_prefix=f"{name}-query")
        self.writers = ThreadPoolExecutor(2 * count, thread_name_prefix=f"{name}-write")
        self.others = ThreadPoolExecutor(2 * count, thread_name_prefix=f"{name}-other")
        # one more for those that are being closed
        self.streams = ThreadPoolExecutor(streams + 1, thread_name_prefix=f"{name}-stream")
        self.query_turns = asyncio.Semaphore(count)
        self.script_turns = asyncio.Semaphore(count)

    def shut_down(self) -> None:
        """Wait until nothing runs any more."""
        for each in (self.queries, self.writers, self.others, self.streams):
            each.shutdown(wait=True)


class ThreadLane:
    """Turns for work of one kind on one file: at most ``count`` at once, and over all files as many as
    ``shared`` has."""

    def __init__(
        self, executor: Executor, count: int, shared: asyncio.Semaphore, wait_seconds: float
    ) -> None:
        self.executor = executor
        self._own = asyncio.Semaphore(count)
        self._shared = shared
        self._wait_seconds = wait_seconds

    async def take(self) -> None:
        """Wait for a turn. Raises Busy if none is free in time."""
        try:
            async with asyncio.timeout(self._wait_seconds):
                await self._own.acquire()
                try:
                    await self._shared.acquire()
                except BaseException:
                    self._own.release()
                    raise
        except TimeoutError:
            raise Busy(
                f"The request waited {self._wait_seconds:g} s for other long queries (the setting "
                "busy_timeout_seconds). Nothing was written; try again."
            ) from None

    def give_back(self) -> None:
        self._shared.release()
        self._own.release()


class Stoppable:
    """Work on a connection in a thread that can be stopped from the event loop."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._connection: Connection | None = None
        self.reason: Exception | None = None
        """Why it was stopped, if it was."""

    @contextmanager
    def on(self, connection: Connection) -> Iterator[None]:
        """Within this block, its statements can be interrupted."""
        with self._lock:
            if self.reason is not None:
                raise self.reason
            self._connection = connection
        connection.stopped = self._why
        try:
            yield
        finally:
            connection.stopped = None
            with self._lock:
                self._connection = None

    def _why(self) -> Exception | None:
        return self.reason

    def stop(self, loop: asyncio.AbstractEventLoop, running: Future[Any], reason: Exception) -> None:
        """Interrupt its statements until it has ended."""
        self.reason = self.reason or reason
        self._interrupt(loop.call_later, running)

    def _interrupt(self, call_later: Callable[..., object], running: Future[Any]) -> None:
        with self._lock:
            if self._connection is not None:
                self._connection.interrupt()
        if not running.done():
            call_later(INTERRUPT_AGAIN_SECONDS, self._interrupt, call_later, running)
