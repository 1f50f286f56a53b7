"""``rowkeep rows``: the rows of a table to files and back, through the Data API."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from rowkeep.bodies import refuse_repeated_keys
from rowkeep.cli.options import TableName
from rowkeep.cli.output import print_json, print_line
from rowkeep.cli.tokens import ClientIdOption, signing_key_of
from rowkeep.errors import RepeatedKey, SetupError

commands = typer.Typer(help="Export and import rows, as CSV, NDJSON or Parquet.")

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
    app: ClientIdOption,
    format_name: FormatName = None,
    filter_: Annotated[
        str | None, typer.Option("--filter", metavar="JSON", help="Only the rows that this filter finds.")
    ] = None,
    fields: Annotated[
        str | None, typer.Option(metavar="COLUMN,…", help="Only these columns, in this order.")
    ] = None,
    sort: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMN[:desc]", help="Sort by this column; may be given several times."),
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, metavar="ROWS", help="At most so many rows.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it is there.")] = False,
    as_json: Counts = False,
) -> None:
    """Write the rows of a table into a file.

    The app needs read. The file appears when it is whole, or not at all.
    """
    from rowkeep.cli.rows.bar import bar
    from rowkeep.cli.rows.data_api import Credentials, reach
    from rowkeep.cli.rows.exporter import Wish, export
    from rowkeep.cli.rows.formats import format_of

    kind = format_of(output, format_name)
    kind.check()
    wish = Wish(table=table, query=_query(filter_, fields, sort or []), limit=limit)
    credentials = Credentials(app, *signing_key_of(app))

    async def do() -> int:
        async with reach(credentials, 0) as api:
            with bar(f"Exporting {table}", limit) as shown:
                return await export(api, wish, kind, output, force, shown)

    rows = asyncio.run(do())
    if output != "-":
        counts = {"nExported": rows, "file": output}
        print_json(counts) if as_json else print_line(f"Exported {_rows(rows)} of {table} to {output}.")
    elif as_json:
        print(json.dumps({"nExported": rows}), file=sys.stderr)  # standard output holds the rows


@commands.command("import")
def import_rows(
    table: TableName,
    file: Annotated[str, typer.Argument(metavar="FILE", help="The file; - for standard input.")],
    app: ClientIdOption,
    format_name: FormatName = None,
    batch: Annotated[
        int, typer.Option(min=1, max=100_000, metavar="ROWS", help="How many rows one request has at most.")
    ] = 5000,
    max_errors: Annotated[
        int | None, typer.Option(min=0, metavar="ROWS", help="Stop when more rows than this are rejected.")
    ] = None,
    rejects: RejectsFile = None,
    resume_at: Annotated[
        int | None, typer.Option(min=1, metavar="LINE", help="Go on at this line, whatever is recorded.")
    ] = None,
    restart: Annotated[
        bool,
        typer.Option(
            "--restart",
            help="Import the whole file, even if it was imported before: forget what was recorded, and its "
            "rejects.",
        ),
    ] = False,
    settle: Settle = 30,
    as_json: Counts = False,
) -> None:
    """Insert the rows of a file into a table.

    The app needs write, and read to find out after a stop whether its last request went in. The same
    command goes on where it was stopped, and does nothing once it has finished; no row comes twice. Exits
    with 1 if rows were rejected.
    """
    from rowkeep.cli.rows.data_api import Credentials, reach
    from rowkeep.cli.rows.finished import Finished
    from rowkeep.cli.rows.formats import format_of
    from rowkeep.cli.rows.importing import Wish, import_file
    from rowkeep.cli.rows.ledger import Standing
    from rowkeep.cli.rows.resuming import Plan

    if restart and resume_at is not None:
        raise typer.BadParameter("--restart and --resume-at exclude each other")
    kind = format_of(file, format_name)
    kind.check()
    if file == "-" and not kind.is_stream:
        raise SetupError(f"{kind.name} cannot be read from standard input: it is read from its end.")
    rejects = rejects or Path(f"{'stdin' if file == '-' else file}.rejects.ndjson")
    wish = Wish(
        table=table,
        path=file,
        kind=kind,
        app=app,
        batch=batch,
        max_errors=max_errors,
        rejects=rejects,
        plan=Plan(restart=restart, resume_at=resume_at),
    )
    credentials = Credentials(app, *signing_key_of(app))

    async def do() -> Standing | Finished:
        async with reach(credentials, settle) as api:
            return await import_file(api, wish)

    done = asyncio.run(do())
    _report_finished(done, wish, as_json) if isinstance(done, Finished) else _report(done, wish, as_json)


def _report(standing: Any, wish: Any, as_json: bool) -> None:
    """The counts; and, if there were rejects, an error."""
    rejects = str(wish.rejects) if standing.rejected else None
    if as_json:
        print_json({"nInserted": standing.inserted, "nRejected": standing.rejected, "rejects": rejects})
    else:
        print_line(f"Imported {_rows(standing.inserted)} of {wish.path} into {wish.table}.")
    if rejects is not None:
        said = "was" if standing.rejected == 1 else "were"
        raise SetupError(f"{_rows(standing.rejected)} {said} rejected; see {rejects}.")


def _report_finished(done: Any, wish: Any, as_json: bool) -> None:
    """An import that was finished before, so that nothing was done."""
    if as_json:
        print_json({"nInserted": 0, "nRejected": 0, "rejects": None, "finishedOn": done.on})
        return
    rejected = f" and {_rows(done.rejected)} rejected" if done.rejected else ""
    print_line(
        f"Nothing to do: {wish.path} was already imported into {wish.table} on {done.on} "
        f"({_rows(done.inserted)} inserted{rejected}). To import it again, use --restart."
    )


def _query(filter_: str | None, fields: str | None, sort: list[str]) -> dict[str, Any]:
    """The body of the query that these options mean; whether it holds is for the server to say."""
    body: dict[str, Any] = {}
    if filter_ is not None:
        try:
            body["query"] = json.loads(filter_)
            refuse_repeated_keys(filter_.encode())
        except (ValueError, RecursionError) as error:
            raise SetupError(f"--filter is not JSON: {error}.") from None
        except RepeatedKey as error:
            raise SetupError(f"--filter: {error}") from None
    if fields is not None:
        body["fields"] = [name.strip() for name in fields.split(",")]
    if sort:
        body["sort"] = [_sort_key(key) for key in sort]
    return body


def _sort_key(key: str) -> dict[str, str]:
    name, _, order = key.partition(":")
    return {"field": name, "order": order or "asc"}


def _rows(count: int) -> str:
    return f"{count:,} row" + ("" if count == 1 else "s")
