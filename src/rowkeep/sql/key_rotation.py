"""Rotation: the statements that read and replace the encrypted cells of a table."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from rowkeep.model.tables import ROW_KEY, Table
from rowkeep.sql.dialects import Dialect
from rowkeep.sql.names import column_name
from rowkeep.sql.physical_table import PhysicalTable
from rowkeep.sql.statements import Statement, Template, statement, template


class RotationSql:
    """The statements of one table."""

    def __init__(self, table: Table, dialect: Dialect, namespace: str | None) -> None:
        self._physical_table = PhysicalTable(table, dialect, namespace)
        self._physical = self._physical_table.from_clause
        self._replace: dict[str, Template] = {}

    def count(self) -> Statement:
        return statement(sa.select(sa.func.count()).select_from(self._physical), self._physical_table.dialect)

    def batch(self, names: Sequence[str], after: str, limit: int) -> Statement:
        """The ids and the stored cells of the rows after one id, in the order of the ids."""
        row_key = self._physical.c[column_name(ROW_KEY)]
        columns = [self._physical.c[column_name(name)] for name in names]
        rows = sa.select(row_key, *columns).where(row_key > after).order_by(row_key).limit(limit)
        return statement(rows, self._physical_table.dialect)

    def replace(self, name: str, row_id: str, old: bytes, new: bytes) -> Statement:
        """Replace a cell, if it is unchanged since it was read."""
        if name not in self._replace:
            row_key = self._physical.c[column_name(ROW_KEY)]
            column = self._physical.c[column_name(name)]
            values = {each: sa.bindparam(each, type_=sa.LargeBinary()) for each in ("new", "old")}
            update = sa.update(self._physical).values({column: values["new"]})
            update = update.where(row_key == sa.bindparam("row", type_=sa.Text()), column == values["old"])
            self._replace[name] = template(update, self._physical_table.dialect)
        return self._replace[name].bind({"new": new, "old": old, "row": row_id})
