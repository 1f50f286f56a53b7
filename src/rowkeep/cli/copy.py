"""Copy: ``rowkeep copy``, whole tables from another database, or a workspace from another store."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rowkeep.cli.filter_options import count_of
from rowkeep.cli.options import Workspace
from rowkeep.cli.output import Fact, fact, print_json, print_line, print_list
from rowkeep.cli.row_progress import row_progress
from rowkeep.errors.catalogue import SetupError
from rowkeep.exit_status import FAILED
from rowkeep.private_files import FILE_MODE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from rowkeep.catalog.catalog import Catalog
    from rowkeep.services.copies.copier import CopyResult
    from rowkeep.services.copies.foreign import RefusedRow
    from rowkeep.settings import Settings

Source = Annotated[
    str | None,
    typer.Argument(
        metavar="SOURCE",
        help="sqlite:///FILE or postgresql://… with tables of any program, or the store of another Rowkeep: "
        "sqlite:///DIRECTORY or postgresql://….",
    ),
]
Tables = Annotated[
    list[str] | None,
    typer.Option("--tables", metavar="TABLE", help="Copy only this table; can be repeated."),
]
FromWorkspace = Annotated[
    str | None,
    typer.Option(
        "--from-workspace", metavar="NAME", help="The workspace of the other store; main by default."
    ),
]
FromKeyFile = Annotated[
    str | None,
    typer.Option("--from-key-file", metavar="FILE", help="The key file of the other store."),
]
SchemaName = Annotated[
    str | None,
    typer.Option(
        "--schema",
        metavar="NAME",
        help="The PostgreSQL schema of the tables; public by default. With it, a database that has a "
        "store of Rowkeep is read as one of any program.",
    ),
]
Names = Annotated[
    list[str] | None,
    typer.Option(
        "--map", metavar="OLD=NEW", help="The new name of a TABLE or of a TABLE.COLUMN; can be repeated."
    ),
]
SkipReference = Annotated[
    list[str] | None,
    typer.Option(
        "--skip-reference",
        metavar="TABLE.COLUMN",
        help="Copy a column without its reference; can be repeated.",
    ),
]
Rejects = Annotated[
    str | None,
    typer.Option(
        "--rejects", metavar="FILE", help="Leave out rows that do not fit, and write them to this file."
    ),
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Only show what would be done, with the definitions of the tables.")
]
Discard = Annotated[bool, typer.Option("--discard", help="Discard the unfinished copy into the workspace.")]

PLAN: tuple[Fact, ...] = (fact("From", "source"), fact("Table", "table"), fact("Rows", "rows"))
RESULT: tuple[Fact, ...] = (
    fact("Table", "table"),
    fact("Rows", "rows"),
    fact("Checksum", "digest"),
    fact("Result", "result"),
)


def copy(
    source: Source = None,
    workspace: Workspace = "main",
    tables: Tables = None,
    schema: SchemaName = None,
    names: Names = None,
    skip_reference: SkipReference = None,
    rejects: Rejects = None,
    from_workspace: FromWorkspace = None,
    from_key_file: FromKeyFile = None,
    dry_run: DryRun = False,
    discard: Discard = False,
) -> None:
    """Copy tables of another database, or a workspace of another store, into a workspace.

    If it is interrupted, run it again: it continues.
    """
    if os.environ.get("ROWKEEP_URL"):
        raise SetupError(
            "rowkeep copy works on the store itself. Unset ROWKEEP_URL, set ROWKEEP_DATABASE_URL, and run it "
            "on the machine of the store."
        )
    if (source is None) != discard:
        raise typer.BadParameter("give a SOURCE, or --discard without one.", param_hint="SOURCE")
    if source is None:
        asyncio.run(_discard(workspace))
        return
    is_store = _is_store(source, schema)
    foreign = (tables, schema, names, skip_reference, rejects)
    if is_store and any(each is not None for each in foreign):
        raise typer.BadParameter(
            "a workspace of Rowkeep is copied as a whole: --tables, --schema, --map, --skip-reference and "
            "--rejects are for other databases.",
            param_hint="SOURCE",
        )
    if not is_store and (from_workspace is not None or from_key_file is not None):
        raise typer.BadParameter(
            "this is not a store of Rowkeep: --from-workspace and --from-key-file cannot be used.",
            param_hint="SOURCE",
        )
    if is_store:
        done = asyncio.run(
            _copy_workspace(source, from_workspace or "main", from_key_file, workspace, dry_run=dry_run)
        )
    else:
        from rowkeep.services.copies.foreign import ForeignCopyRequest

        request = ForeignCopyRequest(
            shown_source(source, schema or "public"),
            workspace,
            tables or (),
            names or (),
            skip_reference or (),
        )
        done = asyncio.run(_copy_foreign(source, schema or "public", request, rejects, dry_run=dry_run))
    if not done:
        raise typer.Exit(FAILED)


def _is_store(source: str, schema: str | None) -> bool:
    """Whether a source is the store of another Rowkeep: a directory, or a database with its catalog."""
    if source.startswith("sqlite:///"):
        return Path(source.removeprefix("sqlite:///")).is_dir()
    if schema is not None or not source.startswith(("postgresql://", "postgres://")):
        return False
    from rowkeep.services.copies.sources import has_store

    return asyncio.run(has_store(source))


def shown_source(source: str, part: str) -> str:
    """What identifies a source in the state of a copy and in errors, without its password."""
    scheme, _, rest = source.partition("://")
    if scheme == "sqlite":
        return f"sqlite://{Path(rest.removeprefix('/')).absolute()} ({part})"
    place, _, query = rest.rpartition("@")[2].partition("?")
    options = [
        each for each in query.split("&") if each.startswith(("host=", "port=", "dbname=", "database="))
    ]
    return f"postgresql://{place}{'?' if options else ''}{'&'.join(options)} ({part})"


@asynccontextmanager
async def _target() -> AsyncIterator[tuple[Settings, Catalog]]:
    from rowkeep.services.local_store import open_store, shell_settings

    settings = shell_settings()
    async with open_store(settings) as catalog:
        yield settings, catalog


def _audited(
    catalog: Catalog, settings: Settings, action: str, workspace: str, target: str
) -> AbstractAsyncContextManager[None]:
    from rowkeep.services.audit import audited_command

    return audited_command(catalog, settings, action, workspace, target)


async def _discard(workspace: str) -> None:
    from rowkeep.services.copies.copier import discard_copy

    async with (
        _target() as (settings, catalog),
        _audited(catalog, settings, "copy.discard", workspace, ""),
    ):
        if not await discard_copy(settings, await catalog.named(workspace)):
            raise SetupError(f"Workspace {workspace} has no unfinished copy.")
    print_line(f"Discarded the unfinished copy into workspace {workspace}.")


async def _copy_foreign(
    source: str, schema: str, request: Any, rejects: str | None, *, dry_run: bool
) -> bool:
    from rowkeep.services.copies.foreign import ForeignCopy
    from rowkeep.services.copies.sources import open_foreign

    async with _target() as (settings, catalog), open_foreign(source, schema) as database:
        planned = ForeignCopy(catalog, settings, database)
        plan = await planned.plan(request)
        rows = [
            {"source": each.source.name, "table": each.body.name, "rows": planned.total(each)}
            for each in plan.tables
        ]
        _show_plan(rows, [note.line for note in plan.notes])
        if dry_run:
            _show_definitions(planned.definitions())
            return True
        audited = _audited(catalog, settings, "copy.tables", request.workspace, f"from {request.source}")
        async with audited:
            with _reject_to(rejects) as reject, row_progress() as report:
                results = await planned.run(report, reject)
    return _show_results(results, request.workspace, rejects)


async def _copy_workspace(
    source: str, name: str, from_key_file: str | None, workspace: str, *, dry_run: bool
) -> bool:
    from rowkeep.services.copies.sources import source_settings
    from rowkeep.services.copies.workspaces import WorkspaceCopy, open_source

    async with _target() as (settings, catalog):
        theirs = source_settings(settings, source, from_key_file)
        async with open_source(theirs, name) as opened:
            planned = WorkspaceCopy(catalog, settings, opened, workspace)
            await planned.plan()
            rows = [
                {"source": table.name, "table": table.name, "rows": planned.totals[table.name]}
                for table in planned.tables
            ]
            _show_plan(rows, [f"{note}." for note in planned.notes])
            contents = planned.contents
            counts = [
                (len(contents.views), "views"),
                (len(contents.apps), "apps"),
                (len(contents.grants), "grants"),
            ]
            print_line(f"With {', '.join(f'{count} {what}' for count, what in counts)}.")
            if dry_run:
                _show_definitions(planned.definitions())
                return True
            target = f"from {shown_source(source, name)}"
            audited = _audited(catalog, settings, "copy.tables", workspace, target)
            async with audited:
                with row_progress() as report:
                    results = await planned.run(shown_source(source, name), report)
    return _show_results(results, workspace, None)


def _show_plan(rows: Sequence[dict[str, Any]], notes: Sequence[str]) -> None:
    print_list(rows, PLAN)
    if notes:
        print_line("What is different in the workspace:")
    for note in notes:
        print_line(f"- {note}")


def _show_definitions(definitions: Sequence[dict[str, Any]]) -> None:
    print_line("Nothing was written. The definitions would be:")
    print_json(definitions)


def _show_results(results: Sequence[CopyResult], workspace: str, rejects: str | None) -> bool:
    """Print the result; returns whether all tables are the same as at the source."""
    print_list(
        [
            {
                "table": each.table,
                "rows": each.stored_rows,
                "digest": each.stored_digest,
                "result": "same"
                if each.is_same
                else f"differs: {each.rows} rows, {each.digest} at the source",
            }
            for each in results
        ],
        RESULT,
    )
    left_out = sum(each.left_out for each in results)
    if left_out:
        print_line(f"Left out {count_of(left_out)} that did not fit: see {rejects}.")
    if all(each.is_same for each in results):
        total = sum(each.rows for each in results)
        tables = "1 table" if len(results) == 1 else f"{len(results):,} tables"
        print_line(f"Copied {count_of(total)} of {tables} into workspace {workspace}.")
        return True
    print_line(
        "Nothing is visible in the workspace. Run the command again to copy the tables that differ again."
    )
    return False


@contextmanager
def _reject_to(path: str | None) -> Iterator[Callable[[RefusedRow], None] | None]:
    """A function that writes rows to a file as NDJSON; None without a file. A copy that continues reads all
    rows again, so the file begins again too."""
    if path is None:
        yield None
        return
    import msgspec

    encoder = msgspec.json.Encoder()
    # rows are private: no other user of this machine can read them
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, FILE_MODE)
    with os.fdopen(descriptor, "wb") as file:

        def reject(row: RefusedRow) -> None:
            file.write(encoder.encode(row) + b"\n")

        yield reject
