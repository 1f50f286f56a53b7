"""Charts in workspace definitions: the shared charts of tables and views, identified by their names."""

from __future__ import annotations

from typing import Any

from rowkeep.model.chart_requests import NamedPlanBody
from rowkeep.model.charts import DefinedChart, chart_name_key
from rowkeep.model.tables import name_key


class DefinitionChartBody(NamedPlanBody, frozen=True, kw_only=True):
    """A shared chart of one table or view. Its name identifies it there."""

    table: str | None = None
    view: str | None = None


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
