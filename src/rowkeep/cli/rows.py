"""Rows: ``rowkeep rows``, for queries and changes, and for exports and imports of files."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rowkeep.cli.batch_command import batch
from rowkeep.cli.file_options import FormatName, reads_files
from rowkeep.cli.filter_options import Filter, Where, count_of, query_body, selection
from rowkeep.cli.import_options import bulk_options
from rowkeep.cli.import_reports import report
from rowkeep.cli.import_runs import checked_format, import_all
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
from rowkeep.files.reading import Reading
from rowkeep.files.requests import Mode, OnConflict

if TYPE_CHECKING:
    from rowkeep.cli.files.resume import Plan

commands = typer.Typer(
    help="Query, insert, update and delete rows, and export and import them as CSV, NDJSON, Parquet or Excel."
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
InDoubtOption = Annotated[
    str | None,
    typer.Option(
        "--in-doubt",
        metavar="stored|lost",
        help="What became of the last request, if the command asks for it.",
    ),
]
OnConflictOption = Annotated[
    OnConflict,
    typer.Option(
        "--on-conflict",
        help="What to do with a row whose --key is in the table: reject it, ignore it, or update the row in "
        "the table.",
    ),
]
KeyOption = Annotated[
    list[str] | None,
    typer.Option(
        "--key",
        metavar="COLUMN,…",
        help="The columns of a unique index, for --on-conflict. Each key can occur once in the file. Can be "
        "repeated.",
    ),
]
ModeOption = Annotated[
    Mode,
    typer.Option(
        "--mode",
        help="partial: import the valid rows, reject the others. atomic: import all rows in one transaction, "
        "or none.",
    ),
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Import nothing, but report what would be imported and rejected.")
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

    With --app, the app needs the right read. All rows are from one snapshot. The file appears only
    when it is complete. A file name that ends in .gz or .zst is compressed.
    """
    from rowkeep.cli.files.export import ExportOptions, export
    from rowkeep.cli.files.progress import bar
    from rowkeep.client.data import reach
    from rowkeep.files.compressed import without_suffix
    from rowkeep.files.formats import format_of

    kind = format_of(output, format_name)
    kind.check_writer()
    options = ExportOptions(
        table=table,
        query=query_body(selection(where, filter_), fields, sort),
        limit=limit,
        compression=without_suffix(output)[1],
    )
    credentials = speaker(app, workspace)

    async def do() -> int:
        async with reach(credentials) as api:
            with bar(f"Exporting {table}", limit) as shown:
                return await export(api, options, kind, output, force, shown)

    rows = asyncio.run(do())
    if output != "-":
        counts = {"nExported": rows, "file": output}
        print_json(counts) if as_json else print_line(f"Exported {count_of(rows)} of {table} to {output}.")
    elif as_json:
        print(json.dumps({"nExported": rows}), file=sys.stderr)  # standard output has the rows


@commands.command("import")
@reads_files
def import_rows(
    table: TableName,
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="The files; - for standard input.")],
    reading: Reading,
    format_name: FormatName = None,
    batch: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=100_000,
            metavar="ROWS",
            help="The maximum number of rows per request. By default, rows are streamed in large pieces.",
        ),
    ] = None,
    max_errors: Annotated[
        int | None,
        typer.Option(min=0, metavar="ROWS", help="Stop when more than this number of rows are rejected."),
    ] = None,
    rejects: RejectsFile = None,
    on_conflict: OnConflictOption = OnConflict.ERROR,
    key: KeyOption = None,
    mode: ModeOption = Mode.PARTIAL,
    dry_run: DryRun = False,
    resume_at: ResumeAt = None,
    restart: Restart = False,
    in_doubt: InDoubtOption = None,
    app: AppOption = None,
    workspace: WorkspaceOption = None,
    as_json: Counts = False,
) -> None:
    """Insert the rows of files into a table.

    The format, compression, encoding and delimiter of a file are detected. With --app, the app needs the
    right write, and for --on-conflict update also read. After an interruption, the same command resumes the
    import; once it has finished, the command does nothing. No row is inserted twice: each request has an
    idempotency key. Exits with 1 if rows were rejected.
    """
    from rowkeep.cli.files.imports import ImportOptions
    from rowkeep.cli.files.resume import Plan

    plan = Plan(restart=restart, resume_at=resume_at, in_doubt=in_doubt).checked()
    _check_several(files, rejects, plan)
    kinds = [checked_format(file, format_name, reading) for file in files]
    credentials = speaker(app, workspace)
    every = [
        ImportOptions(
            table=table,
            path=file,
            kind=kind,
            reading=reading,
            app=credentials.name,
            batch=batch,
            max_errors=max_errors,
            rejects=rejects or _rejects_path(file, dry_run),
            plan=plan,
            bulk=bulk_options(on_conflict, key, mode, dry_run),
        )
        for file, kind in zip(files, kinds, strict=True)
    ]
    report(import_all(every, credentials), as_json)


def _check_several(files: list[str], rejects: Path | None, plan: Plan) -> None:
    """Raises BadParameter for options that are for one file."""
    if len(files) == 1:
        return
    if len(set(files)) < len(files):
        raise typer.BadParameter("each FILE can be given only once")
    for option, is_given in (
        ("--rejects", rejects is not None),
        ("--resume-at", plan.resume_at is not None),
        ("--in-doubt", plan.in_doubt is not None),
    ):
        if is_given:
            raise typer.BadParameter(f"{option} can be used only with one FILE")


def _rejects_path(file: str, is_dry_run: bool) -> Path:
    name = "stdin" if file == "-" else file
    return Path(f"{name}.dry-run.ndjson" if is_dry_run else f"{name}.rejects.ndjson")
