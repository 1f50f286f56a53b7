"""Databases: one SQLite file, and what a workspace's file does with rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import islice, repeat
from operator import add, itemgetter, length_hint
from pathlib import Path
from typing import Any, TypeVar

import apsw

from rowkeep.errors.catalogue import StorageUnavailable
from rowkeep.model.ids import IdSource, Stamp
from rowkeep.model.tables import Index, Table
from rowkeep.plan.rows.select import SelectPlan
from rowkeep.plan.rows.writes import DeletePlan, InsertPlan, UpdatePlan
from rowkeep.plan.views.bind import BoundView
from rowkeep.settings import Settings
from rowkeep.sql.binding import delete_values, select_values, update_values
from rowkeep.sql.dialects import SQLITE
from rowkeep.sql.pages import Decoders, Pages
from rowkeep.sql.physical_table import TableSchema
from rowkeep.sql.rows import SqliteTableSql, TableSql
from rowkeep.sql.statements import Statement
from rowkeep.sql.views import SqliteViewSql, ViewSql
from rowkeep.storage.contract import (
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
from rowkeep.storage.response_sizes import fitting, fitting_page, sizes
from rowkeep.storage.sqlite.connections import VERSION, Connection, run_script, translated
from rowkeep.storage.sqlite.file_identity import Place
from rowkeep.storage.sqlite.files import Opener, OpenFile, OpenFiles, failure_at
from rowkeep.storage.sqlite.writer import Joinable

T = TypeVar("T")


class SqliteDatabase(Database):
    dialect = SQLITE
    schema = None

    def __init__(self, path: Path, settings: Settings, files: OpenFiles, *, create: bool = True) -> None:
        """``create`` makes a file that is not there."""
        self.path = path
        place = Place(path)
        self.opener = Opener(place, files, partial(OpenFile, place, settings, files), create=create)

    async def read(self, script: Script[T]) -> T:
        return await self._read(lambda connection: run_script(connection, script))

    async def write(self, script: Script[T]) -> T:
        return await self._write(lambda connection: run_script(connection, script))

    async def _read(self, work: Callable[[Connection], T], table_id: str | None = None) -> T:
        try:
            return await (await self.opener.use()).reader.run(work, table_id)
        except StorageUnavailable as error:
            self._refuse_if_gone()
            raise failure_at(self.path, error) from error.__cause__

    async def _write(self, work: Callable[[Connection], T], *, is_limited: bool = False) -> T:
        try:
            return await (await self.opener.use()).writer.run(work, is_limited=is_limited)
        except StorageUnavailable as error:
            self._refuse_if_gone()
            raise failure_at(self.path, error) from error.__cause__

    def _refuse_if_gone(self) -> None:
        """Where the file may be taken away by somebody who may do so, raises StaleCatalog if it was."""


class SqliteWorkspaceDatabase(SqliteDatabase, WorkspaceDatabase):
    def __init__(
        self, path: Path, settings: Settings, files: OpenFiles, ids: IdSource, *, create: bool = True
    ) -> None:
        super().__init__(path, settings, files, create=create)
        self._ids = ids

    def prepare(self, table: Table) -> TableSql:
        return SqliteTableSql(table, None)

    def _refuse_if_gone(self) -> None:
        """A file that somebody took away: most likely its workspace was deleted, which the catalog knows."""
        if not self.path.exists():
            raise StaleCatalog() from None

    def prepare_view(self, view: BoundView) -> ViewSql:
        return SqliteViewSql(view, None)

    async def select(self, sql: Pages, plan: SelectPlan, version: int) -> Selected:
        return await self._read(partial(_select, sql, plan, version), plan.table_id)

    async def insert(self, sql: TableSql, plan: InsertPlan, version: int) -> Stamp:
        return await self._write(_Insertion(sql, plan, version, self._ids))

    async def update(self, sql: TableSql, plan: UpdatePlan, version: int) -> Updated:
        return await self._write(partial(_update, sql, plan, version, self._ids), is_limited=True)

    async def delete(self, sql: TableSql, plan: DeletePlan, version: int) -> int:
        return await self._write(partial(_delete, sql, plan, version), is_limited=True)


def _check_version(connection: apsw.Connection, version: int) -> None:
    if connection.execute(VERSION).fetchall() != [(version,)]:
        raise StaleCatalog()


def _select(sql: Pages, plan: SelectPlan, version: int, connection: Connection) -> Selected:
    statements = sql.select(plan.shape)
    values = select_values(plan, sql.constants)
    total: Any = None
    with translated():
        page = statements.page.bind(values)
        rows, size, is_cut = _page(connection, page, plan.max_bytes)
        if connection.version() != version:
            raise StaleCatalog()
        if statements.count is not None and plan.is_whole(len(rows)) and not is_cut:
            total = plan.offset + len(rows)
        elif statements.count is not None:
            count = statements.count.bind(values)
            total = connection.execute(count.text, count.parameters).fetchall()[0][0]
    next_key = None
    if len(rows) > plan.limit or is_cut:
        rows = rows[: plan.limit]
        next_key = [rows[-1][at] for at in statements.key] if rows else None
    if rows and len(rows[0]) > statements.width:
        rows = list(map(itemgetter(slice(statements.width)), rows))
    return Selected(_decoded(rows, statements.decoders), total, next_key, size)


def _page(connection: Connection, page: Statement, max_bytes: int) -> tuple[Sequence[Row], int, bool]:
    """The rows that fit, about how many bytes they take (0 for few), and whether some did not fit."""
    cursor = connection.execute(page.text, page.parameters)
    if connection.max_cell_bytes is None:
        try:
            found = fitting_page(cursor, max_bytes)
        finally:
            cursor.close(True)
        return found.rows, found.size, found.is_cut
    rows = cursor.fetchall()
    # of few cells that are not large it is known that they fit
    may_be_large = bool(rows) and len(rows) * len(rows[0]) * connection.max_cell_bytes > max_bytes
    size = sum(sizes(rows if may_be_large else ()))
    if size > max_bytes:
        found = fitting_page(rows, max_bytes)
        return found.rows, found.size, found.is_cut
    return rows, size, False


def _decoded(rows: Sequence[Row], decoders: Decoders) -> Sequence[Row]:
    """The rows with their cells as they are answered, a column at a time."""
    if not decoders or not rows:
        return rows
    columns: list[Iterable[object]] = list(zip(*rows, strict=True))
    for at, decode in decoders:
        if at < len(columns):
            columns[at] = map(decode, columns[at])
    return list(zip(*columns, strict=True))


class _Insertion(Joinable[Stamp]):
    """Rows that are to be written. Single rows of one app for one table are written together."""

    def __init__(self, sql: TableSql, plan: InsertPlan, version: int, ids: IdSource) -> None:
        self._sql = sql
        self._plan = plan
        self._version = version
        self._ids = ids
        # rows that refer to each other belong together only if they were sent together
        is_joinable = len(plan.rows) == 1 and not plan.rekeyed and not _refers_to_itself(sql.table)
        self.key = (sql, plan.writer, version) if is_joinable else self

    def __call__(self, connection: apsw.Connection) -> Stamp:
        rows = iter(self._plan.rows)
        try:
            return self._write(connection, self._plan.rows, rows)
        except UniqueConflict as conflict:
            # the rows that the iterator still holds were not reached
            reached = len(self._plan.rows) - length_hint(rows)
            raise _named_conflict(conflict, self._sql, reached - 1) from conflict

    def join(self, connection: apsw.Connection, works: Sequence[_Insertion]) -> Iterable[Stamp]:
        rows = [work._plan.rows[0] for work in works]
        return self._write(connection, rows, iter(rows)).each()

    def _write(self, connection: apsw.Connection, rows: Sequence[Row], reached: Iterator[Row]) -> Stamp:
        sql = self._sql
        with translated():
            _check_version(connection, self._version)
            _rekey(sql, self._plan, connection)
            stamp = self._ids.stamp(len(rows))
            on, by = repeat(stamp.written_on), repeat(self._plan.writer)
            cells = map(add, reached, zip(on, on, by, by, stamp.ids(), strict=False))
            if sql.keyed:
                keys = zip(*(map(itemgetter(at), rows) for at in sql.keyed), strict=True)
                cells = map(add, cells, keys)
            with _references_wait(sql.table, connection):
                connection.executemany(sql.insert.text, cells)
        return stamp


def _refers_to_itself(table: Table) -> bool:
    return any(c.reference is not None and c.reference.table == table.id for c in table.columns)


def _rekey(sql: TableSql, plan: InsertPlan | UpdatePlan, connection: apsw.Connection) -> None:
    for name, cells in plan.rekeyed.items():
        with translated():
            connection.executemany(sql.rekey(name).text, cells)


@contextmanager
def _references_wait(table: Table, connection: apsw.Connection) -> Iterator[None]:
    """Rows of one request may refer to each other in any order: references to the table itself are looked at
    behind the last row. (PostgreSQL does so anyway.)"""
    if not _refers_to_itself(table):
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
            try:
                found = fitting(islice(cursor, plan.max_records + 1), plan.max_bytes)
            finally:
                cursor.close(True)
    except UniqueConflict as conflict:
        raise _named_conflict(conflict, sql, None) from conflict
    count = connection.changes()
    rows = found.rows
    if not statements.width or found.is_cut or len(rows) > plan.max_records:
        return Updated(count, None)
    rows.sort(key=itemgetter(statements.width - 1))  # by _id, the last column of a record
    return Updated(count, _decoded(rows, statements.decoders), found.size)


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
