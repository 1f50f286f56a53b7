"""Quick readers: connections whose queries run on the event loop, with a limit of steps and time.

Some steps take long: so these connections read no large cells, and fold no long texts. A query that needs
either runs in a thread.

A connection reads the whole schema of the file before it can do anything, and again after each change of it.
For a thousand tables this takes more steps than the limit allows, and an interrupted connection would start
it again with each query. So the schema is read in a thread, and until then every query runs in a thread.

If requests use more tables than a connection can cache the statements of, there are several quick readers,
one for each group of tables.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import suppress
from typing import TypeVar

import apsw

from rowkeep.errors.catalogue import Busy, StorageUnavailable
from rowkeep.storage.sqlite.connections import Connection, Moved, OverBudget, in_transaction, translated
from rowkeep.storage.table_groups import TableGroups

T = TypeVar("T")

STEPS_PER_TICK = 1_000
BUDGET_TICKS = 20
"""About a millisecond of SQLite's virtual machine."""

BUDGET_SECONDS = 0.01
"""How long a query can take on the event loop, even if it has few steps."""

MAX_CELL_BYTES = 64 * 1024
"""The largest cell that is read on the event loop."""

MAX_EACH_FILE = 8
"""How many quick readers a file has: enough for 2,048 tables."""

SPARE = 64
"""How many quick readers a process has in addition to the first of each file."""


class QuickReader:
    """One connection on the event loop; its queries raise OverBudget if they take too long."""

    def __init__(self, connection: Connection, executor: Executor) -> None:
        self._connection = connection
        self._executor = executor
        self._ticks = 0
        self._until = 0.0
        self._schema_read: int | None = None
        self.is_reading_schema = False
        """Whether a thread is reading the schema of the file; the connection cannot be used until then."""
        connection.set_busy_handler(None)
        connection.set_progress_handler(self._tick, STEPS_PER_TICK)
        connection.max_cell_bytes = MAX_CELL_BYTES
        self._any_length = connection.limit(apsw.SQLITE_LIMIT_LENGTH)
        connection.limit(apsw.SQLITE_LIMIT_LENGTH, MAX_CELL_BYTES)

    def _tick(self) -> bool:
        self._ticks += 1
        is_over = self._ticks > BUDGET_TICKS or time.monotonic() > self._until
        return is_over and not self.is_reading_schema

    def run(self, work: Callable[[Connection], T], *, in_one_snapshot: bool) -> T:
        """Run ``work`` now. If it need not be ``in_one_snapshot``, it is tried without a transaction first.
        Raises OverBudget or Busy; then another connection must run it."""
        self._ticks = 0
        self._until = time.monotonic() + BUDGET_SECONDS
        try:
            if not in_one_snapshot:
                try:
                    return work(self._connection)
                except Moved:
                    pass
            return in_transaction(self._connection, work, self._let_end)
        except apsw.TooBigError:
            raise OverBudget() from None

    def _let_end(self) -> None:
        """What follows must not be interrupted as well, such as the end of a transaction: the next one could
        not begin."""
        self._ticks = 0
        self._until = math.inf

    def refresh_schema(self) -> None:
        """Read the schema of the file again if it has changed since: the read may be what took so many
        steps."""
        self._let_end()
        with suppress(Busy):
            with translated():
                version: int = self._connection.pragma("schema_version")
            if version != self._schema_read:
                self.is_reading_schema = True
                self._executor.submit(self._read_schema, version)

    def _read_schema(self, version: int) -> None:
        # a definition can be larger than the largest cell that the event loop reads
        self._connection.limit(apsw.SQLITE_LIMIT_LENGTH, self._any_length)
        try:
            self._connection.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchall()
            self._schema_read = version
        finally:
            self._connection.limit(apsw.SQLITE_LIMIT_LENGTH, MAX_CELL_BYTES)
            self.is_reading_schema = False

    def close(self) -> None:
        self._connection.close()


class QuickReaders:
    """The quick readers of one file: one, and more if many tables are used.

    ``more`` is the number of additional readers that the process has left.
    """

    def __init__(self, connect: Callable[[], Connection], executor: Executor, more: threading.Semaphore):
        self._connect = connect
        self._executor = executor
        self._more = more
        self._groups = TableGroups(MAX_EACH_FILE)
        self._all = [self._open()]
        self._is_opening = False
        self._may_open = True

    @property
    def is_running(self) -> bool:
        """Whether one of them is being opened or reads the schema. This runs on the event loop, as their
        queries do, so no query is running."""
        return self._is_opening or any(each.is_reading_schema for each in self._all)

    def of(self, table_id: str | None) -> QuickReader:
        """The reader of this table or view, or, for None, of anything else."""
        group = 0 if table_id is None else self._groups.of(table_id)
        if group >= len(self._all) and self._may_open and not self._is_opening:
            self._add()
        return self._all[group % len(self._all)]

    def _add(self) -> None:
        """Open another reader in a thread, because that can take a while; until then the existing ones are
        used."""
        if self._more.acquire(blocking=False):
            self._is_opening = True
            self._executor.submit(self._open_another)

    def _open_another(self) -> None:
        opened = None
        try:
            with suppress(StorageUnavailable, Busy):
                opened = self._open()
                self._all.append(opened)
        finally:
            if opened is None:
                self._may_open = False
                self._more.release()
            self._is_opening = False

    def _open(self) -> QuickReader:
        return QuickReader(self._connect(), self._executor)

    def close(self) -> None:
        for each in self._all:
            each.close()
        for _ in self._all[1:]:
            self._more.release()
