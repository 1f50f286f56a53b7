"""Reader: short queries where the request is, long ones in a thread.

A hop to a thread costs more than most queries do. So a query runs at once, on the event loop's own
connection, under a budget of steps; one that exceeds it is stopped and run again in a thread.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Executor
from typing import TypeVar

import apsw

from rowkeep.errors import Busy
from rowkeep.storage.sqlite.connections import OverBudget

T = TypeVar("T")

STEPS_PER_TICK = 1_000
BUDGET_TICKS = 20
"""About a millisecond's worth of SQLite's virtual machine."""


class Reader:
    """The readers of one file: one connection with a budget, and up to ``max_threads`` without."""

    def __init__(
        self,
        connect: Callable[[], apsw.Connection],
        executor: Executor,
        max_threads: int,
    ) -> None:
        self._connect = connect
        self._executor = executor
        self._ticks = 0
        self._quick = self._open()
        self._quick.set_busy_handler(None)
        self._quick.set_progress_handler(self._tick, STEPS_PER_TICK)
        self._idle: list[apsw.Connection] = []
        self._lock = threading.Lock()
        self._turns = asyncio.Semaphore(max_threads)

    def _open(self) -> apsw.Connection:
        connection = self._connect()
        connection.execute("PRAGMA query_only = ON").fetchall()
        return connection

    def _tick(self) -> bool:
        self._ticks += 1
        return self._ticks > BUDGET_TICKS

    async def run(self, work: Callable[[apsw.Connection], T]) -> T:
        """Do ``work``, which only reads, in a transaction of its own: one snapshot."""
        self._ticks = 0
        try:
            return _in_transaction(self._quick, work)
        except (OverBudget, Busy):
            pass
        loop = asyncio.get_running_loop()
        async with self._turns:
            return await loop.run_in_executor(self._executor, self._in_thread, work)

    def _in_thread(self, work: Callable[[apsw.Connection], T]) -> T:
        with self._lock:
            connection = self._idle.pop() if self._idle else None
        if connection is None:
            connection = self._open()
        try:
            return _in_transaction(connection, work)
        finally:
            with self._lock:
                self._idle.append(connection)

    def close(self) -> None:
        self._quick.close()
        for connection in self._idle:
            connection.close()


def _in_transaction(connection: apsw.Connection, work: Callable[[apsw.Connection], T]) -> T:
    connection.execute("BEGIN")
    try:
        return work(connection)
    finally:
        connection.execute("ROLLBACK")
