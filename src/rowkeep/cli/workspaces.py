"""Workspaces: ``rowkeep workspace``."""

from __future__ import annotations

from typing import Annotated

import typer

from rowkeep.cli.options import AsJson
from rowkeep.cli.output import fact, print_json, print_line, print_list, print_one
from rowkeep.client.commands import call, every

commands = typer.Typer(help="Create, list and delete workspaces.")

FACTS = (fact("Workspace", "name"), fact("Created", "createdOn"))

Name = Annotated[str, typer.Argument(metavar="NAME", help="The name of the workspace.")]


@commands.command()
def create(name: Name, as_json: AsJson = False) -> None:
    """Create a workspace."""
    created = call("POST", "workspaces", body={"name": name})
    print_json(created) if as_json else print_line(f"Created workspace {created['name']}.")


@commands.command("list")
def list_all(as_json: AsJson = False) -> None:
    """List all workspaces."""
    found = every("workspaces", "workspaces")
    print_json({"workspaces": found}) if as_json else print_list(found, FACTS)


@commands.command()
def get(name: Name, as_json: AsJson = False) -> None:
    """Show one workspace."""
    found = call("GET", "workspaces", name)
    print_json(found) if as_json else print_one(found, FACTS)


@commands.command()
def delete(name: Name) -> None:
    """Delete a workspace with all its tables, rows and apps."""
    call("DELETE", "workspaces", name)
    print_line(f"Deleted workspace {name}.")
