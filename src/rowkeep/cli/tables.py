"""``rowkeep table``: the tables of a workspace, by their definitions."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from rowkeep.cli.calls import call, every
from rowkeep.cli.options import AsJson, TableName, Workspace, read_file
from rowkeep.cli.output import Fact, fact, print_json, print_line, print_list, print_one

commands = typer.Typer(help="Create, list and drop tables.")

OVERVIEW = (
    fact("Table", "name"),
    Fact("Columns", lambda table: len(table["schemaDef"])),
    Fact("Indexes", lambda table: len(table["indexes"])),
    fact("Description", "description"),
)
HEAD = (fact("Table", "name"), fact("Description", "description"))
COLUMNS = (
    fact("Column", "name"),
    fact("Type", "type"),
    fact("Required", "isRequired"),
    fact("Max length", "maxLength"),
    fact("Default", "default"),
)
INDEXES = (
    fact("Index", "name"),
    fact("Unique", "isUnique"),
    Fact("Columns", lambda index: ", ".join(map(_index_column, index["columns"]))),
)

Definition = Annotated[
    str, typer.Argument(metavar="FILE", help="The definition, a file of JSON; - for standard input.")
]


def _index_column(column: dict[str, Any]) -> str:
    return str(column["name"]) + (" desc" if column["order"] == "desc" else "")


@commands.command()
def create(definition: Definition, workspace: Workspace = "main", as_json: AsJson = False) -> None:
    """Create a table from its definition."""
    created = call("POST", "workspaces", workspace, "tables", body=read_file(definition))
    print_json(created) if as_json else print_line(f"Created table {created['name']}.")


@commands.command("list")
def list_all(workspace: Workspace = "main", as_json: AsJson = False) -> None:
    """List all tables of a workspace."""
    found = every("tables", "workspaces", workspace, "tables")
    print_json({"tables": found}) if as_json else print_list(found, OVERVIEW)


@commands.command()
def get(name: TableName, workspace: Workspace = "main", as_json: AsJson = False) -> None:
    """Show the definition of a table; with --json as `table create` takes it."""
    found = call("GET", "workspaces", workspace, "tables", name)
    if as_json:
        print_json(found)
    else:
        print_one(found, HEAD)
        print_list(found["schemaDef"], COLUMNS)
        if found["indexes"]:
            print_list(found["indexes"], INDEXES)


@commands.command()
def delete(name: TableName, workspace: Workspace = "main") -> None:
    """Drop a table with its rows and grants."""
    call("DELETE", "workspaces", workspace, "tables", name)
    print_line(f"Deleted table {name}.")
