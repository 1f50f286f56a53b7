"""Schema: a definition as SQLAlchemy's table, and the DDL that makes and drops it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.schema import AddConstraint, CreateIndex, CreateTable, DropTable
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
from rowkeep.sql.statements import Statement, ddl


class TableSchema:
    """A table as the engine has it: the users' columns and the stored system columns.

    ``referred`` are the tables that its columns refer to, by id; only the DDL of its references asks for
    them.
    """

    def __init__(
        self, table: Table, dialect: Dialect, schema: str | None, referred: Mapping[str, Table] | None = None
    ) -> None:
        self.table = table
        self.dialect = dialect
        self.columns = {column.name: column for column in table.all_columns}
        self.physical = sa.Table(
            table_name(table),
            sa.MetaData(),
            *(_cell_column(column, dialect) for column in table.stored_columns),
            *(_key_column(column) for column in table.columns if dialect.kinds[column.kind].key),
            sa.PrimaryKeyConstraint(column_name(ROW_KEY), name=key_name(table)),
            schema=quoted(schema) if schema else None,
            **dialect.table_options,
        )
        self.indexes = [
            sa.Index(
                index_name(table, index),
                *(self.ordered(name, descending=descending) for name, descending in self._parts(index)),
                unique=index.is_unique,
                # said in so many words, because an index on sys_Id has no column to tell it by
                _table=self.physical,
            )
            for index in table.indexes
        ]
        self.indexes += self._reference_indexes()
        if referred is not None:
            for constraint in self.references(referred):
                self.physical.append_constraint(constraint)

    def _parts(self, index: Index) -> list[tuple[str, bool]]:
        """The columns of an index."""
        parts = [(part.name, part.descending) for part in index.columns]
        goes_on = self.dialect.indexes_end_with_row_key and not index.is_unique
        if not goes_on or {"sys_Id", ROW_KEY} & {name for name, _ in parts}:
            return parts
        return [*parts, (ROW_KEY, False)]

    def _reference_indexes(self) -> list[sa.Index]:
        """What refers is looked for whenever what is referred to is deleted: by an index, if there is none
        yet."""
        led = {index.columns[0].name for index in self.table.indexes}
        return [
            sa.Index(
                reference_index_name(self.table, column), self.identity(column.name), _table=self.physical
            )
            for column in self.table.columns
            if column.reference is not None and column.name not in led
        ]

    def references(self, referred: Mapping[str, Table]) -> list[sa.ForeignKeyConstraint]:
        """The foreign keys of its columns."""
        made = []
        for column in self.table.columns:
            if column.reference is None:
                continue
            itself = column.reference.table == self.table.id
            there = (
                self
                if itself
                else TableSchema(referred[column.reference.table], self.dialect, self.physical.schema)
            )
            name = next(c.name for c in there.table.all_columns if c.id == column.reference.column)
            made.append(
                sa.ForeignKeyConstraint(
                    [self.identity(column.name)],
                    [there.identity(name)],
                    name=reference_name(self.table, column),
                )
            )
        return made

    def identity(self, name: str) -> Expression:
        """What is stored of a column and is equal where its cells are: of ``sys_Id`` the ``_id``, of a kind
        that the engine cannot compare its key."""
        if name == "sys_Id":
            return self.physical.c[ROW_KEY]
        return self.physical.c[sort_key_name(name) if self.kind(name).key else column_name(name)]

    def column(self, name: str) -> Expression:
        """A column as it is compared; ``sys_Id``, and what refers to it, as the expression that derives
        it."""
        if name == "sys_Id" or self.columns[name].holds_sys_ids:
            return _derived_sys_id(self.identity(name))
        return self.identity(name)

    def answered(self, name: str) -> Expression:
        """A column as it is answered, under its own name."""
        return self.answered_from(self.physical.c, name)

    def answered_from(self, columns: Any, name: str) -> Expression:
        """The same of rows that have the columns as they are stored."""
        kind = self.kind(name)
        if name == "sys_Id":
            column = _derived_sys_id(columns[ROW_KEY])
        elif self.columns[name].holds_sys_ids:
            column = _derived_sys_id(columns[column_name(name)])
        else:
            column = columns[column_name(name)]
        return kind.answered(column).label(quoted(name))

    def written(self, name: str, parameter: str) -> dict[quoted_name, Expression]:
        """What is stored for a cell, which is handed over as this parameter: the cell, and its key if it has
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

    def kind(self, name: str) -> StoredKind:
        return self.dialect.kinds[self.columns[name].kind]

    def ordered(self, name: str, *, descending: bool) -> Expression:
        """A column in a sort or an index: empty cells are least of all, on every engine."""
        column = self.column(name) if name == "sys_Id" else self.identity(name)
        # the primary key's own index has no clause for them, and a sort must match it to use it
        return ordered(self.dialect, column, descending=descending, has_nulls=name != ROW_KEY)

    def create(self) -> list[Statement]:
        """The table, its indexes, and its references. These come last where they can be added: one to the
        table itself may need its unique index. Else they come with the table."""
        references = sorted(self.physical.foreign_key_constraints, key=lambda each: str(each.name))
        inline = [] if self.dialect.can_add_foreign_keys else references
        return [
            ddl(CreateTable(self.physical, include_foreign_key_constraints=inline), self.dialect),
            *(ddl(CreateIndex(index), self.dialect) for index in self.indexes),
            *(ddl(AddConstraint(each), self.dialect) for each in references if each not in inline),
        ]

    def drop(self) -> Statement:
        return ddl(DropTable(self.physical, if_exists=True), self.dialect)


def ordered(dialect: Dialect, column: Expression, *, descending: bool, has_nulls: bool = True) -> Expression:
    """A column in a sort, empty cells least of all."""
    in_order = column.desc() if descending else column.asc()
    if dialect.nulls_are_least or not has_nulls:
        return in_order
    return in_order.nulls_last() if descending else in_order.nulls_first()


def physical_columns(column: Column, dialect: Dialect) -> list[sa.Column[Any]]:
    """What the engine has of a column: its cells, and their keys if it has any."""
    keys = [_key_column(column)] if dialect.kinds[column.kind].key else []
    return [_cell_column(column, dialect), *keys]


def _cell_column(column: Column, dialect: Dialect) -> sa.Column[Any]:
    kind = dialect.kinds[column.kind]
    name = column_name(column.name)
    # names are letters, digits and _, so quotes are all they need
    rules = [kind.check.format(column=f'"{name}"')] if kind.check else []
    checks = [sa.CheckConstraint(sa.text(rule)) for rule in rules]
    return sa.Column(name, kind.type, *checks, nullable=not column.is_required)


def _key_column(column: Column) -> sa.Column[Any]:
    return sa.Column(sort_key_name(column.name), sa.Text(), nullable=not column.is_required)


def _derived_sys_id(row_key: Expression) -> Expression:
    def part(start: int, length: int) -> Expression:
        return sa.func.substr(row_key, sa.literal_column(str(start)), sa.literal_column(str(length)))

    def text(constant: str) -> Expression:
        return sa.literal_column(f"'{constant}'", sa.Text())

    pieces = [
        text("sys-"), part(1, 8), text("-"), part(9, 4), text("-8"), part(13, 3), text("-8"), part(16, 3),
        text("-000000"), part(19, 6),
    ]  # fmt: skip
    whole = pieces[0]
    for piece in pieces[1:]:
        whole = whole.op("||")(piece)
    return sa.type_coerce(whole, sa.Text())
