"""References: scripts that find out, after the engine rejected a write, which row and which reference was the
cause.

The errors of the engines have few details: SQLite reports only that some foreign key failed, PostgreSQL not
which row of a bulk. So these scripts query the stored rows; if those have changed meanwhile, nothing is
found.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import msgspec

from rowkeep.model.filters import Where
from rowkeep.model.tables import ROW_KEY, Table
from rowkeep.sql.physical_table import PhysicalTable
from rowkeep.sql.references import is_referred_to, present
from rowkeep.sql.rows import TableSql
from rowkeep.storage.contract import Missing, Row, Steps
from rowkeep.storage.scripts.tables import Tables

CHUNK = 1000

Sees: TypeAlias = Callable[[Table], bool]
"""Whether the caller of a request may learn that a table exists."""


class Referring(msgspec.Struct, frozen=True):
    """A column that refers to rows of a table, by one of that table's columns. ``column`` has its table and
    its own name; it is None if the table is invisible to the caller."""

    column: str | None
    there: str

    @property
    def named(self) -> str:
        """What refers to the rows, in the words of an error."""
        return "rows of another table" if self.column is None else self.column


def find_missing(
    tables: Tables, sql: TableSql, names: Sequence[str], rows: Sequence[Row]
) -> Steps[Missing | None]:
    """The first cell, column by column, that refers to nothing. ``rows`` have the columns ``names``, as
    stored."""
    physical = sql.physical
    referred = yield from tables.referred_by([physical.table])
    for at, name in enumerate(names):
        column = physical.columns[name]
        if column.reference is None:
            continue
        table = referred.get(column.reference.table, physical.table)
        there = _column(table, column.reference.column)
        comparable = column.type_facts.same or (lambda cell: cell)
        cells = [None if row[at] is None else comparable(row[at]) for row in rows]
        parent = PhysicalTable(table, physical.dialect, tables.namespace)
        found = set(map(comparable, (yield from _present(parent, there, cells))))
        if table.id == physical.table.id and there in names:
            # rows of one request can refer to each other
            found |= {
                comparable(row[names.index(there)]) for row in rows if row[names.index(there)] is not None
            }
        for number, cell in enumerate(cells):
            if cell is not None and cell not in found:
                return Missing(number, column, table, there)
    return None


def _present(physical: PhysicalTable, name: str, cells: list[Any]) -> Steps[list[Any]]:
    # cells that refer to a sys_Id are stored as the _id that it contains
    stored = ROW_KEY if name == "sys_Id" else name
    wanted = [cell for cell in dict.fromkeys(cells) if cell is not None]
    found: list[Any] = []
    for start in range(0, len(wanted), CHUNK):
        rows = yield present(physical, stored, wanted[start : start + CHUNK])
        found += [row[0] for row in rows]
    return found


def find_referring(
    tables: Tables, sql: TableSql, where: Where, changed: Sequence[str] | None, sees: Sees
) -> Steps[Referring | None]:
    """A column that refers to a row that a filter finds; if only some columns are ``changed``, by one of
    these. Columns that the caller ``sees`` come first."""
    parent = sql.physical
    columns = yield from tables.referring(parent.table.id)
    for table, column in sorted(columns, key=lambda each: not sees(each[0])):
        assert column.reference is not None  # noqa: S101 - the column has a reference
        there = _column(parent.table, column.reference.column)
        if changed is not None and there not in changed:
            continue
        child = PhysicalTable(table, parent.dialect, tables.namespace)
        rows = yield is_referred_to(parent, there, where, child, column)
        if rows[0][0]:
            return Referring(f"{table.name}.{column.name}" if sees(table) else None, there)
    return None


def _column(table: Table, column_id: str) -> str:
    return next(column.name for column in table.all_columns if column.id == column_id)
