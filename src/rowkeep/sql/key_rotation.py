"""Rotation: the statements that read and replace the encrypted cells of a table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self

import sqlalchemy as sa

from rowkeep.model.tables import ROW_KEY, Column, Table
from rowkeep.sql.dialects import Dialect
from rowkeep.sql.history_table import KEY_OF_ROW, SEQ, HistoryTable, cell_id
from rowkeep.sql.names import column_name
from rowkeep.sql.physical_table import PhysicalTable
from rowkeep.sql.statements import Statement, Template, statement, template


class RotationSql:
    """The statements for the rows of one table, or for the records of its changes. ``cells`` has the columns
    with encrypted cells by name, ``number`` the column that identifies a row, ``row_key`` the one with the
    ``_id`` of the table's row; ``first`` is before all numbers."""

    def __init__(
        self,
        rows: sa.Table,
        number: sa.ColumnElement[Any],
        row_key: sa.ColumnElement[Any],
        cells: Mapping[str, sa.ColumnElement[Any]],
        dialect: Dialect,
        first: str | int,
    ) -> None:
        self.first = first
        self.names = tuple(cells)
        self._rows = rows
        self._number = number
        self._row_key = row_key
        self._cells = cells
        self._dialect = dialect
        self._replace: dict[str, Template] = {}

    @classmethod
    def of_rows(cls, table: Table, names: Iterable[str], dialect: Dialect, namespace: str | None) -> Self:
        """Those of the rows of a table."""
        rows = PhysicalTable(table, dialect, namespace).from_clause
        cells = {name: rows.c[column_name(name)] for name in names}
        row_key = rows.c[column_name(ROW_KEY)]
        return cls(rows, row_key, row_key, cells, dialect, "")

    @classmethod
    def of_records(cls, table: HistoryTable, columns: Iterable[Column], dialect: Dialect) -> Self:
        """Those of the records of the changes of a table; columns are named by their ids."""
        rows = table.from_clause
        cells = {column.id: rows.c[cell_id(column)] for column in columns}
        return cls(rows, rows.c[SEQ], rows.c[KEY_OF_ROW], cells, dialect, 0)

    def count(self) -> Statement:
        return statement(sa.select(sa.func.count()).select_from(self._rows), self._dialect)

    def batch(self, after: str | int, limit: int) -> Statement:
        """The ids and the stored cells of the rows after one id, in the order of the ids."""
        return statement(self._batch(after, limit), self._dialect)

    def of_keys(self, row_keys: Sequence[str], after: str | int, limit: int) -> Statement:
        """The same for the rows with these ``_id``, or for their records."""
        return statement(self._batch(after, limit).where(self._row_key.in_(row_keys)), self._dialect)

    def _batch(self, after: str | int, limit: int) -> sa.Select[Any]:
        rows = sa.select(self._number, *self._cells.values()).where(self._number > after)
        return rows.order_by(self._number).limit(limit)

    def replace(self, name: str, row: str | int, old: bytes, new: bytes) -> Statement:
        """Replace a cell, if it is unchanged since it was read."""
        if name not in self._replace:
            column = self._cells[name]
            values = {each: sa.bindparam(each, type_=sa.LargeBinary()) for each in ("new", "old")}
            update = sa.update(self._rows).values({column: values["new"]})
            is_one = self._number == sa.bindparam("row", type_=self._number.type)
            self._replace[name] = template(update.where(is_one, column == values["old"]), self._dialect)
        return self._replace[name].bind({"new": new, "old": old, "row": row})
