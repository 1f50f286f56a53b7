"""Reader: short queries where the request is, long ones in a thread.

A hop to a thread costs more than most queries do. So a query runs at once, on the event loop, under a budget
of steps; one that exceeds it is stopped and run again in a thread.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Executor
from typing import TypeVar

from rowkeep.errors import Busy
from rowkeep.storage.sqlite.connections import Connection, OverBudget, in_transaction
from rowkeep.storage.sqlite.quick import QuickReaders

T = TypeVar("T")


class Reader:
    """The readers of one file: quick ones, and up to ``max_threads`` that take their time."""

    def __init__(
        self,
        connect: Callable[[], Connection],
        executor: Executor,
        max_threads: int,
        more: threading.Semaphore,
    ) -> None:
        self._connect = connect
        self._executor = executor
        self._quick = QuickReaders(self._open, executor, more)
        self._idle: list[Connection] = []
        self._lock = threading.Lock()
        self._turns = asyncio.Semaphore(max_threads)
        self._long = 0

    @property
    def is_running(self) -> bool:
        """Whether a long query runs, or waits for its turn, be it that nobody waits for its end any more."""
        return self._long > 0 or self._quick.is_running

    def _open(self) -> Connection:
        connection = self._connect()
        # touches no file, and so cannot fail
        connection.execute("PRAGMA query_only = ON").fetchall()
        return connection

    async def run(self, work: Callable[[Connection], T], table_id: str | None) -> T:
        """Do ``work``, which only reads, in a transaction of its own: one snapshot. ``table_id`` says which
        table or view is read, if it is one."""
        quick = self._quick.of(table_id)
        if not quick.is_reading_schema:
            try:
                return quick.run(work)
            except OverBudget:
                quick.see_to_schema()
            except Busy:
                pass
        self._count(1)
        try:
            async with self._turns:
                running = self._executor.submit(self._in_thread, work)
                self._count(1)
                running.add_done_callback(lambda _: self._count(-1))
                return await asyncio.wrap_future(running)
        finally:
            self._count(-1)

    def _count(self, more: int) -> None:
        with self._lock:
            self._long += more

    def _in_thread(self, work: Callable[[Connection], T]) -> T:
        with self._lock:
            connection = self._idle.pop() if self._idle else None
        if connection is None:
            connection = self._open()
        try:
            return in_transaction(connection, work)
        finally:
            with self._lock:
                self._idle.append(connection)

    def close(self) -> None:
        self._quick.close()
        for connection in self._idle:
            connection.close()
