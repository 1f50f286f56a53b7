"""Conflicts: the errors for writes that violate a unique index or a reference.

To name the rows, scripts read what is stored: after the write was undone, or, for an operation of a batch, in
a transaction in which the operations before it are done again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, Concatenate, ParamSpec

from msgspec import UNSET

from rowkeep.catalog.snapshot import CompiledTable
from rowkeep.catalog.workspace import OpenWorkspace
from rowkeep.errors.base import MAX_PROBLEMS, Problem
from rowkeep.errors.catalogue import (
    Busy,
    ReferenceViolation,
    StillReferenced,
    UniqueViolation,
    pointer,
    preview,
)
from rowkeep.model.changes import Change, Changes
from rowkeep.model.filters import EVERYTHING
from rowkeep.model.tables import Column, Index, Table
from rowkeep.plan.rows.upserts import UpsertPlan, lacking_columns, repeated_key
from rowkeep.plan.rows.writes import DeletePlan, UpdatePlan
from rowkeep.services.access import Caller
from rowkeep.services.refused_changes import upsert_change_problem
from rowkeep.storage.contract import ChangeRefused, Missing, RefusedRow, Steps, UniqueConflict
from rowkeep.storage.scripts.references import Sees, find_missing, find_referring
from rowkeep.storage.scripts.tables import Tables
from rowkeep.storage.scripts.uniqueness import (
    find_duplicates,
    find_other_duplicates,
    find_updated_duplicates,
)


async def insert_unique_error(
    workspace: OpenWorkspace,
    compiled: CompiledTable,
    rows: Sequence[Any],
    stored: Sequence[Any],
    conflict: UniqueConflict,
    many: bool,
) -> Exception:
    """``rows`` are those of the request, ``stored`` the same as they would have been stored; values of
    encrypted columns are not shown."""
    if len(rows) == 1 and not _indexes_before(compiled.table, conflict.index):
        return _duplicates(compiled, rows, conflict, many)
    find = partial(find_insert_unique, compiled, rows, stored, conflict, many)
    return await workspace.database.read(find)


def find_insert_unique(
    compiled: CompiledTable,
    rows: Sequence[Any],
    stored: Sequence[Any],
    conflict: UniqueConflict,
    many: bool,
) -> Steps[Exception]:
    """Script: the same error."""
    found: list[int] = []
    row = conflict.row
    if row is not None:
        # engines check the indexes in an order of their own
        for index in _indexes_before(compiled.table, conflict.index):
            if (yield from find_duplicates(compiled.sql, index, stored[: row + 1], row, 1)):
                conflict = UniqueConflict(index, row)
                break
    if len(rows) > 1 and conflict.index is not None:
        found = yield from find_duplicates(compiled.sql, conflict.index, stored, row or 0, MAX_PROBLEMS)
    return _duplicates(compiled, rows, conflict, many, found)


def _indexes_before(table: Table, named: Index | None, but: Sequence[str] = ()) -> list[Index]:
    """The unique indexes that the definition has before the one that an engine has named, without the one
    that has the columns ``but``."""
    unique = [index for index in table.indexes if index.is_unique]
    if named not in unique:
        return []
    before = unique[: unique.index(named)]
    return [index for index in before if {part.name for part in index.columns} != set(but)]


def _duplicates(
    compiled: CompiledTable,
    rows: Sequence[Any],
    conflict: UniqueConflict,
    many: bool,
    found: Sequence[int] = (),
) -> Exception:
    if conflict.index is None:
        return Busy()  # two rows got the same id, which is very unlikely; a retry creates other ids
    duplicates: list[int | None] = [conflict.row]
    if len(rows) > 1:
        if conflict.row is None and found:
            duplicates = list(found)
        else:
            # the row that the engine named stays the first
            duplicates += [row for row in found if row != conflict.row]
    problems = [
        _duplicate(compiled, None if row is None else rows[row], conflict.index, _place(row, many))
        for row in duplicates[:MAX_PROBLEMS]
    ]
    return UniqueViolation(problems[0].msg, problems=problems)


def refused_problems(
    sees: Sees, compiled: CompiledTable, cells: Sequence[Any], number: int, refused: RefusedRow
) -> list[Problem]:
    """The errors of a row of a partial bulk, with its number in the request."""
    place = where, prefix = _place(number, many=True)
    problems = [_duplicate(compiled, cells, index, place) for index in refused.indexes]
    places = {column.name: at for at, column in enumerate(compiled.table.columns)}
    for missing in refused.missing:
        cell = cells[places[missing.column.name]]
        problems += _reference_error(sees, missing, cell, where, prefix).problems
    return problems or [
        Problem(f"{prefix}Other rows of the request exclude this row.", ReferenceViolation.code, where)
    ]


def refused_upsert_problems(
    sees: Sees,
    compiled: CompiledTable,
    plan: UpsertPlan,
    rows: Sequence[Any],
    number: int,
    refused: RefusedRow,
) -> list[Problem]:
    """The errors of a row of a partial upsert, with its number in the request. ``rows`` are those that could
    be read."""
    table, cells = compiled.table, rows[refused.row]
    problems = [_upsert_duplicate(compiled, index, number, many=True) for index in refused.indexes]
    places = {column.name: at for at, column in enumerate(table.columns)}
    where, prefix = _place(number, many=True)
    for missing in refused.missing:
        cell = cells[places[missing.column.name]]
        shown = None if cell is UNSET else cell
        problems += _reference_error(sees, missing, shown, where, prefix).problems
    if refused.is_repeated:
        problems.append(repeated_key(table, plan.shape.key, number))
    if refused.is_incomplete:
        problems += lacking_columns(table, cells, number)
    if isinstance(refused.refusal, ChangeRefused):
        problems.append(upsert_change_problem(compiled, plan, refused.refusal, refused.row, number))
    return problems or [_refused_reference(plan, where, prefix)]


def _refused_reference(plan: UpsertPlan, where: str, prefix: str) -> Problem:
    """The error for a row that the engine refuses without a word about the cause."""
    if plan.shape.action == "update":
        return Problem(
            f"{prefix}Other rows refer to a value that this row would change, or it refers to a row that is "
            "not stored. Change or delete the referencing rows first.",
            StillReferenced.code,
            where,
        )
    return Problem(f"{prefix}It refers to a row that is not stored.", ReferenceViolation.code, where)


async def upsert_unique_error(
    workspace: OpenWorkspace,
    compiled: CompiledTable,
    plan: UpsertPlan,
    conflict: UniqueConflict,
    many: bool,
) -> Exception:
    """The error for rows that would have the same key as others in an index that is not the one of the
    upsert."""
    return await workspace.database.read(partial(find_upsert_unique, compiled, plan, conflict, many))


def find_upsert_unique(
    compiled: CompiledTable, plan: UpsertPlan, conflict: UniqueConflict, many: bool
) -> Steps[Exception]:
    """Script: the same error."""
    index = conflict.index
    if index is None:
        return Busy()
    found: list[int | None] = [conflict.row]
    # one after the other, rows can take values that rows before them give up
    is_certain = len(plan.rows) == 1 or not _gives_up_keys(compiled.table, plan)
    before = _indexes_before(compiled.table, index, plan.shape.key) if is_certain else []
    searched = [each for each in before if _brings(plan, each)]
    # the request does not have the result of a change
    is_changed = any(name == part.name for name, _ in plan.shape.changes for part in index.columns)
    if not is_changed and (is_certain or conflict.row is None):
        searched.append(index)
    for each in searched:
        others = yield from find_other_duplicates(compiled.sql, each, plan.shape.key, plan.rows, MAX_PROBLEMS)
        if others:
            index, found = each, [*others]
            break
    problems = [_upsert_duplicate(compiled, index, row, many) for row in found]
    return UniqueViolation(problems[0].msg, problems=problems)


def _gives_up_keys(table: Table, plan: UpsertPlan) -> bool:
    """Whether updates of the upsert set columns of unique indexes other than that of its key."""
    unique = {part.name for index in table.indexes if index.is_unique for part in index.columns}
    return not (unique - set(plan.shape.key)).isdisjoint(plan.shape.columns)


def _brings(plan: UpsertPlan, index: Index) -> bool:
    """Whether the request has the cells of the index that each row would have: not the results of changes,
    nor what a stored row keeps."""
    shape = plan.shape
    known = {*shape.key, *shape.columns} - {*shape.optional} - {name for name, _ in shape.changes}
    return shape.action == "ignore" or all(part.name in known for part in index.columns)


def _upsert_duplicate(compiled: CompiledTable, index: Index, row: int | None, many: bool) -> Problem:
    where, prefix = _place(row, many)
    names = [part.name for part in index.columns]
    own = {column.name for column in compiled.table.columns}
    return Problem(
        f"{prefix}Another row has the same {' and '.join(names)}, and the index {index.name} is unique.",
        UniqueViolation.code,
        where + (pointer(names[0]) if len(names) == 1 and names[0] in own and row is not None else ""),
    )


What = ParamSpec("What")


async def explained_reference(
    caller: Caller,
    find: Callable[Concatenate[Tables, Sees, What], Steps[Exception]],
    *what: What.args,
    **more: What.kwargs,
) -> Exception:
    """The error for a write that a reference refused: what one of the scripts below finds."""
    workspace = caller.workspace
    script = partial(find, workspace.scripts.tables, caller.sees, *what, **more)
    return await workspace.database.read(script)


def find_upsert_reference(
    tables: Tables,
    sees: Sees,
    compiled: CompiledTable,
    plan: UpsertPlan,
    rows: Sequence[Any],
    row_changes: Changes,
    many: bool,
) -> Steps[Exception]:
    """Script: the error for an upsert. ``rows`` are those of the request, with their changes."""
    names = [column.name for column in compiled.table.columns]
    known = _without_changes(names, plan.rows, row_changes)
    missing = yield from find_missing(tables, compiled.sql, names, known)
    if missing is not None:
        where, prefix = _place(missing.row, many)
        cell = rows[missing.row][names.index(missing.column.name)]
        return _reference_error(sees, missing, None if cell is UNSET else cell, where, prefix)
    found = yield from find_referring(tables, compiled.sql, EVERYTHING, plan.shape.columns, sees)
    if found is None:
        return _changed_reference_error(compiled.table, plan.shape.changes) or _changed_meanwhile()
    return StillReferenced(
        f"Rows of {compiled.table.name} cannot be changed: their {found.there} is referenced by "
        f"{found.named}. Change or delete the referencing rows first.",
        pointer="/data",
    )


def _without_changes(names: Sequence[str], rows: Sequence[Any], changes: Changes) -> Sequence[Any]:
    """The rows with null for cells that are changed, whose results the request does not have."""
    if not changes:
        return rows
    return [
        [None if name in changes.get(at, ()) else cell for name, cell in zip(names, row, strict=True)]
        for at, row in enumerate(rows)
    ]


def _duplicate(
    compiled: CompiledTable, cells: Sequence[Any] | None, index: Index, place: tuple[str, str]
) -> Problem:
    where, prefix = place
    names = [part.name for part in index.columns]
    places = {column.name: at for at, column in enumerate(compiled.table.columns)}
    values = [
        f"{name}{_shown_value(compiled.table.columns[places[name]], cells[places[name]])}"
        for name in names
        if name in places and cells is not None
    ]
    return Problem(
        f"{prefix}A row with {' and '.join(values or names)} already exists, and the index "
        f"{index.name} is unique.",
        UniqueViolation.code,
        where + (pointer(names[0]) if len(names) == 1 and names[0] in places else ""),
    )


def _shown_value(column: Column, cell: Any) -> str:
    return "" if column.is_encrypted else f" {preview(cell)}"


async def update_unique_error(
    workspace: OpenWorkspace, compiled: CompiledTable, plan: UpdatePlan, conflict: UniqueConflict
) -> Exception:
    return await workspace.database.read(partial(find_update_unique, compiled, plan, conflict))


def find_update_unique(
    compiled: CompiledTable, plan: UpdatePlan, conflict: UniqueConflict
) -> Steps[Exception]:
    """Script: the error for an update."""
    index = conflict.index
    if index is None:
        return Busy()
    changes = dict(zip(plan.shape.columns, plan.shape.changes, strict=False))
    known = {column.name for column in compiled.table.columns if changes.get(column.name) is None}
    # engines check the indexes in an order of their own
    before = [
        each
        for each in _indexes_before(compiled.table, index)
        if all(part.name in known for part in each.columns)
    ]
    given = dict(zip(plan.shape.columns, plan.cells, strict=True))
    index = (yield from find_updated_duplicates(compiled.sql, before, given, plan.where)) or index
    parts = [part.name for part in index.columns]
    # a change gives each row another value, and the engines compare it with the rows that follow
    when = "During" if any(map(changes.get, parts)) else "After"
    return UniqueViolation(
        f"{when} this update, two rows of {compiled.table.name} would have the same {' and '.join(parts)}, "
        f"but the index {index.name} is unique.",
        pointer="/data",
    )


def find_insert_reference(
    tables: Tables,
    sees: Sees,
    compiled: CompiledTable,
    rows: Sequence[Any],
    stored: Sequence[Any],
    many: bool,
) -> Steps[Exception]:
    """Script: the error for an insert. ``rows`` are those of the request, ``stored`` the same rows as
    stored."""
    names = [column.name for column in compiled.table.columns]
    missing = yield from find_missing(tables, compiled.sql, names, stored)
    if missing is None:
        return _changed_meanwhile()
    where, prefix = _place(missing.row, many)
    return _reference_error(sees, missing, rows[missing.row][names.index(missing.column.name)], where, prefix)


def find_update_reference(
    tables: Tables, sees: Sees, compiled: CompiledTable, plan: UpdatePlan
) -> Steps[Exception]:
    """Script: the error for an update."""
    cells = {name: plan.cells[at] for at, name in enumerate(plan.shape.columns) if not plan.shape.change(at)}
    missing = yield from find_missing(tables, compiled.sql, [*cells], [[*cells.values()]])
    if missing is not None:
        # the stored form of a sys_Id is not the value of the request
        cell = None if missing.column.holds_sys_ids else cells[missing.column.name]
        return _reference_error(sees, missing, cell, "/data", "")
    referred = yield from _referred(tables, sees, compiled, plan, "changed")
    if referred is not None:
        return referred
    replaced = _replaced_key(compiled.table, cells)
    if replaced is not None:
        return _reference_error(sees, replaced, cells[replaced.column.name], "/data", "")
    changed = zip(plan.shape.columns, plan.shape.changes, strict=False)
    return _changed_reference_error(compiled.table, changed) or _changed_meanwhile()


def _changed_reference_error(table: Table, changed: Iterable[tuple[str, Change | None]]) -> Exception | None:
    """The error for columns that refer to rows, and that were changed to values that the engine does not
    name."""
    changes = dict(changed)
    found = [
        Problem(
            f"After {change.value}, {column.name} of a row would not exist in the column that it references.",
            ReferenceViolation.code,
            f"/data{pointer(column.name)}",
        )
        for column in table.columns
        if column.reference is not None and (change := changes.get(column.name)) is not None
    ]
    return ReferenceViolation(found[0].msg, problems=found) if found else None


def _replaced_key(table: Table, cells: dict[str, Any]) -> Missing | None:
    """A cell of an update that references a key that the same update replaces."""
    names = {column.id: column.name for column in table.columns}
    for column in table.columns:
        if column.reference is None or column.reference.table != table.id:
            continue
        there = names.get(column.reference.column)
        comparable = column.type_facts.same or (lambda cell: cell)
        cell, key = cells.get(column.name), cells.get(there or "")
        if there in cells and cell is not None and (key is None or comparable(cell) != comparable(key)):
            return Missing(0, column, table, str(there))
    return None


def find_delete_reference(
    tables: Tables, sees: Sees, compiled: CompiledTable, plan: DeletePlan
) -> Steps[Exception]:
    """Script: the error for a delete."""
    return (yield from _referred(tables, sees, compiled, plan, "deleted")) or _changed_meanwhile()


def _referred(
    tables: Tables, sees: Sees, compiled: CompiledTable, plan: UpdatePlan | DeletePlan, done: str
) -> Steps[StillReferenced | None]:
    changed = plan.shape.columns if isinstance(plan, UpdatePlan) else None
    found = yield from find_referring(tables, compiled.sql, plan.where, changed, sees)
    if found is None:
        return None
    return StillReferenced(
        f"Rows of {compiled.table.name} cannot be {done}: their {found.there} is referenced by "
        f"{found.named}. Change or delete the referencing rows first.",
        pointer="/query" if changed is None else f"/data{pointer(found.there)}",
    )


def _reference_error(sees: Sees, missing: Missing, cell: Any, where: str, prefix: str) -> ReferenceViolation:
    value = "" if cell is None else f" {preview(cell)}"
    there = (
        f"{missing.table.name}.{missing.there}" if sees(missing.table) else "the column that it references"
    )
    return ReferenceViolation(
        f"{prefix}{missing.column.name}{value} does not exist in {there}.",
        pointer=where + pointer(missing.column.name),
    )


def _changed_meanwhile() -> Exception:
    """The cause of the conflict no longer exists: the same request may succeed now."""
    return Busy("Referenced rows changed during the request. Nothing was written; try again.")


def _place(row: int | None, many: bool) -> tuple[str, str]:
    """The pointer to a row in the body, and the start of a message about it."""
    if row is None or not many:
        return "/data", ""
    return pointer("data", row), f"Row {row}: "
