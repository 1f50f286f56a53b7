"""Upserts: rows that are inserted, or that update or ignore the stored row with the same key.

A single row is one statement. Several rows are copied to a temporary table first, in a transaction; of that,
one statement inserts and one updates.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from itertools import count, repeat
from operator import add
from typing import Any, TypeAlias

import asyncpg
import msgspec

from rowkeep.errors.catalogue import Busy
from rowkeep.model.history import Operation
from rowkeep.model.ids import Stamp
from rowkeep.plan.rows.upserts import Outcome, UpsertPlan
from rowkeep.sql.binding import insert_values
from rowkeep.sql.copied_cells import copied_moment
from rowkeep.sql.rows import PostgresTableSql
from rowkeep.sql.statements import Statement, Template
from rowkeep.sql.upserts import PostgresUpsertSql, flag_name
from rowkeep.storage.contract import NotStored, Row, StaleCatalog, UniqueConflict, UpsertedRows, WriteKey
from rowkeep.storage.postgres.driver_errors import translated
from rowkeep.storage.postgres.keys import keyed
from rowkeep.storage.postgres.pool import Call, Pool
from rowkeep.storage.postgres.reads import answered
from rowkeep.storage.postgres.waiting import ConnectionLane
from rowkeep.storage.postgres.writes import (
    UNFIT,
    copied,
    named_conflict,
    natively,
    rekey,
    roll_back,
    store_operation,
    values_of,
    version_of,
    with_operation,
)
from rowkeep.storage.response_sizes import sizes

MAX_TRIES = 10
"""How often a row is looked for that others delete and insert again."""

MAX_IN_ORDER = 1_000
"""More rows are not written one after the other: their conflict is an error."""

Fetch: TypeAlias = Callable[[Statement], Awaitable[Sequence[Any]]]


class GoneError(Exception):
    """A row that was stored is deleted by now, and was not inserted."""


async def upsert(
    pool: Pool,
    lane: ConnectionLane,
    sql: PostgresTableSql,
    plan: UpsertPlan,
    version: int,
    stamp: Stamp,
    key: WriteKey | None = None,
) -> UpsertedRows:
    """Write the rows, new ones with the ids and the time of the stamp."""
    written = Upsert(sql, plan, version, stamp, plan.operation)
    for _ in range(MAX_TRIES):
        try:
            return await _write(pool, lane, written, key)
        except GoneError:
            continue
        except UniqueConflict as conflict:
            if written.is_in_order or not can_be_written_in_order(sql, plan):
                raise named_upsert_conflict(conflict, sql, plan) from conflict
            written.is_in_order = True
    raise Busy()


async def upsert_on(
    connection: asyncpg.Connection, sql: PostgresTableSql, plan: UpsertPlan, version: int, stamp: Stamp
) -> UpsertedRows:
    """The same, as a part of a transaction."""
    written = Upsert(sql, plan, version, stamp)
    try:
        if len(plan.rows) == 1:
            return await written.write_one_of(connection)
        if can_be_written_in_order(sql, plan):
            return await _write_part(connection, written)
        result = await written.write_all(connection)
    except GoneError:
        # it cannot be seen in this snapshot, but in the next one
        raise asyncpg.SerializationError("a row was deleted meanwhile") from None
    if plan.rows:
        await written.drop_source(connection)
    return result


async def _write_part(connection: asyncpg.Connection, written: Upsert) -> UpsertedRows:
    """Write the rows, if they conflict one after the other."""
    await connection.execute("SAVEPOINT upsert_all")
    try:
        result = await written.write_rows(connection)
    except asyncpg.UniqueViolationError:
        await connection.execute("ROLLBACK TO SAVEPOINT upsert_all")
        return await write_in_order(connection, written)
    except UNFIT as error:
        # rows of an older definition do not fit the table
        await roll_back(connection, error)
        await written.check_version(connection)
        raise
    await written.drop_source(connection)
    return result


def named_upsert_conflict(
    conflict: UniqueConflict, sql: PostgresTableSql, plan: UpsertPlan
) -> UniqueConflict:
    if conflict.row is not None:
        return conflict
    return named_conflict(conflict, sql.table, 0 if len(plan.rows) == 1 else None)


async def _write(pool: Pool, lane: ConnectionLane, written: Upsert, key: WriteKey | None) -> UpsertedRows:
    is_single, rekeyed = len(written.plan.rows) == 1, written.plan.rekeyed
    if is_single and not rekeyed and key is None and not written.plan.is_dry_run:
        call = Call(lane, written.sql.table.id, is_statement=True)
        return await written.write_one(
            lambda bound: pool.change(bound.text, bound.parameters, call), written.operation
        )
    work = written.recorded(written.write_one_of if is_single else written.write_all)
    if key is None:
        return await pool.transaction(work, Call(lane), is_dry_run=written.plan.is_dry_run)
    return await keyed(pool, Call(lane), written.sql.namespace, key, work)


def can_be_written_in_order(sql: PostgresTableSql, plan: UpsertPlan) -> bool:
    """Whether some order of the rows could be without a conflict: another index than that of the key is
    unique, and updates set its columns."""
    unique = {part.name for index in sql.table.indexes if index.is_unique for part in index.columns}
    values = unique - set(plan.shape.key)
    return 1 < len(plan.rows) <= MAX_IN_ORDER and not values.isdisjoint(plan.shape.columns)


async def write_in_order(connection: asyncpg.Connection, written: Upsert) -> UpsertedRows:
    """Write the rows in a transaction one after the other, after the statements for all of them have failed:
    so a row can have a value of a unique index that a row before it has given up. Those that can only update
    a row are the last. Raises UniqueConflict and NotStored with the place of the row."""
    plan = written.plan
    await rekey(connection, written.sql, plan)
    results: dict[int, UpsertedRows] = {}
    for at in sorted(range(len(plan.rows)), key=lambda at: (at in plan.incomplete, at)):
        try:
            with translated():
                results[at] = await written.part(at).write_one_of(connection)
        except UniqueConflict as conflict:
            raise named_conflict(conflict, written.sql.table, at) from conflict
        except NotStored:
            raise NotStored([at]) from None
    return _together(plan, [results[at] for at in range(len(plan.rows))])


def _together(plan: UpsertPlan, results: Sequence[UpsertedRows]) -> UpsertedRows:
    """One result of those of the rows."""
    inserted = sum(each.inserted for each in results)
    outcomes = [outcome for each in results for outcome in each.outcomes or ()]
    rows = [row for each in results for row in each.rows or ()]
    size = sum(each.size for each in results)
    counted = UpsertedRows(inserted, len(results) - inserted, None, None)
    if len(outcomes) < len(results) or len(rows) > plan.max_records or size > plan.max_bytes:
        return counted
    return msgspec.structs.replace(counted, outcomes=outcomes, rows=rows, size=size)


class Upsert:
    """One upsert."""

    def __init__(
        self,
        sql: PostgresTableSql,
        plan: UpsertPlan,
        version: int,
        stamp: Stamp,
        operation: Operation | None = None,
    ) -> None:
        self.sql = sql
        self.plan = plan
        self.operation = operation
        self.is_in_order = False
        """Whether the rows are written one after the other."""
        self._version = version
        self._stamp = stamp
        self._statements: PostgresUpsertSql = sql.upsert(plan.shape)
        on = copied_moment(stamp.moment)
        self._system = (on, on, plan.writer, plan.writer)

    def recorded(
        self, work: Callable[[asyncpg.Connection], Awaitable[UpsertedRows]]
    ) -> Callable[[asyncpg.Connection], Awaitable[UpsertedRows]]:
        """Work that first stores the operation, if there is one."""
        if self.operation is None:
            return work

        async def recorded(connection: asyncpg.Connection) -> UpsertedRows:
            await store_operation(connection, self.sql, self.operation, self._stamp)
            return await work(connection)

        return recorded

    # a single row

    async def write_one_of(self, connection: asyncpg.Connection) -> UpsertedRows:
        """The row of a single one, in a transaction."""
        await rekey(connection, self.sql, self.plan)
        return await self.write_one(lambda bound: connection.fetch(bound.text, *bound.parameters))

    async def write_one(self, fetch: Fetch, operation: Operation | None = None) -> UpsertedRows:
        """With ``operation``, the statement that writes stores it."""
        plan, statements = self.plan, self._statements
        (own_id,) = self._stamp.ids()
        cells = (*natively(plan.rows[0], self.sql.copied), *self._system, own_id)
        values = insert_values(cells) | {"version": self._version} | values_of(operation, self._stamp)
        if plan.flags:
            values |= {flag_name(at): flag for at, flag in enumerate(plan.flags[0])}
        if plan.incomplete:
            change = with_operation(self.sql, statements.change_one, operation)
            found = await self._one(fetch, change if self._updates else statements.find_one, values)
            if found is None:
                raise NotStored([0])
            return self._only(plan.outcome, found)
        write = with_operation(self.sql, statements.write, operation)
        found = await self._one(fetch, write, values)
        if found is not None:
            return self._only("inserted" if found[-1] == own_id else plan.outcome, found)
        if plan.shape.returns and plan.shows_ignored:
            found = await self._one(fetch, statements.find_one, values)
            if found is None:
                raise GoneError
        return self._only(plan.outcome, found)

    @property
    def _updates(self) -> bool:
        return self.plan.shape.action == "update"

    async def _one(self, fetch: Fetch, statement: Template, values: dict[str, Any]) -> Row | None:
        """The row that a statement returns after the version. Raises StaleCatalog."""
        rows = await fetch(statement.bind(values))
        if not rows or rows[0][0] != self._version:
            raise StaleCatalog()
        found = tuple(rows[0])[1:]
        return None if found[-1] is None else found

    def _only(self, outcome: Outcome, record: Row | None) -> UpsertedRows:
        inserted = int(outcome == "inserted")
        if not self.plan.shape.returns:
            return UpsertedRows(inserted, 1 - inserted, None, None)
        is_shown = outcome != "ignored" or self.plan.shows_ignored
        rows = [record if is_shown else None]
        size = 0 if record is None else sum(sizes([record]))
        if size > self.plan.max_bytes:
            return UpsertedRows(inserted, 1 - inserted, None, None)
        return UpsertedRows(inserted, 1 - inserted, [outcome], rows, size)

    def part(self, at: int) -> Upsert:
        """The upsert of one of the rows."""
        plan = msgspec.structs.replace(self.plan.part([at]), rekeyed={})
        stamp = msgspec.structs.replace(self._stamp, start=self._stamp.start + at, count=1)
        return Upsert(self.sql, plan, self._version, stamp)

    # several rows

    async def write_all(self, connection: asyncpg.Connection) -> UpsertedRows:
        """All rows, in a transaction."""
        try:
            if self.is_in_order:
                return await write_in_order(connection, self)
            return await self.write_rows(connection)
        except UNFIT as error:
            # rows of an older definition do not fit the table
            await roll_back(connection, error)
            await self.check_version(connection)
            raise

    async def write_rows(self, connection: asyncpg.Connection) -> UpsertedRows:
        """The same; the error of the driver leaves the transaction as it is."""
        if not self.plan.rows:
            await self.check_version(connection)
            return UpsertedRows(0, 0, [], []) if self.plan.shape.returns else UpsertedRows(0, 0, None, None)
        await rekey(connection, self.sql, self.plan)
        await self._copy(connection)
        inserted = await self._fetch(connection, self._statements.insert)
        others = await self._write_others(connection, self._count(inserted))
        await self.check_version(connection)
        return await self._result(connection, inserted, others)

    async def _copy(self, connection: asyncpg.Connection) -> None:
        statements = self._statements
        await connection.execute(statements.create.text)
        await connection.copy_records_to_table(
            statements.source,
            schema_name="pg_temp",
            columns=list(statements.columns),
            records=self._records(),
        )

    async def drop_source(self, connection: asyncpg.Connection) -> None:
        """Drop the source before the end of the transaction, which may have another upsert."""
        await connection.execute(f"DROP TABLE pg_temp.{self._statements.source}")

    def _records(self) -> Iterator[Row]:
        """The rows of the source, without a step of Python for each."""
        plan = self.plan
        incomplete = plan.incomplete
        complete: Iterable[bool] = (
            (at not in incomplete for at in range(len(plan.rows))) if incomplete else repeat(True)
        )
        flags: Iterable[bytes] = map(bytes, plan.flags) if plan.flags else repeat(b"")
        system = zip(self._stamp.ids(), count(), complete, flags, strict=False)
        return map(add, map(tuple, copied(self.sql, plan.rows)), system)

    async def _write_others(self, connection: asyncpg.Connection, inserted: int) -> Sequence[Any]:
        """Update or find the stored rows of those that were not inserted. Raises NotStored."""
        plan, statements = self.plan, self._statements
        left = len(plan.rows) - inserted
        if not left or not (self._updates or plan.incomplete or (plan.shape.returns and plan.shows_ignored)):
            return ()
        others = await self._fetch(connection, statements.change if self._updates else statements.find)
        if self._count(others) < left:
            missing = await connection.fetch(statements.missing.text)
            places = [row[0] for row in missing if row[0] in plan.incomplete]
            if places:
                raise NotStored(places)
            raise GoneError
        return others

    async def _fetch(self, connection: asyncpg.Connection, statement: Template) -> Sequence[Any]:
        place = len(self.plan.rows[0])
        values = insert_values((*repeat(None, place), *self._system))
        bound = statement.bind(values)
        rows: Sequence[Any] = await connection.fetch(bound.text, *bound.parameters)
        return rows

    def _count(self, rows: Sequence[Any]) -> int:
        """How many rows were touched; without records, the statement itself counts them."""
        return len(rows) if self.plan.shape.returns or not rows else rows[0][0]

    async def check_version(self, connection: asyncpg.Connection) -> None:
        if await connection.fetchval(version_of(self.sql)) != self._version:
            raise StaleCatalog()

    async def _result(
        self, connection: asyncpg.Connection, inserted: Sequence[Any], others: Sequence[Any]
    ) -> UpsertedRows:
        plan = self.plan
        new = self._count(inserted)
        counted = UpsertedRows(new, len(plan.rows) - new, None, None)
        if not plan.shape.returns:
            return counted
        own = list(self._stamp.ids())
        made = {row[0] for row in inserted}
        outcomes: list[Outcome] = ["inserted" if each in made else plan.outcome for each in own]
        ids = {at: each for at, each in enumerate(own) if each in made}
        if self._updates or plan.shows_ignored:
            ids |= {row[0]: row[1] for row in others}
        shown = self.sql.by_ids.bind(
            {
                "ids": list(ids.values()),
                "version": self._version,
                "max_records": plan.max_records,
                "max_bytes": plan.max_bytes,
            }
        )
        found = await connection.fetch(shown.text, *shown.parameters)
        _, total, size, *_ = found[0]
        if size > plan.max_bytes:
            return counted
        if total < len(ids):
            raise GoneError
        records = answered(found, self._statements.width)
        by_id = {record[-1]: record for record in records}
        rows = [by_id[ids[at]] if at in ids else None for at in range(len(own))]
        return UpsertedRows(new, len(own) - new, outcomes, rows, max(size, sum(sizes(records))))
