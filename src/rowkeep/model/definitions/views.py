"""View definitions: the JSON form of a view in requests, and in responses with current names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeAlias

import msgspec
from msgspec import UNSET

from rowkeep.model.data_requests import Node
from rowkeep.model.definitions.tables import EmptyObject
from rowkeep.model.tables import Column, Table
from rowkeep.model.views import Ref, View, ViewColumn, columns_by_key, ref_of

NotSet: TypeAlias = Literal[""] | None


class ViewColumnBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"as_": "as"}):
    """A column of a view: ``table.column`` or an aggregate, with a name."""

    expr: str
    as_: str | None = None


class OnBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    left: str
    operand: str
    right: str


class JoinBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"as_": "as"}):
    table: str
    on: list[OnBody]
    type: str | None = None
    as_: str | None = None


class SortByBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    field: str
    order: str | None = None


class ViewBody(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    rename={"as_": "as", "group_by": "groupBy", "sort_by": "sortBy", "renamed_from": "renamedFrom"},
):
    """The definition of a table in a request."""

    name: str
    table: str
    columns: list[str | ViewColumnBody]
    description: str | EmptyObject | None = None
    as_: str | None = None
    joins: list[JoinBody] | EmptyObject | NotSet = None
    filter: Node | NotSet = None
    group_by: list[str] | EmptyObject | NotSet = None
    having: Node | NotSet = None
    sort_by: list[SortByBody] | EmptyObject | NotSet = None
    renamed_from: str | None = None

    @property
    def table_names(self) -> tuple[str, ...]:
        """The names of its tables, with repetitions."""
        joins = self.joins if isinstance(self.joins, list) else []
        return (self.table, *(join.table for join in joins))


def expression_of(name: str, aggregate: str) -> str:
    """The expression of a view's column: ``people.City``, ``count(distinct people.City)``."""
    if not aggregate:
        return name
    function, _, distinct = aggregate.partition(" ")
    return f"{function}({distinct}{' ' if distinct else ''}{name})"


def default_name(column: Column, aggregate: str) -> str:
    """The default name of a view's column: ``City``, ``count_distinct_City``."""
    if not aggregate:
        return column.name
    return f"{aggregate.replace(' ', '_')}_{column.name.lstrip('_')}"


def with_comparisons(node: Node, change: Callable[[Node], Node]) -> Node:
    """A valid filter with every comparison replaced."""
    if isinstance(node.field, str):
        node = change(node)
    if isinstance(node.not_, Node):
        node = msgspec.structs.replace(node, not_=with_comparisons(node.not_, change))
    if isinstance(node.expressions, list):
        changed = [with_comparisons(each, change) for each in node.expressions]
        node = msgspec.structs.replace(node, expressions=changed)
    return node


def with_field(node: Node, field: str) -> Node:
    """The comparison with another field."""
    return msgspec.structs.replace(node, field=field)


class ViewNames:
    """The current names of a view's tables and columns. ``tables`` has the tables that it uses, by id."""

    def __init__(self, view: View, tables: Mapping[str, Table]) -> None:
        self.tables = [tables[each] for each in view.table_ids]
        self.sources = [alias or table.name for alias, table in zip(view.aliases, self.tables, strict=True)]
        self._columns = [columns_by_key(table) for table in self.tables]

    def column(self, ref: Ref) -> Column:
        return self._columns[ref.source][ref.column]

    def name(self, ref: Ref) -> str:
        """``people.City``"""
        return f"{self.sources[ref.source]}.{self.column(ref).name}"

    def filter(self, view: View) -> Node | None:
        """The view's filter with such names."""
        if view.filter is None:
            return None
        return with_comparisons(
            view.filter, lambda node: with_field(node, self.name(ref_of(str(node.field))))
        )


def definition_of_view(view: View, tables: Mapping[str, Table]) -> dict[str, Any]:
    """The JSON form of a view, with all keys; ``""``, ``[]`` and ``{}`` mean not set."""
    names = ViewNames(view, tables)
    return {
        "name": view.name,
        "description": view.description,
        "table": names.tables[0].name,
        "as": view.alias,
        "joins": [
            {
                "table": names.tables[at].name,
                "as": join.alias,
                "type": join.kind.value,
                "on": [
                    {"left": names.name(on.left), "operand": on.operand, "right": names.name(on.right)}
                    for on in join.on
                ],
            }
            for at, join in enumerate(view.joins, start=1)
        ],
        "columns": [_column_json(column, names) for column in view.columns],
        "filter": _filter_json(names.filter(view)),
        "groupBy": [names.name(ref) for ref in view.group_by],
        "having": _filter_json(view.having),
        "sortBy": [
            {"field": name, "order": "desc" if descending else "asc"} for name, descending in view.sort_by
        ],
    }


def _column_json(column: ViewColumn, names: ViewNames) -> str | dict[str, str]:
    expression = expression_of(names.name(column.ref), column.aggregate)
    if column.name == default_name(names.column(column.ref), column.aggregate):
        return expression
    return {"expr": expression, "as": column.name}


def _filter_json(node: Node | None) -> Any:
    return {} if node is None else msgspec.to_builtins(node)


def is_unset(node: Node | NotSet) -> bool:
    """Whether a filter in a request is empty."""
    return (
        not isinstance(node, Node)
        or node == Node()
        or (node.expressions == [] and node.all_ is UNSET and node.not_ is UNSET and node.field is UNSET)
    )
