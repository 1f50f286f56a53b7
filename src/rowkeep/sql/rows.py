"""Rows: the statements that insert, select, update and delete rows of one table, each compiled once a shape.

SQLite and PostgreSQL differ in what one statement can do. On PostgreSQL every statement reads the
workspace's version along, so that a request takes one trip; on SQLite, where a trip costs nothing, the
version is read by a statement of its own in the same transaction.
"""

from __future__ import annotations

from abc import abstractmethod
from functools import lru_cache
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.sql import quoted_name

from rowkeep.model.filters import Shape
from rowkeep.model.tables import ROW_KEY, Table
from rowkeep.plan.write import UpdateShape
from rowkeep.sql.conditions import condition
from rowkeep.sql.dialects import Expression
from rowkeep.sql.names import column_name, quoted
from rowkeep.sql.pages import CACHED_SHAPES, Pages, PostgresPages, SqlitePages, number
from rowkeep.sql.schema import TableSchema
from rowkeep.sql.statements import Template, template


class UpdateSql(msgspec.Struct, frozen=True):
    """An update's statement; ``width`` is 0 if it returns no records."""

    update: Template
    width: int
    booleans: tuple[int, ...]


class TableSql(Pages):
    """All statements of one table, spelt for one engine. ``keyed`` says which cells of a row are handed over
    once more behind all others, for their keys."""

    schema: TableSchema

    def __init__(self, table: Table, schema: str | None) -> None:
        source = TableSchema(table, self.dialect, schema)
        super().__init__(source, tuple(column.name for column in table.all_columns), schema)
        self.table = table
        self.columns = tuple(column_name(column.name) for column in table.stored_columns)
        self.keyed = tuple(
            at for at, column in enumerate(table.stored_columns) if column.kind in self.dialect.keyed
        )
        self.insert = self._compile_insert()
        self.update = lru_cache(CACHED_SHAPES)(self._compile_update)
        self.delete = lru_cache(CACHED_SHAPES)(self._compile_delete)
        self.rekey = lru_cache(CACHED_SHAPES)(self._compile_rekey)

    @abstractmethod
    def _compile_insert(self) -> Template: ...

    @abstractmethod
    def _compile_update(self, shape: UpdateShape) -> UpdateSql: ...

    @abstractmethod
    def _compile_delete(self, where: Shape | None) -> Template: ...

    def _update(self, shape: UpdateShape) -> sa.Update:
        cells = {
            column: value
            for at, name in enumerate(shape.columns)
            for column, value in self.schema.written(name, cell_name(at)).items()
        }
        cells |= self.schema.written("Updated_On", "now") | self.schema.written("Updated_By", "writer")
        update = sa.update(self.schema.physical).values(cells)
        return update if shape.where is None else update.where(condition(self.schema, shape.where))

    def _delete(self, where: Shape | None) -> sa.Delete:
        delete = sa.delete(self.schema.physical)
        return delete if where is None else delete.where(condition(self.schema, where))

    def _compile_rekey(self, name: str) -> Template:
        """A cell under the present key (``new``) in the place of the same cell under an ``old`` one."""
        column = self.schema.physical.c[column_name(name)]
        new, old = (sa.bindparam(each, type_=sa.LargeBinary()) for each in ("new", "old"))
        return template(
            sa.update(self.schema.physical).values({column: new}).where(column == old), self.dialect
        )

    def _record(self) -> tuple[list[Expression], tuple[int, ...]]:
        names = [column.name for column in self.table.all_columns]
        return [self.schema.answered(name) for name in names], self._booleans(names)

    def _parameters(self) -> dict[quoted_name, Expression]:
        """What each physical column is given of a row's cells; keys come behind all cells."""
        cells = [
            self.schema.written(column.name, cell_name(at))
            for at, column in enumerate(self.table.stored_columns)
        ]
        visible = {column: each[column] for column, each in zip(self.columns, cells, strict=True)}
        return visible | {
            column: value for each in cells for column, value in each.items() if column not in visible
        }


def cell_name(at: int) -> str:
    """The parameter that holds the cell number ``at`` of what is written."""
    return f"c{at}"


class SqliteTableSql(SqlitePages, TableSql):
    """Of one SQLite file."""

    def _compile_insert(self) -> Template:
        return template(sa.insert(self.schema.physical).values(self._parameters()), self.dialect)

    def _compile_update(self, shape: UpdateShape) -> UpdateSql:
        update = self._update(shape)
        if not shape.returns:
            return UpdateSql(template(update, self.dialect), 0, ())
        record, booleans = self._record()
        return UpdateSql(template(update.returning(*record), self.dialect), len(record), booleans)

    def _compile_delete(self, where: Shape | None) -> Template:
        return template(self._delete(where), self.dialect)


class PostgresTableSql(PostgresPages, TableSql):
    """Each row of an answer begins with the version; a page's and an update's next column is the count."""

    def _is_current(self) -> sa.ColumnElement[bool]:
        return self._version == sa.bindparam("version", type_=sa.BigInteger())

    def _compile_insert(self) -> Template:
        row = (
            sa.select(*self._parameters().values())
            .select_from(self.system.workspace)
            .where(self._is_current())
        )
        insert = sa.insert(self.schema.physical).from_select(list(self.columns), row)
        return template(insert, self.dialect)

    def _compile_update(self, shape: UpdateShape) -> UpdateSql:
        update = self._update(shape).where(self._is_current())
        if not shape.returns:
            changed = update.returning(self.schema.column(ROW_KEY)).cte("changed")
            return UpdateSql(self._with_count(changed, None), 0, ())
        record, booleans = self._record()
        changed = update.returning(*record).cte("changed")
        page = sa.select(changed).order_by(changed.c[quoted(ROW_KEY)]).limit(number("limit")).subquery("page")
        return UpdateSql(self._with_count(changed, page), len(record), booleans)

    def _compile_delete(self, where: Shape | None) -> Template:
        gone = (
            self._delete(where).where(self._is_current()).returning(self.schema.column(ROW_KEY)).cte("gone")
        )
        return self._with_count(gone, None)

    def _with_count(self, touched: sa.CTE, page: sa.Subquery | None) -> Template:
        """The version, how many rows were touched, and, if asked for, some of them."""
        total = sa.select(sa.func.count()).select_from(touched).scalar_subquery()
        source: sa.FromClause = self.system.workspace
        columns: list[Any] = [self._version, total.label("total")]
        if page is not None:
            source = source.outerjoin(page, sa.true())
            columns += page.c
        return template(sa.select(*columns).select_from(source), self.dialect)
