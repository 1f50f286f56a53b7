"""Physical tables: a definition as SQLAlchemy's table, and the DDL that creates and drops it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import sqlalchemy as sa
from sqlalchemy.schema import AddConstraint, CreateIndex, CreateTable
from sqlalchemy.sql import quoted_name

from rowkeep.model.tables import ROW_KEY, Column, Index, Table
from rowkeep.sql.dialects import Dialect, StoredKind
from rowkeep.sql.expressions import Expression
from rowkeep.sql.names import (
    column_name,
    index_name,
    key_name,
    quoted,
    reference_index_name,
    reference_name,
    sort_key_name,
    table_name,
)
from rowkeep.sql.statements import Statement, command, ddl


def cell_name(at: int) -> str:
    """The parameter of cell number ``at`` of a write."""
    return f"c{at}"


class PhysicalTable:
    """A table as the engine has it: the users' columns and the stored system columns.

    ``referred`` has the tables that its columns refer to, by id; only the DDL of its references needs them.
    """

    def __init__(
        self,
        table: Table,
        dialect: Dialect,
        namespace: str | None,
        referred: Mapping[str, Table] | None = None,
    ) -> None:
        self.table = table
        self.dialect = dialect
        self.columns = {column.name: column for column in table.all_columns}
        self.from_clause = sa.Table(
            table_name(table),
            sa.MetaData(),
            *(_cell_column(column, dialect) for column in table.stored_columns),
            *(_key_column(column) for column in table.columns if dialect.kinds[column.kind].key),
            sa.PrimaryKeyConstraint(column_name(ROW_KEY), name=key_name(table)),
            schema=quoted(namespace) if namespace else None,
            **dialect.table_options,
        )
        if referred is not None:
            for constraint in self.references(referred):
                self.from_clause.append_constraint(constraint)

    @cached_property
    def indexes(self) -> list[sa.Index]:
        """Its indexes, and those of its references."""
        own = [
            sa.Index(
                index_name(self.table, index),
                *(self.ordered(name, descending=descending) for name, descending in self._parts(index)),
                unique=index.is_unique,
                # explicit, because an index on sys_Id has no column that identifies the table
                _table=self.from_clause,
            )
            for index in self.table.indexes
        ]
        return own + self._reference_indexes()

    def _parts(self, index: Index) -> list[tuple[str, bool]]:
        """The columns of an index."""
        parts = [(part.name, part.descending) for part in index.columns]
        ends_with_row_key = self.dialect.indexes_end_with_row_key and not index.is_unique
        if not ends_with_row_key or {"sys_Id", ROW_KEY} & {name for name, _ in parts}:
            return parts
        return [*parts, (ROW_KEY, False)]

    def _reference_indexes(self) -> list[sa.Index]:
        """Indexes for references: when a row is deleted, the engine searches for rows that refer to it.
        Columns that have an index already get no other one."""
        indexed = {index.columns[0].name for index in self.table.indexes}
        return [
            sa.Index(
                reference_index_name(self.table, column), self.identity(column.name), _table=self.from_clause
            )
            for column in self.table.columns
            if column.reference is not None and column.name not in indexed
        ]

    def references(self, referred: Mapping[str, Table]) -> list[sa.ForeignKeyConstraint]:
        """The foreign keys of its columns."""
        constraints = []
        for column in self.table.columns:
            if column.reference is None:
                continue
            itself = column.reference.table == self.table.id
            there = (
                self
                if itself
                else PhysicalTable(referred[column.reference.table], self.dialect, self.from_clause.schema)
            )
            name = next(c.name for c in there.table.all_columns if c.id == column.reference.column)
            constraints.append(
                sa.ForeignKeyConstraint(
                    [self.identity(column.name)],
                    [there.identity(name)],
                    name=reference_name(self.table, column),
                )
            )
        return constraints

    def identity(self, name: str) -> Expression:
        """A stored expression that is equal for equal cells: for ``sys_Id`` the ``_id``, for a kind that the
        engine cannot compare its sort key."""
        if name == "sys_Id":
            return self.from_clause.c[ROW_KEY]
        return self.from_clause.c[sort_key_name(name) if self.kind(name).key else column_name(name)]

    def column(self, name: str) -> Expression:
        """A column for comparisons; ``sys_Id``, and columns that refer to it, as the expression that derives
        it."""
        if name == "sys_Id" or self.columns[name].holds_sys_ids:
            return self.dialect.sys_id(self.identity(name))
        return self.identity(name)

    def answered(self, name: str) -> sa.Label[Any]:
        """A column as it is answered, under its own name."""
        return self.answered_from(self.from_clause.c, name)

    def answered_from(self, columns: Any, name: str) -> sa.Label[Any]:
        """The same of rows that have the columns as they are stored."""
        kind = self.kind(name)
        if name == "sys_Id":
            column = self.dialect.sys_id(columns[ROW_KEY])
        elif self.columns[name].holds_sys_ids:
            column = self.dialect.sys_id(columns[column_name(name)])
        else:
            column = columns[column_name(name)]
        return kind.answered(column).label(quoted(name))

    def written(self, name: str, parameter: str) -> dict[quoted_name, Expression]:
        """The stored values for a cell that is sent as this parameter: the cell, and its sort key if it has
        one."""
        kind = self.kind(name)
        cell = kind.open_parameter(parameter)
        stored = {column_name(name): kind.bound(cell)}
        if kind.key is not None:
            stored[sort_key_name(name)] = kind.key(cell)
        return stored

    def written_natively(self, name: str, parameter: str) -> dict[quoted_name, Expression]:
        """The same for a parameter that takes the cell as the engine has it: without a cast of a text, which
        may depend on the settings of a connection."""
        return self.written(name, parameter) | {
            column_name(name): self.kind(name).native_parameter(parameter)
        }

    def calculated(self, name: str, value: Expression) -> dict[quoted_name, Expression]:
        """The same for a cell that the engine calculates."""
        kind = self.kind(name)
        key = {} if kind.key is None else {sort_key_name(name): kind.key(value)}
        return {column_name(name): value, **key}

    def kind(self, name: str) -> StoredKind:
        return self.dialect.kinds[self.columns[name].kind]

    def ordered(self, name: str, *, descending: bool) -> Expression:
        """A column in a sort or an index: null is less than every value, on every engine."""
        column = self.column(name) if name == "sys_Id" else self.identity(name)
        # the index of the primary key has no NULLS clause, and a sort must match the index to use it
        return ordered(self.dialect, column, descending=descending, has_nulls=name != ROW_KEY)

    def create(self) -> list[Statement]:
        """Create the table, its indexes, and its references. The references are created last where they can
        be added: a reference to the table itself can need its unique index. Otherwise they are part of the
        table."""
        references = sorted(self.from_clause.foreign_key_constraints, key=lambda each: str(each.name))
        inline = [] if self.dialect.can_add_foreign_keys else references
        return [
            ddl(CreateTable(self.from_clause, include_foreign_key_constraints=inline), self.dialect),
            *(ddl(CreateIndex(index), self.dialect) for index in self.indexes),
            *(ddl(AddConstraint(each), self.dialect) for each in references if each not in inline),
        ]

    def drop(self) -> Statement:
        return drop_table(self.table, self.from_clause.schema)


def drop_table(table: Table, namespace: str | None) -> Statement:
    """Drop a table and its indexes, for which its columns do not matter."""
    # names are letters, digits and _, so quotes are sufficient
    place = f'"{namespace}".' if namespace else ""
    return command(f'DROP TABLE IF EXISTS {place}"{table_name(table)}"')


def ordered(dialect: Dialect, column: Expression, *, descending: bool, has_nulls: bool = True) -> Expression:
    """A column in a sort; null is less than every value."""
    in_order = column.desc() if descending else column.asc()
    if dialect.nulls_are_least or not has_nulls:
        return in_order
    return in_order.nulls_last() if descending else in_order.nulls_first()


def physical_columns(column: Column, dialect: Dialect) -> list[sa.Column[Any]]:
    """The physical columns of a column: its cells, and their sort keys if it has them."""
    keys = [_key_column(column)] if dialect.kinds[column.kind].key else []
    return [_cell_column(column, dialect), *keys]


def _cell_column(column: Column, dialect: Dialect) -> sa.Column[Any]:
    kind = dialect.kinds[column.kind]
    name = column_name(column.name)
    # names are letters, digits and _, so quotes are sufficient
    rules = [kind.check.format(column=f'"{name}"')] if kind.check else []
    checks = [sa.CheckConstraint(sa.text(rule)) for rule in rules]
    return sa.Column(name, kind.type, *checks, nullable=not column.is_required)


def _key_column(column: Column) -> sa.Column[Any]:
    return sa.Column(sort_key_name(column.name), sa.Text(), nullable=not column.is_required)
