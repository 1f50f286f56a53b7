"""Databases: one schema, and what a workspace's schema does with rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from itertools import chain, repeat
from operator import add, floordiv, itemgetter, sub
from typing import Any, TypeVar, cast

import asyncpg

from rowkeep.model.column_types import Kind
from rowkeep.model.ids import IdSource, Stamp
from rowkeep.model.tables import Table
from rowkeep.model.values.scalars import moments_of
from rowkeep.plan.rows.select import SelectPlan
from rowkeep.plan.rows.writes import DeletePlan, InsertPlan, UpdatePlan
from rowkeep.plan.views.bind import BoundView
from rowkeep.sql.binding import delete_values, insert_values, select_values, update_values
from rowkeep.sql.dialects import POSTGRES
from rowkeep.sql.names import index_named
from rowkeep.sql.pages import Pages, PostgresPages, SelectSql
from rowkeep.sql.rows import PostgresTableSql, TableSql, UpdateSql
from rowkeep.sql.statements import Statement
from rowkeep.sql.views import PostgresViewSql, ViewSql
from rowkeep.storage.contract import (
    Database,
    Row,
    Script,
    Selected,
    StaleCatalog,
    UniqueConflict,
    Updated,
    WorkspaceDatabase,
)
from rowkeep.storage.postgres.pool import Call, Pool, copied_line
from rowkeep.storage.postgres.waiting import Lane
from rowkeep.storage.response_sizes import fitting, fitting_page, record_too_large

T = TypeVar("T")

LEAD = 3
"""The version, the count and the bytes of large texts lead each row of an answer."""

CELL_BYTES = 64
"""About what a cell takes in memory beyond the text in it."""

COPIED_AT_ONCE = 10_000
"""Of how many rows cells are made what COPY takes, at once."""

POSTGRES_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


class PostgresDatabase(Database):
    dialect = POSTGRES

    def __init__(self, pool: Pool, schema: str, lane: Lane) -> None:
        self._pool = pool
        self.schema: str = schema
        self._script = Call(lane)

    async def read(self, script: Script[T]) -> T:
        return await self._pool.read(script, self._script)

    async def write(self, script: Script[T]) -> T:
        return await self._pool.write(script, self._script)


class PostgresWorkspaceDatabase(PostgresDatabase, WorkspaceDatabase):
    def __init__(self, pool: Pool, schema: str, ids: IdSource) -> None:
        super().__init__(pool, schema, pool.turns.definitions)
        self._ids = ids
        self._rows = pool.turns.new_workspace()

    def prepare(self, table: Table) -> TableSql:
        return PostgresTableSql(table, self.schema)

    def prepare_view(self, view: BoundView) -> ViewSql:
        return PostgresViewSql(view, self.schema)

    async def select(self, sql: Pages, plan: SelectPlan, version: int) -> Selected:
        statements = sql.select(plan.shape) if plan.offset else sql.limited(plan.shape, plan.limit)
        page = statements.page.bind(select_values(plan, sql.constants))
        call = Call(self._rows, plan.table_id, is_limited=True)
        rows = await self._pool.fetch(page.text, page.parameters, call)
        _check_version(rows, version)
        _, total, size, *_ = rows[0]
        if size > plan.max_bytes:
            return await self._select_fitting(sql, plan, version)
        if rows[0][LEAD + statements.never_null] is None:
            # only the row that bears the version: the page is empty
            return Selected((), plan.offset if plan.shape.is_counted and total is None else total, None)
        if total is None and plan.shape.is_counted:
            total = plan.offset + len(rows)
        return _page(rows, statements, plan, total, size, is_cut=False)

    async def _select_fitting(self, sql: Pages, plan: SelectPlan, version: int) -> Selected:
        """The start of a page that is too large as a whole, so that the rest of it never gets here."""
        statements = cast("PostgresPages", sql).cut(plan.shape)
        page = statements.page.bind(select_values(plan, sql.constants))
        call = Call(self._rows, plan.table_id, is_limited=True)
        rows = await self._pool.fetch(page.text, page.parameters, call)
        _check_version(rows, version)
        _, total, found, *_ = rows[0]
        if rows[0][LEAD + statements.never_null] is None:
            if found:
                raise record_too_large(plan.max_bytes)
            return Selected((), total, None)
        return _page(rows, statements, plan, total, plan.max_bytes, is_cut=len(rows) < found)

    async def insert(self, sql: TableSql, plan: InsertPlan, version: int) -> Stamp:
        stamp = self._ids.stamp(len(plan.rows))
        try:
            if len(plan.rows) == 1 and not plan.rekeyed:
                await self._insert_one(sql, plan, version, stamp)
            else:
                await self._copy(sql, plan, version, stamp)
        except UniqueConflict as conflict:
            only = 0 if len(plan.rows) == 1 else copied_line(conflict.__cause__)
            raise _named_conflict(conflict, sql.table, only) from conflict
        return stamp

    async def _insert_one(self, sql: TableSql, plan: InsertPlan, version: int, stamp: Stamp) -> None:
        on = stamp.written_on
        row = (*plan.rows[0], on, on, plan.writer, plan.writer, *stamp.ids())
        bound = sql.insert.bind(insert_values(row) | {"version": version})
        done = await self._pool.execute(bound.text, bound.parameters, Call(self._rows, sql.table.id))
        if done != "INSERT 0 1":
            raise StaleCatalog()

    async def _copy(self, sql: TableSql, plan: InsertPlan, version: int, stamp: Stamp) -> None:
        """Write rows by binary COPY. The lock keeps definitions as they are from the check to the commit."""
        name = sql.schema.physical.name
        lock = f'LOCK TABLE "{self.schema}"."{name}" IN ROW EXCLUSIVE MODE'
        read_version = f'SELECT version FROM "{self.schema}"._rowkeep_workspace'  # noqa: S608 - our own name

        async def copy(connection: asyncpg.Connection) -> None:
            await connection.execute(lock)
            if await connection.fetchval(read_version) != version:
                raise StaleCatalog()
            await _rekey(connection, sql, plan)
            if plan.rows:
                await connection.copy_records_to_table(
                    str(name),
                    schema_name=self.schema,
                    columns=[str(column) for column in sql.columns],
                    records=_stored(sql.table, plan, stamp),
                )

        await self._pool.transaction(copy, Call(self._rows))

    async def update(self, sql: TableSql, plan: UpdatePlan, version: int) -> Updated:
        statements = sql.update(plan.shape)
        values = update_values(plan, self._ids.stamp(0).written_on) | {"version": version}
        bound = statements.update.bind(values)
        call = Call(self._rows, sql.table.id, is_limited=True)
        try:
            if plan.rekeyed:
                rows = await self._pool.transaction(partial(_update_rekeyed, sql, plan, bound), call)
            else:
                rows = await self._pool.change(bound.text, bound.parameters, call)
        except UniqueConflict as conflict:
            raise _named_conflict(conflict, sql.table, None) from conflict
        _check_version(rows, version)
        count = rows[0][1]
        if not statements.width or count > plan.max_records:
            return Updated(count, None)
        return _updated(rows, statements, plan) if count else Updated(0, ())

    async def delete(self, sql: TableSql, plan: DeletePlan, version: int) -> int:
        bound = sql.delete(plan.where.shape).bind(delete_values(plan) | {"version": version})
        call = Call(self._rows, sql.table.id, is_limited=True)
        rows = await self._pool.change(bound.text, bound.parameters, call)
        _check_version(rows, version)
        return int(rows[0][1])


async def _update_rekeyed(
    sql: TableSql, plan: UpdatePlan, bound: Statement, connection: asyncpg.Connection
) -> list[Any]:
    await _rekey(connection, sql, plan)
    rows: list[Any] = await connection.fetch(bound.text, *bound.parameters)
    return rows


async def _rekey(connection: asyncpg.Connection, sql: TableSql, plan: InsertPlan | UpdatePlan) -> None:
    for name, cells in plan.rekeyed.items():
        await connection.executemany(sql.rekey(name).text, cells)


def _check_version(rows: Sequence[Any], version: int) -> None:
    if not rows or rows[0][0] != version:
        raise StaleCatalog()


def _page(
    rows: Sequence[Any],
    statements: SelectSql,
    plan: SelectPlan,
    total: int | None,
    size: int,
    *,
    is_cut: bool,
) -> Selected:
    """A page of these rows. ``size`` counts large texts alone; if that may be too little, the rows are
    measured as every engine does it, and the page ends where they take too much."""
    has_more = is_cut or len(rows) > plan.limit
    rows = rows[: plan.limit]
    found: Sequence[Row] = _cut(rows, statements.width)
    if size + len(rows) * statements.width * CELL_BYTES > plan.max_bytes:
        fit = fitting_page(found, plan.max_bytes)
        found, size, has_more = fit.rows, fit.size, has_more or fit.is_cut
    last = rows[len(found) - 1]
    return Selected(found, total, [last[LEAD + at] for at in statements.key] if has_more else None, size)


def _updated(rows: Sequence[Any], statements: UpdateSql, plan: UpdatePlan) -> Updated:
    _, count, size, *_ = rows[0]
    if size > plan.max_bytes:
        return Updated(count, None)
    found = _cut(rows, statements.width)
    if size + len(rows) * statements.width * CELL_BYTES > plan.max_bytes:
        fit = fitting(found, plan.max_bytes)
        return Updated(count, None if fit.is_cut else fit.rows, fit.size)
    return Updated(count, found, size)


def _cut(rows: Sequence[asyncpg.Record], width: int) -> list[Any]:
    """The answered columns of each row, without what leads and what only sorts."""
    return list(map(itemgetter(slice(LEAD, LEAD + width)), rows))


def _stored(table: Table, plan: InsertPlan, stamp: Stamp) -> Iterator[tuple[Any, ...]]:
    """The rows as they are written, without a step of Python for each."""
    on = next(_stored_moments([stamp.moment]))
    system = zip(repeat(on), repeat(on), repeat(plan.writer), repeat(plan.writer), stamp.ids(), strict=False)
    return map(add, _copied(table, plan.rows), system)


def _copied(table: Table, rows: Sequence[Row]) -> Iterable[Row]:
    """Rows as COPY takes them, whose cells are not handed over as text; a column at a time."""
    places = {
        at: column.kind
        for at, column in enumerate(table.columns)
        if column.kind in (Kind.MOMENT, Kind.DECIMAL)
    }
    if not places:
        return rows
    # a part at a time, as COPY asks for it: the event loop does not wait for all of them
    parts = (rows[at : at + COPIED_AT_ONCE] for at in range(0, len(rows), COPIED_AT_ONCE))
    return chain.from_iterable(map(partial(_copied_columns, places), parts))


def _copied_columns(places: Mapping[int, Kind], rows: Sequence[Row]) -> Iterable[Row]:
    columns: list[Iterable[Any]] = list(zip(*rows, strict=True))
    for at, kind in places.items():
        cells = set(columns[at]) - {None}
        stored = (
            _copied_moments(cells)
            if kind is Kind.MOMENT
            else dict(zip(cells, map(Decimal, cells), strict=True))
        )
        columns[at] = map(stored.get, columns[at])
    return zip(*columns, strict=True)


def _copied_moments(cells: Iterable[Any]) -> dict[Any, Any]:
    moments = moments_of(cells)
    return dict(zip(moments, _stored_moments(moments.values()), strict=True))


def _stored_moments(moments: Iterable[Any]) -> Iterator[tuple[int]]:
    """Moments as PostgreSQL has them, each in a tuple, for so the connections take them."""
    return zip(map(floordiv, map(sub, moments, repeat(POSTGRES_EPOCH)), repeat(MICROSECOND)), strict=True)


def _named_conflict(conflict: UniqueConflict, table: Table, row: int | None) -> UniqueConflict:
    physical = getattr(conflict.__cause__, "constraint_name", None) or ""
    return UniqueConflict(index_named(table, physical), row)
