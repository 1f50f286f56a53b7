"""Batch command: ``rowkeep rows batch``, several operations in one transaction."""

from __future__ import annotations

import re
from typing import Annotated, Any

import typer

from rowkeep.cli.filter_options import count_of, parsed
from rowkeep.cli.options import AsJson, read_file
from rowkeep.cli.output import print_json, print_line
from rowkeep.cli.row_commands import AppOption, WorkspaceOption, do
from rowkeep.errors.catalogue import SetupError

KEY = re.compile("[ -~]{1,255}")

COUNTS = {"nInserted": "inserted", "nModified": "updated", "nDeleted": "deleted"}


def batch(
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE",
            help="A JSON file with the array of operations, or with the body of a batch; - for standard "
            "input.",
        ),
    ],
    key: Annotated[
        str | None,
        typer.Option(
            "--idempotency-key",
            metavar="KEY",
            help="Do the batch once, however often the command is run with this key.",
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check everything, but store nothing.")] = False,
    app: AppOption = None,
    workspace: WorkspaceOption = None,
    as_json: AsJson = False,
) -> None:
    """Do several operations on rows in one transaction: all of them, or none."""
    if key is not None and not KEY.fullmatch(key):
        raise typer.BadParameter("--idempotency-key must be 1 to 255 printable ASCII characters")
    body = _body(file)
    if dry_run:
        body = {**body, "dryRun": True}
    quoted = None if key is None else key.replace("\\", "\\\\").replace('"', '\\"')
    answer = do(app, workspace, lambda api: api.batch(body, minimal=not as_json, key=quoted))
    if as_json:
        print_json(answer)
        return
    is_dry = body.get("dryRun") is True
    for number, (operation, result) in enumerate(zip(body["operations"], answer["results"], strict=True)):
        print_line(f"Operation {number}: {_done(operation, result, is_dry)}")
    if is_dry:
        print_line("Dry run: nothing was stored.")


def _body(file: str) -> dict[str, Any]:
    """The body of the request. Raises SetupError."""
    sent = parsed(read_file(file).decode("utf-8-sig", "replace"), "FILE")
    if isinstance(sent, list):
        return {"operations": sent}
    if not isinstance(sent, dict) or not isinstance(sent.get("operations"), list):
        raise SetupError(f'{file} has no array of operations. Write [{{"op": "insert", …}}, …].')
    return sent


def _done(operation: dict[str, Any], result: dict[str, Any], is_dry: bool) -> str:
    relation = operation.get("table") or operation.get("view")
    if "nIgnored" in result:
        counts = f"{result['nUpdated']} updated, {result['nIgnored']} ignored"
        return f"{count_of(result['nInserted'])} of {relation} inserted, {counts}."
    for key, verb in COUNTS.items():
        if key in result:
            return f"{count_of(result[key])} of {relation} {verb}."
    if is_dry:
        return f"query of {relation} checked."
    return f"{count_of(len(result['queryResult']))} of {relation} found."
