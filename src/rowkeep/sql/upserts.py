"""Upserts: the statements that insert rows, and ignore or update those whose key is stored.

SQLite runs one statement for each row: INSERT … ON CONFLICT, or, for a row that lacks a required column, an
UPDATE or SELECT by its key. PostgreSQL does the same for a single row. Several rows are first copied to a
temporary table, the source: one statement inserts those whose key is not stored, another one updates the
rest. All transactions insert in the order of the key and lock rows in the order of their row keys, so they
cannot deadlock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from hashlib import sha256
from typing import Any, TypeAlias

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.sql import quoted_name

from rowkeep.model.tables import ROW_KEY, Table
from rowkeep.plan.rows.upserts import CHANGED, SET, UpsertShape
from rowkeep.sql.changes import ChangeLimits, changed
from rowkeep.sql.expressions import Expression
from rowkeep.sql.names import column_name, quoted
from rowkeep.sql.pages import Decoders
from rowkeep.sql.physical_table import PhysicalTable, cell_name
from rowkeep.sql.statements import Statement, Template, ddl, statement, template
from rowkeep.sql.updated_on import with_later_moment

Cells: TypeAlias = dict[quoted_name, Expression]
"""Values by physical column."""

NEW = "excluded"
"""The name that both engines give to the row that is not inserted."""

ID_RANGE = ("first", "last")
"""The parameters of a range of ids."""

MAX_MISSING = 100
"""How many rows that cannot be inserted are reported."""

FLAGS, PLACE, IS_COMPLETE = "_flags", "_place", "_is_complete"
"""The columns of a source besides those of the table."""


class SqliteUpsertSql(msgspec.Struct, frozen=True):
    """``write`` inserts a row or does what the shape says; ``change`` only updates the stored row. They
    return nothing: with RETURNING, SQLite's journal of a statement takes longer with each row before it.

    ``find`` returns the stored row of a key, ``made`` the rows whose ``_id`` is in a range: their records, or
    only their ``_id``, which is the last column. ``width`` is 0 if there are no records.
    """

    write: Template
    change: Template
    find: Template
    made: Template
    width: int
    decoders: Decoders


class PostgresUpsertSql(msgspec.Struct, frozen=True):
    """``write`` writes a single row; ``change_one`` only updates, ``find_one`` only finds the stored row.
    They return the version and, if there is one, the record or only its ``_id``, which is the last column.

    The others use a source: ``create`` creates it, and ``columns`` are what is copied to it. ``insert``
    inserts complete rows and returns their ``_id``; ``change`` updates, and ``find`` finds, the stored rows
    of the others, and returns the place of each in the request, and its ``_id``; ``missing`` finds the places
    of some that are not stored. Without records, these return only how many rows there are.
    """

    write: Template
    change_one: Template
    find_one: Template
    source: str
    create: Statement
    columns: tuple[str, ...]
    insert: Template
    change: Template
    find: Template
    missing: Statement
    width: int


def flag_name(at: int) -> str:
    """The parameter for the flag of optional column number ``at``."""
    return f"g{at}"


class Upsert:
    """What the statements of both engines have in common, for one table and shape."""

    def __init__(self, physical: PhysicalTable, shape: UpsertShape) -> None:
        self.physical = physical
        self.shape = shape
        self.stored = physical.from_clause
        self.place: Expression | None = None
        """The place of a row in the request, where the statement has several."""
        self.max_cell_bytes: Expression = sa.literal_column(str(shape.max_cell_bytes))
        self.places = {column.name: at for at, column in enumerate(physical.table.stored_columns)}

    def sent(self, name: str) -> Cells:
        """The values of a column from parameters."""
        return self.physical.written_natively(name, cell_name(self.places[name]))

    def all_sent(self) -> Cells:
        """The values of all columns; sort keys follow after all cells."""
        return _cells_first(self.sent(name) for name in self.places)

    def changes(self, new: Callable[[str], Cells], flag: Callable[[int], Expression]) -> Cells:
        """What an update sets. ``new`` gives the values of a column, ``flag`` that of an optional column."""
        cells: Cells = {}
        for name in self.shape.columns:
            cells |= self._changed(name, new(name), flag)
        system = {**new("Updated_On"), **new("Updated_By")}
        return cells | with_later_moment(self.physical, system)

    def _changed(self, name: str, new: Cells, flag: Callable[[int], Expression]) -> Cells:
        """The values that an update gives to one column, and to its sort key."""
        if name not in self.shape.optional:
            return new
        given = flag(self.shape.optional.index(name))
        is_set = given == sa.literal_column(str(SET))
        cells: Cells = {
            column: sa.case((is_set, value), else_=self.stored.c[column]) for column, value in new.items()
        }
        change = dict(self.shape.changes).get(name)
        if change is None:
            return cells
        at, limits = self.shape.columns.index(name), ChangeLimits(self.max_cell_bytes, self.place)
        result = changed(self.physical, name, change, new[column_name(name)], at, limits)
        is_changed = given == sa.literal_column(str(CHANGED))
        results = self.physical.calculated(name, result)
        return {column: sa.case((is_changed, results[column]), else_=cells[column]) for column in cells}

    def key_columns(self) -> list[str]:
        """The physical columns of the unique index."""
        return [str(self.physical.identity(name).key) for name in self.shape.key]

    def has_key(self, new: Callable[[str], Cells]) -> Expression:
        """Whether a stored row has the key of a new one."""
        same = []
        for name in self.shape.key:
            identity = self.physical.identity(name)
            same.append(identity == new(name)[quoted(str(identity.key))])
        return sa.and_(*same)

    def on_conflict(self, insert: Any, new: Callable[[str], Cells]) -> Any:
        """An insert that does what the shape says if the key is stored."""
        key = self.key_columns()
        if self.shape.action == "ignore":
            return insert.on_conflict_do_nothing(index_elements=key)
        return insert.on_conflict_do_update(index_elements=key, set_=self.changes(new, _flag))


def _flag(at: int) -> Expression:
    return sa.bindparam(flag_name(at), type_=sa.SmallInteger())


def _cells_first(columns: Iterable[Cells]) -> Cells:
    """The cells of all columns, then their sort keys."""
    given = list(columns)
    first = {name: value for cells in given for name, value in list(cells.items())[:1]}
    return first | {name: value for cells in given for name, value in cells.items() if name not in first}


def sqlite_upsert(
    physical: PhysicalTable, shape: UpsertShape, returned: Expression, width: int, decoders: Decoders
) -> SqliteUpsertSql:
    """``returned`` is a record, with ``width`` columns, or without ``returns`` the row key."""
    upsert = Upsert(physical, shape)
    stored, dialect = upsert.stored, physical.dialect
    insert = dialect.upsert(stored)

    def brought(name: str) -> Cells:
        # in a table of this name, it would be the stored row
        if str(stored.name).lower() == NEW:
            return upsert.sent(name)
        return {column: insert.excluded[column] for column in upsert.sent(name)}

    write = upsert.on_conflict(insert.values(upsert.all_sent()), brought)
    found = upsert.has_key(upsert.sent)
    change = sa.update(stored).values(upsert.changes(upsert.sent, _flag)).where(found)
    first, last = (sa.bindparam(name, type_=sa.Text()) for name in ID_RANGE)
    rows = sa.select(returned).select_from(stored)
    find = rows.where(found)
    made = rows.where(stored.c[ROW_KEY].between(first, last))
    return SqliteUpsertSql(
        template(write, dialect),
        template(change, dialect),
        template(find, dialect),
        template(made, dialect),
        width,
        decoders,
    )


def postgres_upsert(
    physical: PhysicalTable,
    shape: UpsertShape,
    is_current: Expression,
    returned: Expression,
    answer: Callable[[sa.CTE], sa.Select[Any]],
) -> PostgresUpsertSql:
    """``is_current`` compares the version; ``answer`` selects the version and what a statement returned: the
    columns as they are stored, or without ``returns`` the row key."""
    upsert = Upsert(physical, shape)
    stored, dialect = upsert.stored, physical.dialect
    cells = upsert.all_sent()
    row = sa.select(*cells.values()).where(is_current)
    write = upsert.on_conflict(dialect.upsert(stored).from_select(list(cells), row), upsert.sent)
    change = sa.update(stored).values(upsert.changes(upsert.sent, _flag))
    found = upsert.has_key(upsert.sent)
    singles: tuple[Any, ...] = (
        write.returning(returned),
        change.where(found, is_current).returning(returned),
        sa.select(returned).select_from(stored).where(found),
    )
    write_one, change_one, find_one = (template(answer(each.cte("_written")), dialect) for each in singles)
    bulk = _Bulk(upsert)
    counted = (lambda each: each) if shape.returns else _counted
    return PostgresUpsertSql(
        write=write_one,
        change_one=change_one,
        find_one=find_one,
        source=str(bulk.source.name),
        create=bulk.create(),
        columns=tuple(str(column.name) for column in bulk.source.c),
        insert=template(counted(bulk.insert()), dialect),
        change=template(counted(bulk.change()), dialect),
        find=template(counted(bulk.find()), dialect),
        missing=statement(bulk.missing(), dialect),
        width=len(physical.table.all_columns) if shape.returns else 0,
    )


def _counted(touched: Any) -> sa.Select[Any]:
    return sa.select(sa.func.count()).select_from(touched.cte("_touched"))


class _Bulk:
    """The statements for several rows on PostgreSQL."""

    def __init__(self, upsert: Upsert) -> None:
        self._upsert = upsert
        self._stored = upsert.stored
        self.source = _source(upsert.physical)
        upsert.place = self.source.c[PLACE]

    def create(self) -> Statement:
        created = ddl(sa.schema.CreateTable(self.source), self._upsert.physical.dialect)
        text = created.text.replace("CREATE TABLE", "CREATE TEMPORARY TABLE", 1)
        return Statement(f"{text} ON COMMIT DROP")

    def insert(self) -> Any:
        """Insert the complete rows whose key is not stored."""
        names = [column_name(name) for name in self._upsert.places]
        rows = sa.select(*(value for name in self._upsert.places for value in self._new(name).values()))
        own = [self.source.c[name] for name in self._upsert.key_columns() if name in self.source.c]
        rows = rows.where(self.source.c[IS_COMPLETE]).order_by(*own)
        insert = self._upsert.physical.dialect.upsert(self._stored).from_select(names, rows)
        return insert.on_conflict_do_nothing(index_elements=self._upsert.key_columns()).returning(
            self._stored.c[ROW_KEY]
        )

    def change(self) -> Any:
        """Update the stored rows of those that were not inserted. Without a change of a unique index, writes
        that refer to a row do not wait for it."""
        physical = self._upsert.physical
        keyed = {part.name for index in physical.table.indexes if index.is_unique for part in index.columns}
        locked = (
            self._others()
            .order_by(self._stored.c[ROW_KEY])
            .with_for_update(of=self._stored, key_share=keyed.isdisjoint(self._upsert.shape.columns))
            .cte("_locked")
        )
        cells = self._upsert.changes(self._new, self._flag)
        return (
            sa.update(self._stored)
            .values(cells)
            .where(self._stored.c[ROW_KEY] == locked.c[ROW_KEY], self.source.c[PLACE] == locked.c[PLACE])
            .returning(self.source.c[PLACE], self._stored.c[ROW_KEY])
        )

    def find(self) -> Any:
        """Find the stored rows of those that were not inserted."""
        return self._others()

    def missing(self) -> sa.Select[Any]:
        """The first places of rows that are not stored."""
        joined = self.source.outerjoin(self._stored, self._upsert.has_key(self._new))
        none: sa.Select[Any] = sa.select(self.source.c[PLACE]).select_from(joined)
        is_missing = self._stored.c[ROW_KEY].is_(None)
        return (
            none.where(is_missing).order_by(self.source.c[PLACE]).limit(sa.literal_column(str(MAX_MISSING)))
        )

    def _others(self) -> sa.Select[Any]:
        is_other = self._stored.c[ROW_KEY] != self.source.c[ROW_KEY]
        joined = self._stored.join(self.source, sa.and_(self._upsert.has_key(self._new), is_other))
        return sa.select(self.source.c[PLACE], self._stored.c[ROW_KEY]).select_from(joined)

    def _new(self, name: str) -> Cells:
        """A value of a new row: from the source, or the same for all."""
        column = column_name(name)
        return {column: self.source.c[column]} if column in self.source.c else self._upsert.sent(name)

    def _flag(self, at: int) -> Expression:
        return sa.func.get_byte(self.source.c[FLAGS], sa.literal_column(str(at)))


def _source(physical: PhysicalTable) -> sa.Table:
    """The temporary table. The driver caches the types of a table's columns by its name, so another
    definition has another name."""
    table, stored = physical.table, physical.from_clause
    own = [stored.c[column_name(column.name)] for column in table.columns]
    columns = [sa.Column(quoted(column.name), column.type) for column in own]
    return sa.Table(
        quoted(f"_rowkeep_upsert_{_digest(table)}"),
        sa.MetaData(),
        *columns,
        sa.Column(quoted(ROW_KEY), stored.c[ROW_KEY].type),
        sa.Column(quoted(PLACE), sa.BigInteger()),
        sa.Column(quoted(IS_COMPLETE), sa.Boolean()),
        sa.Column(quoted(FLAGS), postgresql.BYTEA()),
        schema=quoted("pg_temp"),
    )


def _digest(table: Table) -> str:
    definition = msgspec.json.encode([(column.name, column.kind) for column in table.columns])
    return sha256(definition).hexdigest()[:16]
