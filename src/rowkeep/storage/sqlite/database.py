"""Databases: one SQLite file, and what a workspace's file does with rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from functools import partial
from itertools import islice, repeat
from operator import add, itemgetter, length_hint
from pathlib import Path
from typing import Any, TypeVar

import apsw

from rowkeep.errors import StorageUnavailable
from rowkeep.model.identity import IdSource, Stamp
from rowkeep.model.tables import Index, Table
from rowkeep.plan.select import SelectPlan
from rowkeep.plan.write import DeletePlan, InsertPlan, UpdatePlan
from rowkeep.settings import Settings
from rowkeep.sql.binding import delete_values, select_values, update_values
from rowkeep.sql.dialects import SQLITE
from rowkeep.sql.rows import SqliteTableSql, TableSql
from rowkeep.sql.schema import TableSchema
from rowkeep.storage.base import (
    Database,
    ReferenceConflict,
    Row,
    Script,
    Selected,
    StaleCatalog,
    UniqueConflict,
    Updated,
    WorkspaceDatabase,
)
from rowkeep.storage.sqlite.connections import connect, run_script, translated
from rowkeep.storage.sqlite.reader import Reader
from rowkeep.storage.sqlite.writer import GroupWriter

T = TypeVar("T")

VERSION = "SELECT version FROM _rowkeep_workspace"

_BOOLEANS: dict[object, bool] = {0: False, 1: True}
as_boolean: Callable[[object], bool | None] = _BOOLEANS.get
"""A stored boolean as it is answered; None, for an empty cell, stays None."""


class SqliteDatabase(Database):
    dialect = SQLITE
    schema = None

    def __init__(self, path: Path, settings: Settings, executor: Executor) -> None:
        self.path = path
        open_another = partial(connect, path, settings.busy_timeout_seconds)
        self._connection = open_another()
        self._writer = GroupWriter(self._connection, executor)
        self._reader = Reader(open_another, executor, settings.sqlite_readers)

    async def read(self, script: Script[T]) -> T:
        return await self._read(lambda connection: run_script(connection, script))

    async def write(self, script: Script[T]) -> T:
        return await self._write(lambda connection: run_script(connection, script))

    async def _read(self, work: Callable[[apsw.Connection], T]) -> T:
        return await self._reader.run(work)

    async def _write(self, work: Callable[[apsw.Connection], T]) -> T:
        return await self._writer.run(work)

    def close(self) -> None:
        """Close the file; nothing may be running. The last one to close it folds the WAL into it."""
        self._reader.close()
        self._connection.close()


class SqliteWorkspaceDatabase(SqliteDatabase, WorkspaceDatabase):
    def __init__(self, path: Path, settings: Settings, executor: Executor, ids: IdSource) -> None:
        super().__init__(path, settings, executor)
        self._ids = ids

    def prepare(self, table: Table) -> TableSql:
        return SqliteTableSql(table, None)

    async def _read(self, work: Callable[[apsw.Connection], T]) -> T:
        try:
            return await super()._read(work)
        except StorageUnavailable:
            self._refuse_if_gone()
            raise

    async def _write(self, work: Callable[[apsw.Connection], T]) -> T:
        try:
            return await super()._write(work)
        except StorageUnavailable:
            self._refuse_if_gone()
            raise

    def _refuse_if_gone(self) -> None:
        """A file that somebody took away is no fault of the storage: its workspace was deleted."""
        if not self.path.exists():
            raise StaleCatalog() from None

    async def select(self, sql: TableSql, plan: SelectPlan, version: int) -> Selected:
        return await self._read(partial(_select, sql, plan, version))

    async def insert(self, sql: TableSql, plan: InsertPlan, version: int) -> Stamp:
        return await self._write(partial(_insert, sql, plan, version, self._ids))

    async def update(self, sql: TableSql, plan: UpdatePlan, version: int) -> Updated:
        return await self._write(partial(_update, sql, plan, version, self._ids))

    async def delete(self, sql: TableSql, plan: DeletePlan, version: int) -> int:
        return await self._write(partial(_delete, sql, plan, version))


def _check_version(connection: apsw.Connection, version: int) -> None:
    if connection.execute(VERSION).fetchall() != [(version,)]:
        raise StaleCatalog()


def _select(sql: TableSql, plan: SelectPlan, version: int, connection: apsw.Connection) -> Selected:
    statements = sql.select(plan.shape)
    values = select_values(plan)
    total: Any = None
    with translated():
        _check_version(connection, version)
        page = statements.page.bind(values)
        rows: Sequence[Row] = connection.execute(page.text, page.parameters).fetchall()
        if statements.count is not None and plan.is_whole(len(rows)):
            total = plan.offset + len(rows)
        elif statements.count is not None:
            count = statements.count.bind(values)
            total = connection.execute(count.text, count.parameters).fetchall()[0][0]
    next_key = None
    if len(rows) > plan.limit:
        rows = rows[: plan.limit]
        next_key = [rows[-1][at] for at in statements.key] if rows else None
    if rows and len(rows[0]) > statements.width:
        rows = list(map(itemgetter(slice(statements.width)), rows))
    return Selected(_with_booleans(rows, statements.booleans), total, next_key)


def _with_booleans(rows: Sequence[Row], booleans: tuple[int, ...]) -> Sequence[Row]:
    """The rows with SQLite's 0 and 1 as booleans, a column at a time."""
    if not booleans or not rows:
        return rows
    columns: list[Iterable[object]] = list(zip(*rows, strict=True))
    for at in booleans:
        if at < len(columns):
            columns[at] = map(as_boolean, columns[at])
    return list(zip(*columns, strict=True))


def _insert(
    sql: TableSql, plan: InsertPlan, version: int, ids: IdSource, connection: apsw.Connection
) -> Stamp:
    with translated():
        _check_version(connection, version)
    _rekey(sql, plan, connection)
    stamp = ids.stamp(len(plan.rows))
    on = stamp.written_on
    system = zip(repeat(on), repeat(on), repeat(plan.writer), repeat(plan.writer), stamp.ids(), strict=False)
    rows = iter(plan.rows)
    cells = map(add, rows, system)
    if sql.keyed:
        keys = zip(*(map(itemgetter(at), plan.rows) for at in sql.keyed), strict=True)
        cells = map(add, cells, keys)
    try:
        with translated(), _references_wait(sql.table, connection):
            connection.executemany(sql.insert.text, cells)
    except UniqueConflict as conflict:
        # the rows that the iterator still holds were not reached
        raise _named_conflict(conflict, sql, len(plan.rows) - length_hint(rows) - 1) from conflict
    return stamp


def _rekey(sql: TableSql, plan: InsertPlan | UpdatePlan, connection: apsw.Connection) -> None:
    for name, cells in plan.rekeyed.items():
        with translated():
            connection.executemany(sql.rekey(name).text, cells)


@contextmanager
def _references_wait(table: Table, connection: apsw.Connection) -> Iterator[None]:
    """Rows of one request may refer to each other in any order: references to the table itself are looked at
    behind the last row. (PostgreSQL does so anyway.)"""
    if not any(c.reference is not None and c.reference.table == table.id for c in table.columns):
        yield
        return
    # until the end of the transaction, that is of the whole group: it holds for other jobs just as well
    connection.execute("PRAGMA defer_foreign_keys = ON")
    try:
        yield
        if connection.status(apsw.SQLITE_DBSTATUS_DEFERRED_FKS)[0]:
            raise ReferenceConflict()
    finally:
        connection.execute("PRAGMA defer_foreign_keys = OFF")


def _update(
    sql: TableSql, plan: UpdatePlan, version: int, ids: IdSource, connection: apsw.Connection
) -> Updated:
    statements = sql.update(plan.shape)
    with translated():
        _check_version(connection, version)
    _rekey(sql, plan, connection)
    bound = statements.update.bind(update_values(plan, ids.stamp(0).written_on))
    try:
        with translated():
            cursor = connection.execute(bound.text, bound.parameters)
            # one record too many tells that there are; the rest is not even looked at
            rows = list(islice(cursor, plan.max_records + 1))
            cursor.close(True)
    except UniqueConflict as conflict:
        raise _named_conflict(conflict, sql, None) from conflict
    count = connection.changes()
    if not statements.width or len(rows) > plan.max_records:
        return Updated(count, None)
    rows.sort(key=itemgetter(statements.width - 1))  # by _id, the last column of a record
    return Updated(count, _with_booleans(rows, statements.booleans))


def _delete(sql: TableSql, plan: DeletePlan, version: int, connection: apsw.Connection) -> int:
    with translated():
        _check_version(connection, version)
        bound = sql.delete(plan.where.shape).bind(delete_values(plan))
        connection.execute(bound.text, bound.parameters).fetchall()
    return connection.changes()


def _named_conflict(conflict: UniqueConflict, sql: TableSql, row: int | None) -> UniqueConflict:
    """SQLite says which columns of the table failed to be unique: ``UNIQUE constraint failed: t.a, t.b``."""
    said = str(conflict.__cause__).rpartition("failed: ")[2]
    failed = [part.rpartition(".")[2] for part in said.split(", ")]
    return UniqueConflict(_unique_index(sql.schema, failed), row)


def _unique_index(schema: TableSchema, failed: list[str]) -> Index | None:
    for index in schema.table.indexes:
        names = [getattr(schema.identity(part.name), "name", None) for part in index.columns]
        if index.is_unique and names == failed:
            return index
    return None
