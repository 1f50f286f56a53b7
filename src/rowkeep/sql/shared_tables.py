"""Shared tables: the statements of a table, compiled once for all tables that have the same ones.

A process compiles them once, and not again for the same table in another workspace, nor after a change of the
definition that changes no statement: of a description, a default, a limit of retention.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property, lru_cache
from typing import Any, TypeVar

import msgspec

from rowkeep.model.filters import Shape
from rowkeep.model.history import History
from rowkeep.model.tables import Column, Reference, Table
from rowkeep.plan.rows.select import SelectShape
from rowkeep.plan.rows.upserts import UpsertShape
from rowkeep.plan.rows.writes import UpdateShape
from rowkeep.sql.dialects import Dialect
from rowkeep.sql.names import table_name
from rowkeep.sql.pages import SelectSql, StreamSql
from rowkeep.sql.physical_table import PhysicalTable
from rowkeep.sql.rows import PostgresTableSql, SqliteTableSql, TableSql, UpdateSql
from rowkeep.sql.statements import Statement, Template, command, in_order
from rowkeep.sql.system_tables import ANY_WORKSPACE, in_namespace
from rowkeep.sql.upserts import PostgresUpsertSql, SqliteUpsertSql

CACHED_FORMS = 1024
"""How many different tables of each engine are cached with their statements."""

C = TypeVar("C", bound=msgspec.Struct)
T = TypeVar("T", bound=TableSql)


ANY_TABLE = "<table>"
"""The id of a form. No name has such characters, so it can be found in the text of a statement."""

ANY_NAME = "<name>"
"""The name of a form from which tables are created: they differ by name, while each table has its own
statements for rows."""

ANY_HISTORY = History(0)


def form_of(table: Table) -> Table:
    """The table without what no statement depends on."""
    return msgspec.structs.replace(
        table,
        id=ANY_TABLE,
        description="",
        columns=tuple(map(_form_of_column, table.columns)),
        columns_made=0,
        retention=None,
        history=None if table.history is None else ANY_HISTORY,
    )


def _form_of_column(column: Column) -> Column:
    reference = Reference("", "sys_Id") if column.holds_sys_ids else None
    return msgspec.structs.replace(column, key=1, old_key=None, reference=reference, default=None)


@lru_cache(CACHED_FORMS)
def _shared(made: type[T], form: Table, namespace: str | None) -> T:
    return made(form, namespace)


def _placed(compiled: C, namespace: str | None) -> C:
    """What was compiled for any workspace, for the one in this namespace."""
    if namespace is None:
        return compiled
    if isinstance(compiled, Template | Statement):
        return msgspec.structs.replace(compiled, text=in_namespace(compiled.text, namespace))
    parts = {name: getattr(compiled, name) for name in compiled.__struct_fields__}
    placed: dict[str, Any] = {
        name: _placed(part, namespace)
        for name, part in parts.items()
        if isinstance(part, Template | Statement)
    }
    return msgspec.structs.replace(compiled, **placed)


def create_table(
    table: Table, dialect: Dialect, namespace: str | None, referred: Mapping[str, Table]
) -> Statement:
    """What creates a table with its indexes; ``referred`` has the tables that it refers to, by id."""
    if any(column.reference is not None for column in table.columns):
        return in_order(PhysicalTable(table, dialect, namespace, referred).create())
    form = msgspec.structs.replace(form_of(table), name=ANY_NAME)
    created = _created(form, dialect, ANY_WORKSPACE if namespace else None)
    text = _of_table(in_namespace(created.text, namespace), table)
    return command(text.replace(f'"{ANY_NAME}"', f'"{table_name(table)}"'))


@lru_cache(CACHED_FORMS)
def _created(form: Table, dialect: Dialect, namespace: str | None) -> Statement:
    return in_order(PhysicalTable(form, dialect, namespace).create())


def _of_table(text: str, table: Table) -> str:
    """The text of a form for a table of it."""
    return text.replace(ANY_TABLE, table.id)


class SharedSqliteTable(SqliteTableSql):
    """The statements for one SQLite file."""

    @cached_property
    def _form(self) -> SqliteTableSql:
        shared: SqliteTableSql = _shared(SqliteTableSql, form_of(self.table), None)
        return shared

    def _compile_select(self, shape: SelectShape) -> SelectSql:
        return self._form.select(shape)

    def _compile_stream(self, shape: SelectShape, is_limited: bool) -> StreamSql:
        return self._form.stream(shape, is_limited)

    def _compile_insert(self) -> Template:
        return self._form.insert

    def _compile_update(self, shape: UpdateShape) -> UpdateSql:
        return self._form.update(shape)

    def _compile_delete(self, where: Shape | None) -> Template:
        return self._form.delete(where)

    def _compile_upsert(self, shape: UpsertShape) -> SqliteUpsertSql:
        return self._form.upsert(shape)


class SharedPostgresTable(PostgresTableSql):
    """The statements for one namespace on PostgreSQL."""

    @cached_property
    def _form(self) -> PostgresTableSql:
        shared: PostgresTableSql = _shared(PostgresTableSql, form_of(self.table), ANY_WORKSPACE)
        return shared

    def _compile_select(self, shape: SelectShape) -> SelectSql:
        return _placed(self._form.select(shape), self.namespace)

    def _compile_stream(self, shape: SelectShape, is_limited: bool) -> StreamSql:
        return _placed(self._form.stream(shape, is_limited), self.namespace)

    def _compile_whole(self, shape: SelectShape, limit: int) -> SelectSql:
        return _placed(self._form.whole(shape, limit), self.namespace)

    def _compile_short(self, shape: SelectShape, limit: int) -> SelectSql:
        return _placed(self._form.limited(shape, limit), self.namespace)

    def _compile_cut(self, shape: SelectShape) -> SelectSql:
        return _placed(self._form.cut(shape), self.namespace)

    def _compile_insert(self) -> Template:
        return _placed(self._form.insert, self.namespace)

    def _compile_update(self, shape: UpdateShape) -> UpdateSql:
        return _placed(self._form.update(shape), self.namespace)

    def _compile_delete(self, where: Shape | None) -> Template:
        return _placed(self._form.delete(where), self.namespace)

    def _compile_upsert(self, shape: UpsertShape) -> PostgresUpsertSql:
        return _placed(self._form.upsert(shape), self.namespace)

    @cached_property
    def version(self) -> Template:
        return _placed(self._form.version, self.namespace)

    @cached_property
    def keyed_insert(self) -> Template:
        return _placed(self._form.keyed_insert, self.namespace)

    @cached_property
    def recorded_insert(self) -> Template:
        return self._of_this(self._form.recorded_insert)

    @cached_property
    def recorded_keyed_insert(self) -> Template:
        return self._of_this(self._form.recorded_keyed_insert)

    def _of_this(self, recorded: Template) -> Template:
        """The records of a table are stored under its id."""
        placed = _placed(recorded, self.namespace)
        return Template(_of_table(placed.text, self.table), placed.order)

    @cached_property
    def by_ids(self) -> Template:
        return _placed(self._form.by_ids, self.namespace)
