"""History: ``rowkeep history``, which shows who changed what in tables with a history."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from rowkeep.cli.options import AsJson
from rowkeep.cli.output import Fact, cell_text, fact, print_json, print_list
from rowkeep.cli.row_commands import do
from rowkeep.client.commands import call, every
from rowkeep.errors.catalogue import SetupError, preview

if TYPE_CHECKING:
    from rowkeep.client.data import DataClient

PAGE = 1000

Table = Annotated[
    str, typer.Argument(metavar="[TABLE]", help="Only what changed this table.", show_default=False)
]
RowId = Annotated[
    str, typer.Argument(metavar="[ID]", help="The _id of a row: show its changes.", show_default=False)
]
App = Annotated[
    str, typer.Option("--app", metavar="APP", help="Only what this app wrote: its name or its client id.")
]
User = Annotated[
    str,
    typer.Option("--user", metavar="USER", help="Only what this user or administrator wrote, by name."),
]
Since = Annotated[str, typer.Option(metavar="TIME", help="Only from this time (RFC 3339) on.")]
Until = Annotated[str, typer.Option(metavar="TIME", help="Only before this time (RFC 3339).")]
Limit = Annotated[int, typer.Option(min=1, metavar="NUMBER", help="The maximum number of operations.")]
OfWorkspace = Annotated[str, typer.Option("--workspace", metavar="NAME", help="The workspace.")]

OPERATIONS = (
    fact("Time", "on"),
    fact("Writer", "who"),
    fact("Operation", "id", whole=True),
    fact("Table", "table"),
    fact("Inserted", "nInserted"),
    fact("Changed", "nChanged"),
    fact("Deleted", "nDeleted"),
)


def _shown(cell: Any) -> str:
    return str(cell_text(cell)) if isinstance(cell, msgspec.Raw) else preview(cell)


def _differences(change: dict[str, Any]) -> str:
    before, after = change["before"] or {}, change["after"] or {}
    if change["kind"] == "update":
        return ", ".join(f"{name}: {_shown(before[name])} → {_shown(after[name])}" for name in after)
    return ", ".join(
        f"{name}: {_shown(value)}" for name, value in (before or after).items() if value is not None
    )


CHANGES = (
    fact("Time", "on"),
    fact("Writer", "who"),
    fact("Kind", "kind"),
    Fact("Changes", _differences),
    fact("Operation", "operation", whole=True),
)


def history(
    table: Table = "",
    row: RowId = "",
    app: App = "",
    user: User = "",
    since: Since = "",
    until: Until = "",
    limit: Limit = 100,
    workspace: OfWorkspace = "main",
    as_json: AsJson = False,
) -> None:
    """Show who changed tables with a history, the newest operation first; or, with an ID, all changes of a
    row, the oldest first."""
    writers = every("writers", "workspaces", workspace, "writers")
    wanted = writer_named(writers, app, user)
    names = {each["id"]: each["name"] for each in writers}
    if row:
        if since or until:
            raise typer.BadParameter("--since and --until cannot be used with a row")
        _print_row(workspace, table, row, wanted, names, as_json=as_json)
        return
    given = {"table": table, "writer": wanted, "since": since, "until": until}
    parameters: dict[str, str | int] = {name: value for name, value in given.items() if value}
    found = _operations(workspace, parameters, limit)
    if as_json:
        print_json({"operations": found})
        return
    lines = [
        {"on": each["on"], "who": _who(each["by"], names), "id": each["id"]} | counts
        for each in found
        for counts in each["tables"]
    ]
    print_list(lines, OPERATIONS)


def _operations(workspace: str, parameters: dict[str, str | int], limit: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while len(found) < limit:
        size: dict[str, str | int] = {"limit": min(PAGE, limit - len(found))}
        page = call("GET", "workspaces", workspace, "operations", parameters=parameters | size)
        found += page["operations"]
        if "nextCursor" not in page:
            break
        parameters["cursor"] = page["nextCursor"]
    return found


def _print_row(
    workspace: str, table: str, row: str, writer: str, names: dict[str, str], *, as_json: bool
) -> None:
    async def read(api: DataClient) -> list[dict[str, Any]]:
        from rowkeep.client.changes import row_changes

        return await row_changes(api, table, row)

    found = [each for each in do(None, workspace, read) if not writer or each["by"] == writer]
    if as_json:
        print_json({"changes": found})
    else:
        print_list([each | {"who": _who(each["by"], names)} for each in found], CHANGES)


def writer_named(writers: list[dict[str, str]], app: str, user: str) -> str:
    """The id of the writer to show; empty for all of them. Raises SetupError, BadParameter."""
    if app and user:
        raise typer.BadParameter("--app and --user cannot be used together")
    if not (app or user):
        return ""
    from rowkeep.model.ids import writer_of

    wanted, is_app = app or user, bool(app)
    found = [
        each["id"]
        for each in writers
        if ((each["kind"] == "app") is is_app and wanted in (each["name"], each["id"]))
        or each["id"] == writer_of(wanted)
    ]
    if not found:
        kind = "app" if is_app else "user or administrator"
        raise SetupError(f"No {kind} {preview(wanted)} has written in this workspace. Check the name.")
    if len(found) > 1:
        raise SetupError(
            f"{len(found)} writers have the name {preview(wanted)}. Use an id instead: {', '.join(found)}."
        )
    return found[0]


def _who(writer: str | None, names: dict[str, str]) -> str:
    return "the server" if writer is None else names.get(writer, writer)
