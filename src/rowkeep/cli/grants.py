"""``rowkeep grant``: what an app may do with a table."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from rowkeep.cli.calls import call
from rowkeep.cli.options import AsJson, ClientId, TableName, Workspace
from rowkeep.cli.output import Fact, fact, print_json, print_line, print_list
from rowkeep.model.access import Right

commands = typer.Typer(help="Say which app may read, write or delete in which table.")


def _rights(grant: dict[str, Any]) -> str:
    return ", ".join(right.value for right in Right if grant[right.value])


FACTS = (
    fact("Table", "table"),
    fact("App", "app"),
    fact("Client id", "clientId", whole=True),
    Fact("Rights", _rights),
)


@commands.command("set")
def set_grant(
    table: TableName,
    client_id: ClientId,
    read: Annotated[bool, typer.Option("--read", help="It may query rows.")] = False,
    write: Annotated[
        bool, typer.Option("--write", help="It may insert rows, and with --read update.")
    ] = False,
    delete: Annotated[bool, typer.Option("--delete", help="With --read, it may delete rows.")] = False,
    workspace: Workspace = "main",
    as_json: AsJson = False,
) -> None:
    """Give an app exactly these rights to a table, whatever it had before."""
    if not (read or write or delete):
        raise typer.BadParameter(
            "give at least one of them; `rowkeep grant remove` takes all away.",
            param_hint="--read, --write, --delete",
        )
    _put(table, client_id, workspace, as_json, {"read": read, "write": write, "delete": delete})


@commands.command("list")
def list_all(
    table: Annotated[str | None, typer.Option(metavar="TABLE", help="Who may do what with it.")] = None,
    app: Annotated[
        str | None, typer.Option(metavar="CLIENT_ID", help="What it may do with which table.")
    ] = None,
    workspace: Workspace = "main",
    as_json: AsJson = False,
) -> None:
    """List the grants of a table, or of an app."""
    if table is not None and app is None:
        found = call("GET", "workspaces", workspace, "tables", table, "grants")
    elif app is not None and table is None:
        found = call("GET", "workspaces", workspace, "apps", app, "grants")
    else:
        raise typer.BadParameter("give one of the two.", param_hint="--table or --app")
    print_json(found) if as_json else print_list(found["grants"], FACTS)


@commands.command()
def remove(
    table: TableName, client_id: ClientId, workspace: Workspace = "main", as_json: AsJson = False
) -> None:
    """Take all rights to a table from an app."""
    _put(table, client_id, workspace, as_json, {})


def _put(table: str, client_id: str, workspace: str, as_json: bool, rights: dict[str, bool]) -> None:
    given = call("PUT", "workspaces", workspace, "tables", table, "grants", client_id, body=rights)
    if as_json:
        print_json(given)
    else:
        print_line(f"App {given['app']}, table {given['table']}: {_rights(given) or 'no rights'}.")
