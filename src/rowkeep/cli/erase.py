"""Erase: ``rowkeep erase``, which deletes the rows of a person in all tables of a workspace."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

from rowkeep.cli.filter_options import count_of
from rowkeep.cli.options import AsJson
from rowkeep.cli.output import fact, print_json, print_line, print_list
from rowkeep.cli.row_commands import do
from rowkeep.client.commands import call, every
from rowkeep.errors.catalogue import SetupError, preview

Columns = Annotated[
    list[str],
    typer.Option("--column", metavar="COLUMN", help="A column that identifies the person. Can be repeated."),
]
Value = Annotated[str, typer.Option(metavar="TEXT", help="The value in that column; it must be equal.")]
WorkspaceName = Annotated[str, typer.Option("--workspace", metavar="NAME", help="The workspace.")]

FACTS = (
    fact("Table", "table"),
    fact("Column", "column"),
    fact("Rows", "nDeleted"),
    fact("History", "nErased"),
)


def erase(
    column: Columns,
    value: Value,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only report what would be deleted.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Delete without asking.")] = False,
    workspace: WorkspaceName = "main",
    as_json: AsJson = False,
) -> None:
    """Delete the rows of a person in all tables of a workspace, and report them.

    In every table that has a column of one of these names, in any case, the rows with this value are deleted,
    all in one transaction. Then the cells of all rows that have, or had, this value are removed from the
    history of the tables that have one. Backups are not changed, nor are stored responses of idempotency
    keys, which expire by themselves.
    """
    found = _matches(workspace, column)
    if not found:
        names = " or ".join(map(preview, column))
        raise SetupError(f"No table of workspace {workspace} has a column {names}. Check the name.")
    if not (dry_run or yes):
        report = _delete(workspace, found, value, dry_run=True)
        if sum(each["nDeleted"] for each in report):
            _confirm(report)
    report = _delete(workspace, found, value, dry_run=dry_run)
    total = sum(each["nDeleted"] for each in report)
    if as_json:
        print_json({"workspace": workspace, "dryRun": dry_run, "nDeleted": total, "tables": report})
        return
    print_list(report, FACTS)
    print_line(f"{'Would delete' if dry_run else 'Deleted'} {count_of(total)}.")


def _matches(workspace: str, columns: list[str]) -> list[tuple[str, str]]:
    """The tables with such columns, those that refer to others first, so that rows that refer to each other
    can be deleted."""
    wanted = {name.lower() for name in columns}
    tables = every("tables", "workspaces", workspace, "tables")
    referred = {table["name"]: _referred_by(table) for table in tables}
    ordered: list[str] = []
    while referred:
        # a table that no remaining one refers to; in a circle, any of them
        free = [
            name
            for name in referred
            if not any(name in others for at, others in referred.items() if at != name)
        ]
        for name in sorted(free) or [min(referred)]:
            ordered.append(name)
            del referred[name]
    names = {
        table["name"]: [each["name"] for each in table["schemaDef"] if each["name"].lower() in wanted]
        for table in tables
    }
    return [(table, name) for table in ordered for name in names[table]]


def _referred_by(table: dict[str, Any]) -> set[str]:
    """The names of the tables that a table refers to."""
    references = (each.get("reference") or {} for each in table["schemaDef"])
    return {each["table"] for each in references if "table" in each}


def _delete(
    workspace: str, found: list[tuple[str, str]], value: str, *, dry_run: bool
) -> list[dict[str, Any]]:
    operations = [
        {
            "op": "delete",
            "table": table,
            "query": {"expressions": [{"field": name, "operand": "=", "value": value}]},
        }
        for table, name in found
    ]
    body = {"operations": operations, **({"dryRun": True} if dry_run else {})}
    answer = do(None, workspace, lambda api: api.batch(body))
    return [
        {
            "table": table,
            "column": name,
            "nDeleted": result["nDeleted"],
            "nErased": _erase(workspace, table, name, value, dry_run=dry_run),
        }
        for (table, name), result in zip(found, answer["results"], strict=True)
    ]


def _erase(workspace: str, table: str, column: str, value: str, *, dry_run: bool) -> int:
    """How many records of the history of a table had cells of the person."""
    body = {"column": column, "value": value, "dryRun": dry_run}
    path = ("workspaces", workspace, "tables", table, "history", "erase")
    return int(call("POST", *path, body=body)["nErased"])


def _confirm(report: list[dict[str, Any]]) -> None:
    """Show what would be deleted, and ask. Raises SetupError if it is not confirmed."""
    total = sum(each["nDeleted"] for each in report)
    if not sys.stdin.isatty():
        raise SetupError(f"This deletes {count_of(total)}. Add --yes to confirm, or --dry-run for a report.")
    print_list(report, FACTS)
    if not typer.confirm(f"Delete {count_of(total)}?", err=True):
        raise SetupError("Nothing was deleted.")
