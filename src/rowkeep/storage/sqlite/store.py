"""Store: the directory that holds the catalog's file and the workspaces' files."""

from __future__ import annotations

import asyncio
import contextlib
from functools import partial
from pathlib import Path

from rowkeep.errors import SetupError, StorageUnavailable
from rowkeep.model.access import Workspace
from rowkeep.model.identity import IdSource
from rowkeep.settings import Settings
from rowkeep.sql.dialects import SQLITE
from rowkeep.storage.base import Store, WorkspaceDatabase
from rowkeep.storage.migrations import CATALOG_STEPS, WORKSPACE_STEPS, migrate
from rowkeep.storage.sqlite.database import SqliteDatabase, SqliteWorkspaceDatabase
from rowkeep.storage.sqlite.files import OpenFiles, affordable
from rowkeep.storage.sqlite.threads import Threads

MAX_LONG_QUERIES = 16
"""How many long queries one process runs at once, over all workspaces."""
CATALOG_FILE = "catalog.db"
WORKSPACES = "workspaces"


class SqliteStore(Store):
    """Several processes may open one directory; SQLite's locks keep them apart."""

    catalog: SqliteDatabase

    def __init__(self, directory: Path, settings: Settings, ids: IdSource) -> None:
        self.ids = ids
        self._directory = directory
        self._settings = settings
        self._threads = (Threads("rowkeep", MAX_LONG_QUERIES), Threads("rowkeep-catalog", 4))
        self._files, self._catalog_file = (OpenFiles(1, threads) for threads in self._threads)
        self._databases: dict[int, SqliteWorkspaceDatabase] = {}
        self._opening = asyncio.Lock()

    async def open(self) -> None:
        try:
            # rows are nobody else's business on this machine
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            (self._directory / WORKSPACES).mkdir(exist_ok=True)
            self._files = OpenFiles(affordable(self._settings.sqlite_open_workspaces), self._threads[0])
            self.catalog = SqliteDatabase(self._directory / CATALOG_FILE, self._settings, self._catalog_file)
            await self.catalog.opener.use()
        except (OSError, StorageUnavailable) as error:
            raise SetupError(f"The directory {self._directory} cannot be used: {error}.") from error
        await self.catalog.write(partial(migrate, CATALOG_STEPS, SQLITE, None))

    async def close(self) -> None:
        for files in (self._files, self._catalog_file):
            files.stop()
        # running jobs end first, for the files are closed under them
        for threads in self._threads:
            await asyncio.get_running_loop().run_in_executor(None, threads.shut_down)
        for files in (self._files, self._catalog_file):
            files.close()
        self._databases.clear()

    async def workspace(self, workspace: Workspace) -> WorkspaceDatabase:
        found = self._databases.get(workspace.id)
        if found is not None:
            return found
        async with self._opening:
            found = self._databases.get(workspace.id)
            if found is None:
                found = SqliteWorkspaceDatabase(self._path(workspace), self._settings, self._files, self.ids)
                await found.write(partial(migrate, WORKSPACE_STEPS, SQLITE, None))
                self._databases[workspace.id] = found
            return found

    async def drop_workspace(self, workspace: Workspace) -> None:
        database = self._databases.pop(workspace.id, None)
        if database is not None:
            await database.opener.close()
        path = self._path(workspace)
        for suffix in ("", "-wal", "-shm"):
            with contextlib.suppress(FileNotFoundError):
                path.with_name(path.name + suffix).unlink()

    def _path(self, workspace: Workspace) -> Path:
        return self._directory / WORKSPACES / f"{workspace.physical}.db"
