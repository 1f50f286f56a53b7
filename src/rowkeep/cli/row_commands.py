"""Row commands: ``rowkeep rows query``, ``get``, ``insert``, ``update`` and ``delete``."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from rowkeep.cli.filter_options import (
    Filter,
    RowId,
    Where,
    assigned,
    by_id,
    count_of,
    parsed,
    query_body,
    selection,
)
from rowkeep.cli.options import AsJson, TableName, read_file
from rowkeep.cli.output import Fact, cell_text, print_json, print_line, print_list, print_one
from rowkeep.errors.catalogue import SetupError, preview
from rowkeep.model.tables import SYSTEM_COLUMNS

if TYPE_CHECKING:
    from rowkeep.client.data import DataClient

T = TypeVar("T")

AppOption = Annotated[
    str | None,
    typer.Option(
        "--app",
        metavar="CLIENT_ID",
        help="Act as this app, with its grants. By default, act as an administrator.",
    ),
]
WorkspaceOption = Annotated[
    str | None,
    typer.Option("--workspace", metavar="NAME", help="The workspace, main by default. Not with --app."),
]
Fields = Annotated[
    str | None, typer.Option(metavar="COLUMN,…", help="Return only these columns, in this order.")
]
Sort = Annotated[
    list[str] | None,
    typer.Option(metavar="COLUMN[:desc]", help="Sort by this column. Can be repeated."),
]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="COLUMN=VALUE",
        help="Set this column. Can be repeated. The value is sent as text and converted to the "
        "type of the column.",
    ),
]
OnConflict = Annotated[
    str | None,
    typer.Option(
        metavar="ACTION",
        help="What happens to a row whose key is stored: update, ignore or error. Needs --key.",
    ),
]
Key = Annotated[
    list[str] | None,
    typer.Option(
        metavar="COLUMN", help="A column of the key, which is a unique index. Repeat it for all columns."
    ),
]
Inc = Annotated[
    list[str] | None,
    typer.Option(
        "--inc",
        metavar="COLUMN=NUMBER",
        help="Add this number to the column, without a read in between. Can be repeated.",
    ),
]
Append = Annotated[
    list[str] | None,
    typer.Option(
        "--append", metavar="COLUMN=TEXT", help="Add this text to the end of the column. Can be repeated."
    ),
]
DEFAULT_LIMIT = 100


def speaker(app: str | None, workspace: str | None) -> Any:
    """The credentials of a command. Raises BadParameter, SetupError, NoSuchApp, StorageUnavailable."""
    from rowkeep.client.credentials import credentials_of

    if app is not None and workspace is not None:
        raise typer.BadParameter(
            "--workspace and --app cannot be used together: an app belongs to one workspace"
        )
    return credentials_of(app, workspace)


def do(app: str | None, workspace: str | None, work: Callable[[DataClient], Awaitable[T]]) -> T:
    """Run ``work`` with the Data API. Raises SetupError with all errors of a rejected request."""
    from rowkeep.client.data import reach
    from rowkeep.files.responses import RequestRefused, more_errors

    credentials = speaker(app, workspace)

    async def run() -> T:
        async with reach(credentials) as api:
            return await work(api)

    try:
        return asyncio.run(run())
    except RequestRefused as error:
        first = error.problems[0].pointer if error.problems else ""
        where = f" (at {first})" if first.count("/") > 2 else ""
        raise SetupError(f"{error}{where}{more_errors(len(error.problems) - 1)}") from None


def query(
    table: Annotated[
        str, typer.Argument(metavar="TABLE", help="The name of the table or, with --view, of the view.")
    ],
    where: Where = None,
    filter_: Filter = None,
    sort: Sort = None,
    fields: Fields = None,
    limit: Annotated[
        int, typer.Option(min=1, metavar="ROWS", help="The maximum number of rows.")
    ] = DEFAULT_LIMIT,
    everything: Annotated[
        bool,
        typer.Option("--all", help="Show all rows that match. To write them to a file, use rows export."),
    ] = False,
    view: Annotated[bool, typer.Option("--view", help="TABLE is the name of a view.")] = False,
    app: AppOption = None,
    workspace: WorkspaceOption = None,
    as_json: AsJson = False,
) -> None:
    """Show rows of a table or view.

    System columns other than _id are shown only with --fields or --json.
    """
    body = query_body(selection(where, filter_), fields, sort)
    kind = "views" if view else "tables"
    answer = do(app, workspace, lambda api: _pages(api, kind, table, body, None if everything else limit))
    if as_json:
        print_json(answer)
        return
    shown = [column["name"] for column in answer["metaInfo"]]
    if fields is None and not view:
        shown = ["_id"] + [name for name in shown if name not in _SYSTEM]
    rows = answer["queryResult"]
    print_list(rows, tuple(_cell(name) for name in shown))
    print_line(f"{len(rows):,} of {count_of(answer['total'])}.")


_SYSTEM = {column.name for column in SYSTEM_COLUMNS}


def _cell(name: str) -> Fact:
    return Fact(name, lambda row: cell_text(row.get(name)), whole=name == "_id")


async def _pages(api: DataClient, kind: str, name: str, body: dict[str, Any], limit: int | None) -> Any:
    """One response that combines all pages; if ``limit`` is None, it has all rows."""
    largest = (await api.limits()).page
    answer: Any = None
    rows: list[Any] = []
    while True:
        size = largest if limit is None else min(largest, limit - len(rows))
        offset = 0 if "cursor" in body else len(rows)
        page = await api.read(kind, name, body, size, offset)
        rows += page["queryResult"]
        answer = answer or page
        if not page["hasMore"] or not page["queryResult"] or len(rows) == limit:
            return _joined(answer, page, rows)
        body = {**body, "count": "none"}
        if "nextCursor" in page:
            body["cursor"] = page["nextCursor"]


def _joined(first: dict[str, Any], last: dict[str, Any], rows: list[Any]) -> dict[str, Any]:
    joined = {**first, "hasMore": last["hasMore"], "queryResult": rows}
    joined.pop("nextCursor", None)
    return joined | ({"nextCursor": last["nextCursor"]} if "nextCursor" in last else {})


def get(
    table: TableName,
    row_id: Annotated[str, typer.Argument(metavar="ID", help="The _id or sys_Id of the row.")],
    app: AppOption = None,
    workspace: WorkspaceOption = None,
    as_json: AsJson = False,
) -> None:
    """Show one row."""
    body = {"query": by_id(row_id), "count": "none"}
    page = do(app, workspace, lambda api: api.read("tables", table, body, 1, 0))
    if not page["queryResult"]:
        raise SetupError(f"No such row in table {table}: {preview(row_id)}.")
    row = page["queryResult"][0]
    print_json(row) if as_json else print_one(row, tuple(_cell(name) for name in row))


DryRun = Annotated[bool, typer.Option("--dry-run", help="Check everything, and store nothing.")]


def _dry_run_member(dry_run: bool) -> dict[str, bool]:
    return {"dryRun": True} if dry_run else {}


def insert(
    table: TableName,
    data: Annotated[
        str | None,
        typer.Argument(
            metavar="[JSON]",
            help="A row as a JSON object, or several rows as an array; - for standard input.",
        ),
    ] = None,
    values: Set = None,
    on_conflict: OnConflict = None,
    key: Key = None,
    dry_run: DryRun = False,
    app: AppOption = None,
    workspace: WorkspaceOption = None,
    as_json: AsJson = False,
) -> None:
    """Insert one or more rows, in one transaction. With --on-conflict, a row whose key is stored is ignored,
    or updates the columns of the stored row that it has."""
    sent = _data(data, {"--set": values}, "JSON")
    conflict = _conflict(on_conflict, key)
    minimal = bool(conflict) and not as_json
    body = {"data": sent, **conflict, **_dry_run_member(dry_run)}
    answer = do(app, workspace, lambda api: api.write("POST", table, body, minimal=minimal))
    done = "Would insert" if dry_run else "Inserted"
    if as_json:
        print_json(answer)
    elif conflict:
        counts = f"{answer['nUpdated']:,} updated, {answer['nIgnored']:,} ignored"
        print_line(f"{done} {count_of(answer['nInserted'])} into {table}; {counts}.")
    elif dry_run:
        print_line(f"{done} {count_of(answer['nInserted'])} into {table}.")
    elif isinstance(sent, list):
        print_line(f"Inserted {count_of(len(answer['records']))} into {table}.")
    else:
        print_line(f"Inserted row {answer['_id']} into {table}.")


def _conflict(action: str | None, key: list[str] | None) -> dict[str, Any]:
    """The member of a body for these options."""
    if (action is None) != (not key):
        raise typer.BadParameter("--on-conflict and --key must be used together")
    return {} if action is None else {"onConflict": {"columns": key, "action": action}}


def _data(data: str | None, assignments: dict[str, list[str] | None], what: str) -> Any:
    """A row from options such as ``--set``, or the value of the JSON option."""
    if (data is None) != any(assignments.values()):
        *others, last = assignments
        options = f"{', '.join(others)} or {last}" if others else last
        raise typer.BadParameter(f"use either {what} or {options}")
    if data is None:
        return assigned(assignments)
    if data == "-":
        return parsed(read_file("-").decode("utf-8-sig", "replace"), "Standard input")
    return parsed(data, what if what.startswith("-") else "The argument")


MinAffected = Annotated[
    int | None,
    typer.Option(min=0, metavar="ROWS", help="Do nothing if fewer rows match."),
]
MaxAffected = Annotated[
    int | None,
    typer.Option(min=0, metavar="ROWS", help="Do nothing if more rows match."),
]


def _bounds(min_affected: int | None, max_affected: int | None) -> dict[str, int]:
    """The bounds that were given, as members of a body."""
    given = {"minAffected": min_affected, "maxAffected": max_affected}
    return {name: value for name, value in given.items() if value is not None}


All = Annotated[bool, typer.Option("--all", help="Select every row of the table.")]


def update(
    table: TableName,
    where: Where = None,
    filter_: Filter = None,
    row_id: RowId = None,
    everything: All = False,
    values: Set = None,
    inc: Inc = None,
    append: Append = None,
    data: Annotated[
        str | None,
        typer.Option(metavar="JSON", help="The columns to change, as a JSON object; - for standard input."),
    ] = None,
    min_affected: MinAffected = None,
    max_affected: MaxAffected = None,
    dry_run: DryRun = False,
    app: AppOption = None,
    workspace: WorkspaceOption = None,
    as_json: AsJson = False,
) -> None:
    """Update the rows that match. Columns that are not set stay unchanged."""
    meant = _rows_meant(where, filter_, row_id, everything)
    options = _bounds(min_affected, max_affected) | _dry_run_member(dry_run)
    row = _data(data, {"--set": values, "--inc": inc, "--append": append}, "--data")
    body = {"query": meant, "data": row, **options}
    answer = do(app, workspace, lambda api: api.write("PUT", table, body, minimal=not as_json))
    done = "Would update" if dry_run else "Updated"
    print_json(answer) if as_json else print_line(f"{done} {count_of(answer['nModified'])} of {table}.")


def delete(
    table: TableName,
    where: Where = None,
    filter_: Filter = None,
    row_id: RowId = None,
    everything: All = False,
    yes: Annotated[bool, typer.Option("--yes", help="Delete more than one row without asking.")] = False,
    min_affected: MinAffected = None,
    max_affected: MaxAffected = None,
    dry_run: DryRun = False,
    app: AppOption = None,
    workspace: WorkspaceOption = None,
    as_json: AsJson = False,
) -> None:
    """Delete the rows that match. Asks for confirmation if there is more than one."""
    meant = _rows_meant(where, filter_, row_id, everything)
    options = _bounds(min_affected, max_affected) | _dry_run_member(dry_run)

    async def work(api: DataClient) -> Any:
        if not (yes or dry_run):
            body = {"query": meant, "fields": ["_id"]}
            _confirm((await api.read("tables", table, body, 1, 0))["total"], table)
        return await api.write("POST", table, {"query": meant, **options}, "/delete")

    answer = do(app, workspace, work)
    done = "Would delete" if dry_run else "Deleted"
    print_json(answer) if as_json else print_line(f"{done} {count_of(answer['nDeleted'])} of {table}.")


def _rows_meant(
    where: list[str] | None, filter_: str | None, row_id: str | None, everything: bool
) -> dict[str, Any]:
    meant = selection(where, filter_, row_id, everything)
    if meant is None:
        raise typer.BadParameter("choose rows by --where, --filter or --id, or all rows by --all")
    return meant


def _confirm(count: int, table: str) -> None:
    """Ask for confirmation before more than one row is deleted. Raises SetupError if it is not given, or if
    there is no terminal."""
    if count <= 1:
        return
    if not sys.stdin.isatty():
        raise SetupError(f"This deletes {count_of(count)} of {table}. Add --yes to confirm.")
    if not typer.confirm(f"Delete {count_of(count)} of {table}?", err=True):
        raise SetupError("Nothing was deleted.")
