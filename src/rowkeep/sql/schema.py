"""Schema: a definition as SQLAlchemy's table, and the DDL that makes and drops it."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.schema import CreateIndex, CreateTable, DropTable

from rowkeep.model.columns import Kind
from rowkeep.model.tables import ROW_KEY, Column, Index, Table
from rowkeep.sql.dialects import Dialect, Expression
from rowkeep.sql.names import column_name, index_name, key_name, quoted, table_name
from rowkeep.sql.statements import Statement, ddl


class TableSchema:
    """A table as the engine has it: the users' columns and the stored system columns."""

    def __init__(self, table: Table, dialect: Dialect, schema: str | None) -> None:
        self.table = table
        self.dialect = dialect
        self.columns = {column.name: column for column in table.all_columns}
        self.physical = sa.Table(
            table_name(table),
            sa.MetaData(),
            *(_physical_column(column, dialect) for column in table.stored_columns),
            sa.PrimaryKeyConstraint(column_name(ROW_KEY), name=key_name(table)),
            schema=quoted(schema) if schema else None,
            **dialect.table_options,
        )
        self.indexes = [
            sa.Index(
                index_name(table, at),
                *(self.ordered(name, descending=descending) for name, descending in self._parts(index)),
                unique=index.is_unique,
                # said in so many words, because an index on sys_Id has no column to tell it by
                _table=self.physical,
            )
            for at, index in enumerate(table.indexes)
        ]

    def _parts(self, index: Index) -> list[tuple[str, bool]]:
        """The columns of an index. PostgreSQL's go on to the row key, by which rows come unless they are
        sorted: else, knowing nothing of a new table, it reads the whole of it in that order to find a few."""
        parts = [(part.name, part.descending) for part in index.columns]
        ends_by_itself = index.is_unique or self.dialect.name == "sqlite"
        if ends_by_itself or {"sys_Id", ROW_KEY} & {name for name, _ in parts}:
            return parts
        return [*parts, (ROW_KEY, False)]

    def column(self, name: str) -> Expression:
        """A column by its own name; ``sys_Id`` as the expression that derives it."""
        if name == "sys_Id":
            return _derived_sys_id(self.physical.c[ROW_KEY])
        return self.physical.c[column_name(name)]

    def answered(self, name: str) -> Expression:
        """A column as it is answered, under its own name."""
        return self.dialect.answered(self.kind(name), self.column(name)).label(quoted(name))

    def kind(self, name: str) -> Kind:
        return self.columns[name].type_facts.kind

    def ordered(self, name: str, *, descending: bool) -> Expression:
        """A column in a sort or an index: empty cells are least of all, on every engine."""
        column = self.column(name)
        ordered = column.desc() if descending else column.asc()
        if self.dialect.nulls_are_least or name == ROW_KEY:
            # the primary key's own index has no such clause, and a sort must match it to use it
            return ordered
        return ordered.nulls_last() if descending else ordered.nulls_first()

    def create(self) -> list[Statement]:
        return [
            ddl(CreateTable(self.physical), self.dialect),
            *(ddl(CreateIndex(index), self.dialect) for index in self.indexes),
        ]

    def drop(self) -> Statement:
        return ddl(DropTable(self.physical, if_exists=True), self.dialect)


def _physical_column(column: Column, dialect: Dialect) -> sa.Column[Any]:
    kind = column.type_facts.kind
    name = column_name(column.name)
    checks = []
    if kind is Kind.BOOLEAN and dialect.name == "sqlite":
        # SQLite has no type for them; names are letters, digits and _, so quotes are all they need
        checks.append(sa.CheckConstraint(sa.text(f'"{name}" IN (0, 1)')))
    return sa.Column(name, dialect.types[kind], *checks, nullable=not column.is_required)


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
