"""Partial upserts: the rows that can be written are found and written in one job of the writer."""

from __future__ import annotations

from functools import partial

import apsw
import msgspec

from rowkeep.model.ids import IdSource
from rowkeep.plan.rows.upserts import UpsertPlan
from rowkeep.sql.rows import SqliteTableSql
from rowkeep.storage.attempts import REFUSALS, Attempts
from rowkeep.storage.contract import NothingStored, PartlyUpserted, Sift, UniqueConflict
from rowkeep.storage.sqlite.connections import run_script, translated
from rowkeep.storage.sqlite.upserts import write_all
from rowkeep.storage.sqlite.writes import check_version, rekey

PART = "upsert_part"


def upsert_partly(
    sql: SqliteTableSql,
    plan: UpsertPlan,
    sift: Sift,
    version: int,
    ids: IdSource,
    connection: apsw.Connection,
) -> PartlyUpserted:
    """Raises NothingStored."""
    with translated():
        check_version(connection, version)
    # the search must find cells under an old key as well
    rekey(sql, plan, connection)
    now = ids.stamp(0)
    sifted = run_script(connection, partial(sift, now.written_on))
    attempts = Attempts(sifted, plan, sql.table)
    for part in attempts.parts():
        stamp = msgspec.structs.replace(ids.stamp(len(part)), moment=now.moment)
        with translated():
            connection.execute(f"SAVEPOINT {PART}")
        try:
            attempts.accept(part, write_all(sql, plan.part(part), stamp, connection))
        except REFUSALS as refusal:
            with translated():
                connection.execute(f"ROLLBACK TO {PART}")
            attempts.refuse(part, _in_order(plan.part(part), refusal))
        with translated():
            connection.execute(f"RELEASE {PART}")
    result = attempts.result()
    if plan.rows and not result.sifted.accepted:
        raise NothingStored(result)
    return result


def _in_order(plan: UpsertPlan, refusal: Exception) -> Exception:
    """Incomplete rows are written after the others, so the row that the engine names may be earlier than the
    one to be refused: then the part must be halved."""
    if plan.incomplete and isinstance(refusal, UniqueConflict):
        return UniqueConflict(refusal.index)
    return refusal
