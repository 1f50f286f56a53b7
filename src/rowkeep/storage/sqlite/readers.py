"""Readers: short queries run on the event loop, long ones in a thread.

Switching to a thread costs more than most queries do. So a query first runs on the event loop, with a limit
of steps and time; if it exceeds the limit it is stopped and run again in a thread. There its time is limited
too, and it is interrupted when its caller is gone.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Any, TypeVar

import apsw

from rowkeep.errors.catalogue import Busy, ShuttingDown
from rowkeep.metrics import SQLITE_READS
from rowkeep.settings import Settings
from rowkeep.storage.response_sizes import query_timeout
from rowkeep.storage.sqlite.connections import Connection, OverBudget, in_transaction
from rowkeep.storage.sqlite.function_turns import TURNS
from rowkeep.storage.sqlite.loop_readers import QuickReaders
from rowkeep.storage.sqlite.threads import Stoppable, ThreadLane, Threads

T = TypeVar("T")


class NotQuick(Exception):
    """What was to be read takes too long for the event loop."""


def _opened(connect: Callable[[], Connection]) -> Connection:
    connection = connect()
    # accesses no file, and so cannot fail
    connection.execute("PRAGMA query_only = ON").fetchall()
    return connection


class Reader:
    """The readers of one file: quick ones, up to ``sqlite_readers`` for long queries, and one for scripts, so
    that no query delays administrators."""

    def __init__(
        self,
        connect: Callable[[], Connection],
        threads: Threads,
        settings: Settings,
        more: threading.Semaphore,
    ) -> None:
        self._connect = connect
        self._quick = QuickReaders(partial(_opened, connect), threads.others, more)
        self._idle: list[Connection] = []
        self._lock = threading.Lock()
        wait = settings.busy_timeout_seconds
        self._queries = ThreadLane(threads.queries, settings.sqlite_readers, threads.query_turns, wait)
        self._scripts = ThreadLane(threads.others, 1, threads.script_turns, wait)
        self._max_seconds = settings.max_query_seconds
        self._running: dict[Stoppable, Future[Any]] = {}
        self._waiting = 0
        self._is_stopping = False

    @property
    def is_running(self) -> bool:
        """Whether a long query runs, or waits for its turn."""
        return self._waiting > 0 or bool(self._running) or self._quick.is_running

    def run(self, work: Callable[[Connection], T], table_id: str | None) -> T:
        """Run ``work``, which only reads, in a transaction of its own: one snapshot. ``table_id`` is the id
        of the table or view that it reads, if it reads one: then it is mostly one statement, which needs no
        transaction, and raises Moved if it needs one.

        Raises NotQuick if a thread must run it.
        """
        quick = self._quick.of(table_id)
        if quick.is_reading_schema:
            raise NotQuick()
        try:
            return quick.run(work, in_one_snapshot=table_id is None)
        except OverBudget:
            quick.refresh_schema()
            raise NotQuick() from None
        except Busy:
            raise NotQuick() from None

    async def run_in_thread(self, work: Callable[[Connection], T], table_id: str | None) -> T:
        """The same in a thread, always in a transaction. The query of a table or view can take
        ``max_query_seconds``.

        Raises Busy, QueryTimeout, ShuttingDown.
        """
        return await self._run_in_turn(work, self._scripts if table_id is None else self._queries)

    async def run_long(self, work: Callable[[Connection], T]) -> T:
        """The same for work that can take ``max_query_seconds`` and is not tried on the event loop."""
        return await self._run_in_turn(work, self._queries)

    async def _run_in_turn(self, work: Callable[[Connection], T], lane: ThreadLane) -> T:
        self._waiting += 1
        SQLITE_READS.add(1)
        try:
            await lane.take()
        finally:
            self._waiting -= 1
            SQLITE_READS.add(-1)
        return await self._run_long(work, lane)

    async def _run_long(self, work: Callable[[Connection], T], lane: ThreadLane) -> T:
        """Run ``work`` in a thread. The turn ends when the thread has finished."""
        if self._is_stopping:
            lane.give_back()
            raise ShuttingDown()
        loop = asyncio.get_running_loop()
        stoppable = Stoppable()
        running = lane.executor.submit(self._in_thread, work, stoppable)
        self._running[stoppable] = running
        ended = partial(loop.call_soon_threadsafe, self._ended, stoppable, lane)
        running.add_done_callback(lambda _: ended())
        timer = None
        if lane is self._queries:
            reason = query_timeout(self._max_seconds)
            timer = loop.call_later(self._max_seconds, stoppable.stop, loop, running, reason)
        try:
            return await asyncio.wrap_future(running)
        except asyncio.CancelledError:
            stoppable.stop(loop, running, ShuttingDown())
            raise
        finally:
            if timer is not None:
                timer.cancel()

    def _ended(self, stoppable: Stoppable, lane: ThreadLane) -> None:
        del self._running[stoppable]
        lane.give_back()

    def _in_thread(self, work: Callable[[Connection], T], stoppable: Stoppable) -> T:
        with self._lock:
            connection = self._idle.pop() if self._idle else None
        if connection is None:
            connection = _opened(self._connect)
            connection.turns = TURNS

        def stoppably(connection: Connection) -> T:
            with stoppable.on(connection):
                return work(connection)

        try:
            return in_transaction(connection, stoppably)
        except (OverBudget, apsw.InterruptError) as error:
            raise stoppable.reason or error from None
        finally:
            connection.end_turn()
            with self._lock:
                self._idle.append(connection)

    def stop(self) -> None:
        """Interrupt what runs in threads, and reject what waits for a turn."""
        self._is_stopping = True
        loop = asyncio.get_running_loop()
        for stoppable, running in self._running.items():
            stoppable.stop(loop, running, ShuttingDown())

    def close(self) -> None:
        self._quick.close()
        for connection in self._idle:
            connection.close()
