"""Views: the query of a view as a source of rows, like a table.

A view is not an object of the engine. Its query is part of each statement that reads it, so an engine can use
the indexes of its tables, and a view never blocks a change of a table.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import sqlalchemy as sa

from rowkeep.model.filters import Test, Where
from rowkeep.model.tables import ROW_KEY, Column, Table
from rowkeep.model.views import COMPARISONS as JOIN_COMPARISONS
from rowkeep.model.views import Join, JoinKind, On, Ref, ViewColumn, columns_by_key
from rowkeep.plan.views.bind import BoundView
from rowkeep.sql.aggregates import aggregated
from rowkeep.sql.conditions import COMPARISONS, condition
from rowkeep.sql.dialects import Dialect, StoredKind
from rowkeep.sql.expressions import Expression
from rowkeep.sql.names import quoted
from rowkeep.sql.pages import Pages, PostgresPages, SqlitePages
from rowkeep.sql.physical_table import PhysicalTable, ordered


def filter_name(at: int) -> str:
    """The parameter of value number ``at`` of the view's own filter."""
    return f"f{at}"


def having_name(at: int) -> str:
    """The same for ``having``."""
    return f"h{at}"


class SourceTable(PhysicalTable):
    """A table as one of the sources of a view, under an alias, because a view can contain a table twice."""

    def __init__(self, table: Table, dialect: Dialect, namespace: str | None, at: int) -> None:
        super().__init__(table, dialect, namespace)
        self.from_clause = self.from_clause.alias(quoted(f"s{at}"))  # type: ignore[assignment] # FROM takes an alias too
        self._by_key = columns_by_key(table)

    def name_of(self, ref: Ref) -> str:
        return self._by_key[ref.column].name


class Sources:
    """The tables of a view, joined; its columns by the names that the view's filter uses."""

    def __init__(self, view: BoundView, dialect: Dialect, namespace: str | None) -> None:
        self.dialect = dialect
        self.columns: dict[str, Column] = {}
        self.tables = [SourceTable(table, dialect, namespace, at) for at, table in enumerate(view.tables)]
        self._places = {name: at for at, name in enumerate(view.sources)}
        joined: Any = self.tables[0].from_clause
        for at, join in enumerate(view.view.joins, start=1):
            joined = self._join(joined, at, join)
        self.joined: sa.FromClause = joined

    def _join(self, before: Any, at: int, join: Join) -> Any:
        origin = self.tables[at].from_clause
        on = sa.and_(*map(self._on, join.on))
        if join.kind is JoinKind.RIGHT:
            # equal to a left join with the sides exchanged
            return origin.outerjoin(before, on)
        return before.join(origin, on, isouter=join.kind is JoinKind.LEFT)

    def _on(self, on: On) -> Expression:
        test = JOIN_COMPARISONS[on.operand]
        left, right = (self.compared(ref) for ref in (on.left, on.right))
        if test is Test.EQUAL:
            return left != right if on.operand == "!=" else left == right
        return COMPARISONS[test](left, right)

    def compared(self, ref: Ref) -> Expression:
        physical = self.of(ref)
        return physical.column(physical.name_of(ref))

    def of(self, ref: Ref) -> SourceTable:
        return self.tables[ref.source]

    # for the view's filter

    def _found(self, name: str) -> tuple[SourceTable, str]:
        source, _, column = name.partition(".")
        return self.tables[self._places[source]], column

    def column(self, name: str) -> Expression:
        physical, column = self._found(name)
        return physical.column(column)

    def identity(self, name: str) -> Expression:
        return self.column(name)

    def kind(self, name: str) -> StoredKind:
        physical, column = self._found(name)
        return physical.kind(column)


class PhysicalView:
    """A view as conditions and pages use it, like a :class:`PhysicalTable` for a table.

    The columns of a plain view are those of its tables; a grouped view is a subquery with its own columns.
    """

    def __init__(self, view: BoundView, dialect: Dialect, namespace: str | None) -> None:
        self.dialect = dialect
        self.columns = {column.name: column for column in view.columns}
        self._sources = Sources(view, dialect, namespace)
        self._compared: dict[str, Expression] = {}
        self._texts: dict[str, Expression] = {}
        self.conditions: list[Expression] = []
        self.ties: list[Expression] = []
        chosen = [] if view.where.shape is None else [condition(self._sources, view.where.shape, filter_name)]
        if view.view.is_grouped:
            self.from_clause = self._grouped(view, chosen)
            if view.having.shape is not None:
                self.conditions.append(condition(self, view.having.shape, having_name))
        else:
            self.from_clause = self._sources.joined
            self.conditions += chosen
            self._plain(view)

    def _plain(self, view: BoundView) -> None:
        for column in view.view.columns:
            source = self._sources.of(column.ref)
            name = source.name_of(column.ref)
            self._compared[column.name] = source.column(name)
            self._texts[column.name] = source.answered(name).element
        if view.order.key is None:
            # a fixed order also for rows that are equal in all columns of the view
            self.ties = [
                ordered(self.dialect, physical.column(ROW_KEY), descending=False)
                for physical in self._sources.tables
            ]

    def _grouped(self, view: BoundView, chosen: Sequence[Expression]) -> sa.FromClause:
        groups = [self._sources.compared(ref) for ref in view.view.group_by]
        values = {column.name: self._group_value(column) for column in view.view.columns}
        keys = {name: key(value) for name, value in values.items() if (key := self.kind(name).key)}
        inner = (
            sa.select(
                *(value.label(f"v{at}") for at, value in enumerate(values.values())),
                *(key.label(f"k{at}") for at, key in enumerate(keys.values())),
            )
            .select_from(self._sources.joined)
            .where(*chosen)
            .group_by(*groups)
            .subquery("_groups")
        )
        compared = dict(zip(keys, (inner.c[f"k{at}"] for at in range(len(keys))), strict=True))
        for at, name in enumerate(values):
            column = inner.c[f"v{at}"]
            self._compared[name] = compared.get(name, column)
            self._texts[name] = self.kind(name).answered(column)
        return inner

    def _group_value(self, column: ViewColumn) -> Expression:
        source = self._sources.of(column.ref)
        name = source.name_of(column.ref)
        return aggregated(
            source.kind(name).aggregates,
            column.aggregate,
            source.column(name),
            source.answered(name).element,
        )

    def column(self, name: str) -> Expression:
        """A column for comparisons and sorts."""
        return self._compared[name]

    def identity(self, name: str) -> Expression:
        return self._compared[name]

    def answered(self, name: str) -> sa.Label[Any]:
        """A column for responses, under its own name."""
        return self._texts[name].label(quoted(name))

    def kind(self, name: str) -> StoredKind:
        return self.dialect.kinds[self.columns[name].kind]

    def ordered(self, name: str, *, descending: bool) -> Expression:
        return ordered(self.dialect, self.column(name), descending=descending)


class ViewSql(Pages):
    """The statements that read a view, for one engine."""

    has_key = False

    def __init__(self, view: BoundView, namespace: str | None) -> None:
        super().__init__(tuple(column.name for column in view.columns), namespace)
        self.view = view
        self.conditions = tuple(self.physical.conditions)
        self.ties = tuple(self.physical.ties)
        self.constants = _constants(view.where, filter_name) | _constants(view.having, having_name)

    @cached_property
    def physical(self) -> PhysicalView:
        return PhysicalView(self.view, self.dialect, self.namespace)


def _constants(where: Where, name: Callable[[int], str]) -> dict[str, Any]:
    return {name(at): value for at, value in enumerate(where.values)}


class SqliteViewSql(SqlitePages, ViewSql):
    """The statements for one SQLite file."""


class PostgresViewSql(PostgresPages, ViewSql):
    """The statements for one namespace on PostgreSQL."""
