"""Views: ``rowkeep view``."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from rowkeep.cli.options import AsJson, ViewName, Workspace, read_file
from rowkeep.cli.output import Fact, fact, print_json, print_line, print_list, print_one
from rowkeep.cli.steps import DryRun, print_change
from rowkeep.client.commands import call, every

commands = typer.Typer(help="Create, list, replace and delete views.")


def _tables(view: dict[str, Any]) -> str:
    return ", ".join(dict.fromkeys([view["table"], *(join["table"] for join in view["joins"])]))


def _as_json(key: str) -> Any:
    return lambda view: json.dumps(view[key], ensure_ascii=False) if view[key] else None


OVERVIEW = (
    fact("View", "name"),
    Fact("Columns", lambda view: len(view["columns"])),
    Fact("Tables", _tables),
    fact("Description", "description"),
)
HEAD = (
    fact("View", "name"),
    fact("Description", "description"),
    Fact("Table", lambda view: f"{view['table']} as {view['as']}" if view["as"] else view["table"]),
    Fact("Filter", _as_json("filter")),
    Fact("Group by", lambda view: ", ".join(view["groupBy"])),
    Fact("Having", _as_json("having")),
    Fact("Sort by", lambda view: ", ".join(map(_sort_key, view["sortBy"]))),
)
JOINS = (
    fact("Join", "type"),
    fact("Table", "table"),
    fact("As", "as"),
    Fact("On", lambda join: " and ".join(f"{on['left']} {on['operand']} {on['right']}" for on in join["on"])),
)
COLUMNS = (
    Fact("Column", lambda column: column["expr"] if isinstance(column, dict) else column),
    Fact("As", lambda column: column["as"] if isinstance(column, dict) else None),
)

Definition = Annotated[
    str, typer.Argument(metavar="FILE", help="The definition as a JSON file; - for standard input.")
]


def _sort_key(key: dict[str, Any]) -> str:
    return str(key["field"]) + (" desc" if key["order"] == "desc" else "")


@commands.command()
def create(definition: Definition, workspace: Workspace = "main", as_json: AsJson = False) -> None:
    """Create a view from its definition."""
    created = call("POST", "workspaces", workspace, "views", body=read_file(definition))
    print_json(created) if as_json else print_line(f"Created view {created['name']}.")


@commands.command("list")
def list_all(workspace: Workspace = "main", as_json: AsJson = False) -> None:
    """List all views of a workspace."""
    found = every("views", "workspaces", workspace, "views")
    print_json({"views": found}) if as_json else print_list(found, OVERVIEW)


@commands.command()
def get(name: ViewName, workspace: Workspace = "main", as_json: AsJson = False) -> None:
    """Show the definition of a view, with --json in the form that `view create` accepts."""
    found = call("GET", "workspaces", workspace, "views", name)
    if as_json:
        print_json(found)
    else:
        print_one(found, HEAD)
        if found["joins"]:
            print_list(found["joins"], JOINS)
        print_list(found["columns"], COLUMNS)


@commands.command()
def replace(
    name: ViewName,
    definition: Definition,
    dry_run: DryRun = False,
    workspace: Workspace = "main",
    as_json: AsJson = False,
) -> None:
    """Replace the definition of a view. If it has renamedFrom, VIEW is the new name."""
    given: dict[str, str | int] = {"dryRun": "true"} if dry_run else {}
    done = call("PUT", "workspaces", workspace, "views", name, body=read_file(definition), parameters=given)
    print_change(done, f"Replaced view {name}.", dry_run=dry_run, as_json=as_json)


@commands.command()
def delete(name: ViewName, workspace: Workspace = "main") -> None:
    """Delete a view and its grants. Its tables stay."""
    call("DELETE", "workspaces", workspace, "views", name)
    print_line(f"Deleted view {name}.")
