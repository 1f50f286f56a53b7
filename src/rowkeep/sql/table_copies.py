"""Table copies: the statements that read whole tables as they are stored and write them to another database,
and the table of a workspace that records how far a copy has come.

While it is copied, a table has a name of ours, and no definition: nobody but the copy can see it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, Protocol

import msgspec
import sqlalchemy as sa
from sqlalchemy.schema import CreateTable, DropTable

from rowkeep.model.column_types import Kind
from rowkeep.model.tables import ROW_KEY, Index, Table
from rowkeep.sql.copied_cells import CopiedCells
from rowkeep.sql.dialects import Dialect
from rowkeep.sql.names import column_name, quoted
from rowkeep.sql.physical_table import PhysicalTable
from rowkeep.sql.statements import Statement, Template, ddl, statement, template

COPY_TABLE = "_rowkeep_copy"


def copy_table(namespace: str | None) -> sa.Table:
    """The state of a copy: a row for each table, and one with an empty ``table_id`` for the whole copy. It
    exists only while a copy is not finished."""
    return sa.Table(
        COPY_TABLE,
        sa.MetaData(schema=quoted(namespace) if namespace else None),
        sa.Column("table_id", sa.Text, primary_key=True),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("plan", sa.Text, nullable=False),
        sa.Column("definition", sa.Text, nullable=False),
        sa.Column("ids", sa.Text, nullable=False),
        sa.Column("copied", sa.BigInteger, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("indexed", sa.Integer, nullable=False),
    )


def create_state(namespace: str | None, dialect: Dialect) -> Statement:
    return ddl(CreateTable(copy_table(namespace), if_not_exists=True), dialect)


def drop_state(namespace: str | None, dialect: Dialect) -> Statement:
    return ddl(DropTable(copy_table(namespace)), dialect)


def staged(table: Table) -> Table:
    """The table under the name that it has while it is copied."""
    return msgspec.structs.replace(table, name=f"_copy_{table.id}")


class StagedTable:
    """The statements that create a table step by step, and give it its name."""

    def __init__(
        self, table: Table, tables: Mapping[str, Table], dialect: Dialect, namespace: str | None
    ) -> None:
        referred = {each.id: staged(each) for each in tables.values()}
        self._physical = PhysicalTable(staged(table), dialect, namespace, referred)
        self._final = PhysicalTable(table, dialect, namespace)
        self._table = table
        self._tables = tables
        self._dialect = dialect
        self._namespace = namespace
        statements = self._physical.create()
        first = 1 + len(self._physical.indexes)
        self.create = statements[0]
        self.indexes: Sequence[Statement] = statements[1:first]
        """One for each index; first those of the definition, in its order."""
        self.references: Sequence[Statement] = statements[first:]
        """What adds its references, where they are not a part of the table."""

    def drop(self) -> Statement:
        return self._physical.drop()

    def rename(self) -> Statement:
        preparer = self._dialect.compiler.identifier_preparer
        now = preparer.quote(self._final.from_clause.name)
        was = preparer.format_table(self._physical.from_clause)
        return Statement(f"ALTER TABLE {was} RENAME TO {now}")

    def repeated(self, index: Index) -> Statement:
        """One key of an index that several rows have."""
        parts = [self._physical.identity(part.name) for part in index.columns]
        shown = [self._physical.answered(part.name) for part in index.columns]
        keys = sa.select(*parts).where(*(part.is_not(None) for part in parts))
        keys = keys.group_by(*parts).having(sa.func.count() > sa.literal_column("1")).limit(1)
        one = keys.subquery("repeated")
        found = self._physical.from_clause.join(
            one, sa.and_(*(a == b for a, b in zip(parts, one.c, strict=True)))
        )
        return statement(sa.select(*shown).select_from(found).limit(1), self._dialect)

    def orphan(self, name: str, shown: Iterable[str]) -> Statement:
        """One row whose reference in this column has no target: that cell, and the cells ``shown``."""
        column = next(each for each in self._table.columns if each.name == name)
        assert column.reference is not None  # noqa: S101 - only such columns are asked for
        target = self._tables[column.reference.table]
        there = PhysicalTable(staged(target), self._dialect, self._namespace)
        aliased = there.from_clause.alias("there")
        to_name = next(each.name for each in target.all_columns if each.id == column.reference.column)
        cell = self._physical.identity(name)
        other = aliased.c[there.identity(to_name).name]
        joined = self._physical.from_clause.outerjoin(aliased, cell == other)
        cells = [self._physical.answered(each) for each in (name, *shown)]
        orphans = sa.select(*cells).select_from(joined).where(cell.is_not(None), other.is_(None)).limit(1)
        return statement(orphans, self._dialect)


class CopiedRows(Protocol):
    """What writes rows as they are stored: by COPY, or one by one with ``insert``."""

    copied: dict[int, CopiedCells]

    @property
    def place(self) -> tuple[str, str, list[str]]: ...

    @property
    def insert(self) -> Template: ...


class CopySql:
    """The statements that read and write the rows of one table as they are stored, its columns in the order
    of ``Table.stored_columns``."""

    def __init__(self, table: Table, dialect: Dialect, namespace: str | None) -> None:
        self._physical = PhysicalTable(table, dialect, namespace)
        self._dialect = dialect
        self.columns = table.stored_columns
        self.decoders = {
            at: kind.decode
            for at, column in enumerate(self.columns)
            if (kind := dialect.kinds[column.kind]).decode is not None
        }
        self.copied: dict[int, CopiedCells] = {
            at: kind.copied
            for at, column in enumerate(self.columns)
            if (kind := dialect.kinds[column.kind]).copied is not None
        }

    @property
    def place(self) -> tuple[str, str, list[str]]:
        """The namespace, the name and the columns of the table, for COPY."""
        physical = self._physical.from_clause
        return str(physical.schema), str(physical.name), [str(column_name(c.name)) for c in self.columns]

    def rows(self) -> Statement:
        """All rows, in the order of their ids. Numbers are doubles, not the numbers of responses."""
        cells: list[Any] = [
            self._physical.from_clause.c[column_name(column.name)]
            if column.kind is Kind.DOUBLE
            else self._physical.kind(column.name).answered(
                self._physical.from_clause.c[column_name(column.name)]
            )
            for column in self.columns
        ]
        labelled = [cell.label(f"c{at}") for at, cell in enumerate(cells)]
        order = self._physical.from_clause.c[column_name(ROW_KEY)]
        return statement(sa.select(*labelled).order_by(order), self._dialect)

    def count(self) -> Statement:
        return statement(sa.select(sa.func.count()).select_from(self._physical.from_clause), self._dialect)

    def no_rows(self) -> Statement:
        """Nothing: the statement only uses the table."""
        return statement(sa.select(sa.null()).select_from(self._physical.from_clause).limit(0), self._dialect)

    @cached_property
    def insert(self) -> Template:
        """Write one row, whose cells are the parameters ``c0``, ``c1`` and so on."""
        names = [column.name for column in self.columns]
        values: dict[Any, Any] = {}
        for at, name in enumerate(names):
            values |= self._physical.written(name, f"c{at}")
        return template(sa.insert(self._physical.from_clause).values(values), self._dialect)
