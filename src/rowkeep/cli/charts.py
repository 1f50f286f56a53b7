"""Charts: ``rowkeep chart``."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from rowkeep.cli.options import AsJson, Workspace
from rowkeep.cli.output import Fact, fact, print_json, print_line, print_list, print_one
from rowkeep.client.commands import call, every

commands = typer.Typer(help="List, show and delete saved charts.")


def _value(chart: dict[str, Any]) -> str:
    return chart["aggregate"] if chart["value"] is None else f"{chart['aggregate']} of {chart['value']}"


def _owner(chart: dict[str, Any]) -> str | None:
    return None if chart["owner"] is None else str(chart["owner"]["name"])


OVERVIEW = (
    fact("Chart", "id", whole=True),
    Fact("Of", lambda chart: chart.get("table") or chart.get("view")),
    fact("Name", "name"),
    fact("Kind", "kind"),
    fact("Shared", "shared"),
    Fact("Owner", _owner),
    fact("Problem", "problem"),
)
FACTS = (
    *OVERVIEW,
    fact("Category", "category"),
    Fact("Value", _value),
    Fact("Filter", lambda chart: json.dumps(chart["query"], ensure_ascii=False) if chart["query"] else None),
    fact("Search", "search"),
    fact("Created", "createdOn"),
    fact("Updated", "updatedOn"),
)

ChartId = Annotated[str, typer.Argument(metavar="CHART", help="The id of the chart (ch-…).")]


@commands.command("list")
def list_all(
    table: Annotated[str | None, typer.Option(metavar="TABLE", help="Only the charts of this table.")] = None,
    view: Annotated[str | None, typer.Option(metavar="VIEW", help="Only the charts of this view.")] = None,
    workspace: Workspace = "main",
    as_json: AsJson = False,
) -> None:
    """List the charts of a workspace: shared ones, and private ones of users."""
    if table is not None and view is not None:
        raise typer.BadParameter("use either --table or --view")
    thing = () if table is None else ("tables", table)
    thing = thing if view is None else ("views", view)
    found = every("charts", "workspaces", workspace, *thing, "charts")
    print_json({"charts": found}) if as_json else print_list(found, OVERVIEW)


@commands.command()
def show(chart: ChartId, workspace: Workspace = "main", as_json: AsJson = False) -> None:
    """Show one chart."""
    found = call("GET", "workspaces", workspace, "charts", chart)
    print_json(found) if as_json else print_one(found, FACTS)


@commands.command()
def delete(chart: ChartId, workspace: Workspace = "main") -> None:
    """Delete a chart."""
    call("DELETE", "workspaces", workspace, "charts", chart)
    print_line(f"Deleted chart {chart}.")
