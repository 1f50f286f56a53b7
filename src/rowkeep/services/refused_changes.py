"""Refused changes: the error for a change whose result does not fit its column."""

from __future__ import annotations

from collections.abc import Iterable

from rowkeep.catalog.snapshot import CompiledTable
from rowkeep.errors.catalogue import InvalidValue, Problem, pointer, preview
from rowkeep.model.changes import Change
from rowkeep.model.tables import Column
from rowkeep.plan.rows.upserts import UpsertPlan
from rowkeep.plan.rows.writes import UpdatePlan
from rowkeep.storage.contract import ChangeRefused

MAX_CHARACTER_BYTES = 4
"""The maximum size of a character in UTF-8."""


def upsert_change_error(
    compiled: CompiledTable, plan: UpsertPlan, refused: ChangeRefused, *, is_array: bool
) -> Exception:
    """The same for an upsert."""
    place = refused.place or 0
    problem = upsert_change_problem(compiled, plan, refused, place, place if is_array else None)
    return InvalidValue(f"{problem.msg} Nothing was changed.", pointer=problem.pointer)


def upsert_change_problem(
    compiled: CompiledTable, plan: UpsertPlan, refused: ChangeRefused, place: int, number: int | None
) -> Problem:
    """The error of one row of an upsert. ``number`` is None for a single row."""
    name = plan.shape.columns[refused.at]
    change = dict(plan.shape.changes)[name]
    at = next(at for at, each in enumerate(compiled.table.columns) if each.name == name)
    where, prefix = ("/data", "") if number is None else (pointer("data", number), f"Row {number}: ")
    rule = _rule(compiled.table.columns[at], change, plan.shape.max_cell_bytes)
    return Problem(
        f"{prefix}Column {name} {rule}: after {change.value} {preview(plan.rows[place][at])}, the stored row "
        f"with the _id {preview(refused.row_key)} would violate this. Send another value.",
        InvalidValue.code,
        f"{where}{pointer(name)}",
    )


def update_change_error(
    compiled: CompiledTable, plan: UpdatePlan, sent: Iterable[str], refused: ChangeRefused
) -> Exception:
    """The error names the column, the change and the row. The stored value is not shown. ``sent`` are the
    names of columns in the request."""
    name, change = plan.shape.columns[refused.at], plan.shape.changes[refused.at]
    column = next(each for each in compiled.table.columns if each.name == name)
    key = next(each for each in sent if compiled.target.names.find(each, "/data") == column)
    after = f"after {change.value if change else ''} {preview(plan.cells[refused.at])}"
    return InvalidValue(
        f"Column {name} {_rule(column, change, plan.max_cell_bytes)}: {after}, the row with the _id "
        f"{preview(refused.row_key)} would violate this. Nothing was changed. Send another value, or a "
        "filter without this row.",
        pointer=f"/data{pointer(key)}",
    )


def _rule(column: Column, change: Change | None, max_cell_bytes: int) -> str:
    """What the result must be."""
    if change is not Change.APPEND:
        return column.type_facts.result_rule
    limits = []
    if column.max_length is not None:
        limits.append(f"{column.max_length} characters (maxLength)")
    if column.max_bytes is not None:
        limits.append(f"{column.max_bytes} bytes, because it is indexed")
    elif column.max_length is None or column.max_length * MAX_CHARACTER_BYTES > max_cell_bytes:
        limits.append(f"{max_cell_bytes} bytes (the setting max_row_bytes)")
    return "must have at most " + ", and at most ".join(limits)
