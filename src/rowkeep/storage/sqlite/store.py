"""Store: the directory that holds the catalog's file and the workspaces' files."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Generator, Sequence
from functools import partial
from pathlib import Path

from rowkeep.errors.catalogue import Busy, SetupError, StorageMissing, StorageReadOnly, StorageUnavailable
from rowkeep.model.access import Workspace
from rowkeep.model.ids import IdSource
from rowkeep.private_files import CATALOG_FILE, make_private_directory, owner_hint, owns
from rowkeep.settings import Settings
from rowkeep.sql.dialects import SQLITE
from rowkeep.sql.statements import Statement
from rowkeep.storage.contract import Row, Store, WorkspaceDatabase
from rowkeep.storage.known_databases import (
    PHYSICAL,
    CatalogDatabase,
    prepare_catalog,
    refuse_if_missing,
    refuse_without_catalog,
)
from rowkeep.storage.migrations import WORKSPACE_STEPS, migrate
from rowkeep.storage.scripts.catalog import CatalogScripts
from rowkeep.storage.sqlite.database import SqliteDatabase, SqliteWorkspaceDatabase
from rowkeep.storage.sqlite.files import WORKSPACES, OpenFiles, affordable_files, device_fault, failure_at
from rowkeep.storage.sqlite.threads import Threads

FIRST_PAGE_BYTES = 4096
SQLITE_MAGIC = b"SQLite format 3\x00"
"""How each file begins (SQLite: Database File Format, section 1.3.1)."""
MAX_LONG_QUERIES = 16
"""How many long queries one process runs at once, over all workspaces."""


class SqliteStore(Store):
    """Several processes can open one directory; SQLite's locks separate them."""

    def __init__(self, directory: Path, settings: Settings, ids: IdSource) -> None:
        self.ids = ids
        self._directory = directory
        self._settings = settings
        self._threads = (
            Threads("rowkeep", MAX_LONG_QUERIES, settings.max_streamed_queries),
            Threads("rowkeep-catalog", 4),
        )
        self._files, self._catalog_file = (OpenFiles(1, threads) for threads in self._threads)
        self._databases: dict[int, SqliteWorkspaceDatabase] = {}
        self._opening = asyncio.Lock()
        self._created: list[Path] = []
        self._is_new = False

    async def open(self, *, create: bool = True) -> None:
        try:
            self._refuse_without_catalog(create)
            # rows are private: no other user of this machine can read them
            self._created = make_private_directory(self._directory)
            self._created = [*make_private_directory(self._directory / WORKSPACES), *self._created]
            self._files = OpenFiles(affordable_files(self._settings.sqlite_open_workspaces), self._threads[0])
            catalog = SqliteDatabase(self._catalog_path, self._settings, self._catalog_file)
            self.catalog = CatalogDatabase(catalog)
            await catalog.opener.use()
            prepare = partial(prepare_catalog, SQLITE, None, self._list_present, self._catalog_missing)
            await catalog.write(prepare)
        except StorageReadOnly as error:
            raise SetupError(
                f"The directory {self._directory} is read-only, or a file in it. Rowkeep writes there even "
                "if it only reads rows: mount the file system for writing, or restore a backup elsewhere."
            ) from error
        except (OSError, StorageUnavailable) as error:
            reason = f"The directory {self._directory} cannot be used: {self._reason(error)}."
            raise SetupError(reason + owner_hint(self._directory)) from error

    def _refuse_without_catalog(self, create: bool) -> None:
        """Raises SetupError if a catalog must not be created, or cannot be used by this process."""
        present = _files_of(self._directory / WORKSPACES)
        # checked after the files: another process that creates a store now creates the catalog first
        try:
            size = self._catalog_path.stat().st_size
        except FileNotFoundError:
            size = 0
        self._is_new = size == 0
        if self._is_new:
            refuse_without_catalog(present, self._catalog_missing)
            if not create:
                raise SetupError(
                    f"No store in {self._directory} (ROWKEEP_DATABASE_URL). Run rowkeep init or rowkeep "
                    "serve to create one."
                )
        elif not (owns(self._catalog_path) or os.access(self._catalog_path, os.R_OK | os.W_OK)):
            raise SetupError(
                f"Permission denied: this user cannot write to the store in {self._directory}."
                + owner_hint(self._catalog_path)
            )

    @property
    def _catalog_path(self) -> Path:
        return self._directory / CATALOG_FILE

    @property
    def _catalog_missing(self) -> str:
        return (
            f"The catalog {self._catalog_path} is missing or empty. Restore it from a backup of the same "
            "time. To start with an empty store, use another directory."
        )

    def _list_present(self) -> Generator[Statement, Sequence[Row], list[str]]:
        """Script without statements: the catalog is not used."""
        yield from ()
        return _files_of(self._directory / WORKSPACES)

    async def present(self) -> list[str]:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._files.executor, _files_of, self._directory / WORKSPACES)

    async def unreadable(self) -> list[str]:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._files.executor, _unreadable_of, self._directory / WORKSPACES)

    async def check_device(self) -> None:
        try:
            fault = device_fault(self._directory, self._settings.min_free_bytes)
            if fault is None and not os.access(self._catalog_path, os.R_OK | os.W_OK):
                fault = StorageReadOnly() if self._catalog_path.exists() else StorageMissing()
        except OSError as error:
            raise StorageUnavailable() from error
        if fault is not None:
            raise fault

    async def discard(self) -> None:
        is_unused = self._is_new and await self._is_unused()
        await self.close()
        if is_unused or (self._is_new and _has_no_tables(self._catalog_path)):
            _unlink(self._catalog_path)
        for directory in self._created:
            # a directory that others have used meanwhile is not empty
            with contextlib.suppress(OSError):
                directory.rmdir()

    async def _is_unused(self) -> bool:
        """Whether nobody has initialised the catalog."""
        if self._catalog_file.order:
            try:
                return await self.catalog.read(CatalogScripts(SQLITE, None).key_fingerprint) is None
            except StorageMissing as error:
                # it has no tables yet; but a replaced file belongs to another process
                return not isinstance(error.__cause__, FileNotFoundError)
            except (StorageUnavailable, Busy):
                pass
        return False

    def _reason(self, error: OSError | StorageUnavailable) -> str:
        """The cause of a failure, as the system reports it."""
        if isinstance(error, StorageUnavailable):
            clear = failure_at(self._catalog_path, error)
            return str(clear if clear is not error else error.__cause__ or error).rstrip(".")
        return str(error)

    async def close(self) -> None:
        for files in (self._files, self._catalog_file):
            files.stop()
        # running jobs end first, because closing the files interrupts them
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
                path = self._path(workspace)
                create = not workspace.is_made
                found = SqliteWorkspaceDatabase(path, self._settings, self._files, self.ids, create=create)
                await refuse_if_missing(found, workspace)
                await found.write(partial(migrate, WORKSPACE_STEPS, SQLITE, None))
                self._databases[workspace.id] = found
            return found

    async def drop_workspace(self, workspace: Workspace) -> None:
        database = self._databases.pop(workspace.id, None)
        if database is not None:
            await database.opener.close()
        _unlink(self._path(workspace))

    def _path(self, workspace: Workspace) -> Path:
        return self._directory / WORKSPACES / f"{workspace.physical}.db"


def _files_of(directory: Path) -> list[str]:
    """The names of the databases in a directory, without their extension."""
    try:
        return [path.stem for path in directory.glob("w*.db") if PHYSICAL.fullmatch(path.stem)]
    except FileNotFoundError:
        return []


def _unreadable_of(directory: Path) -> list[str]:
    """Those of the databases that cannot be opened, or begin like no SQLite database; an empty one is new."""
    unreadable = []
    for name in _files_of(directory):
        path = directory / f"{name}.db"
        try:
            with path.open("rb", buffering=0) as file:
                start = file.read(len(SQLITE_MAGIC))
        except FileNotFoundError:
            # its workspace was deleted
            continue
        except OSError:
            start = b"?"
        if start not in (b"", SQLITE_MAGIC):
            unreadable.append(name)
    return unreadable


def _has_no_tables(path: Path) -> bool:
    """Whether a database is at most its first page, and its WAL less than one page."""
    wal = path.with_name(f"{path.name}-wal")
    if wal.exists() and wal.stat().st_size >= FIRST_PAGE_BYTES:
        return False
    return path.exists() and path.stat().st_size <= FIRST_PAGE_BYTES


def _unlink(path: Path) -> None:
    """Delete a database with its WAL."""
    for suffix in ("", "-wal", "-shm"):
        with contextlib.suppress(FileNotFoundError):
            path.with_name(path.name + suffix).unlink()
