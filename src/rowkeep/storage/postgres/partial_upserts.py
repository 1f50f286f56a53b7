"""Partial upserts: the rows that seem to fit are found by a transaction that reads, and written by one that
begins with the write, as every other one does. What does not fit is found there, in savepoints.
"""

from __future__ import annotations

from functools import partial

import asyncpg
import msgspec

from rowkeep.errors.catalogue import Busy
from rowkeep.model.ids import IdSource
from rowkeep.plan.rows.upserts import UpsertPlan
from rowkeep.sql.rows import PostgresTableSql
from rowkeep.storage.attempts import Attempts
from rowkeep.storage.contract import (
    NothingStored,
    NotStored,
    PartlyUpserted,
    Sift,
    Sifted,
    UniqueConflict,
    UpsertedRows,
    WriteKey,
)
from rowkeep.storage.postgres.driver_errors import refusal
from rowkeep.storage.postgres.keys import keyed
from rowkeep.storage.postgres.partial_inserts import LARGE_ROWS
from rowkeep.storage.postgres.pool import Call, Pool, run_script
from rowkeep.storage.postgres.upserts import MAX_TRIES, GoneError, Upsert
from rowkeep.storage.postgres.waiting import ConnectionLane
from rowkeep.storage.postgres.writes import UNFIT, named_conflict, rekey, roll_back, store_operation

SAVEPOINT = "upsert_part"


async def upsert_partly(
    pool: Pool,
    lane: ConnectionLane,
    sql: PostgresTableSql,
    plan: UpsertPlan,
    sift: Sift,
    version: int,
    ids: IdSource,
    key: WriteKey | None,
) -> PartlyUpserted:
    """Raises NothingStored, and Busy if others delete rows each time that they are looked for."""
    if plan.rekeyed:
        # the search must find cells under an old key as well; their values do not change
        await pool.transaction(partial(rekey, sql=sql, plan=plan), Call(lane))
        plan = msgspec.structs.replace(plan, rekeyed={})
    is_large = len(plan.rows) > LARGE_ROWS
    for _ in range(MAX_TRIES):
        written_on = ids.stamp(0).written_on
        sifted = await pool.read(partial(sift, written_on), Call(lane), in_thread=is_large)
        if plan.rows and not sifted.accepted:
            raise NothingStored(PartlyUpserted(sifted, UpsertedRows(0, 0, [], [])))
        work = partial(_write, sql, plan, sifted, version, ids)
        try:
            if key is None:
                return await pool.transaction(work, Call(lane), is_dry_run=plan.is_dry_run)
            return await keyed(pool, Call(lane), sql.namespace, key, work)
        except GoneError:
            continue
    raise Busy()


async def _write(
    sql: PostgresTableSql,
    plan: UpsertPlan,
    sifted: Sifted,
    version: int,
    ids: IdSource,
    connection: asyncpg.Connection,
) -> PartlyUpserted:
    attempts = Attempts(sifted, plan, sql.table)
    moment = ids.stamp(0).moment
    await store_operation(connection, sql, plan.operation, ids.stamp(0))
    if sifted.check is not None:
        await run_script(connection, sifted.check)
    previous: Upsert | None = None
    for part in attempts.parts():
        if previous is not None:
            await previous.drop_source(connection)
        stamp = msgspec.structs.replace(ids.stamp(len(part)), moment=moment)
        upsert = Upsert(sql, plan.part(part), version, stamp)
        await connection.execute(f"SAVEPOINT {SAVEPOINT}")
        try:
            attempts.accept(part, await upsert.write_rows(connection))
        except (NotStored, *UNFIT, asyncpg.PostgresError) as error:
            refused = _refusal(error, sql)
            if refused is None:
                if isinstance(error, UNFIT):
                    # rows of an older definition do not fit the table
                    await roll_back(connection, error)
                    await upsert.check_version(connection)
                raise
            await _undo(connection)
            await upsert.check_version(connection)
            attempts.refuse(part, refused)
            previous = None
        else:
            previous = upsert
            await connection.execute(f"RELEASE SAVEPOINT {SAVEPOINT}")
    if not plan.rows:
        await Upsert(sql, plan, version, ids.stamp(0)).check_version(connection)
    result = attempts.result()
    if plan.rows and not result.sifted.accepted:
        raise NothingStored(result)
    return result


def _refusal(error: Exception, sql: PostgresTableSql) -> Exception | None:
    """What it means that rows are refused; None for another error."""
    if isinstance(error, NotStored):
        return error
    refused = refusal(error) if isinstance(error, asyncpg.PostgresError) else None
    if not isinstance(refused, UniqueConflict):
        return refused
    refused.__cause__ = error
    return named_conflict(refused, sql.table, None)


async def _undo(connection: asyncpg.Connection) -> None:
    await connection.execute(f"ROLLBACK TO SAVEPOINT {SAVEPOINT}; RELEASE SAVEPOINT {SAVEPOINT}")
