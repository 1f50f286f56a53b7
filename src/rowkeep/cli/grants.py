"""Grants: ``rowkeep grant``, for the rights of apps to tables and views."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from rowkeep.cli.options import AsJson, ClientId, Workspace
from rowkeep.cli.output import Fact, fact, print_json, print_line, print_list
from rowkeep.client.commands import call
from rowkeep.model.access import Right

commands = typer.Typer(help="Grant apps rights to tables and views, and list grants.")


def _rights(grant: dict[str, Any]) -> str:
    return ", ".join(right.value for right in Right if grant[right.value])


FACTS = (
    Fact("On", lambda grant: f"view {grant['view']}" if "view" in grant else f"table {grant['table']}"),
    fact("App", "app"),
    fact("Client id", "clientId", whole=True),
    Fact("Rights", _rights),
)


Name = Annotated[str, typer.Argument(metavar="NAME", help="The name of the table or view.")]
OnView = Annotated[bool, typer.Option("--view", help="NAME is a view. Views have only the right read.")]


@commands.command("set")
def set_grant(
    name: Name,
    client_id: ClientId,
    read: Annotated[bool, typer.Option("--read", help="Allow the app to query rows.")] = False,
    write: Annotated[
        bool, typer.Option("--write", help="Allow the app to insert rows and, with --read, to update rows.")
    ] = False,
    delete: Annotated[
        bool, typer.Option("--delete", help="With --read, allow the app to delete rows.")
    ] = False,
    view: OnView = False,
    workspace: Workspace = "main",
    as_json: AsJson = False,
) -> None:
    """Set the rights of an app to a table or view, replacing its previous rights."""
    if not (read or write or delete):
        raise typer.BadParameter(
            "use at least one of them. To remove all rights, run `rowkeep grant remove`.",
            param_hint="--read, --write, --delete",
        )
    _put(_path(name, view), client_id, workspace, as_json, {"read": read, "write": write, "delete": delete})


@commands.command("list")
def list_all(
    table: Annotated[str | None, typer.Option(metavar="TABLE", help="List the grants of this table.")] = None,
    view: Annotated[str | None, typer.Option(metavar="VIEW", help="List the grants of this view.")] = None,
    app: Annotated[str | None, typer.Option(metavar="CLIENT_ID", help="List the grants of this app.")] = None,
    workspace: Workspace = "main",
    as_json: AsJson = False,
) -> None:
    """List the grants of a table, a view or an app."""
    asked = [
        (kind, name) for kind, name in (("tables", table), ("views", view), ("apps", app)) if name is not None
    ]
    if len(asked) != 1:
        raise typer.BadParameter("use exactly one of them.", param_hint="--table, --view or --app")
    found = call("GET", "workspaces", workspace, *asked[0], "grants")
    print_json(found) if as_json else print_list(found["grants"], FACTS)


@commands.command()
def remove(
    name: Name,
    client_id: ClientId,
    view: OnView = False,
    workspace: Workspace = "main",
    as_json: AsJson = False,
) -> None:
    """Remove all rights of an app to a table or view."""
    _put(_path(name, view), client_id, workspace, as_json, {})


def _path(name: str, is_view: bool) -> tuple[str, str]:
    return ("views" if is_view else "tables", name)


def _put(
    path: tuple[str, str], client_id: str, workspace: str, as_json: bool, rights: dict[str, bool]
) -> None:
    given = call("PUT", "workspaces", workspace, *path, "grants", client_id, body=rights)
    if as_json:
        print_json(given)
    else:
        kind = "view" if "view" in given else "table"
        print_line(f"App {given['app']}, {kind} {given[kind]}: {_rights(given) or 'no rights'}.")
