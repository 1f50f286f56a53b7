"""Requests about charts: the bodies of their endpoints."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from rowkeep.model.charts import MAX_CHART_NAME, MAX_SEARCH, ChartAggregate, ChartKind, ChartPlan
from rowkeep.model.data_requests import Node

ChartName = Annotated[
    str,
    Meta(
        description=f"1 to {MAX_CHART_NAME} characters. Shared charts of a table or view have different "
        "names, and so have the private ones of a user."
    ),
]
Category = Annotated[
    str | None,
    Meta(description="The column by whose values rows are grouped. A `number` has none; others need one."),
]
ChartValue = Annotated[
    str | None,
    Meta(description="The numeric column of the values. A `count` has none; others need one."),
]
SearchText = Annotated[
    str,
    Meta(
        description=f"A text of at most {MAX_SEARCH:,} characters that one of the text columns must contain, "
        "in any case."
    ),
]
IsShared = Annotated[
    bool,
    Meta(
        description="Whether all who can read the table or view see the chart, and not only its owner. "
        "Sharing needs the right to edit; an admin token has no private charts."
    ),
]


class NamedPlanBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel", kw_only=True):
    """What each chart in a request has: its name, and how it is drawn."""

    name: ChartName
    kind: ChartKind
    category: Category = None
    aggregate: ChartAggregate = "count"
    value: ChartValue = None
    query: Node | None = None
    search: SearchText = ""

    @property
    def plan(self) -> ChartPlan:
        return ChartPlan(
            kind=self.kind,
            category=self.category,
            aggregate=self.aggregate,
            value=self.value,
            query=self.query,
            search=self.search,
        )


class ChartBody(NamedPlanBody, frozen=True, kw_only=True):
    shared: IsShared = False


class ChartPatch(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """Missing keys are not changed."""

    name: ChartName | UnsetType = UNSET
    kind: ChartKind | UnsetType = UNSET
    category: Category | UnsetType = UNSET
    aggregate: ChartAggregate | UnsetType = UNSET
    value: ChartValue | UnsetType = UNSET
    query: Node | UnsetType | None = UNSET
    search: SearchText | UnsetType = UNSET
    shared: IsShared | UnsetType = UNSET
