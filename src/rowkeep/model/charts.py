"""Charts: saved charts of tables and views, with the filter of the rows that they show."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal, TypeAlias

import msgspec

from rowkeep.model.data_requests import Node
from rowkeep.model.ids import IdSource
from rowkeep.model.tables import Column

MAX_CHARTS = 100
"""The maximum number of shared charts of a table or view, and of the private ones of each user."""

MAX_CHART_NAME = 100
MAX_SEARCH = 1000
MAX_CHART_BYTES = 65_536
"""The maximum size of a chart as it is stored."""

ChartKind: TypeAlias = Literal["bar", "line", "area", "pie", "number"]
ChartAggregate: TypeAlias = Literal["count", "sum", "avg", "min", "max"]


class ChartPlan(msgspec.Struct, frozen=True, kw_only=True):
    """How a chart is drawn, and of which rows: a number has no ``category``, a count no ``value``.

    It refers to columns by name or, as it is stored, by keys: the ids of columns of a table, so that it
    follows renames, and the names of columns of a view. ``names`` then has the names at that time, by key.
    """

    kind: ChartKind
    category: str | None = None
    aggregate: ChartAggregate = "count"
    value: str | None = None
    query: Node | None = None
    search: str = ""
    names: Mapping[str, str] = {}


class Chart(msgspec.Struct, frozen=True, kw_only=True):
    """A saved chart of the table or view with the id ``thing_id``, with columns by keys. ``user_id`` is its
    owner; None if an admin token created it, or if its owner was deleted. Without an owner it is shared."""

    id: str
    thing_id: str
    user_id: str | None
    is_shared: bool
    name: str
    plan: ChartPlan
    created_on: str
    updated_on: str


class ChartSource(msgspec.Struct, frozen=True):
    """A table or view with its columns."""

    id: str
    name: str
    is_view: bool
    columns: tuple[Column, ...]
    system_columns: tuple[Column, ...] = ()

    @property
    def description(self) -> str:
        return f"{'view' if self.is_view else 'table'} {self.name}"

    @property
    def all_columns(self) -> tuple[Column, ...]:
        return (*self.columns, *self.system_columns)

    @property
    def indexes(self) -> tuple[()]:
        """Charts do not use them."""
        return ()


class DefinedChart(msgspec.Struct, frozen=True):
    """A chart with the names that its columns have now. ``problem`` says why it cannot be drawn; None if it
    can. ``can_change`` says whether the asker may change it."""

    chart: Chart
    source: ChartSource
    plan: ChartPlan
    problem: str | None
    can_change: bool


def charts_of(rows: Iterable[Mapping[str, Any]], users: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """Stored charts for a store that has these users, by their former ids: private charts of others are left
    out, and shared ones have no owner."""
    found = set()
    for row in rows:
        user_id = users.get(row["user_id"] or "")
        scope = user_id if row["scope"] else ""
        key = (row["thing_id"], scope, row["name_key"])
        # two former users can be one user, with two private charts of one name
        if scope is not None and key not in found:
            found.add(key)
            yield {**row, "user_id": user_id, "scope": scope}


def new_chart_id(ids: IdSource) -> str:
    return f"ch-{next(ids.stamp(1).ids())}"


def chart_name_key(name: str) -> str:
    """Names of charts are compared without regard to case."""
    return name.casefold()
