"""Changes: the steps from one definition of a table to another, and the checks before them, as SQL.

Both engines use ALTER TABLE for all of it. Where cells are rewritten, a new column is added, filled and given
the name of the old one, which is dropped. The table itself stays, and so do its foreign keys.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from msgspec.structs import replace
from sqlalchemy.schema import CreateColumn, CreateIndex, DropIndex
from sqlalchemy.sql import quoted_name

from rowkeep.model.tables import ROW_KEY, Column, Table, name_key
from rowkeep.plan.table_changes.diff import Change, StepKind, TableStep
from rowkeep.plan.table_changes.matching import RemainingColumn
from rowkeep.sql.dialects import Dialect
from rowkeep.sql.expressions import Expression
from rowkeep.sql.names import (
    column_name,
    index_name,
    quoted,
    reference_index_name,
    reference_name,
    sort_key_name,
)
from rowkeep.sql.physical_table import PhysicalTable, physical_columns
from rowkeep.sql.statements import Statement, Template, ddl, statement, template
from rowkeep.sql.table_checks import shown, target_of

PAGE_ROWS = 500
"""How many rows are converted at a time."""


def rewrites(step: TableStep, dialect: Dialect) -> bool:
    """Whether the engine rewrites all rows of the table for this step."""
    if step.kind is StepKind.REFER:
        return step.fills or not dialect.can_add_foreign_keys
    if step.kind is StepKind.DROP_COLUMN:
        return step.fills or not dialect.drops_columns_in_place
    return step.fills or step.kind in (StepKind.CONVERT, StepKind.ENCRYPT)


class ChangeSql:
    """The statements of one change, for one engine. They are run in the order of the methods. ``referred``
    has the tables that the changed table refers to, by id."""

    def __init__(
        self, change: Change, dialect: Dialect, namespace: str | None, referred: Mapping[str, Table]
    ) -> None:
        self._change = change
        self._dialect = dialect
        self._namespace = namespace
        self._referred = referred
        self._was = PhysicalTable(change.before, dialect, namespace)
        self._now = PhysicalTable(change.after, dialect, namespace)
        self._preparer = dialect.compiler.identifier_preparer
        self._referring = {column.name for column in change.referring}

    def lock(self) -> Iterator[Statement]:
        """Prevent all other reads and writes of the table from now on."""
        if self._dialect.has_concurrent_writers:
            yield Statement(f"LOCK TABLE {self._table(self._was)} IN ACCESS EXCLUSIVE MODE")
            for column in self._change.referring:
                there, _ = target_of(column, self._now, self._referred)
                if there.table.id != self._change.after.id:
                    # rows that are referred to must not be deleted between the check and the foreign key
                    yield Statement(f"LOCK TABLE {self._table(there)} IN SHARE ROW EXCLUSIVE MODE")

    # the change itself

    def drop(self) -> Iterator[Statement]:
        """Drop foreign keys, indexes and columns."""
        removed = {column.id for column in self._change.dropped}
        rewritten = {column.id for column in self._change.referring}
        stays = {column.id: column.reference for column in self._change.after.columns}
        for column in self._change.before.columns:
            if column.reference is not None and (
                column.id in removed | rewritten or stays[column.id] != column.reference
            ):
                constraint = self._preparer.quote(reference_name(self._change.before, column))
                yield self._alter(self._was, f"DROP CONSTRAINT {constraint}")
        for index in self._was.indexes:
            if index.name in self._dropped_indexes():
                yield ddl(DropIndex(index), self._dialect)
        for column in self._change.dropped:
            yield from self._drop_column(self._was, column)

    def add_converted(self, pairs: Sequence[RemainingColumn]) -> Iterator[Statement]:
        """Add temporary columns for the converted cells."""
        for pair in pairs:
            yield from self._add_columns(self._was, pair.after, temporary=True)

    def page(self, pairs: Sequence[RemainingColumn]) -> Template:
        """Some rows in the order of their ids, after the id in the parameter ``after``: the id and the old
        values."""
        names = [pair.before.name for pair in pairs]
        row = self._was.column(ROW_KEY)
        rows = (
            sa.select(*shown(self._was, names))
            .where(row > sa.bindparam("after", type_=sa.Text()))
            .order_by(row)
            .limit(sa.literal_column(str(PAGE_ROWS)))
            .offset(sa.literal_column("0"))
        )
        return template(rows, self._dialect)

    def write_converted(self, pairs: Sequence[RemainingColumn]) -> Template:
        """Write one row: its id in the parameter ``row``, its new values in ``v0``, ``v1`` and so on."""
        cells: dict[Any, Expression] = {}
        for at, pair in enumerate(pairs):
            names = self._temporary_names(pair.after)
            for name, value in self._now.written(pair.after.name, f"v{at}").items():
                cells[names[name]] = value
        row: sa.ColumnClause[str] = sa.column(column_name(ROW_KEY))
        target = sa.table(
            self._was.from_clause.name, row, *map(sa.column, cells), schema=self._was.from_clause.schema
        )
        update = sa.update(target).values(cells).where(row == sa.bindparam("row", type_=sa.Text()))
        return template(update, self._dialect)

    def drop_converted(self, pairs: Sequence[RemainingColumn]) -> Iterator[Statement]:
        """Drop the columns with the old cells."""
        for pair in pairs:
            yield from self._drop_column(self._was, pair.before)

    def finish(self) -> Iterator[Statement]:
        """Set names, new columns, defaults in their cells, and NOT NULL."""
        yield from self._rename_table()
        yield from self._rename_columns()
        for column in self._change.added:
            yield from self._add_columns(self._now, column)
        yield from self._fill()
        may_be_empty = {column.name: True for column in self._change.added}
        for pair in self._change.remaining:
            may_be_empty[pair.after.name] = pair.converts or not pair.before.is_required
        for column in self._change.after.columns:
            if may_be_empty[column.name] == column.is_required:
                yield from self._require(column)

    def make_indexes(self) -> Iterator[Statement]:
        """Create unique indexes first, because columns can refer to theirs; then foreign keys; then the other
        indexes."""
        missing = self._missing_indexes()
        for index in missing:
            if not self._waits(index):
                yield ddl(CreateIndex(index), self._dialect)
        for column in self._change.referring:
            yield from self._refer(column)
        for index in missing:
            if self._waits(index):
                yield ddl(CreateIndex(index), self._dialect)

    # single steps

    def _table(self, physical: PhysicalTable) -> str:
        return self._preparer.format_table(physical.from_clause)

    def _alter(self, physical: PhysicalTable, what: str) -> Statement:
        return Statement(f"ALTER TABLE {self._table(physical)} {what}")

    def _dropped_indexes(self) -> set[str]:
        before = self._change.before
        names = {str(index_name(before, index)) for index in self._change.dropped_indexes}
        remaining = {str(index.name) for index in self._now.indexes}
        written = {pair.before.id for pair in self._change.remaining if pair.converts}
        rewritten = written | {column.id for column in self._change.referring}
        for column in before.columns:
            name = str(reference_index_name(before, column))
            if name not in remaining or column.id in rewritten:
                names.add(name)
        if not self._dialect.can_add_foreign_keys:
            # a column that gets a reference is replaced, and no index may contain it
            referring = {column.id for column in self._change.referring}
            ids = {column.name: column.id for column in before.columns}
            for index in before.indexes:
                if any(ids.get(part.name) in referring for part in index.columns):
                    names.add(str(index_name(before, index)))
        return names

    def _missing_indexes(self) -> list[sa.Index]:
        """The indexes that are missing, or were dropped."""
        there = {str(index.name) for index in self._was.indexes} - self._dropped_indexes()
        return [index for index in self._now.indexes if str(index.name) not in there]

    def _waits(self, index: sa.Index) -> bool:
        """Whether an index contains a column that is replaced to get its reference."""
        if self._dialect.can_add_foreign_keys:
            return False
        names = {
            str(index_name(self._change.after, each)): {part.name for part in each.columns}
            for each in self._change.after.indexes
        }
        return bool(names.get(str(index.name), self._referring) & self._referring)

    def _drop_column(self, table: PhysicalTable, column: Column) -> Iterator[Statement]:
        for physical in physical_columns(column, self._dialect):
            yield self._alter(table, f"DROP COLUMN {self._preparer.quote(physical.name)}")

    def _add_columns(
        self, table: PhysicalTable, column: Column, *, temporary: bool = False
    ) -> Iterator[Statement]:
        """Add a column that can be null for now; with ``temporary``, under temporary names."""
        names = self._temporary_names(column)
        for physical in physical_columns(replace(column, is_required=False), self._dialect):
            name = names[physical.name] if temporary else physical.name
            yield self._alter(table, f"ADD COLUMN {self._column_definition(physical, name)}")

    def _column_definition(self, physical: sa.Column[Any], name: str) -> str:
        checks = [
            sa.CheckConstraint(sa.text(str(check.sqltext).replace(f'"{physical.name}"', f'"{name}"')))
            for check in physical.constraints
            if isinstance(check, sa.CheckConstraint)
        ]
        renamed: sa.Column[Any] = sa.Column(quoted(name), physical.type, *checks)
        sa.Table("t", sa.MetaData(), renamed)
        return ddl(CreateColumn(renamed), self._dialect).text

    def _temporary_names(self, column: Column) -> dict[str, quoted_name]:
        """The temporary names under which a column's physical columns are filled, by their final names."""
        return {
            column_name(column.name): quoted(f"_new_{column.id}"),
            sort_key_name(column.name): quoted(f"_newkey_{column.id}"),
        }

    def _refer(self, column: Column) -> Iterator[Statement]:
        """Add a foreign key; where the engine cannot add one to a column, replace the column."""
        there, name = target_of(column, self._now, self._referred)
        cell = self._now.identity(column.name).name
        quoted_cell, key = (
            self._preparer.quote(cell),
            self._preparer.quote(reference_name(self._change.after, column)),
        )
        target = f"{self._table(there)} ({self._preparer.quote(there.identity(name).name)})"
        if self._dialect.can_add_foreign_keys:
            yield self._alter(
                self._now, f"ADD CONSTRAINT {key} FOREIGN KEY ({quoted_cell}) REFERENCES {target}"
            )
            return
        temporary = quoted(f"_ref_{column.id}")
        physical = next(
            each
            for each in physical_columns(replace(column, is_required=False), self._dialect)
            if each.name == cell
        )
        spec = self._column_definition(physical, temporary)
        yield self._alter(self._now, f"ADD COLUMN {spec} CONSTRAINT {key} REFERENCES {target}")
        table = sa.table(self._now.from_clause.name, sa.column(cell), sa.column(temporary))
        yield statement(sa.update(table).values({temporary: table.c[cell]}), self._dialect)
        yield self._alter(self._now, f"DROP COLUMN {quoted_cell}")
        yield self._alter(self._now, f"RENAME COLUMN {self._preparer.quote(temporary)} TO {quoted_cell}")
        if column.is_required:
            yield self._alter(self._now, f"ALTER COLUMN {quoted_cell} SET NOT NULL")

    def _rename_table(self) -> Iterator[Statement]:
        was, now = self._was.from_clause.name, self._now.from_clause.name
        if was == now:
            return
        namespace = self._was.from_clause.schema
        if name_key(str(was)) == name_key(str(now)):
            # for SQLite, the same name in another case is another table
            temporary = quoted(f"_rename_{self._change.before.id}")
            yield self._alter(self._was, f"RENAME TO {self._preparer.quote(temporary)}")
            source = sa.Table(temporary, sa.MetaData(), schema=namespace)
        else:
            source = self._was.from_clause
        yield Statement(
            f"ALTER TABLE {self._preparer.format_table(source)} RENAME TO {self._preparer.quote(now)}"
        )

    def _rename_columns(self) -> Iterator[Statement]:
        """Rename columns, through temporary names where one takes the name of another that is renamed too."""
        pairs = [
            names
            for pair in self._change.remaining
            for names in (
                [(was, now) for now, was in self._temporary_renames(pair.after)]
                if pair.converts
                else list(
                    zip(self._physical_names(pair.before), self._physical_names(pair.after), strict=True)
                )
            )
        ]
        pairs = [(was, now) for was, now in pairs if was != now]
        wanted = {name_key(str(now)): was for was, now in pairs}
        temporary: list[tuple[quoted_name, quoted_name]] = []
        for at, (was, now) in enumerate(pairs):
            # its old name is the new name of another column
            if wanted.get(name_key(str(was)), was) != was:
                temporary.append((was, quoted(f"_rename_{at}")))
                pairs[at] = (temporary[-1][1], now)
        for was, now in (*temporary, *pairs):
            yield self._alter(
                self._now, f"RENAME COLUMN {self._preparer.quote(was)} TO {self._preparer.quote(now)}"
            )

    def _fill(self) -> Iterator[Statement]:
        table = self._now.from_clause
        added = [column for column in self._change.added if column.default is not None]
        if added:
            yield self._filling(sa.update(table), added)
        for pair in self._change.remaining:
            if pair.fills:
                empty = table.c[column_name(pair.after.name)].is_(None)
                yield self._filling(sa.update(table).where(empty), [pair.after])

    def _filling(self, update: sa.Update, columns: list[Column]) -> Statement:
        cells: dict[quoted_name, Expression] = {}
        for at, column in enumerate(columns):
            cells |= self._now.written(column.name, f"v{at}")
        values = {f"v{at}": column.default for at, column in enumerate(columns)}
        return template(update.values(cells), self._dialect).bind(values)

    def _require(self, column: Column) -> Iterator[Statement]:
        change = "SET" if column.is_required else "DROP"
        for name in self._physical_names(column):
            yield self._alter(self._now, f"ALTER COLUMN {self._preparer.quote(name)} {change} NOT NULL")

    def _physical_names(self, column: Column) -> list[quoted_name]:
        return [quoted(physical.name) for physical in physical_columns(column, self._dialect)]

    def _temporary_renames(self, column: Column) -> Iterator[tuple[quoted_name, quoted_name]]:
        names = self._temporary_names(column)
        for name in self._physical_names(column):
            yield name, names[name]
