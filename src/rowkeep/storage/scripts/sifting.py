"""Sifting: a script that finds out which rows of a partial bulk can be stored, before they are written.

It asks for the keys and references of all rows in a few statements, however many of them are wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from rowkeep.model.tables import ROW_KEY, Column, Index, Table
from rowkeep.plan.rows.acceptance import (
    Checked,
    Key,
    References,
    Refused,
    UniqueKeys,
    accepted_rows,
    refused_rows,
)
from rowkeep.plan.rows.writes import InsertPlan
from rowkeep.sql.key_search import key_search
from rowkeep.sql.rows import TableSql
from rowkeep.storage.contract import Missing, RefusedRow, Row, Sifted, StaleCatalog, Steps
from rowkeep.storage.scripts.workspace import WorkspaceScripts

KEYS_AT_ONCE = 10_000
"""How many keys one statement searches for; other requests run in between."""


def sift(
    scripts: WorkspaceScripts, sql: TableSql, plan: InsertPlan, version: int, written_on: str
) -> Steps[Sifted]:
    """The rows of a plan that can be stored at this moment. Raises StaleCatalog."""
    yield from check_version(scripts, version)
    rows = plan.rows
    indexes = unique_indexes(sql.table)
    constants = common_cells(plan.writer, written_on)
    unique: list[UniqueKeys] = []
    for index in indexes:
        unique += [(yield from _unique_keys(sql, index, rows, constants))]
    references, targets = yield from checked_references(scripts, sql, rows)
    checked = Checked(len(rows), unique, references)
    accepted = accepted_rows(checked)
    if len(accepted) == len(rows):
        return Sifted(accepted, ())
    refused = [
        RefusedRow(each.row, tuple(indexes[at] for at in each.unique), missing_cells(each, targets))
        for each in refused_rows(checked, accepted)
    ]
    return Sifted(accepted, refused)


def check_version(scripts: WorkspaceScripts, version: int) -> Steps[None]:
    """Raises StaleCatalog."""
    if (yield from scripts.state.version()) != version:
        raise StaleCatalog()


def unique_indexes(table: Table) -> list[Index]:
    """Those in which two rows can be equal."""
    return [
        index
        for index in table.indexes
        if index.is_unique and not {ROW_KEY, "sys_Id"} & {part.name for part in index.columns}
    ]


def common_cells(writer: str, written_on: str) -> dict[str, Any]:
    """The system cells that all rows of a request have in common."""
    return {
        "Created_By": writer, "Updated_By": writer, "Created_On": written_on, "Updated_On": written_on
    }  # fmt: skip


def _unique_keys(
    sql: TableSql, index: Index, rows: Sequence[Row], constants: dict[str, Any]
) -> Steps[UniqueKeys]:
    names = tuple(part.name for part in index.columns)
    cells = cells_of(sql.table, names, rows, constants)
    keys = keys_of(sql, names, cells)
    return UniqueKeys(keys, (yield from stored_keys(sql, names, cells, keys)))


def cells_of(
    table: Table, names: Sequence[str], rows: Sequence[Row], constants: dict[str, Any]
) -> list[list[Any]]:
    """The cells of these columns."""
    places = {column.name: at for at, column in enumerate(table.columns)}
    return [
        [constants[name]] * len(rows) if name in constants else [row[places[name]] for row in rows]
        for name in names
    ]


def keys_of(sql: TableSql, names: Sequence[str], cells: Sequence[list[Any]]) -> Sequence[Key]:
    alike = [
        _comparable(sql.physical.columns[name], column) for name, column in zip(names, cells, strict=True)
    ]
    return alike[0] if len(names) == 1 else [_whole(key) for key in zip(*alike, strict=True)]


def stored_keys(
    sql: TableSql,
    names: tuple[str, ...],
    cells: Sequence[list[Any]],
    keys: Sequence[Key],
    own: tuple[str, ...] = (),
    own_cells: Sequence[list[Any]] = (),
) -> Steps[set[int]]:
    """The rows whose key is stored, in a row that does not have the same ``own`` cells."""
    sought = [row for row, key in enumerate(keys) if key is not None]
    search = key_search(sql.table, sql.dialect, sql.namespace, names, own)
    stored: set[int] = set()
    for start in range(0, len(sought), KEYS_AT_ONCE):
        chunk = sought[start : start + KEYS_AT_ONCE]
        found = yield search.statement([[column[row] for row in chunk] for column in (*cells, *own_cells)])
        stored.update(chunk[each[0] - search.first] for each in found)
    return stored


Target: TypeAlias = tuple[Column, Table, str]
"""A column that refers to a table, and the name of the column there."""


def checked_references(
    scripts: WorkspaceScripts, sql: TableSql, rows: Sequence[Row]
) -> Steps[tuple[list[References], list[Target]]]:
    """What the cells of all columns refer to."""
    columns = [column for column in sql.table.columns if column.reference is not None]
    referred = yield from scripts.tables.referred_by([sql.table])
    targets = [(column, *_target(sql.table, column, referred)) for column in columns]
    references: list[References] = []
    for column, table, there in targets:
        references += [(yield from _references(sql, column, rows, table, there))]
    return references, targets


def missing_cells(refused: Refused, targets: Sequence[Target]) -> tuple[Missing, ...]:
    return tuple(
        Missing(refused.row, column, table, there)
        for column, table, there in (targets[at] for at in refused.references)
    )


def _references(
    sql: TableSql, column: Column, rows: Sequence[Row], table: Table, there: str
) -> Steps[References]:
    place = sql.table.columns.index(column)
    cells = [row[place] for row in rows]
    alike = _comparable(column, cells)
    distinct = list({key: cell for key, cell in zip(alike, cells, strict=True) if key is not None}.items())
    # cells that refer to a sys_Id are stored as the _id that it contains
    search = key_search(table, sql.dialect, sql.namespace, (ROW_KEY if there == "sys_Id" else there,))
    absent = {key for key, _ in distinct}
    for start in range(0, len(distinct), KEYS_AT_ONCE):
        chunk = distinct[start : start + KEYS_AT_ONCE]
        found = yield search.statement([[cell for _, cell in chunk]])
        absent.difference_update(chunk[each[0] - search.first][0] for each in found)
    missing = {row for row, key in enumerate(alike) if key in absent} if absent else set()
    names = [each.name for each in sql.table.columns]
    if table.id != sql.table.id or there not in names:
        return References(missing)
    own = names.index(there)
    return References(missing, alike, _comparable(sql.table.columns[own], [row[own] for row in rows]))


def _whole(key: tuple[Key, ...]) -> Key:
    """A key without empty cells, else None."""
    return None if None in key else key


def _comparable(column: Column, cells: list[Any]) -> list[Key]:
    """Stored cells as they are equal to others."""
    same: Callable[[Any], Any] | None = None if column.is_encrypted else column.type_facts.same
    return cells if same is None else [None if cell is None else same(cell) for cell in cells]


def _target(table: Table, column: Column, referred: dict[str, Table]) -> tuple[Table, str]:
    """The table that a column refers to, and the name of the column there."""
    assert column.reference is not None  # noqa: S101 - the columns have one
    there = referred.get(column.reference.table, table)
    return there, next(each.name for each in there.all_columns if each.id == column.reference.column)
