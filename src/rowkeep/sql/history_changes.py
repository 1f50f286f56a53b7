"""History changes: the steps that let the records of a table follow a change of its definition.

A rename changes nothing, and the cells of dropped columns stay. New columns are added, and cells are
converted as those of the table are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.schema import CreateColumn
from sqlalchemy.sql import quoted_name

from rowkeep.model.history import ChangeKind
from rowkeep.model.tables import Column
from rowkeep.plan.table_changes.diff import Change
from rowkeep.plan.table_changes.matching import RemainingColumn
from rowkeep.sql.dialects import Dialect
from rowkeep.sql.history_table import KIND, SEQ, HistoryTable, cell_id, key_id, record_columns
from rowkeep.sql.names import column_name, quoted, sort_key_name
from rowkeep.sql.physical_table import PhysicalTable
from rowkeep.sql.statements import Statement, Template, ddl, template

PAGE_RECORDS = 500
"""How many records are converted at a time."""


class HistoryChangeSql:
    """The statements of one change of a table that has a history before and after it. ``dropped`` are the
    columns that only records had before."""

    def __init__(
        self, change: Change, dialect: Dialect, namespace: str | None, dropped: Sequence[Column]
    ) -> None:
        self._change = change
        self._dialect = dialect
        self.was = HistoryTable(change.before, dialect, namespace, dropped)
        self.now = HistoryTable(change.after, dialect, namespace, (*dropped, *change.dropped))
        self._now = PhysicalTable(change.after, dialect, namespace)
        self._spell = dialect.compiler.identifier_preparer

    def add(self) -> Iterator[Statement]:
        """Add the new columns, with their defaults in the rows of the past."""
        for column in self._change.added:
            for physical in record_columns(column, self._dialect):
                yield self._alter(f"ADD COLUMN {self._definition(physical)}")
        filled = [column for column in self._change.added if column.default is not None]
        if filled:
            records = self.now.from_clause
            cells: dict[Any, Any] = {}
            for at, column in enumerate(filled):
                names = _record_names(column)
                written = self._now.written(column.name, f"v{at}")
                cells |= {names[name]: value for name, value in written.items()}
            update = sa.update(records).values(cells)
            is_image = records.c[KIND] != sa.literal_column(str(int(ChangeKind.INSERT)))
            values = {f"v{at}": column.default for at, column in enumerate(filled)}
            yield template(update.where(is_image), self._dialect).bind(values)

    def add_converted(self, pair: RemainingColumn) -> Iterator[Statement]:
        """Add temporary columns for the converted cells of a column."""
        for physical in record_columns(pair.after, self._dialect):
            temporary: sa.Column[Any] = sa.Column(_temporary(str(physical.name)), physical.type)
            yield self._alter(f"ADD COLUMN {self._definition(temporary)}")

    def page(self, pair: RemainingColumn) -> Template:
        """Some records with a value in a column, in their order, after the number ``after``: the number and
        the value."""
        records = self.was.from_clause
        cell = records.c[cell_id(pair.before)]
        some = (
            sa.select(records.c[SEQ], self.was.answered(pair.before.name))
            .where(records.c[SEQ] > sa.bindparam("after", type_=sa.BigInteger()), cell.is_not(None))
            .order_by(records.c[SEQ])
            .limit(sa.literal_column(str(PAGE_RECORDS)))
            .offset(sa.literal_column("0"))
        )
        return template(some, self._dialect)

    def write_converted(self, pair: RemainingColumn) -> Template:
        """Write the new value ``v0`` of the record with this ``number``."""
        names = _record_names(pair.after)
        written = self._now.written(pair.after.name, "v0")
        cells: dict[Any, Any] = {_temporary(str(names[name])): value for name, value in written.items()}
        records = self.was.from_clause
        number: sa.ColumnClause[int] = sa.column(SEQ)
        target = sa.table(records.name, number, *map(sa.column, cells), schema=records.schema)
        is_one = number == sa.bindparam("number", type_=sa.BigInteger())
        return template(sa.update(target).values(cells).where(is_one), self._dialect)

    def finish_converted(self, pair: RemainingColumn) -> Iterator[Statement]:
        """Put the new cells in the place of the old ones."""
        for physical in record_columns(pair.before, self._dialect):
            yield self._alter(f"DROP COLUMN {self._spell.quote(physical.name)}")
        for physical in record_columns(pair.after, self._dialect):
            was = self._spell.quote(_temporary(str(physical.name)))
            yield self._alter(f"RENAME COLUMN {was} TO {self._spell.quote(physical.name)}")

    def _definition(self, physical: sa.Column[Any]) -> str:
        sa.Table("t", sa.MetaData(), physical)
        return ddl(CreateColumn(physical), self._dialect).text

    def _alter(self, what: str) -> Statement:
        return Statement(f"ALTER TABLE {self._spell.format_table(self.was.from_clause)} {what}")


def _record_names(column: Column) -> dict[quoted_name, quoted_name]:
    """The columns of a record, by the columns of the table that they are filled from."""
    return {column_name(column.name): cell_id(column), sort_key_name(column.name): key_id(column)}


def _temporary(name: str) -> quoted_name:
    return quoted(f"_new_{name}")
