"""``rowkeep rows``: rows through the Data API: shown, changed, and to files and back."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from rowkeep.cli.options import TableName
from rowkeep.cli.output import print_json, print_line
from rowkeep.cli.rows.commands import (
    AppOption,
    Fields,
    Sort,
    WorkspaceOption,
    delete,
    get,
    insert,
    query,
    speaker,
    update,
)
from rowkeep.cli.rows.selecting import Filter, Where, count_of, query_body, selection
from rowkeep.errors import SetupError

commands = typer.Typer(
    help="Query, insert, update and delete rows; export and import them as CSV, NDJSON or Parquet."
)
for name, command in (
    ("query", query),
    ("get", get),
    ("insert", insert),
    ("update", update),
    ("delete", delete),
):
    commands.command(name)(command)


FormatName = Annotated[
    str | None,
    typer.Option(
        "--format", metavar="FORMAT", help="csv, ndjson or parquet. Unless given, the file's suffix tells."
    ),
]
RejectsFile = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Where rejected rows go. Unless given, to FILE.rejects.ndjson."),
]
ResumeAt = Annotated[
    int | None, typer.Option(min=1, metavar="LINE", help="Go on at this line, whatever is recorded.")
]
Restart = Annotated[
    bool,
    typer.Option(
        "--restart",
        help="Import the whole file, even if it was imported before: forget what was recorded, and its "
        "rejects.",
    ),
]
Settle = Annotated[
    int,
    typer.Option(
        min=1,
        metavar="SECONDS",
        help="How long the server may be at work on a request whose answer was lost.",
    ),
]
Counts = Annotated[bool, typer.Option("--json", help="Print the counts as JSON.")]


@commands.command("export")
def export_rows(
    table: TableName,
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="FILE", help="The file; - for standard output.")
    ],
    format_name: FormatName = None,
    where: Where = None,
    filter_: Filter = None,
    fields: Fields = None,
    sort: Sort = None,
    limit: Annotated[int | None, typer.Option(min=1, metavar="ROWS", help="At most so many rows.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it is there.")] = False,
    app: AppOption = None,
    workspace: WorkspaceOption = None,
    as_json: Counts = False,
) -> None:
    """Write the rows of a table into a file.

    An app needs read. The file appears when it is whole, or not at all.
    """
    from rowkeep.cli.rows.bar import bar
    from rowkeep.cli.rows.data_api import reach
    from rowkeep.cli.rows.exporter import Wish, export
    from rowkeep.cli.rows.formats import format_of

    kind = format_of(output, format_name)
    kind.check()
    wish = Wish(table=table, query=query_body(selection(where, filter_), fields, sort), limit=limit)
    credentials = speaker(app, workspace)

    async def do() -> int:
        async with reach(credentials, 0) as api:
            with bar(f"Exporting {table}", limit) as shown:
                return await export(api, wish, kind, output, force, shown)

    rows = asyncio.run(do())
    if output != "-":
        counts = {"nExported": rows, "file": output}
        print_json(counts) if as_json else print_line(f"Exported {count_of(rows)} of {table} to {output}.")
    elif as_json:
        print(json.dumps({"nExported": rows}), file=sys.stderr)  # standard output holds the rows


@commands.command("import")
def import_rows(
    table: TableName,
    file: Annotated[str, typer.Argument(metavar="FILE", help="The file; - for standard input.")],
    format_name: FormatName = None,
    batch: Annotated[
        int, typer.Option(min=1, max=100_000, metavar="ROWS", help="How many rows one request has at most.")
    ] = 5000,
    max_errors: Annotated[
        int | None, typer.Option(min=0, metavar="ROWS", help="Stop when more rows than this are rejected.")
    ] = None,
    rejects: RejectsFile = None,
    resume_at: ResumeAt = None,
    restart: Restart = False,
    settle: Settle = 30,
    app: AppOption = None,
    workspace: WorkspaceOption = None,
    as_json: Counts = False,
) -> None:
    """Insert the rows of a file into a table.

    An app needs write, and read to find out after a stop whether its last request went in. The same
    command goes on where it was stopped, and does nothing once it has finished; no row comes twice. Exits
    with 1 if rows were rejected. Through a server it needs --app: only the tokens of apps can expire before
    a late request arrives.
    """
    from rowkeep.cli.rows.data_api import reach
    from rowkeep.cli.rows.finished import Finished
    from rowkeep.cli.rows.formats import format_of
    from rowkeep.cli.rows.importing import Wish, import_file
    from rowkeep.cli.rows.ledger import Standing
    from rowkeep.cli.rows.resuming import Plan

    if restart and resume_at is not None:
        raise typer.BadParameter("--restart and --resume-at cannot be used together")
    _check_importer(app)
    kind = format_of(file, format_name)
    kind.check()
    if file == "-" and not kind.is_stream:
        raise SetupError(f"{kind.name} cannot be read from standard input. Give the name of a file.")
    rejects = rejects or Path(f"{'stdin' if file == '-' else file}.rejects.ndjson")
    wish = Wish(
        table=table,
        path=file,
        kind=kind,
        app=app or f"administrator of {(workspace or 'main').lower()}",
        batch=batch,
        max_errors=max_errors,
        rejects=rejects,
        plan=Plan(restart=restart, resume_at=resume_at),
    )
    credentials = speaker(app, workspace)

    async def do() -> Standing | Finished:
        async with reach(credentials, settle) as api:
            return await import_file(api, wish)

    done = asyncio.run(do())
    _report_finished(done, wish, as_json) if isinstance(done, Finished) else _report(done, wish, as_json)


def _check_importer(app: str | None) -> None:
    """Raises SetupError for an administrator who imports through a server."""
    if app is None and os.environ.get("ROWKEEP_URL"):
        raise SetupError(
            "An import into a running server needs --app and ROWKEEP_APP_SECRET. To import directly into the "
            "store, unset ROWKEEP_URL."
        )


def _report(standing: Any, wish: Any, as_json: bool) -> None:
    """The counts; and, if there were rejects, an error."""
    rejects = str(wish.rejects) if standing.rejected else None
    if as_json:
        print_json({"nInserted": standing.inserted, "nRejected": standing.rejected, "rejects": rejects})
    else:
        print_line(f"Imported {count_of(standing.inserted)} of {wish.path} into {wish.table}.")
    if rejects is not None:
        raise SetupError(f"{count_of(standing.rejected)} rejected; see {rejects}.")


def _report_finished(done: Any, wish: Any, as_json: bool) -> None:
    """An import that was finished before, so that nothing was done."""
    if as_json:
        print_json({"nInserted": 0, "nRejected": 0, "rejects": None, "finishedOn": done.on})
        return
    rejected = f" and {count_of(done.rejected)} rejected" if done.rejected else ""
    print_line(
        f"Nothing to do: {wish.path} was already imported into {wish.table} on {done.on} "
        f"({count_of(done.inserted)} inserted{rejected}). To import it again, use --restart."
    )
