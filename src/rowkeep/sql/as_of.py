"""As of: the rows of a table as they were at a position in the order of operations, as a source of rows.

A row is the image before its first later change; a row without later changes is as the table has it.
"""

from __future__ import annotations

from copy import copy
from functools import cached_property, lru_cache
from typing import Any, TypeVar

import sqlalchemy as sa

from rowkeep.model.history import ChangeKind
from rowkeep.model.tables import ROW_KEY, Table
from rowkeep.sql.dialects import Dialect
from rowkeep.sql.expressions import Expression
from rowkeep.sql.history_table import KEY_OF_ROW, KIND, OP, SEQ, HistoryTable
from rowkeep.sql.images import image_columns
from rowkeep.sql.names import quoted
from rowkeep.sql.pages import Pages, PostgresPages, SqlitePages
from rowkeep.sql.physical_table import PhysicalTable
from rowkeep.sql.system_tables import workspace_tables

POSITION = "as_of"

CACHED_TABLES = 128

S = TypeVar("S", bound="AsOfSql")


class PastTable(PhysicalTable):
    """A table as it was: the same columns, from other rows."""

    def __init__(self, table: Table, dialect: Dialect, namespace: str | None) -> None:
        super().__init__(table, dialect, namespace)
        self._records = HistoryTable(table, dialect, namespace)
        self._operations = workspace_tables(namespace).operations
        past = sa.union_all(self._unchanged(), self._changed()).subquery(quoted("_as_of"))
        self.from_clause = past  # type: ignore[assignment] # FROM takes a subquery too

    def _unchanged(self) -> sa.Select[Any]:
        rows = self.from_clause
        record = self._records.from_clause.alias("later")
        is_changed = self._later(record).where(record.c[KEY_OF_ROW] == rows.c[ROW_KEY])
        return sa.select(*rows.c).where(~is_changed.exists())

    def _changed(self) -> sa.Select[Any]:
        record = self._records.from_clause.alias("image")
        earlier = self._records.from_clause.alias("earlier")
        is_not_first = self._later(earlier).where(
            earlier.c[KEY_OF_ROW] == record.c[KEY_OF_ROW], earlier.c[SEQ] < record.c[SEQ]
        )
        return (
            self._later(record, *self._image(record))
            .where(record.c[KIND] != sa.literal_column(str(int(ChangeKind.INSERT))))
            .where(~is_not_first.exists())
        )

    def _image(self, record: Any) -> list[Expression]:
        """The columns of the table, in the same order, from a record."""
        names = image_columns(self.table, self.dialect)
        return [record.c[names[str(column.name)]].label(column.name) for column in self.from_clause.c]

    def _later(self, record: Any, *columns: Expression) -> sa.Select[Any]:
        """Records of later operations; those that have no position yet are later."""
        operations = self._operations.alias()
        position = sa.bindparam(POSITION, type_=sa.BigInteger())
        is_later = sa.or_(operations.c.position > position, operations.c.position.is_(None))
        chosen = columns or (sa.literal_column("1"),)
        joined = record.join(operations, operations.c.op == record.c[OP])
        return sa.select(*chosen).select_from(joined).where(is_later)


class AsOfSql(Pages):
    """The statements that read a table as it was, for one engine."""

    def __init__(self, table: Table, namespace: str | None) -> None:
        super().__init__(tuple(column.name for column in table.all_columns), namespace)
        self.table = table

    @cached_property
    def physical(self) -> PastTable:
        return PastTable(self.table, self.dialect, self.namespace)

    def at(self: S, position: int) -> S:
        """The same statements for the rows after all operations up to this position."""
        past = copy(self)
        past.constants = {POSITION: position}
        return past


@lru_cache(CACHED_TABLES)
def as_of_sql(made: type[S], table: Table, namespace: str | None) -> S:
    """The statements of a table for one engine, compiled once."""
    return made(table, namespace)


class SqliteAsOfSql(SqlitePages, AsOfSql):
    """The statements for one SQLite file."""


class PostgresAsOfSql(PostgresPages, AsOfSql):
    """The statements for one namespace on PostgreSQL."""
