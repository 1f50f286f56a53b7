"""Restore: ``rowkeep restore``, a backup into an empty store, or a part of it into another one."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rowkeep.cli.backup import BackupFile, KeyFile, PassphraseFile, refuse_remote
from rowkeep.cli.output import print_line
from rowkeep.cli.row_progress import row_progress

if TYPE_CHECKING:
    from rowkeep.services.backups.contents import Contents
    from rowkeep.services.backups.restore import Restore
    from rowkeep.settings import Settings

Into = Annotated[
    str | None,
    typer.Option(
        "--into",
        metavar="STORE",
        help="The store: sqlite:///DIRECTORY or postgresql://…; that of ROWKEEP_DATABASE_URL by default.",
    ),
]
OneWorkspace = Annotated[
    str | None,
    typer.Option(
        "--workspace", metavar="NAME", help="Only this workspace; with --table, the workspace of the table."
    ),
]
OneTable = Annotated[
    str | None,
    typer.Option("--table", metavar="NAME", help="Only this table, of workspace main by default."),
]
NewName = Annotated[
    str | None,
    typer.Option(
        "--as",
        metavar="NEW",
        help="The new name of the workspace or table, which must be given with --workspace or --table.",
    ),
]


def restore(
    file: BackupFile,
    into: Into = None,
    workspace: OneWorkspace = None,
    table: OneTable = None,
    new_name: NewName = None,
    passphrase_file: PassphraseFile = None,
    key_file: KeyFile = None,
) -> None:
    """Restore a backup into an empty store, or one workspace or table into an existing store.

    Nothing is visible before everything is restored. If it fails or is interrupted, run it again.
    """
    refuse_remote("rowkeep restore")
    if (workspace is None and table is None) != (new_name is None):
        rule = "use it with" if new_name is not None else "it must be given with"
        raise typer.BadParameter(f"{rule} --workspace or --table.", param_hint="--as")
    from rowkeep.services.backups.archives import open_archive, read_passphrase
    from rowkeep.services.backups.contents import Contents
    from rowkeep.services.local_store import shell_settings

    settings = shell_settings()
    if into is not None:
        import msgspec

        settings = msgspec.structs.replace(settings, database_url=into)
    passphrase = None if passphrase_file is None else read_passphrase(passphrase_file)
    with open_archive(Path(file), passphrase) as archive:
        contents = Contents(archive)
        if new_name is None:
            _restore_all(contents, settings, key_file)
        else:
            asyncio.run(_restore_part(contents, settings, key_file, workspace or "main", table, new_name))


def _restore_all(contents: Contents, settings: Settings, given: str | None) -> None:
    from rowkeep.crypto.master_key import remove_made
    from rowkeep.services.backups.keys import backup_settings, place_key, uses_other_file
    from rowkeep.services.backups.restore import Restore

    theirs = backup_settings(settings, contents.manifest, given)
    with ExitStack() as undo:
        if given is None:
            undo.callback(remove_made, place_key(settings, contents.manifest))
        with row_progress() as report:
            rows = asyncio.run(_fill_store(Restore(contents, theirs, report), theirs, contents))
        undo.pop_all()
    print_line(
        f"Restored {len(contents.manifest.workspaces)} workspaces with {rows:,} rows, as of "
        f"{contents.manifest.created_on}."
    )
    if uses_other_file(settings, given):
        print_line(f"Start servers with ROWKEEP_MASTER_KEY_FILE={given}.")


async def _fill_store(restore: Restore, settings: Settings, contents: Contents) -> int:
    """Restore everything; returns the number of rows."""
    from rowkeep.services.audit import record_command
    from rowkeep.services.local_store import open_store

    rows = await restore.run()
    async with open_store(settings) as catalog:
        await record_command(
            catalog, settings, "restore.store", f"a backup of {contents.manifest.created_on}"
        )
    return rows


async def _restore_part(
    contents: Contents, settings: Settings, given: str | None, workspace: str, table: str | None, name: str
) -> None:
    from rowkeep.services.audit import audited_command
    from rowkeep.services.backups.keys import backup_settings
    from rowkeep.services.backups.parts import TableRestore, restore_workspace, unpacked
    from rowkeep.services.local_store import open_store

    theirs = backup_settings(settings, contents.manifest, given)
    origin = f"a backup of {contents.manifest.created_on} ({table or workspace})"
    within = name if table is None else ""
    async with (
        open_store(settings) as catalog,
        audited_command(catalog, settings, "restore.part", within, f"{name} from {origin}"),
    ):
        with row_progress() as report:
            async with unpacked(contents, theirs, workspace, report, table) as source:
                if table is None:
                    results, notes = await restore_workspace(catalog, settings, source, name, origin, report)
                else:
                    planned = TableRestore(catalog, settings, source, table, name)
                    results, notes = [await planned.run(origin, report)], planned.notes
    rows = sum(each.stored_rows for each in results)
    what = f"workspace {workspace}" if table is None else f"table {table}"
    print_line(f"Restored {what} as {name}: {len(results)} tables, {rows:,} rows.")
    for note in notes:
        print_line(f"- {note}.")
