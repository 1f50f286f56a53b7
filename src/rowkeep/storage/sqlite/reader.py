"""Reader: short queries where the request is, long ones in a thread.

A hop to a thread costs more than most queries do. So a query runs at once, on the event loop's own
connection, under a budget of steps; one that exceeds it is stopped and run again in a thread.

A connection reads the whole schema before it can do anything, and again after each change of it. That of a
thousand tables takes more steps than the budget has, and an interrupted connection would begin it anew with
each query; so it is read in a thread, and until then every query goes there.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import suppress
from functools import partial
from typing import TypeVar

from rowkeep.errors import Busy
from rowkeep.storage.sqlite.connections import Connection, OverBudget, translated

T = TypeVar("T")

STEPS_PER_TICK = 1_000
BUDGET_TICKS = 20
"""About a millisecond's worth of SQLite's virtual machine."""


class Reader:
    """The readers of one file: one connection with a budget, and up to ``max_threads`` without."""

    def __init__(
        self,
        connect: Callable[[], Connection],
        executor: Executor,
        max_threads: int,
    ) -> None:
        self._connect = connect
        self._executor = executor
        self._ticks = 0
        self._quick = self._open()
        self._quick.set_busy_handler(None)
        self._quick.set_progress_handler(self._tick, STEPS_PER_TICK)
        self._idle: list[Connection] = []
        self._lock = threading.Lock()
        self._turns = asyncio.Semaphore(max_threads)
        self._long = 0
        self._schema_read: int | None = None
        self._is_reading_schema = False

    @property
    def is_running(self) -> bool:
        """Whether a long query runs, or waits for its turn, be it that nobody waits for its end any more."""
        return self._long > 0

    def _open(self) -> Connection:
        connection = self._connect()
        connection.execute("PRAGMA query_only = ON").fetchall()
        return connection

    def _tick(self) -> bool:
        self._ticks += 1
        return self._ticks > BUDGET_TICKS and not self._is_reading_schema

    async def run(self, work: Callable[[Connection], T]) -> T:
        """Do ``work``, which only reads, in a transaction of its own: one snapshot."""
        if not self._is_reading_schema:
            self._ticks = 0
            try:
                return _in_transaction(self._quick, partial(self._within_budget, work))
            except OverBudget:
                with suppress(Busy):
                    self._see_to_schema()
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

    def _see_to_schema(self) -> None:
        """Have the schema read if it is another one than was read last: it may be what took so many steps."""
        self._ticks = 0
        with translated():
            version: int = self._quick.pragma("schema_version")
        if version != self._schema_read:
            self._is_reading_schema = True
            self._count(1)
            self._executor.submit(self._read_schema, version)

    def _read_schema(self, version: int) -> None:
        try:
            self._quick.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchall()
            self._schema_read = version
        finally:
            self._is_reading_schema = False
            self._count(-1)

    def _count(self, more: int) -> None:
        with self._lock:
            self._long += more

    def _within_budget(self, work: Callable[[Connection], T], connection: Connection) -> T:
        try:
            return work(connection)
        finally:
            # the end of its transaction must not be stopped, too: the next one could not begin
            self._ticks = 0

    def _in_thread(self, work: Callable[[Connection], T]) -> T:
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


def _in_transaction(connection: Connection, work: Callable[[Connection], T]) -> T:
    connection.execute("BEGIN")
    try:
        return work(connection)
    finally:
        connection.execute("ROLLBACK")
