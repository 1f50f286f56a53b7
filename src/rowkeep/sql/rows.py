"""Rows: the statements that insert, select, update and delete rows of one table, compiled once for each
shape.

SQLite and PostgreSQL differ in what one statement can do. On PostgreSQL every statement also reads the
version of the workspace, so that a request takes one round trip. On SQLite, where a round trip costs nothing,
a separate statement in the same transaction reads the version.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping
from functools import cache, cached_property, lru_cache
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.sql import quoted_name

from rowkeep.model.column_types import Kind
from rowkeep.model.filters import Shape
from rowkeep.model.tables import ROW_KEY, Table
from rowkeep.plan.rows.select import SelectShape
from rowkeep.plan.rows.upserts import UpsertShape
from rowkeep.plan.rows.writes import UpdateShape
from rowkeep.sql.changes import changed
from rowkeep.sql.conditions import condition, is_never_true
from rowkeep.sql.copied_cells import CopiedCells
from rowkeep.sql.expressions import Expression
from rowkeep.sql.history_table import HistoryTable
from rowkeep.sql.idempotency import key_sql
from rowkeep.sql.lookups import finds_one, is_exact_lookup, is_lookup
from rowkeep.sql.names import column_name, quoted
from rowkeep.sql.pages import (
    CACHED_SHAPES,
    MAX_BYTES,
    Decoders,
    Pages,
    PostgresPages,
    SqlitePages,
    as_text,
    is_large,
    number,
    size_of,
)
from rowkeep.sql.physical_table import PhysicalTable, cell_name
from rowkeep.sql.recorded_inserts import recorded_source
from rowkeep.sql.statements import Template, template
from rowkeep.sql.updated_on import with_later_moment
from rowkeep.sql.upserts import PostgresUpsertSql, SqliteUpsertSql, postgres_upsert, sqlite_upsert


class UpdateSql(msgspec.Struct, frozen=True):
    """An update's statement; ``width`` is 0 if it returns no records, and ``copied`` is as that of
    :class:`TableSql`, by the places of the cells that are set."""

    update: Template
    width: int
    decoders: Decoders
    copied: Mapping[int, CopiedCells] = {}


class TableSql(Pages):
    """All statements of one table, for one engine. ``keyed`` has the positions of cells that are sent a
    second time, after all others, for their sort keys; ``copied`` converts some cells, by their positions,
    for COPY and inserts."""

    def __init__(self, table: Table, namespace: str | None) -> None:
        super().__init__(tuple(column.name for column in table.all_columns), namespace)
        self.table = table
        self.refers_to_itself = any(
            column.reference is not None and column.reference.table == table.id for column in table.columns
        )
        self.columns = tuple(column_name(column.name) for column in table.stored_columns)
        self.kinds = tuple(column.kind for column in table.stored_columns)
        self.keyed = tuple(
            at for at, column in enumerate(table.stored_columns) if self.dialect.kinds[column.kind].key
        )
        self.copied = self._copied(column.kind for column in table.columns)
        self.update = lru_cache(CACHED_SHAPES)(self._compile_update)
        self.delete = lru_cache(CACHED_SHAPES)(self._compile_delete)
        self.rekey = lru_cache(CACHED_SHAPES)(self._compile_rekey)

    @cached_property
    def physical(self) -> PhysicalTable:
        return PhysicalTable(self.table, self.dialect, self.namespace)

    @cached_property
    def insert(self) -> Template:
        """An insert of one row."""
        return self._compile_insert()

    @cached_property
    def keyed_insert(self) -> Template:
        """An insert that stores an idempotency key too, where one statement can do both."""
        raise NotImplementedError

    @cached_property
    def recorded_insert(self) -> Template:
        """An insert of one row that stores its operation and its record too, where one statement can do
        that; a transaction of its own."""
        raise NotImplementedError

    @cached_property
    def recorded_keyed_insert(self) -> Template:
        """The same, for an insert that stores an idempotency key too."""
        raise NotImplementedError

    @abstractmethod
    def _compile_insert(self) -> Template: ...

    @abstractmethod
    def _compile_update(self, shape: UpdateShape) -> UpdateSql: ...

    @abstractmethod
    def _compile_delete(self, where: Shape | None) -> Template: ...

    def _copied(self, kinds: Iterable[Kind]) -> dict[int, CopiedCells]:
        stored = ((at, self.dialect.kinds[kind]) for at, kind in enumerate(kinds))
        return {at: kind.copied for at, kind in stored if kind.copied is not None}

    def _changed(self, shape: UpdateShape) -> sa.Update:
        """An update of every row."""
        cells = {
            column: value
            for at in range(len(shape.columns))
            for column, value in self._written(shape, at).items()
        }
        cells |= self.physical.written_natively("Updated_On", "now")
        cells |= self.physical.written("Updated_By", "writer")
        return sa.update(self.physical.from_clause).values(with_later_moment(self.physical, cells))

    def _written(self, shape: UpdateShape, at: int) -> dict[quoted_name, Expression]:
        """The stored values for a cell of an update."""
        name, change = shape.columns[at], shape.change(at)
        if change is None:
            return self.physical.written_natively(name, cell_name(at))
        operand = self.physical.kind(name).native_parameter(cell_name(at))
        return self.physical.calculated(name, changed(self.physical, name, change, operand, at))

    def most(self, where: Shape | None) -> int | None:
        """How many rows a filter matches at most, by the definition alone; None if any number."""
        return 1 if finds_one(self.table, where) else None

    def _update(self, shape: UpdateShape) -> sa.Update:
        update = self._changed(shape)
        return update if shape.where is None else update.where(condition(self.physical, shape.where))

    def _delete(self, where: Shape | None) -> sa.Delete:
        delete = sa.delete(self.physical.from_clause)
        return delete if where is None else delete.where(condition(self.physical, where))

    def _compile_rekey(self, name: str) -> Template:
        """Replace a cell under an ``old`` data key by the same cell under the current one (``new``)."""
        column = self.physical.from_clause.c[column_name(name)]
        new, old = (sa.bindparam(each, type_=sa.LargeBinary()) for each in ("new", "old"))
        return template(
            sa.update(self.physical.from_clause).values({column: new}).where(column == old), self.dialect
        )

    def _record(self, columns: Any, *, with_table: bool = True) -> Expression:
        """A record of a row that has the columns as they are stored, as one expression, of which only the
        text counts."""
        answered = [self.physical.answered_from(columns, name) for name in self.names]
        return as_text(answered, self.dialect, with_table=with_table)

    def _parameters(self) -> dict[quoted_name, Expression]:
        """The value of each physical column, from the cells of a row; sort keys follow after all cells."""
        cells = [
            self.physical.written_natively(column.name, cell_name(at))
            for at, column in enumerate(self.table.stored_columns)
        ]
        visible = {column: each[column] for column, each in zip(self.columns, cells, strict=True)}
        return visible | {
            column: value for each in cells for column, value in each.items() if column not in visible
        }


class SqliteTableSql(SqlitePages, TableSql):
    """The statements for one SQLite file."""

    def __init__(self, table: Table, namespace: str | None) -> None:
        super().__init__(table, namespace)
        self.upsert = lru_cache(CACHED_SHAPES)(self._compile_upsert)

    def _compile_upsert(self, shape: UpsertShape) -> SqliteUpsertSql:
        if not shape.returns:
            return sqlite_upsert(self.physical, shape, self.physical.from_clause.c[ROW_KEY], 0, ())
        return sqlite_upsert(
            self.physical, shape, self._stored_record, len(self.names), self._decoders(self.names)
        )

    @cached_property
    def _stored_record(self) -> Expression:
        return self._record(self.physical.from_clause.c)

    @cached_property
    def _returned_record(self) -> Expression:
        return self._record(self.physical.from_clause.c, with_table=False)

    def _compile_insert(self) -> Template:
        insert = sa.insert(self.physical.from_clause).values(self._parameters())
        if self.table.history is not None:
            # its writer undoes all of a failed insert: without this, SQLite copies each page that the insert
            # and the trigger change, to be able to undo the statement
            insert = insert.prefix_with("OR FAIL")
        return template(insert, self.dialect)

    def _compile_update(self, shape: UpdateShape) -> UpdateSql:
        update = self._update(shape)
        if not shape.returns:
            return UpdateSql(template(update, self.dialect), 0, ())
        decoders = self._decoders(self.names)
        returning = update.returning(self._returned_record)
        return UpdateSql(template(returning, self.dialect), len(self.names), decoders)

    def _compile_delete(self, where: Shape | None) -> Template:
        return template(self._delete(where), self.dialect)


class PostgresTableSql(PostgresPages, TableSql):
    """Each row of an answer begins with the version; the next columns of a page and of an update are the
    count and how many bytes its texts take.

    A write returns columns as they are stored, and the query around it makes records of them: a function in
    RETURNING may depend on settings of the connection, and a database on several machines refuses it then.
    """

    def __init__(self, table: Table, namespace: str | None) -> None:
        super().__init__(table, namespace)
        self.upsert = lru_cache(CACHED_SHAPES)(self._compile_upsert)

    def is_lookup(self, shape: SelectShape) -> bool:
        return is_lookup(self.table, shape)

    def is_exact_lookup(self, shape: SelectShape) -> bool:
        return is_exact_lookup(self.table, shape)

    def _is_current(self) -> sa.ColumnElement[bool]:
        return self._version == sa.bindparam("version", type_=sa.BigInteger())

    def _compile_insert(self) -> Template:
        return self._inserting(self._current())

    @cached_property
    def keyed_insert(self) -> Template:
        return self._inserting(self._claimed())

    @cached_property
    def recorded_insert(self) -> Template:
        return self._inserting(self._recorded(self._current()))

    @cached_property
    def recorded_keyed_insert(self) -> Template:
        return self._inserting(self._recorded(self._claimed()))

    def _current(self) -> sa.Select[Any]:
        """A select without columns, which has one row if the version is current."""
        return sa.select().select_from(self.system.workspace).where(self._is_current())

    def _claimed(self) -> sa.Select[Any]:
        """The same, which stores an idempotency key, if that is unused as well."""
        claim = key_sql(self.dialect, self.namespace).claiming(self._current())
        return sa.select().select_from(claim.returning(self.system.idempotency_keys.c.status).cte("claimed"))

    def _recorded(self, source: sa.Select[Any]) -> sa.Select[Any]:
        history = HistoryTable(self.table, self.dialect, self.namespace)
        return recorded_source(history, source, self._parameters()[column_name(ROW_KEY)])

    def _inserting(self, source: sa.Select[Any]) -> Template:
        """An insert of one row if a select has one."""
        row = source.add_columns(*self._parameters().values())
        insert = sa.insert(self.physical.from_clause).from_select(list(self.columns), row)
        return template(insert, self.dialect)

    def _compile_update(self, shape: UpdateShape) -> UpdateSql:
        copied = self._copied(self.physical.columns[name].kind for name in shape.columns)
        if self._finds_nothing(shape.where):
            return UpdateSql(self._nothing(), len(self.names) if shape.returns else 0, (), copied)
        if finds_one(self.table, shape.where):
            update = self._update(shape).where(self._is_current())
        else:
            keyed = {part.name for index in self.table.indexes if index.is_unique for part in index.columns}
            locked = self._locked(shape.where, keeps_keys=keyed.isdisjoint(shape.columns))
            update = self._changed(shape).where(self.physical.from_clause.c[ROW_KEY] == locked.c[ROW_KEY])
        if not shape.returns:
            touched = update.returning(self.physical.column(ROW_KEY)).cte("changed")
            return UpdateSql(self._with_count(touched), 0, (), copied)
        touched = update.returning(self._stored).cte("changed")
        decoders = self._decoders(self.names)
        return UpdateSql(self._with_records(touched), len(self.names), decoders, copied)

    def _compile_delete(self, where: Shape | None) -> Template:
        if self._finds_nothing(where):
            return self._nothing()
        if finds_one(self.table, where):
            delete = self._delete(where).where(self._is_current())
        else:
            locked = self._locked(where, keeps_keys=False)
            delete = sa.delete(self.physical.from_clause).where(
                self.physical.from_clause.c[ROW_KEY] == locked.c[ROW_KEY]
            )
        return self._with_count(delete.returning(self.physical.column(ROW_KEY)).cte("deleted"))

    def _compile_upsert(self, shape: UpsertShape) -> PostgresUpsertSql:
        def answer(written: sa.CTE) -> sa.Select[Any]:
            column = self._record_of(str(written.name)) if shape.returns else written.c[ROW_KEY]
            joined = self.system.workspace.outerjoin(written, sa.true())
            return sa.select(self._version, column).select_from(joined)

        returned = self._stored if shape.returns else self.physical.from_clause.c[ROW_KEY]
        return postgres_upsert(self.physical, shape, self._is_current(), returned, answer)

    @cached_property
    def _stored(self) -> Expression:
        """All columns as they are stored, as one expression, of which only the text counts."""
        # under their own names, for the compiler shortens those of the longest columns
        stored = [column.label(quoted(column.name)) for column in self.physical.from_clause.c]
        return as_text(stored, self.dialect)

    @cached_property
    def _record_of(self) -> Callable[[str], Expression]:
        """A record of a row of a part of a statement, by the name of the part."""
        return cache(lambda part: self._record(self._columns_of(part)))

    def _columns_of(self, part: str) -> Any:
        """The columns of a part of a statement that has them as they are stored."""
        columns = (sa.column(quoted(each.name), each.type) for each in self.physical.from_clause.c)
        return sa.table(part, *columns).c

    @cached_property
    def by_ids(self) -> Template:
        """Records by their ids, in the format of the response of an update."""
        ids = sa.bindparam("ids", type_=postgresql.ARRAY(sa.Text()))
        is_one = self.physical.from_clause.c[ROW_KEY] == sa.any_(ids)
        found = sa.select(self._stored).select_from(self.physical.from_clause).where(is_one)
        return self._with_records(found.cte("found"))

    def _finds_nothing(self, where: Shape | None) -> bool:
        return where is not None and is_never_true(condition(self.physical, where))

    def _nothing(self) -> Template:
        """The version, and that no row was touched; none needs to be looked for."""
        none: sa.Label[int] = sa.literal_column("0").label("total")
        return template(sa.select(self._version, none).select_from(self.system.workspace), self.dialect)

    def _locked(self, where: Shape | None, *, keeps_keys: bool) -> sa.CTE:
        """The rows to be changed, locked in the order of their row keys. Because all transactions lock in the
        same order, they cannot deadlock. With ``keeps_keys``, writes that refer to a row do not wait for
        it."""
        physical = self.physical.from_clause
        rows = sa.select(physical.c[ROW_KEY]).select_from(physical.join(self.system.workspace, sa.true()))
        chosen = [self._is_current()] + ([] if where is None else [condition(self.physical, where)])
        return (
            rows.where(*chosen)
            .order_by(physical.c[ROW_KEY])
            .with_for_update(of=physical, key_share=keeps_keys)
            .cte("_locked")
        )

    def _with_count(self, touched: sa.CTE) -> Template:
        """The version, and how many rows were changed."""
        total = sa.select(sa.func.count()).select_from(touched).scalar_subquery()
        complete = sa.select(self._version, total.label("total")).select_from(self.system.workspace)
        return template(complete, self.dialect)

    def _with_records(self, changed: sa.CTE) -> Template:
        """The version, how many rows were changed and what their texts take; and their records, unless they
        are more than ``max_records`` or take more than ``max_bytes``."""
        name = str(changed.name)
        size = size_of(self._large_of(name)).label("size")
        facts = sa.select(sa.func.count().label("total"), size).select_from(changed).subquery("facts")
        row_key: Expression = sa.literal_column(f'{name}."{ROW_KEY}"')
        record = sa.select(self._record_of(name)).select_from(changed).order_by(row_key)
        records = record.subquery("records")
        fits = (facts.c.total <= number("max_records")) & (facts.c.size <= MAX_BYTES)
        joined = self.system.workspace.join(facts, sa.true()).outerjoin(records, fits)
        columns: Expression = sa.literal_column(", ".join(f'records."{each}"' for each in self.names))
        complete = sa.select(self._version, facts.c.total, facts.c.size, columns).select_from(joined)
        return template(complete, self.dialect)

    def _large_of(self, name: str) -> list[Expression]:
        """The columns of a part of a statement that can be large, as they are answered."""
        large = [column.name for column in self.table.all_columns if is_large(column, self.dialect)]
        columns = self._columns_of(name) if large else None
        answered = (self.physical.answered_from(columns, each).element for each in large)
        return [sa.literal_column(str(each.compile(dialect=self.dialect.compiler))) for each in answered]
