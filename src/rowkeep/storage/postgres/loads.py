"""Loads: all rows of a stream, written in one transaction: inserts by one COPY, upserts part by part."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from typing import Any

import asyncpg
import msgspec

from rowkeep.model.ids import IdSource, Stamp
from rowkeep.plan.rows.upserts import UpsertPlan
from rowkeep.plan.rows.writes import InsertPlan
from rowkeep.sql.rows import PostgresTableSql
from rowkeep.storage.attempts import REFUSALS
from rowkeep.storage.contract import Load, Loaded, PartRefused, Script, UniqueConflict, WriteKey
from rowkeep.storage.postgres.driver_errors import copied_line, refusal
from rowkeep.storage.postgres.keys import keyed
from rowkeep.storage.postgres.pool import Call, Pool, run_script
from rowkeep.storage.postgres.upserts import named_upsert_conflict, upsert_on
from rowkeep.storage.postgres.waiting import ConnectionLane
from rowkeep.storage.postgres.writes import (
    UNFIT,
    check_types,
    named_conflict,
    place_of,
    rekey,
    roll_back,
    store_operation,
    stored_rows,
)


async def load_rows(
    pool: Pool,
    lane: ConnectionLane,
    sql: PostgresTableSql,
    load: Load,
    version: int,
    ids: IdSource,
    key: WriteKey | None,
) -> Loaded:
    """Raises StaleCatalog, PartRefused, KeyUsed."""

    def work(connection: asyncpg.Connection) -> Any:
        return _Loading(connection, pool, sql, load, version, ids).run()

    if key is None:
        return await pool.transaction(work, Call(lane), is_dry_run=load.is_dry_run)
    return await keyed(pool, Call(lane), sql.namespace, key, work)


class _Loading:
    """One load in its transaction."""

    def __init__(
        self,
        connection: asyncpg.Connection,
        pool: Pool,
        sql: PostgresTableSql,
        load: Load,
        version: int,
        ids: IdSource,
    ) -> None:
        self._connection = connection
        self._pool = pool
        self._sql = sql
        self._load = load
        self._version = version
        self._ids = ids
        self._moment = ids.stamp(0).moment
        self._place = place_of(sql)
        self._starts: list[int] = []
        """The number of the first row of each part that was read."""

    async def run(self) -> Loaded:
        await store_operation(self._connection, self._sql, self._load.operation, self._ids.stamp(0))
        await self._run(self._load.first)
        loaded = await self._write()
        await self._run(self._load.last)
        return loaded

    async def _run(self, script: Script[None] | None) -> None:
        if script is not None:
            await run_script(self._connection, script)

    async def _write(self) -> Loaded:
        first = next(self._load.parts(), None)
        if first is None:
            await check_types(self._connection, self._pool, self._place, self._version)
            return Loaded(0)
        return await (self._upsert() if isinstance(first, UpsertPlan) else self._insert(first))

    def _stamp(self, part: InsertPlan | UpsertPlan) -> Stamp:
        return msgspec.structs.replace(self._ids.stamp(len(part.rows)), moment=self._moment)

    async def _upsert(self) -> Loaded:
        inserted = others = 0
        for number, part in enumerate(self._load.parts()):
            assert isinstance(part, UpsertPlan)  # noqa: S101 - all parts are of one kind
            try:
                written = await upsert_on(self._connection, self._sql, part, self._version, self._stamp(part))
            except REFUSALS as refused:
                raise PartRefused(number, refused) from refused
            except asyncpg.PostgresError as error:
                refused_rows = refusal(error)
                if refused_rows is None:
                    raise
                if isinstance(refused_rows, UniqueConflict):
                    refused_rows.__cause__ = error
                    refused_rows = named_upsert_conflict(refused_rows, self._sql, part)
                raise PartRefused(number, refused_rows) from error
            inserted, others = inserted + written.inserted, others + written.others
        return Loaded(inserted, others)

    async def _insert(self, first: InsertPlan) -> Loaded:
        """By one COPY, so that rows can refer to later ones."""
        connection, sql = self._connection, self._sql
        try:
            if first.rekeyed:
                for part in self._load.parts():
                    await rekey(connection, sql, part)
            await self._pool.expect_types(connection, self._place, sql.kinds)
            await connection.copy_records_to_table(
                self._place[1],
                schema_name=self._place[0],
                columns=[str(column) for column in sql.columns],
                records=self._records(),
            )
        except UNFIT as error:
            await roll_back(connection, error)
            await check_types(connection, self._pool, self._place, self._version)
            refused = refusal(error) if isinstance(error, asyncpg.PostgresError) else None
            if refused is None:
                raise
            raise self._part_refused(refused, error) from error
        await check_types(connection, self._pool, self._place, self._version)
        return Loaded(self._load.count)

    def _records(self) -> Iterator[tuple[Any, ...]]:
        start = 0
        self._starts.clear()
        for part in self._load.parts():
            assert isinstance(part, InsertPlan)  # noqa: S101 - all parts are of one kind
            self._starts.append(start)
            start += len(part.rows)
            yield from stored_rows(self._sql, part, self._stamp(part))

    def _part_refused(self, refused: Exception, error: BaseException) -> Exception:
        line = copied_line(error)
        if line is None:
            # a reference, which is checked after the last row: no part is named
            return refused
        part = bisect_right(self._starts, line) - 1
        if isinstance(refused, UniqueConflict):
            refused.__cause__ = error
            refused = named_conflict(refused, self._sql.table, line - self._starts[part])
        return PartRefused(part, refused)
