"""Undo: the statements that read the changes of one table to be undone, and that write its rows back.

Cells are copied from records to rows inside the engine, as they are stored. What is read of them is only
compared: long texts are read as digests, so that a page of changes is small whatever the rows contain.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property, lru_cache
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from rowkeep.model.column_types import Kind
from rowkeep.model.history import ChangeKind
from rowkeep.model.tables import ROW_KEY, Column, Table
from rowkeep.sql.dialects import DIGEST, Dialect
from rowkeep.sql.expressions import Expression
from rowkeep.sql.history_table import KEY_OF_ROW, KIND, OP, SEQ, HistoryTable
from rowkeep.sql.images import image_columns
from rowkeep.sql.names import column_name
from rowkeep.sql.physical_table import PhysicalTable
from rowkeep.sql.statements import Statement, Template, template
from rowkeep.sql.system_tables import workspace_tables
from rowkeep.sql.updated_on import with_later_moment

UPDATED = ("Updated_On", "Updated_By")

CACHED_TABLES = 2048
"""Few of them are compiled: most tables have no change to be undone."""

DIGESTED = frozenset({Kind.TEXT, Kind.DOCUMENT, Kind.SEALED})
"""The kinds whose cells can be long."""


class Chosen(msgspec.Struct, frozen=True):
    """The operations to be undone, by all of these that are given: their id (several have the same if a
    request was stored in several transactions), their writer, and the time from ``since`` until before
    ``until``. ``own`` is the id of the operation that undoes them, which is not one of them."""

    own: str
    id: str | None = None
    writer: str | None = None
    since: str | None = None
    until: str | None = None

    @property
    def shape(self) -> tuple[str, ...]:
        return tuple(name for name in ("id", "writer", "since", "until") if getattr(self, name) is not None)

    def values(self) -> dict[str, Any]:
        """The values of the parameters."""
        return {f"chosen_{name}": getattr(self, name) for name in ("own", *self.shape)}


class UndoSql:
    """The statements for one table and one shape of the chosen operations."""

    def __init__(self, table: Table, dialect: Dialect, namespace: str | None, shape: tuple[str, ...]) -> None:
        self.table = table
        self.dialect = dialect
        self.shape = shape
        self.physical = PhysicalTable(table, dialect, namespace)
        self._records = HistoryTable(table, dialect, namespace).from_clause
        self._operations = workspace_tables(namespace).operations
        self._images = image_columns(table, dialect)
        self.width = len(table.columns)
        self.required = tuple(at for at, column in enumerate(table.columns) if column.is_required)
        self.unique = {part.name for index in table.indexes if index.is_unique for part in index.columns}
        self.set = lru_cache(64)(self._compile_set)

    # which changes

    def _is_chosen(self, op: Expression) -> Expression:
        """Whether the operation of a change is one of those to be undone."""
        operations = self._operations.alias("chosen")
        wanted = sa.select(operations.c.op).where(*_conditions(operations, self.shape))
        is_one: Expression = op.in_(wanted)
        return is_one

    @cached_property
    def any(self) -> Template:
        """A row, if some change of the table is to be undone."""
        found: sa.Select[Any] = sa.select(sa.literal_column("1")).where(self._is_chosen(self._records.c[OP]))
        return self._template(found.select_from(self._records).limit(sa.literal_column("1")).offset(_START))

    @cached_property
    def keys(self) -> Template:
        """The rows whose changes are to be undone, after the row ``after``, at most ``limit``."""
        key = self._records.c[KEY_OF_ROW]
        found = sa.select(key).where(self._is_chosen(self._records.c[OP]), key > _text("after"))
        return self._template(found.distinct().order_by(key).limit(_number("limit")).offset(_START))

    @cached_property
    def of_rows(self) -> Template:
        """The changes of these ``keys``, a row at a time and newest first, after the one with ``after`` and
        ``before``, at most ``limit``."""
        record = self._records
        key, seq = record.c[KEY_OF_ROW], record.c[SEQ]
        beyond = sa.or_(key > _text("after"), sa.and_(key == _text("after"), seq < _number("before")))
        # by the index of row keys: with an expression, that of operations is of no use
        op = record.c[OP] + sa.literal_column("0")
        chosen = sa.and_(key.in_(self._all_of("keys", sa.Text())), beyond, self._is_chosen(op))
        return self._page(chosen, (key, seq.desc()), lambda found: (found[KEY_OF_ROW], found[SEQ].desc()))

    @cached_property
    def newest(self) -> Template:
        """The newest changes of all rows, before the one with the number ``before``, at most ``limit``."""
        seq = self._records.c[SEQ]
        chosen = sa.and_(self._is_chosen(self._records.c[OP]), seq < _number("before"))
        return self._page(chosen, (seq.desc(),), lambda found: (found[SEQ].desc(),), is_writing=True)

    def _page(
        self,
        chosen: Expression,
        order: Sequence[Any],
        ordered: Callable[[Any], Sequence[Any]],
        *,
        is_writing: bool = False,
    ) -> Template:
        """A page of changes. Their numbers are found first, so that only its rows are read."""
        numbers = sa.select(self._records.c[SEQ]).where(chosen).order_by(*order)
        page = numbers.limit(_number("limit")).offset(_START).subquery("page")
        record = self._records.alias("record")
        found = self._changes(record, page, is_writing=is_writing)
        return self._template(found.order_by(*ordered(record.c)))

    def _changes(self, record: Any, page: Any, *, is_writing: bool) -> sa.Select[Any]:
        """Changes: number, operation, kind and row key; whether there is a later change of the row, whether
        the row is there, and whether this undo has inserted it; then the cells and the time before the
        change, those before the next change, and those of the row."""
        later = self._records.alias("later")
        following = self._records.alias("following")
        next_seq = (
            sa.select(sa.func.min(later.c[SEQ]))
            .where(later.c[KEY_OF_ROW] == record.c[KEY_OF_ROW], later.c[SEQ] > record.c[SEQ])
            .scalar_subquery()
        )
        row = self.physical.from_clause.alias("current")
        is_there = row.c[column_name(ROW_KEY)] == record.c[KEY_OF_ROW]
        changes = page.join(record, record.c[SEQ] == page.c[SEQ])
        joined = changes.outerjoin(following, following.c[SEQ] == next_seq).outerjoin(row, is_there)
        return sa.select(
            record.c[SEQ],
            record.c[OP],
            record.c[KIND],
            record.c[KEY_OF_ROW],
            following.c[SEQ].label("next_seq"),
            row.c[column_name(ROW_KEY)].label("present"),
            (self._is_own(record) if is_writing else sa.literal_column("0")).label("is_own"),
            *self._compared(record, self._images),
            *self._compared(following, self._images),
            *self._compared(row, {name: name for name in self._images}),
        ).select_from(joined)

    def _is_own(self, record: Any) -> Expression:
        """Whether the operation that undoes has inserted the row."""
        own, operations = self._records.alias("own"), self._operations.alias("own_operation")
        inserted: sa.Select[Any] = (
            sa.select(sa.literal_column("1"))
            .select_from(own.join(operations, operations.c.op == own.c[OP]))
            .where(
                own.c[KEY_OF_ROW] == record.c[KEY_OF_ROW],
                own.c[KIND] == sa.literal_column(str(int(ChangeKind.INSERT))),
                operations.c.id == _text("own"),
            )
        )
        return sa.case((inserted.exists(), sa.literal_column("1")), else_=sa.literal_column("0"))

    def _compared(self, source: Any, names: Any) -> list[Expression]:
        cells = [
            self._token(column, source.c[names[str(column_name(column.name))]])
            for column in self.table.columns
        ]
        return [*cells, source.c[names[UPDATED[0]]].label(None)]

    def _token(self, column: Column, cell: Expression) -> Expression:
        """A cell for comparisons: equal for equal cells, and short."""
        if column.kind is Kind.DECIMAL:
            # the number of decimal places is a part of the cell
            return sa.cast(cell, sa.Text()).label(None)
        if column.kind not in DIGESTED or (column.max_length or 65) <= 64:
            return cell.label(None)
        return self._digest(column, cell).label(None)

    def _digest(self, column: Column, cell: Expression) -> Expression:
        if not self.dialect.has_stored_functions:
            digest: Expression = getattr(sa.func, DIGEST)(cell)
            return digest
        if column.kind is Kind.SEALED:
            return sa.func.md5(cell)
        text = sa.cast(cell, sa.Text())
        is_short = sa.func.octet_length(text) <= sa.literal_column("64")
        long: Expression = sa.literal_column("'#'", sa.Text()).op("||")(sa.func.md5(text))
        short: Expression = sa.literal_column("'='", sa.Text()).op("||")(text)
        return sa.case((cell.is_(None), sa.null()), (is_short, short), else_=long)

    # writes

    @cached_property
    def restore(self) -> Template:
        """Insert the rows before these changes."""
        record, row = self._records, self.physical.from_clause
        images = [record.c[self._images[str(column.name)]] for column in row.c]
        chosen = sa.select(*images).where(self._is_one(record.c[SEQ], "seq", sa.BigInteger()))
        return self._template(sa.insert(row).from_select([column.name for column in row.c], chosen))

    @cached_property
    def remove(self) -> Template:
        row = self.physical.from_clause
        return self._template(
            sa.delete(row).where(self._is_one(row.c[column_name(ROW_KEY)], "key", sa.Text()))
        )

    def _compile_set(self, columns: tuple[int, ...], is_restored: bool) -> Template:
        """Set these columns to what they were before these changes. A row that this undo inserts gets its old
        writer and time as well; any other those of the undo."""
        record, row = self._records, self.physical.from_clause
        names = [self.table.columns[at].name for at in columns]
        copied = [*names, *(UPDATED if is_restored else ())]
        physical = [name for each in copied for name in self.physical.calculated(each, sa.null())]
        cells: dict[Any, Expression] = {name: record.c[self._images[str(name)]] for name in physical}
        if not is_restored:
            cells |= self.physical.written_natively("Updated_On", "now")
            cells |= self.physical.written("Updated_By", "writer")
            cells = with_later_moment(self.physical, cells)
        update = sa.update(row).values(cells).where(row.c[column_name(ROW_KEY)] == record.c[KEY_OF_ROW])
        return self._template(update.where(self._is_one(record.c[SEQ], "seq", sa.BigInteger())))

    def sets_keys(self, columns: Sequence[int]) -> bool:
        """Whether some of these columns are in a unique index: then rows must be written one after the
        other."""
        return any(self.table.columns[at].name in self.unique for at in columns)

    def write(
        self, form: Template, name: str, each: Sequence[Any], values: dict[str, Any], *, one_by_one: bool
    ) -> Statement:
        """A statement for several rows, in this order if ``one_by_one``."""
        if one_by_one:
            return form.bind_many(values | {name: self.listed([one])} for one in each)
        return form.bind(values | {name: self.listed(each)})

    def native_time(self, text: str) -> Any:
        """A time as the engine takes it."""
        copied = self.physical.kind(UPDATED[0]).copied
        return text if copied is None else copied((text,))[text]

    def listed(self, values: Sequence[Any]) -> Any:
        """Several values as the value of a parameter."""
        return list(values) if self.dialect.has_arrays else msgspec.json.encode(values).decode()

    def _is_one(self, column: Expression, name: str, type_: Any) -> Expression:
        """Whether a column is one of the values of a parameter."""
        if self.dialect.has_arrays:
            return column == sa.any_(sa.bindparam(name, type_=postgresql.ARRAY(type_)))
        is_one: Expression = column.in_(self._all_of(name, type_))
        return is_one

    def _all_of(self, name: str, type_: Any) -> Any:
        """All values of a parameter, as a subquery."""
        if self.dialect.has_arrays:
            return sa.select(sa.func.unnest(sa.bindparam(name, type_=postgresql.ARRAY(type_))))
        listed = sa.func.json_each(sa.bindparam(name, type_=sa.Text())).table_valued(
            "value", name=f"{name}_list"
        )
        return sa.select(listed.c.value)

    def _template(self, clause: sa.Executable) -> Template:
        return template(clause, self.dialect)


_START: sa.ColumnClause[int] = sa.literal_column("0")
"""The offset of every page: without it, the compiler for SQLite adds a parameter."""


def _conditions(operations: Any, shape: tuple[str, ...]) -> list[Expression]:
    """Whether an operation is one of those to be undone."""
    conditions: list[Expression] = [operations.c.id != _text("chosen_own")]
    if "id" in shape:
        conditions.append(operations.c.id == _text("chosen_id"))
    if "writer" in shape:
        conditions.append(operations.c.writer == _text("chosen_writer"))
    if "since" in shape:
        conditions.append(operations.c.stamped >= _text("chosen_since"))
    if "until" in shape:
        conditions.append(operations.c.stamped < _text("chosen_until"))
    return conditions


@lru_cache(CACHED_TABLES)
def changed_tables(dialect: Dialect, namespace: str | None, shape: tuple[str, ...]) -> Template:
    """The ids of the tables that the chosen operations changed, where that is stored."""
    system = workspace_tables(namespace)
    operations, changed = system.operations, system.operation_tables
    joined = changed.join(operations, operations.c.op == changed.c.op)
    conditions = _conditions(operations, shape)
    noted = sa.select(changed.c.table_id).select_from(joined).where(*conditions)
    only = operations.c.only_table
    return template(sa.union(noted, sa.select(only).where(only.is_not(None), *conditions)), dialect)


def _text(name: str) -> sa.BindParameter[str]:
    return sa.bindparam(name, type_=sa.Text())


def _number(name: str) -> sa.BindParameter[int]:
    return sa.bindparam(name, type_=sa.BigInteger())


@lru_cache(CACHED_TABLES)
def undo_sql(table: Table, dialect: Dialect, namespace: str | None, shape: tuple[str, ...]) -> UndoSql:
    """The statements, compiled once."""
    return UndoSql(table, dialect, namespace, shape)
