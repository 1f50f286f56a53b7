"""Partial inserts: the rows that can be stored are found by a transaction that reads, and written by one that
begins with the write, as every other one does.

If what was found has changed in between, the write is refused as a whole, and both are done again.
"""

from __future__ import annotations

from functools import partial
from time import monotonic

import msgspec

from rowkeep.errors.catalogue import Busy
from rowkeep.model.ids import Stamp
from rowkeep.plan.rows.writes import InsertPlan
from rowkeep.sql.rows import TableSql
from rowkeep.storage.contract import (
    PartlyInserted,
    ReferenceConflict,
    Sift,
    StoredResponse,
    UniqueConflict,
    WriteKey,
)
from rowkeep.storage.postgres.pool import Call, Pool
from rowkeep.storage.postgres.waiting import ConnectionLane
from rowkeep.storage.postgres.writes import insert, rekey

LARGE_ROWS = 1000
"""The rows of a larger bulk are compared with each other in a thread."""

MAX_TRIES = 50

CHANGED = "Other writes changed rows that this bulk depends on. Nothing was written; try again."


async def insert_partly(
    pool: Pool,
    lane: ConnectionLane,
    sql: TableSql,
    plan: InsertPlan,
    sift: Sift,
    version: int,
    stamp: Stamp,
    key: WriteKey | None,
) -> PartlyInserted:
    """Write the rows that ``sift`` accepts, with ids and the time of the stamp."""
    deadline = monotonic() + pool.wait_seconds
    if plan.rekeyed:
        # the search must find cells under an old key as well; their values do not change
        await pool.transaction(partial(rekey, sql=sql, plan=plan), Call(lane))
        plan = msgspec.structs.replace(plan, rekeyed={})
    is_large = len(plan.rows) > LARGE_ROWS
    tries = 0
    while True:
        tries += 1
        sifted = await pool.read(partial(sift, stamp.written_on), Call(lane), in_thread=is_large)
        accepted = sifted.accepted
        inserted = PartlyInserted(msgspec.structs.replace(stamp, count=len(accepted)), sifted)
        if plan.rows and not accepted:
            return inserted
        part = plan
        if len(accepted) < len(plan.rows):
            part = msgspec.structs.replace(plan, rows=[plan.rows[at] for at in accepted])
        try:
            own_key = _key_for(key, inserted)
            await insert(pool, lane, sql, part, version, inserted.stamp, own_key, sifted.check)
        except (UniqueConflict, ReferenceConflict) as conflict:
            if tries >= MAX_TRIES or monotonic() >= deadline:
                raise Busy(CHANGED) from conflict
        else:
            return inserted


def _key_for(key: WriteKey | None, inserted: PartlyInserted) -> WriteKey | None:
    """The same key, with the response to a partial bulk."""
    if key is None:
        return None
    made = key.respond

    def respond(_stamp: Stamp) -> StoredResponse:
        return made(inserted)

    return msgspec.structs.replace(key, respond=respond)
