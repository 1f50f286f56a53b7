"""Sources: the databases of a store, as a backup reads them.

On PostgreSQL all of them are one snapshot: the backup holds a lock on each table that only refuses changes of
definitions. On SQLite each database is a snapshot of its own, opened when its turn comes.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from rowkeep.catalog.catalog import Catalog
from rowkeep.errors.catalogue import SetupError, StorageMissing
from rowkeep.model.access import Workspace
from rowkeep.model.tables import Table
from rowkeep.settings import Settings
from rowkeep.sql.table_copies import CopySql
from rowkeep.storage.contract import StaleCatalog, Steps
from rowkeep.storage.scripts.catalog import CatalogScripts
from rowkeep.storage.scripts.workspace import WorkspaceScripts
from rowkeep.storage.snapshots import Snapshot, open_snapshot

ATTEMPTS = 10
"""How often a snapshot is opened again because definitions changed meanwhile."""


class BackupSource:
    """The databases of a store. ``shared`` is the snapshot of all of them, where the engine has that."""

    def __init__(self, catalog: Catalog, settings: Settings, shared: Snapshot | None) -> None:
        self._catalog = catalog
        self._settings = settings
        self._shared = shared

    @asynccontextmanager
    async def catalog(self) -> AsyncIterator[Snapshot]:
        async with self._snapshot(None) as snapshot:
            yield snapshot

    @asynccontextmanager
    async def workspace(self, workspace: Workspace) -> AsyncIterator[Snapshot | None]:
        """The database of a workspace; None if the workspace was deleted. Raises SetupError and
        StorageMissing for a database that is missing."""
        if not await prepared(self._catalog, workspace):
            yield None
            return
        try:
            opened = self._snapshot(workspace.physical)
            snapshot = await opened.__aenter__()
        except SetupError:
            if await exists(self._catalog, workspace):
                raise
            yield None
            return
        try:
            yield snapshot
        finally:
            await opened.__aexit__(None, None, None)

    @asynccontextmanager
    async def _snapshot(self, physical: str | None) -> AsyncIterator[Snapshot]:
        if self._shared is not None:
            found = self._shared.of_same_moment(physical)
            assert found is not None  # noqa: S101 - only engines that have it share a snapshot
            yield found
            return
        snapshot = await open_snapshot(self._settings, physical)
        try:
            yield snapshot
        finally:
            await snapshot.close()


@asynccontextmanager
async def open_source(catalog: Catalog, settings: Settings) -> AsyncIterator[BackupSource]:
    """The databases of an open store. Raises SetupError if definitions change all the time."""
    for _ in range(ATTEMPTS):
        made = await catalog.store.catalog.read(catalog.installation.workspaces_with_database)
        for each in made:
            await prepared(catalog, each)
        first = await open_snapshot(settings, None)
        try:
            if first.of_same_moment(None) is None:
                yield BackupSource(catalog, settings, None)
                return
            if await _is_whole(catalog, first):
                yield BackupSource(catalog, settings, first)
                return
        finally:
            await first.close()
    raise SetupError("Definitions changed whenever the backup began. Run it again when fewer of them change.")


async def exists(catalog: Catalog, workspace: Workspace) -> bool:
    """Whether the workspace still exists."""
    return await catalog.store.catalog.read(partial(catalog.installation.has_workspace, workspace))


async def prepared(catalog: Catalog, workspace: Workspace) -> bool:
    """Bring the database of a workspace to this version; false if the workspace was deleted. Raises
    StorageMissing for a database that is missing."""
    try:
        await catalog.store.workspace(workspace)
    except (StorageMissing, StaleCatalog):
        if await exists(catalog, workspace):
            raise
        return False
    return True


async def _is_whole(catalog: Catalog, first: Snapshot) -> bool:
    """Lock all tables of a snapshot against changes of their definitions, and check that none of them was
    changed before. Rows of a changed table would be missing in the snapshot."""
    scripts = CatalogScripts(first.dialect, first.namespace)
    try:
        for workspace in await first.read(scripts.workspaces_with_database):
            there = first.of_same_moment(workspace.physical)
            assert there is not None  # noqa: S101 - the engine has it
            version = await there.read(partial(_locked, there))
            database = await catalog.store.workspace(workspace)
            now = await database.read(WorkspaceScripts(database.dialect, database.namespace).state.version)
            if version != now:
                return False
    except (StaleCatalog, StorageMissing):
        return False
    return True


def _locked(snapshot: Snapshot) -> Steps[int]:
    """Read nothing of each table, which locks it until the snapshot is closed."""
    scripts = WorkspaceScripts(snapshot.dialect, snapshot.namespace)
    tables: list[Table] = yield from scripts.tables.page("", None)
    for table in tables:
        yield CopySql(table, snapshot.dialect, snapshot.namespace).no_rows()
    return (yield from scripts.state.version())
