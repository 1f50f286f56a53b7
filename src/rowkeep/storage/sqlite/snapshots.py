"""Snapshots and loaders: SQLite files that are read as a whole, or filled."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from operator import itemgetter
from pathlib import Path
from typing import Any, TypeVar

import apsw

from rowkeep.errors.catalogue import Busy, SetupError
from rowkeep.sql.dialects import SQLITE
from rowkeep.sql.statements import Statement, Template
from rowkeep.sql.table_copies import CopiedRows
from rowkeep.storage.contract import Row, Script
from rowkeep.storage.response_sizes import mean_size
from rowkeep.storage.snapshots import BATCH_BYTES, BATCH_ROWS, Loader, Snapshot
from rowkeep.storage.sqlite.connections import Connection, connect, run_script, translated
from rowkeep.storage.sqlite.write_queue import WriteQueue

T = TypeVar("T")
FIRST_READ = "SELECT count(*) FROM sqlite_master"
WAIT_MILLISECONDS = 5000

FIRST_ROWS, MOST_ROWS = 10, 500
"""How many rows are read before they are measured, and at most afterwards."""

LOADER_SETTINGS = (
    "PRAGMA foreign_keys = OFF",
    # the rows of an index are sorted in a file, not in memory
    "PRAGMA temp_store = FILE",
    "PRAGMA cache_size = -65536",
)


class SqliteSnapshot(Snapshot):
    dialect = SQLITE
    namespace = None

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection

    @classmethod
    async def open(cls, path: Path) -> SqliteSnapshot:
        return cls(await asyncio.to_thread(_open_to_read, path))

    async def read(self, script: Script[T]) -> T:
        return await asyncio.to_thread(run_script, self._connection, script)

    async def stream(self, statement: Statement) -> AsyncIterator[Sequence[Row]]:
        with translated():
            cursor = self._connection.execute(statement.text, statement.parameters)
        try:
            while rows := await asyncio.to_thread(_next_batch, cursor):
                yield rows
        finally:
            cursor.close(True)

    async def close(self) -> None:
        await asyncio.to_thread(self._connection.close)


def _next_batch(cursor: Iterator[Any]) -> list[Row]:
    """The next rows: at most BATCH_ROWS, and about BATCH_BYTES."""
    found: list[Row] = []
    size, step = 0, FIRST_ROWS
    with translated():
        while size < BATCH_BYTES and len(found) < BATCH_ROWS:
            some = list(islice(cursor, min(step, BATCH_ROWS - len(found))))
            if not some:
                break
            found += some
            mean = mean_size(some)
            size += mean * len(some)
            step = max(1, min(MOST_ROWS, BATCH_BYTES // mean))
    return found


def _open_to_read(path: Path) -> apsw.Connection:
    if not path.exists():
        raise SetupError(f"No such database: {path}.")
    try:
        connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
        try:
            connection.set_busy_timeout(WAIT_MILLISECONDS)
            connection.execute("BEGIN").fetchall()
            # SQLite takes the snapshot with the first read
            connection.execute(FIRST_READ).fetchall()
        except BaseException:
            connection.close()
            raise
    except apsw.Error as error:
        raise SetupError(f"The database {path} cannot be read: {error}.") from error
    return connection


class SqliteLoader(Loader):
    """A connection of its own, which does not check references. It queues for its turn to write as others
    do."""

    def __init__(self, connection: Connection, turns: WriteQueue, timeout: float) -> None:
        self._connection = connection
        self._turns = turns
        self._timeout = timeout

    @classmethod
    async def open(cls, path: Path, patience: float) -> SqliteLoader:
        def make() -> SqliteLoader:
            connection = connect(path, patience, create=False)
            for setting in LOADER_SETTINGS:
                connection.execute(setting).fetchall()
            return cls(connection, WriteQueue(path), patience)

        return await asyncio.to_thread(make)

    async def append(self, sql: CopiedRows, rows: Sequence[Row], script: Script[None]) -> None:
        def write() -> None:
            self._connection.executemany(sql.insert.text, _placed(rows, sql.insert))
            run_script(self._connection, script)

        await asyncio.to_thread(self._transact, write)

    async def write(self, script: Script[T]) -> T:
        return await asyncio.to_thread(self._transact, partial(run_script, self._connection, script))

    def _transact(self, work: Callable[[], T]) -> T:
        if not self._turns.take(self._timeout):
            raise Busy()
        try:
            with translated():
                self._connection.begin(waits=True)
                try:
                    result = work()
                    self._connection.execute("COMMIT")
                except BaseException:
                    if self._connection.in_transaction:
                        self._connection.execute("ROLLBACK")
                    raise
                return result
        finally:
            self._turns.give()

    async def close(self) -> None:
        await asyncio.to_thread(self._connection.close)


def _placed(rows: Sequence[Row], insert: Template) -> Iterable[Row]:
    """The cells of each row in the order of the parameters, which are named by their places (``c0``). Cells
    that have sort keys are sent twice."""
    places = [int(name[1:]) for name in insert.order]
    if len(places) == 1:
        return rows
    return map(itemgetter(*places), rows)
