"""Rows: ``rowkeep rows``, for queries and changes, and for exports and imports of files."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from rowkeep.cli.batch_command import batch
from rowkeep.cli.filter_options import Filter, Where, count_of, query_body, selection
from rowkeep.cli.options import TableName
from rowkeep.cli.output import print_json, print_line
from rowkeep.cli.row_commands import (
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
from rowkeep.errors.catalogue import SetupError

commands = typer.Typer(
    help="Query, insert, update and delete rows, and export and import them as CSV, NDJSON or Parquet."
)
for name, command in (
    ("query", query),
    ("get", get),
    ("insert", insert),
    ("update", update),
    ("delete", delete),
    ("batch", batch),
):
    commands.command(name)(command)


FormatName = Annotated[
    str | None,
    typer.Option(
        "--format",
        metavar="FORMAT",
        help="csv, ndjson or parquet. By default, the suffix of the file determines the format.",
    ),
]
RejectsFile = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="The file for rejected rows. By default, FILE.rejects.ndjson."),
]
ResumeAt = Annotated[
    int | None, typer.Option(min=1, metavar="LINE", help="Start at this line, whatever is recorded.")
]
Restart = Annotated[
    bool,
    typer.Option(
        "--restart",
        help="Import the whole file, even if it was imported before. Deletes the recorded "
        "progress and its rejects.",
    ),
]
Settle = Annotated[
    int,
    typer.Option(
        min=1,
        metavar="SECONDS",
        help="How long the server may still process a request whose response was lost.",
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
    limit: Annotated[
        int | None, typer.Option(min=1, metavar="ROWS", help="The maximum number of rows.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
    app: AppOption = None,
    workspace: WorkspaceOption = None,
    as_json: Counts = False,
) -> None:
    """Write the rows of a table to a file.

    With --app, the app needs the right read. The file appears only when it is complete.
    """
    from rowkeep.cli.files.export import ExportOptions, export
    from rowkeep.cli.files.formats import format_of
    from rowkeep.cli.files.progress import bar
    from rowkeep.client.data import reach

    kind = format_of(output, format_name)
    kind.check()
    options = ExportOptions(
        table=table, query=query_body(selection(where, filter_), fields, sort), limit=limit
    )
    credentials = speaker(app, workspace)

    async def do() -> int:
        async with reach(credentials, 0) as api:
            with bar(f"Exporting {table}", limit) as shown:
                return await export(api, options, kind, output, force, shown)

    rows = asyncio.run(do())
    if output != "-":
        counts = {"nExported": rows, "file": output}
        print_json(counts) if as_json else print_line(f"Exported {count_of(rows)} of {table} to {output}.")
    elif as_json:
        print(json.dumps({"nExported": rows}), file=sys.stderr)  # standard output has the rows


@commands.command("import")
def import_rows(
    table: TableName,
    file: Annotated[str, typer.Argument(metavar="FILE", help="The file; - for standard input.")],
    format_name: FormatName = None,
    batch: Annotated[
        int, typer.Option(min=1, max=100_000, metavar="ROWS", help="The maximum number of rows per request.")
    ] = 5000,
    max_errors: Annotated[
        int | None,
        typer.Option(min=0, metavar="ROWS", help="Stop when more than this number of rows are rejected."),
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

    With --app, the app needs the right write, and read to check whether the last request before an
    interruption was stored. After an interruption, the same command resumes the import; once it has finished,
    the command does nothing. No row is inserted twice. Exits with 1 if rows were rejected. An import through
    a server needs --app, because only tokens of apps can expire before a delayed request arrives.
    """
    from rowkeep.cli.files.finished_imports import Finished
    from rowkeep.cli.files.formats import format_of
    from rowkeep.cli.files.imports import ImportOptions, import_file
    from rowkeep.cli.files.journal import Standing
    from rowkeep.cli.files.resume import Plan
    from rowkeep.client.data import reach

    if restart and resume_at is not None:
        raise typer.BadParameter("--restart and --resume-at cannot be used together")
    _check_importer(app)
    kind = format_of(file, format_name)
    kind.check()
    if file == "-" and not kind.is_stream:
        raise SetupError(f"{kind.name} cannot be read from standard input. Give the name of a file.")
    rejects = rejects or Path(f"{'stdin' if file == '-' else file}.rejects.ndjson")
    options = ImportOptions(
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
            return await import_file(api, options)

    done = asyncio.run(do())
    report = _report_finished if isinstance(done, Finished) else _report
    report(done, options, as_json)


def _check_importer(app: str | None) -> None:
    """Raises SetupError for an administrator who imports through a server."""
    if app is None and os.environ.get("ROWKEEP_URL"):
        raise SetupError(
            "An import into a running server needs --app and ROWKEEP_APP_SECRET. To import directly into the "
            "store, unset ROWKEEP_URL."
        )


def _report(standing: Any, options: Any, as_json: bool) -> None:
    """Print the counts. Raises SetupError if rows were rejected."""
    rejects = str(options.rejects) if standing.rejected else None
    if as_json:
        print_json({"nInserted": standing.inserted, "nRejected": standing.rejected, "rejects": rejects})
    else:
        print_line(f"Imported {count_of(standing.inserted)} from {options.path} into {options.table}.")
    if rejects is not None:
        raise SetupError(f"{count_of(standing.rejected)} rejected; see {rejects}.")


def _report_finished(done: Any, options: Any, as_json: bool) -> None:
    """Report that the import was already finished."""
    if as_json:
        print_json({"nInserted": 0, "nRejected": 0, "rejects": None, "finishedOn": done.on})
        return
    rejected = f" and {count_of(done.rejected)} rejected" if done.rejected else ""
    print_line(
        f"Nothing to do: {options.path} was already imported into {options.table} on {done.on} "
        f"({count_of(done.inserted)} inserted{rejected}). To import it again, use --restart."
    )
