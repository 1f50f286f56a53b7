"""Views: stored queries over tables, as frozen structs.

They store ids of tables and columns, so that a view follows them when they are renamed; the names are filled
in when a definition is read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import Enum

import msgspec

from rowkeep.model.column_types import ColumnType
from rowkeep.model.data_requests import Node
from rowkeep.model.filters import OPERATORS, Test
from rowkeep.model.tables import Column, Table

MAX_JOINS = 8
MAX_CONDITIONS = 16
"""The maximum number of conditions in one join."""

MAX_VIEW_COLUMNS = 400
MAX_VIEW_FILTER = 100
"""The maximum number of comparisons in the filter, and in the having, of a view."""

MAX_VIEW_VALUES = 500
"""The maximum number of values in each: a query adds its own, and engines allow 32,766 per statement."""


class JoinKind(Enum):
    """Which rows without a match a join returns: none, those before it, or those of its own table."""

    INNER = "inner"
    LEFT = "left"
    RIGHT = "right"


class Aggregate(msgspec.Struct, frozen=True):
    """An aggregate of one column of a group. ``suits`` is the kind of columns that it can be used on,
    ``gives`` the type of its result if that is not the type of the column; both depend on the facts of
    types."""

    name: str
    meaning: str
    suits: Callable[[Column], bool] = lambda _: True
    gives: Callable[[ColumnType], str] = lambda _: ""
    is_count: bool = False
    """Whether its result is a number of cells, which is never null."""

    def type_of(self, column: Column) -> str:
        """The type of the result."""
        return "integer" if self.is_count else self.gives(column.type_facts) or column.type


AGGREGATES: dict[str, Aggregate] = {
    entry.name: entry
    for entry in (
        Aggregate("count", "how many of the cells are not empty", is_count=True),
        Aggregate(
            "count distinct",
            "how many different values they have",
            suits=lambda column: column.is_sortable,
            is_count=True,
        ),
        Aggregate("sum", "their sum", lambda column: column.is_number, lambda facts: facts.sum_type),
        Aggregate("avg", "their mean", lambda column: column.is_number, lambda facts: facts.mean_type),
        Aggregate("min", "the least of them", lambda column: column.is_ordered),
        Aggregate("max", "the greatest of them", lambda column: column.is_ordered),
    )
}


COMPARISONS: dict[str, Test] = {name: OPERATORS[name].test for name in ("=", "!=", "<", "<=", ">", ">=")}
"""The operands of joins. Unlike those of filters, they never match null, as in SQL."""


def is_comparable(column: Column, test: Test = Test.EQUAL) -> bool:
    """Whether cells of this column can be compared in a join, a group or a sort. Encrypted ones cannot: each
    column has its own key."""
    return column.is_sortable if test is Test.EQUAL else column.is_ordered


class Ref(msgspec.Struct, frozen=True):
    """A column of one of a view's tables: 0 is the view's first table, 1 the table of its first join."""

    source: int
    column: str
    """See :func:`column_key`."""


class On(msgspec.Struct, frozen=True):
    left: Ref
    operand: str
    right: Ref


class Join(msgspec.Struct, frozen=True):
    """``table`` is a table's id, ``alias`` its name in this view, ``""`` for its own name."""

    table: str
    alias: str
    kind: JoinKind
    on: tuple[On, ...]


class ViewColumn(msgspec.Struct, frozen=True):
    """A column of the result; ``aggregate`` is the name of an entry of :data:`AGGREGATES`, or ``""``."""

    name: str
    ref: Ref
    aggregate: str = ""


class View(msgspec.Struct, frozen=True, kw_only=True):
    """The definition of a view. ``id`` is never reused, and never the id of a table.

    The fields of ``filter`` are :func:`field_of` refs; those of ``having`` and ``sort_by`` are names of the
    view's own columns, which renames in tables do not change.
    """

    id: str
    name: str
    description: str = ""
    table: str
    alias: str = ""
    joins: tuple[Join, ...] = ()
    columns: tuple[ViewColumn, ...]
    filter: Node | None = None
    group_by: tuple[Ref, ...] = ()
    having: Node | None = None
    sort_by: tuple[tuple[str, bool], ...] = ()

    @property
    def table_ids(self) -> tuple[str, ...]:
        """The tables it uses, in the order of its sources; a table joined to itself is there twice."""
        return (self.table, *(join.table for join in self.joins))

    @property
    def aliases(self) -> tuple[str, ...]:
        return (self.alias, *(join.alias for join in self.joins))

    @property
    def is_grouped(self) -> bool:
        return bool(self.group_by) or any(column.aggregate for column in self.columns)

    def refs(self) -> Iterator[Ref]:
        """All uses of columns of tables."""
        for join in self.joins:
            for on in join.on:
                yield from (on.left, on.right)
        yield from (column.ref for column in self.columns)
        yield from self.group_by
        if self.filter is not None:
            yield from (ref_of(str(node.field)) for node in comparisons_of(self.filter))

    def needs(self, table_id: str, column: str | None = None) -> bool:
        """Whether it uses this table, or this column of it."""
        ids = self.table_ids
        if column is None:
            return table_id in ids
        return any(ids[ref.source] == table_id and ref.column == column for ref in self.refs())


def column_key(column: Column) -> str:
    """The stored key of a column in a view, which does not change when the column is renamed."""
    return column.id


def columns_by_key(table: Table) -> dict[str, Column]:
    return {column_key(column): column for column in table.all_columns}


def field_of(ref: Ref) -> str:
    """A ref as the field of a stored filter."""
    return f"{ref.source}.{ref.column}"


def ref_of(field: str) -> Ref:
    source, _, column = field.partition(".")
    return Ref(int(source), column)


def comparisons_of(node: Node) -> Iterator[Node]:
    """All comparisons of a filter."""
    if isinstance(node.field, str):
        yield node
    if isinstance(node.not_, Node):
        yield from comparisons_of(node.not_)
    if isinstance(node.expressions, list):
        for part in node.expressions:
            yield from comparisons_of(part)
