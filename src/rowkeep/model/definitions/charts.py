"""Charts in workspace definitions: the shared charts of tables and views, identified by their names."""

from __future__ import annotations

from typing import Any

import msgspec

from rowkeep.model.chart_requests import Category, ChartName, ChartValue, SearchText
from rowkeep.model.charts import ChartAggregate, ChartKind, ChartPlan, DefinedChart, chart_name_key
from rowkeep.model.data_requests import Node
from rowkeep.model.tables import name_key


class DefinitionChartBody(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel", kw_only=True
):
    """A shared chart of one table or view. Its name identifies it there."""

    table: str | None = None
    view: str | None = None
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


def definition_of_chart(defined: DefinedChart) -> dict[str, Any]:
    """The JSON form of a shared chart, without anything specific to this installation."""
    plan, source = defined.plan, defined.source
    return {
        "view" if source.is_view else "table": source.name,
        "name": defined.chart.name,
        "kind": plan.kind,
        "category": plan.category,
        "aggregate": plan.aggregate,
        "value": plan.value,
        "query": plan.query,
        "search": plan.search,
    }


def place_of_chart(defined: DefinedChart) -> tuple[str, str]:
    """Sorts charts by their table or view, and by name."""
    return name_key(defined.source.name), chart_name_key(defined.chart.name)
