"""Restores: an empty store that is filled before anybody can see it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from rowkeep.errors.catalogue import SetupError, preview
from rowkeep.settings import Settings
from rowkeep.sql.dialects import Dialect
from rowkeep.storage.contract import Steps
from rowkeep.storage.snapshots import Loader, sqlite_directory


class RestoreTarget(ABC):
    """A store that is being restored. Until :meth:`finish`, no process can open it; what a restore has left
    that was killed is removed by the next one."""

    dialect: Dialect

    @abstractmethod
    async def begin(self, names: Sequence[str]) -> None:
        """Prepare databases of workspaces with these physical names. Raises SetupError for a store that is
        not empty."""

    @abstractmethod
    def namespace(self, physical: str | None) -> str | None:
        """The namespace of the database of a workspace, or (None) of the catalog."""

    @abstractmethod
    async def loader(self, physical: str | None) -> Loader:
        """A loader for one of the databases."""

    @abstractmethod
    def last_steps(self) -> Steps[None]:
        """The end of the transaction that fills the catalog."""

    @abstractmethod
    async def finish(self) -> None:
        """Make the store visible. Raises SetupError."""

    @abstractmethod
    async def discard(self) -> None:
        """Remove everything."""

    @abstractmethod
    async def close(self) -> None: ...


def refuse_other_store(place: str) -> SetupError:
    """The error for a store that is not empty."""
    return SetupError(
        f"{preview(place)} is not empty. A backup is restored into an empty store: choose another directory "
        "or database with --into. To add one workspace or table to a store, use --workspace or --table, "
        "with --as."
    )


def restore_target(settings: Settings) -> RestoreTarget:
    """The store of the settings. Raises SetupError."""
    directory = sqlite_directory(settings)
    if directory is None:
        from rowkeep.storage.postgres.restores import PostgresTarget

        return PostgresTarget(settings)
    from rowkeep.storage.sqlite.restores import SqliteTarget

    return SqliteTarget(directory, settings)
