"""Undo: ``rowkeep undo``, which undoes changes of rows in tables with a history."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import Annotated, Any

import typer

from rowkeep.cli.filter_options import count_of
from rowkeep.cli.history import App, OfWorkspace, Since, Until, User, writer_named
from rowkeep.cli.options import AsJson
from rowkeep.cli.output import fact, print_json, print_line, print_list
from rowkeep.cli.row_commands import do
from rowkeep.client.commands import every
from rowkeep.errors.catalogue import SetupError


class OnConflict(StrEnum):
    """What happens to rows that were changed later."""

    FAIL = "fail"
    SKIP = "skip"
    FORCE = "force"


OperationId = Annotated[
    str,
    typer.Argument(metavar="[OPERATION]", help="The id of an operation, as rowkeep history shows it."),
]
Tables = Annotated[
    list[str] | None,
    typer.Option("--table", metavar="TABLE", help="Only changes of this table. Can be repeated."),
]
Conflicts = Annotated[
    OnConflict,
    typer.Option(
        help="What happens to rows that were changed later: nothing is undone, such rows stay as they are, "
        "or later changes of the same columns are undone too."
    ),
]

CONFLICTS = (
    fact("Table", "table"),
    fact("Row", "_id", whole=True),
    fact("Operation", "operation", whole=True),
)


def undo(
    operation: OperationId = "",
    app: App = "",
    user: User = "",
    table: Tables = None,
    since: Since = "",
    until: Until = "",
    conflicts: Conflicts = OnConflict.FAIL,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only report what would be undone.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Undo without asking.")] = False,
    workspace: OfWorkspace = "main",
    as_json: AsJson = False,
) -> None:
    """Undo changes of rows in tables with a history: those that all of the given options choose.

    It is done in one transaction, which is itself an operation that can be undone. Deleted rows come back
    with their ids, times and writers.
    """
    body = _chosen(operation, app, user, table, since, until, workspace)
    if not body:
        raise typer.BadParameter("name what to undo: OPERATION, --app, --user, --table, --since or --until")
    body["conflicts"] = conflicts.value
    if not (dry_run or yes):
        report = _undo(workspace, body, dry_run=True)
        if report["nRestored"] + report["nChanged"] + report["nRemoved"]:
            _confirm(report)
    done = _undo(workspace, body, dry_run=dry_run)
    if as_json:
        print_json(done)
        return
    if done["conflicts"]:
        print_list(done["conflicts"], CONFLICTS)
    print_line(_said(done, "Would undo" if dry_run else "Undone"))


def _chosen(
    operation: str, app: str, user: str, tables: list[str] | None, since: str, until: str, workspace: str
) -> dict[str, Any]:
    """The members of the request that choose changes."""
    writer = ""
    if app or user:
        writer = writer_named(every("writers", "workspaces", workspace, "writers"), app, user)
    given = {
        "operation": operation,
        "app": writer if app else "",
        "user": writer if user else "",
        "tables": tables,
        "since": since,
        "until": until,
    }
    return {name: value for name, value in given.items() if value}


def _undo(workspace: str, body: dict[str, Any], *, dry_run: bool) -> dict[str, Any]:
    sent = body | ({"dryRun": True} if dry_run else {})
    done: dict[str, Any] = do(None, workspace, lambda api: api.undo(sent))
    return done


def _said(done: dict[str, Any], verb: str) -> str:
    """What an undo did, in a sentence."""
    parts = f"{done['nRestored']} restored, {done['nChanged']} set back, {done['nRemoved']} removed"
    count = done.get("nConflicts", len(done["conflicts"]))
    return f"{verb}: {parts}" + (f"; {count} conflicts." if count else ".")


def _confirm(report: dict[str, Any]) -> None:
    """Show what would be undone, and ask. Raises SetupError if it is not confirmed."""
    total = count_of(report["nRestored"] + report["nChanged"] + report["nRemoved"])
    if not sys.stdin.isatty():
        raise SetupError(f"This changes {total}. Add --yes to confirm, or --dry-run for a report.")
    if report["conflicts"]:
        print_list(report["conflicts"], CONFLICTS)
    print_line(_said(report, "Would undo"))
    if not typer.confirm(f"Change {total}?", err=True):
        raise SetupError("Nothing was undone.")
