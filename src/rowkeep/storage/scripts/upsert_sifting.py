"""Upsert sifting: a script that finds out which rows of a partial upsert can be written, before they are.

It finds what it can for all rows at once: rows with the same key, rows that lack a required column, values
that other stored rows have, missing references. What depends on cells that an update leaves unchanged, or on
rows that refer to a row that it changes, is found as the rows are written.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from typing import Any

from rowkeep.model.tables import Index
from rowkeep.plan.rows.acceptance import Checked, UniqueKeys, accepted_rows, refused_rows
from rowkeep.plan.rows.upserts import SET, UpsertPlan
from rowkeep.sql.rows import TableSql
from rowkeep.storage.contract import RefusedRow, Row, Sifted, Steps
from rowkeep.storage.scripts.sifting import (
    cells_of,
    check_version,
    checked_references,
    common_cells,
    keys_of,
    missing_cells,
    stored_keys,
    unique_indexes,
)
from rowkeep.storage.scripts.workspace import WorkspaceScripts


def sift_upsert(
    scripts: WorkspaceScripts, sql: TableSql, plan: UpsertPlan, version: int, written_on: str
) -> Steps[Sifted]:
    """The rows of a plan that seem to fit at this moment. Raises StaleCatalog."""
    yield from check_version(scripts, version)
    own = plan.shape.key
    constants = common_cells(plan.writer, written_on)
    own_cells = cells_of(sql.table, own, plan.rows, constants)
    own_keys = keys_of(sql, own, own_cells)
    stored = yield from stored_keys(sql, own, own_cells, own_keys)
    rows = _known_rows(sql, plan, stored)
    indexes = [each for each in unique_indexes(sql.table) if {part.name for part in each.columns} != {*own}]
    unique = [UniqueKeys(own_keys, set())]
    for index in indexes:
        unique += [(yield from _other_keys(sql, index, rows, stored, constants, (own, own_cells)))]
    # no index: the rows that lack a required column
    unique.append(UniqueKeys([None] * len(rows), {*plan.incomplete} - stored))
    references, targets = yield from checked_references(scripts, sql, rows)
    checked = Checked(len(rows), unique, references)
    accepted = accepted_rows(checked)
    if len(accepted) == len(rows):
        return Sifted(accepted, ())
    refused = [
        RefusedRow(
            each.row,
            tuple(indexes[at - 1] for at in each.unique if 0 < at <= len(indexes)),
            missing_cells(each, targets),
            # a row with another error need not be compared
            is_repeated=each.unique == (0,) and not each.references,
            is_incomplete=len(indexes) + 1 in each.unique,
        )
        for each in refused_rows(checked, accepted)
    ]
    return Sifted(accepted, refused)


def _known_rows(sql: TableSql, plan: UpsertPlan, stored: Set[int]) -> Sequence[Row]:
    """The rows with None for cells that the stored row does not get from them. Those of the key are the same
    as the stored ones."""
    if not stored:
        return plan.rows
    shape, names = plan.shape, [column.name for column in sql.table.columns]
    flags = [shape.optional.index(name) if name in shape.optional else None for name in names]
    given = [name in shape.columns or name in shape.key for name in names]
    if shape.action == "ignore":
        given = [False] * len(names)
    is_key = [name in shape.key for name in names]

    def known(at: int, row: Row) -> Row:
        own = plan.flags[at] if plan.flags else ()
        return tuple(
            cell if is_given and (in_key or flag is None or own[flag] == SET) else None
            for cell, is_given, in_key, flag in zip(row, given, is_key, flags, strict=True)
        )

    return [known(at, row) if at in stored else row for at, row in enumerate(plan.rows)]


def _other_keys(
    sql: TableSql,
    index: Index,
    rows: Sequence[Row],
    stored: Set[int],
    constants: dict[str, Any],
    own: tuple[tuple[str, ...], Sequence[list[Any]]],
) -> Steps[UniqueKeys]:
    """The keys of the rows in another index; None for one that depends on stored cells."""
    names = tuple(part.name for part in index.columns)
    cells = cells_of(sql.table, names, rows, constants)
    if stored and not constants.keys().isdisjoint(names):
        cells = [[None if at in stored else cell for at, cell in enumerate(column)] for column in cells]
    keys = keys_of(sql, names, cells)
    return UniqueKeys(keys, (yield from stored_keys(sql, names, cells, keys, *own)))
