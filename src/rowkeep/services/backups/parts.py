"""Parts: one workspace or one table of a backup, added to a store under a new name.

The part is unpacked into a store of its own in a temporary directory, and copied from there as
:mod:`rowkeep.services.copies` copies a workspace: nobody sees it before it is complete and verified.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any

import msgspec

from rowkeep.catalog.catalog import Catalog
from rowkeep.catalog.workspace import OpenWorkspace
from rowkeep.errors.catalogue import InvalidName, NameTaken, NoSuchWorkspace, SetupError, preview
from rowkeep.model.definitions.columns import invalid_name
from rowkeep.model.ids import wall_clock, writer_of
from rowkeep.model.tables import NAME, Column, Reference, Table
from rowkeep.services.backups.contents import Contents, find_table
from rowkeep.services.backups.restore import Restore
from rowkeep.services.copies.copier import Copier, CopyResult, Report, discard_copy, unfinished_copy
from rowkeep.services.copies.targets import find_target
from rowkeep.services.copies.workspaces import (
    SourceWorkspace,
    WorkspaceCopy,
    WorkspaceInput,
    open_source,
    remember_writers,
    row_count,
    under_key,
)
from rowkeep.services.local_store import open_store
from rowkeep.services.work_directories import RESTORE, work_directory
from rowkeep.services.workspaces import Workspaces
from rowkeep.settings import Settings
from rowkeep.sql.table_copies import CopySql
from rowkeep.storage.scripts import copies
from rowkeep.storage.scripts.copies import CopyScripts


@asynccontextmanager
async def unpacked(
    contents: Contents, settings: Settings, name: str, report: Report, table: str | None = None
) -> AsyncIterator[SourceWorkspace]:
    """One workspace of a backup, with the rows of one table or of all, in a store of its own. ``settings``
    have the key of the backup. Raises SetupError, NoSuchWorkspace, NoSuchTable."""
    workspace = contents.workspace(name)
    if workspace.database is None:
        raise SetupError(f"Workspace {workspace.name} is empty in the backup: there is nothing to restore.")
    tables: Collection[str] | None = None
    if table is not None:
        tables = {find_table(contents.tables(workspace.database).values(), table).id}
    with work_directory(settings, RESTORE) as directory:
        theirs = msgspec.structs.replace(settings, database_url=f"sqlite:///{directory}/store")
        await Restore(contents, theirs, report, {workspace.id}, tables).run()
        async with open_store(theirs) as catalog:
            # an older backup is brought to this version
            await catalog.named(workspace.name)
        async with open_source(theirs, workspace.name) as source:
            source.directory = str(directory.absolute())
            yield source


async def restore_workspace(
    catalog: Catalog, settings: Settings, source: SourceWorkspace, name: str, origin: str, report: Report
) -> tuple[list[CopyResult], list[str]]:
    """Add a workspace with everything that belongs to it; returns the results and what was left out. Raises
    NameTaken for one that exists and is not empty, and what :meth:`Copier.run` raises; then nothing is
    left."""
    planned = WorkspaceCopy(catalog, settings, source, name)
    await planned.plan()
    try:
        results = await planned.run(origin, report)
        if not all(each.is_same for each in results):
            raise _differs(results)
    except BaseException:
        with suppress(NoSuchWorkspace, NameTaken):
            opened = await catalog.named(name)
            await discard_copy(settings, opened, source.directory)
            # others may have filled it meanwhile, or do so now
            if planned.has_created and await unfinished_copy(opened) is None:
                await opened.database.read(CopyScripts(opened.scripts).check_is_empty)
                await Workspaces(catalog, wall_clock).delete(name)
        raise
    return results, planned.notes


async def _exists(catalog: Catalog, name: str) -> bool:
    try:
        await catalog.store.catalog.read(partial(catalog.installation.workspace, name))
    except NoSuchWorkspace:
        return False
    return True


def _differs(results: list[CopyResult]) -> SetupError:
    names = ", ".join(each.table for each in results if not each.is_same)
    return SetupError(f"What was written differs from the backup, in {names}. Nothing was restored.")


class TableRestore:
    """Adds one table to a workspace. It gets a new id; its rows have the ids, times and writers of the
    backup. Nobody but administrators has a right to it."""

    def __init__(
        self, catalog: Catalog, settings: Settings, source: SourceWorkspace, table: str, name: str
    ) -> None:
        self._catalog = catalog
        self._settings = settings
        self._source = source
        self._table = table
        self._name = name
        self.notes: list[str] = []

    async def run(self, origin: str, report: Report) -> CopyResult:
        """Raises InvalidName, NameTaken, NoSuchTable, NoSuchWorkspace, and what :meth:`Copier.run` raises;
        then nothing is left."""
        if not NAME.fullmatch(self._name):
            raise InvalidName(invalid_name(self._name, "table"))
        target = await self._target()
        await target.database.read(partial(target.scripts.tables.check_name_is_free, self._name))
        there = self._source.database
        tables = await there.read(partial(self._source.opened.scripts.tables.page, "", None))
        table = find_table(tables, self._table)
        here = self._renamed(under_key(table, target.keys.newest), tables)
        total = await there.read(partial(row_count, CopySql(table, there.dialect, there.namespace)))
        given = WorkspaceInput(self._source, target, table, here, total)
        former: list[dict[str, Any]] = []

        async def before_publishing() -> None:
            former.extend(await self._unknown_apps(target, given.writers))
            await remember_writers(self._catalog, self._source, target, given.writers)

        copier = Copier(self._settings, target, origin, report, self._source.directory)
        try:
            (result,) = await copier.run([given], copies.Contents(former_apps=former), before_publishing)
            if not result.is_same:
                raise _differs([result])
        except BaseException:
            await discard_copy(self._settings, target, self._source.directory)
            raise
        return result

    async def _target(self) -> OpenWorkspace:
        name = self._source.workspace.name
        if not await _exists(self._catalog, name):
            raise NoSuchWorkspace(
                f"The store has no workspace {preview(name)} for the table. Restore the workspace, or create "
                "an empty one with this name."
            )
        found = await find_target(self._catalog, name, create=True)
        assert found is not None  # noqa: S101 - it exists
        return found

    def _renamed(self, table: Table, tables: list[Table]) -> Table:
        """The table under its new name and id; of its references, only those to itself remain."""
        new_id = secrets.token_hex(8)

        def moved(column: Column) -> Column:
            to = column.reference
            if to is None:
                return column
            if to.table == table.id:
                return msgspec.structs.replace(column, reference=Reference(new_id, to.column))
            other = next(each.name for each in tables if each.id == to.table)
            self.notes.append(f"column {column.name} does not refer to table {other} any more")
            return msgspec.structs.replace(column, reference=None)

        columns = tuple(map(moved, table.columns))
        return msgspec.structs.replace(table, id=new_id, name=self._name, columns=columns)

    async def _unknown_apps(self, target: OpenWorkspace, writers: set[str]) -> list[dict[str, Any]]:
        """The apps that wrote rows and are not known in the target, so that their names can be shown."""
        there = await self._source.database.read(partial(copies.app_names, self._source.opened.scripts))
        here = await target.database.read(partial(copies.app_names, target.scripts))
        return [
            {"client_id": client_id, "name": name}
            for client_id, name in there.items()
            if client_id not in here and writer_of(client_id) in writers
        ]
