"""Writes: inserts, updates and deletes of rows.

Whatever is written goes through here: one row or a filter's rows by one statement, which checks the version
itself, many rows by COPY, in a transaction that checks it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain, repeat
from operator import add
from typing import Any

import asyncpg

from rowkeep.errors.catalogue import Busy, IdempotencyInProgress
from rowkeep.model.history import Operation
from rowkeep.model.ids import IdSource, Stamp
from rowkeep.model.tables import Table
from rowkeep.plan.rows.bounds import Bounds
from rowkeep.plan.rows.upserts import UpsertPlan
from rowkeep.plan.rows.writes import DeletePlan, InsertPlan, UpdatePlan
from rowkeep.sql.binding import delete_values, insert_values, update_values
from rowkeep.sql.copied_cells import CopiedCells, copied_moment
from rowkeep.sql.history_operations import bound_operation, operation_values, recorded
from rowkeep.sql.names import index_named, table_name
from rowkeep.sql.rows import TableSql, UpdateSql
from rowkeep.sql.statements import Statement, Template
from rowkeep.storage.contract import Row, Script, StaleCatalog, UniqueConflict, UpdatedRows, WriteKey
from rowkeep.storage.key_values import key_values
from rowkeep.storage.postgres.driver_errors import constraint_of, copied_line
from rowkeep.storage.postgres.keys import is_in_progress, keyed, used_key
from rowkeep.storage.postgres.pool import Call, Pool, run_script
from rowkeep.storage.postgres.reads import CELL_BYTES, answered
from rowkeep.storage.postgres.waiting import ConnectionLane
from rowkeep.storage.response_sizes import fitting

UNFIT = (
    asyncpg.IntegrityConstraintViolationError,
    asyncpg.DataError,
    asyncpg.SyntaxOrAccessError,
    asyncpg.InternalServerError,
    # cells of other types than the columns have: too few or too many bytes
    asyncpg.ProtocolViolationError,
    TypeError,
    ValueError,
    OverflowError,
)
"""What COPY raises, or the driver before it sends a row, for rows that do not fit the table."""

COPIED_AT_ONCE = 10_000
"""Of how many rows cells are made what COPY takes, at once."""


async def insert(
    pool: Pool,
    lane: ConnectionLane,
    sql: TableSql,
    plan: InsertPlan,
    version: int,
    stamp: Stamp,
    key: WriteKey | None = None,
    check: Script[None] | None = None,
) -> Stamp:
    """Write the rows with the ids and the time of the stamp; gives it back. The script ``check`` runs in the
    transaction before them: nothing is written if it raises."""
    is_one = len(plan.rows) == 1 and check is None
    try:
        if is_one and not plan.rekeyed and not plan.is_dry_run:
            await _insert_one(pool, lane, sql, plan, version, stamp, key)
        else:
            await _copy(pool, lane, sql, plan, version, stamp, key, check)
    except UniqueConflict as conflict:
        raise named_insert_conflict(conflict, sql.table, plan) from conflict
    return stamp


def named_insert_conflict(conflict: UniqueConflict, table: Table, plan: InsertPlan) -> UniqueConflict:
    only = 0 if len(plan.rows) == 1 else copied_line(conflict.__cause__)
    return named_conflict(conflict, table, only)


async def insert_on(
    connection: asyncpg.Connection, pool: Pool, sql: TableSql, plan: InsertPlan, version: int, stamp: Stamp
) -> None:
    """The same as :func:`insert`, as a part of a transaction."""
    if len(plan.rows) == 1 and not plan.rekeyed:
        bound = sql.insert.bind(_row_values(sql, plan, version, stamp))
        if await connection.execute(bound.text, *bound.parameters) != "INSERT 0 1":
            raise StaleCatalog()
    else:
        await _copy_on(connection, pool, sql, plan, version, stamp)


async def _insert_one(
    pool: Pool,
    lane: ConnectionLane,
    sql: TableSql,
    plan: InsertPlan,
    version: int,
    stamp: Stamp,
    key: WriteKey | None,
) -> None:
    values = _row_values(sql, plan, version, stamp) | values_of(plan.operation, stamp)
    call = Call(lane, sql.table.id, is_statement=True)
    if key is not None:
        write = sql.keyed_insert if plan.operation is None else sql.recorded_keyed_insert
        bound = write.bind(values | key_values(key, key.respond(stamp)))
        await _insert_keyed(pool, call, sql, key, bound)
        return
    bound = (sql.insert if plan.operation is None else sql.recorded_insert).bind(values)
    if await pool.execute(bound.text, bound.parameters, call) != "INSERT 0 1":
        raise StaleCatalog()


def _row_values(sql: TableSql, plan: InsertPlan, version: int, stamp: Stamp) -> dict[str, Any]:
    """The values of an insert of one row."""
    on, writer = copied_moment(stamp.moment), plan.writer
    row = (*natively(plan.rows[0], sql.copied), on, on, writer, writer, *stamp.ids())
    return insert_values(row) | {"version": version}


async def _insert_keyed(pool: Pool, call: Call, sql: TableSql, key: WriteKey, bound: Statement) -> None:
    """Write a row and its key by one statement."""
    try:
        done = await pool.execute(bound.text, bound.parameters, call)
    except Busy as busy:
        raise IdempotencyInProgress() if is_in_progress(busy) else busy from busy.__cause__
    if done != "INSERT 0 1":
        raise await used_key(pool, call, sql.namespace, key)


async def _copy(
    pool: Pool,
    lane: ConnectionLane,
    sql: TableSql,
    plan: InsertPlan,
    version: int,
    stamp: Stamp,
    key: WriteKey | None,
    check: Script[None] | None,
) -> None:
    """Write rows by binary COPY."""

    async def copy(connection: asyncpg.Connection) -> Stamp:
        await store_operation(connection, sql, plan.operation, stamp)
        if check is not None:
            await run_script(connection, check)
        await _copy_on(connection, pool, sql, plan, version, stamp)
        return stamp

    if key is None:
        await pool.transaction(copy, Call(lane), is_dry_run=plan.is_dry_run)
    else:
        await keyed(pool, Call(lane), sql.namespace, key, copy)


def version_of(sql: TableSql) -> str:
    """The statement that reads the version of the workspace."""
    return f'SELECT version FROM "{sql.namespace}"._rowkeep_workspace'  # noqa: S608 - our own name


async def _copy_on(
    connection: asyncpg.Connection, pool: Pool, sql: TableSql, plan: InsertPlan, version: int, stamp: Stamp
) -> None:
    """Write rows by binary COPY, then compare the version: the lock that COPY takes keeps the definition as
    it is until the commit. The write comes first, because a cluster prepares the commit on another node only
    if the transaction began with a write there; without that, a failed commit would pass for a good one."""
    place = namespace, name = place_of(sql)
    try:
        await rekey(connection, sql, plan)
        if plan.rows:
            await pool.expect_types(connection, place, sql.kinds)
            await connection.copy_records_to_table(
                name,
                schema_name=namespace,
                columns=[str(column) for column in sql.columns],
                records=stored_rows(sql, plan, stamp),
            )
    except UNFIT as error:
        # rows of an older definition do not fit the table
        await roll_back(connection, error)
        await check_types(connection, pool, place, version)
        raise
    await check_types(connection, pool, place, version)


def place_of(sql: TableSql) -> tuple[str, str]:
    """The schema and the name of the table that rows are copied to."""
    return str(sql.namespace), str(table_name(sql.table))


async def check_types(
    connection: asyncpg.Connection, pool: Pool, place: tuple[str, str], version: int
) -> None:
    """Raises StaleCatalog."""
    try:
        await check_version(connection, place[0], version)
    except StaleCatalog:
        pool.forget_types(place)
        raise


async def check_version(connection: asyncpg.Connection, namespace: str, version: int) -> None:
    """Raises StaleCatalog if the definitions or grants have changed since a plan was made."""
    read = f'SELECT version FROM "{namespace}"._rowkeep_workspace'  # noqa: S608 - our own name
    if await connection.fetchval(read) != version:
        raise StaleCatalog()


async def roll_back(connection: asyncpg.Connection, error: Exception) -> None:
    """End the transaction that an error ended, so that something can be read; raises the error if the
    connection has ended too."""
    if connection.is_closed():
        raise error
    await connection.execute("ROLLBACK")


async def update(
    pool: Pool,
    lane: ConnectionLane,
    ids: IdSource,
    sql: TableSql,
    plan: UpdatePlan,
    version: int,
    key: WriteKey | None = None,
) -> UpdatedRows:
    stamp = ids.stamp(0)
    statements, bound = _bound_update(stamp, sql, plan, version, plan.operation)
    call = Call(lane, sql.table.id, is_limited=True)

    async def update_keyed(connection: asyncpg.Connection) -> UpdatedRows:
        return _result(await _update_in_steps(sql, plan, bound, connection), statements, plan, version)

    try:
        if key is not None:
            return await keyed(pool, call, sql.namespace, key, update_keyed)
        if plan.is_dry_run or plan.rekeyed or plan.bounds.need_undo(sql.most(plan.where.shape)):
            steps = partial(_update_in_steps, sql, plan, bound)
            rows = await pool.transaction(steps, call, is_dry_run=plan.is_dry_run)
        else:
            rows = await pool.change(bound.text, bound.parameters, call)
    except UniqueConflict as conflict:
        raise named_conflict(conflict, sql.table, None) from conflict
    return _result(rows, statements, plan, version)


async def update_on(
    connection: asyncpg.Connection, ids: IdSource, sql: TableSql, plan: UpdatePlan, version: int
) -> UpdatedRows:
    """The same, as a part of a transaction."""
    statements, bound = _bound_update(ids.stamp(0), sql, plan, version)
    return _result(await _update_in_steps(sql, plan, bound, connection), statements, plan, version)


def _bound_update(
    stamp: Stamp, sql: TableSql, plan: UpdatePlan, version: int, operation: Operation | None = None
) -> tuple[UpdateSql, Statement]:
    statements = sql.update(plan.shape)
    now = copied_moment(stamp.moment)
    values = update_values(plan, natively(plan.cells, statements.copied), now) | {"version": version}
    write = with_operation(sql, statements.update, operation)
    return statements, write.bind(values | values_of(operation, stamp))


def _result(rows: Sequence[Any], statements: UpdateSql, plan: UpdatePlan, version: int) -> UpdatedRows:
    """What the rows of an update say. Raises StaleCatalog."""
    if not rows or rows[0][0] != version:
        raise StaleCatalog()
    count = rows[0][1]
    plan.bounds.check(count)
    if not statements.width or count > plan.max_records:
        return UpdatedRows(count, None)
    return _updated(rows, statements, plan) if count else UpdatedRows(0, ())


async def _update_in_steps(
    sql: TableSql, plan: UpdatePlan, bound: Statement, connection: asyncpg.Connection
) -> list[Any]:
    await rekey(connection, sql, plan)
    return await _write_within(plan.bounds, bound, connection)


async def _write_within(bounds: Bounds, bound: Statement, connection: asyncpg.Connection) -> list[Any]:
    """Run a statement that answers with the version and the number of rows, and undo it if that number is
    out of bounds."""
    rows: list[Any] = await connection.fetch(bound.text, *bound.parameters)
    if rows and not bounds.include(rows[0][1]):
        await connection.execute("ROLLBACK AND CHAIN")
    return rows


def _updated(rows: Sequence[Any], statements: UpdateSql, plan: UpdatePlan) -> UpdatedRows:
    _, count, size, *_ = rows[0]
    if size > plan.max_bytes:
        return UpdatedRows(count, None)
    found = answered(rows, statements.width)
    if size + len(rows) * statements.width * CELL_BYTES > plan.max_bytes:
        fit = fitting(found, plan.max_bytes)
        return UpdatedRows(count, None if fit.is_cut else fit.rows, fit.size)
    return UpdatedRows(count, found, size)


async def delete(
    pool: Pool,
    lane: ConnectionLane,
    ids: IdSource,
    sql: TableSql,
    plan: DeletePlan,
    version: int,
    key: WriteKey | None = None,
) -> int:
    values = delete_values(plan) | {"version": version}
    if plan.operation is not None:
        values |= values_of(plan.operation, ids.stamp(0))
    bound = with_operation(sql, sql.delete(plan.where.shape), plan.operation).bind(values)
    call = Call(lane, sql.table.id, is_limited=True)

    async def delete_keyed(connection: asyncpg.Connection) -> int:
        return _count(await _write_within(plan.bounds, bound, connection), plan, version)

    if key is not None:
        return await keyed(pool, call, sql.namespace, key, delete_keyed)
    if plan.is_dry_run or plan.bounds.need_undo(sql.most(plan.where.shape)):
        steps = partial(_write_within, plan.bounds, bound)
        rows = await pool.transaction(steps, call, is_dry_run=plan.is_dry_run)
    else:
        rows = await pool.change(bound.text, bound.parameters, call)
    return _count(rows, plan, version)


async def delete_on(connection: asyncpg.Connection, sql: TableSql, plan: DeletePlan, version: int) -> int:
    """The same, as a part of a transaction."""
    bound = sql.delete(plan.where.shape).bind(delete_values(plan) | {"version": version})
    return _count(await _write_within(plan.bounds, bound, connection), plan, version)


def _count(rows: Sequence[Any], plan: DeletePlan, version: int) -> int:
    """Raises StaleCatalog, AffectedOutOfBounds."""
    if not rows or rows[0][0] != version:
        raise StaleCatalog()
    count = int(rows[0][1])
    plan.bounds.check(count)
    return count


# what writes have in common


def with_operation(sql: TableSql, write: Template, operation: Operation | None) -> Template:
    """A statement that stores the operation too, if there is one."""
    return write if operation is None else recorded(write, sql.dialect, sql.namespace)


def values_of(operation: Operation | None, stamp: Stamp) -> dict[str, Any]:
    """The values of such a statement for its operation."""
    return {} if operation is None else operation_values(operation, stamp.written_on)


async def store_operation(
    connection: asyncpg.Connection, sql: TableSql, operation: Operation | None, stamp: Stamp
) -> None:
    """Store the operation of a transaction, if its table has a history."""
    if operation is not None:
        bound = bound_operation(sql.dialect, sql.namespace, operation, stamp.written_on)
        await connection.execute(bound.text, *bound.parameters)


async def rekey(
    connection: asyncpg.Connection, sql: TableSql, plan: InsertPlan | UpdatePlan | UpsertPlan
) -> None:
    for name, cells in plan.rekeyed.items():
        await connection.executemany(sql.rekey(name).text, cells)


def stored_rows(sql: TableSql, plan: InsertPlan, stamp: Stamp) -> Iterator[tuple[Any, ...]]:
    """The rows as they are written, without a step of Python for each."""
    on = copied_moment(stamp.moment)
    system = zip(repeat(on), repeat(on), repeat(plan.writer), repeat(plan.writer), stamp.ids(), strict=False)
    return map(add, copied(sql, plan.rows), system)


def copied(sql: TableSql, rows: Sequence[Row]) -> Iterable[Row]:
    """Rows as COPY takes them, a column at a time."""
    if not sql.copied:
        return rows
    # a part at a time, as COPY asks for it: the event loop does not wait for all of them
    parts = (rows[at : at + COPIED_AT_ONCE] for at in range(0, len(rows), COPIED_AT_ONCE))
    return chain.from_iterable(map(partial(_copied_columns, sql.copied), parts))


def natively(cells: Sequence[Any], changed: Mapping[int, CopiedCells]) -> Sequence[Any]:
    """The cells of one row, as PostgreSQL has them."""
    if not changed:
        return cells
    made = list(cells)
    for at, convert in changed.items():
        cell = made[at]
        if cell is not None:
            made[at] = convert((cell,))[cell]
    return made


def _copied_columns(changed: Mapping[int, CopiedCells], rows: Sequence[Row]) -> Iterable[Row]:
    columns: list[Iterable[Any]] = list(zip(*rows, strict=True))
    for at, convert in changed.items():
        columns[at] = map(convert(set(columns[at]) - {None}).get, columns[at])
    return zip(*columns, strict=True)


def named_conflict(conflict: UniqueConflict, table: Table, row: int | None) -> UniqueConflict:
    return UniqueConflict(index_named(table, constraint_of(conflict.__cause__)), row)
