"""Snapshots and loaders: what a copy needs of a database next to its scripts. Whole tables are read from one
snapshot, and rows are written as they are stored elsewhere.

A database is opened without a store, so that the source of a copy is never changed, not even migrated.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import TypeVar

from rowkeep.errors.catalogue import SetupError
from rowkeep.private_files import CATALOG_FILE
from rowkeep.settings import Settings
from rowkeep.sql.dialects import Dialect
from rowkeep.sql.statements import Statement
from rowkeep.sql.system_tables import CATALOG_NAMESPACE
from rowkeep.sql.table_copies import CopiedRows
from rowkeep.storage.contract import Row, Script

T = TypeVar("T")
BATCH_ROWS = 10_000
"""The most rows that are held at once."""

BATCH_BYTES = 8 * 1024 * 1024
"""About how many bytes of cells a batch may have before it is cut."""


class Snapshot(ABC):
    """One database as it was when it was opened. It reads as a Database does, and writes nothing."""

    dialect: Dialect
    namespace: str | None

    @abstractmethod
    async def read(self, script: Script[T]) -> T:
        """Run a script that only reads. Raises StaleCatalog if a table is missing."""

    @abstractmethod
    def stream(self, statement: Statement) -> AsyncIterator[Sequence[Row]]:
        """The rows of a statement, in batches."""

    def of_same_moment(self, physical: str | None) -> Snapshot | None:  # noqa: ARG002
        """The database of a workspace of the same store, or (None) its catalog, at the same moment; None if
        the engine has no such snapshot. It is closed with this one."""
        return None

    @abstractmethod
    async def close(self) -> None: ...


class Loader(ABC):
    """Builds tables that are only visible to the copy. Its transactions check no references."""

    @abstractmethod
    async def append(self, sql: CopiedRows, rows: Sequence[Row], script: Script[None]) -> None:
        """Write rows as they are stored, and run a script in the same transaction. Raises the errors of the
        script, UniqueConflict, Busy, StorageUnavailable, StaleCatalog."""

    @abstractmethod
    async def write(self, script: Script[T]) -> T:
        """Run a script as one transaction. Raises the same errors."""

    @abstractmethod
    async def close(self) -> None: ...


async def open_snapshot(settings: Settings, physical: str | None) -> Snapshot:
    """A snapshot of the database of a workspace, by its physical name, or (None) of the catalog. Raises
    SetupError if it is missing or cannot be read."""
    directory = sqlite_directory(settings)
    if directory is None:
        from rowkeep.storage.postgres.snapshots import PostgresSnapshot

        return await PostgresSnapshot.open(settings.database_url, physical or CATALOG_NAMESPACE)
    from rowkeep.storage.sqlite.snapshots import SqliteSnapshot

    return await SqliteSnapshot.open(_file(directory, physical))


async def open_loader(settings: Settings, physical: str | None) -> Loader:
    """A loader for the database of a workspace, or (None) of the catalog, which must exist."""
    directory = sqlite_directory(settings)
    if directory is None:
        from rowkeep.storage.postgres.snapshots import PostgresLoader

        return await PostgresLoader.open(settings)
    from rowkeep.storage.sqlite.snapshots import SqliteLoader

    return await SqliteLoader.open(_file(directory, physical), settings.busy_timeout_seconds)


def sqlite_directory(settings: Settings) -> Path | None:
    """The directory of a store on SQLite; None for one on PostgreSQL. Raises SetupError."""
    scheme, _, path = settings.database_url.partition(":///")
    if scheme == "sqlite" and path:
        return Path(path)
    if not settings.database_url.startswith(("postgresql://", "postgres://")):
        raise SetupError("A database must be sqlite:///PATH or postgresql://USER:PASSWORD@HOST/DATABASE.")
    return None


def _file(directory: Path, physical: str | None) -> Path:
    return directory / CATALOG_FILE if physical is None else directory / "workspaces" / f"{physical}.db"
