"""Upserts: inserts of apps and administrators that ignore or update stored rows (contract, section 7.2)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, cast

from msgspec import UNSET

from rowkeep.catalog.snapshot import CompiledTable
from rowkeep.metrics import count_upsert
from rowkeep.model.access import Right
from rowkeep.model.data_requests import Conflict
from rowkeep.model.tables import Index
from rowkeep.plan.rows.upserts import (
    UpsertLimits,
    UpsertPlan,
    find_key,
    missing_values,
    plan_upsert,
    refuse_changed_keys,
    refuse_repeated,
)
from rowkeep.services.access import Caller
from rowkeep.services.conflicts import explained_reference, find_upsert_reference, upsert_unique_error
from rowkeep.services.offload import Offload
from rowkeep.services.partial_upserts import PartialUpsert, without_changed_keys
from rowkeep.services.refused_changes import upsert_change_error
from rowkeep.services.row_requests import InsertRequest, PartlyUpserted, Upserted
from rowkeep.services.timings import end_phase
from rowkeep.settings import Settings
from rowkeep.sql.explain import template_texts
from rowkeep.sql.rows import PostgresTableSql, SqliteTableSql
from rowkeep.storage.contract import (
    ChangeRefused,
    NotStored,
    ReferenceConflict,
    UniqueConflict,
    UpsertedRows,
    WriteKey,
)


def key_of(compiled: CompiledTable, conflict: Conflict) -> Index:
    """The unique index of a request. Raises UnknownColumn, DuplicateColumn, InvalidBody."""
    return find_key(compiled.table, compiled.names, conflict)


def refuse_repeated_keys(compiled: CompiledTable, request: InsertRequest, conflict: Conflict) -> None:
    """Raises DuplicateKey if rows that are only inserted have the same key, and what :func:`key_of`
    raises."""
    key = [part.name for part in key_of(compiled, conflict).columns]
    refuse_repeated(compiled.table, key, compiled.codec.stored_cells.store(request.rows))


def plan_rows(
    caller: Caller,
    compiled: CompiledTable,
    request: InsertRequest,
    conflict: Conflict,
    settings: Settings,
) -> UpsertPlan:
    """Raises what :func:`key_of` raises, and DuplicateKey."""
    limits = UpsertLimits(
        settings.max_returned_records if request.returns_rows and not request.options.dry_run else 0,
        settings.max_response_bytes,
        shows_ignored=caller.may(compiled.table, Right.READ),
        max_cell_bytes=settings.max_row_bytes,
    )
    index = key_of(compiled, conflict)
    refuse_changed_keys(index, request.changes, is_array=request.is_array)
    return plan_upsert(
        compiled.table,
        compiled.codec.stored_cells,
        index,
        "update" if conflict.action == "update" else "ignore",
        request.rows,
        caller.writer,
        limits,
        request.changes,
        is_partial=request.options.is_partial,
        is_dry_run=request.options.dry_run,
        operation=caller.operation(compiled.table),
    )


async def upsert(
    caller: Caller,
    compiled: CompiledTable,
    request: InsertRequest,
    settings: Settings,
    offload: Offload,
    make_key: Callable[[Callable[[Any], Upserted | PartlyUpserted]], WriteKey | None],
) -> Upserted | PartlyUpserted:
    """Write the rows of a request; with the mode ``partial``, those that can be. ``make_key`` makes its
    idempotency key, from a function that makes the result."""
    conflict = request.options.on_conflict
    assert conflict is not UNSET  # noqa: S101 - only then it is called
    if conflict.action == "update":
        await caller.table(compiled.table.name, (Right.READ,))
    if request.options.is_partial:
        request = without_changed_keys(request, key_of(compiled, conflict))
    plan_all = partial(plan_rows, caller, compiled, request, conflict, settings)
    plan = await offload.run(plan_all) if request.is_large else plan_all()
    if request.options.is_partial:
        end_phase("plan")
        bulk = PartialUpsert(caller, compiled, request, settings.max_bulk_errors)
        with caller.slow.write("upsert", partial(_texts, compiled, plan)):
            partly = await bulk.upsert(plan, make_key)
        end_phase("db")
        _count(request, partly.written)
        return partly
    key = make_key(partial(_result, compiled, request))
    end_phase("plan")
    try:
        with caller.slow.write("upsert", partial(_texts, compiled, plan)):
            written = await caller.workspace.database.upsert(compiled.sql, plan, caller.snapshot.version, key)
    except NotStored as missing:
        raise missing_values(
            compiled.table, request.rows, missing.places, is_array=request.is_array
        ) from None
    except ChangeRefused as refused:
        raise upsert_change_error(compiled, plan, refused, is_array=request.is_array) from None
    except UniqueConflict as conflicting:
        raise await upsert_unique_error(
            caller.workspace, compiled, plan, conflicting, request.is_array
        ) from conflicting
    except ReferenceConflict:
        raise await _reference_error(caller, compiled, plan, request) from None
    end_phase("db")
    _count(request, written)
    return _result(compiled, request, written)


def _texts(compiled: CompiledTable, plan: UpsertPlan) -> str:
    sql = cast("SqliteTableSql | PostgresTableSql", compiled.sql)
    return template_texts(sql.upsert(plan.shape))


def _count(request: InsertRequest, written: UpsertedRows) -> None:
    if not request.options.dry_run:
        count_upsert(written.inserted, written.others if request.options.action == "update" else 0)


async def _reference_error(
    caller: Caller, compiled: CompiledTable, plan: UpsertPlan, request: InsertRequest
) -> Exception:
    find, many = find_upsert_reference, request.is_array
    return await explained_reference(caller, find, compiled, plan, request.rows, request.changes, many)


def _result(compiled: CompiledTable, request: InsertRequest, written: UpsertedRows) -> Upserted:
    return Upserted(compiled, request, written)
