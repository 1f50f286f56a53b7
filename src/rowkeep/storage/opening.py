"""Opening: selects the store for a database URL."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from rowkeep.errors.catalogue import SetupError, preview
from rowkeep.model.ids import IdSource
from rowkeep.settings import Settings
from rowkeep.storage.contract import Store


def _sqlite(url: str, settings: Settings, ids: IdSource) -> Store:
    from rowkeep.storage.sqlite.store import SqliteStore

    host, _, path = url.removeprefix("sqlite://").partition("/")
    if host or not path:
        raise SetupError(
            "ROWKEEP_DATABASE_URL for SQLite must be sqlite:///DIRECTORY: three slashes for a relative path, "
            "four for an absolute one."
        )
    if not Path(path).resolve().name:
        raise SetupError("ROWKEEP_DATABASE_URL for SQLite must name a directory that is not the root, /.")
    return SqliteStore(Path(path), settings, ids)


def _postgres(url: str, settings: Settings, ids: IdSource) -> Store:
    from rowkeep.storage.postgres.store import PostgresStore

    return PostgresStore(url, settings, ids)


SCHEMES: dict[str, Callable[[str, Settings, IdSource], Store]] = {
    "sqlite": _sqlite,
    "postgresql": _postgres,
    "postgres": _postgres,
}


def stream_directory(settings: Settings) -> str | None:
    """The directory for the rows of streams; None for that of the system."""
    url = settings.database_url
    return settings.stream_directory or (
        url.removeprefix("sqlite:///") if url.startswith("sqlite:") else None
    )


def make_store(settings: Settings, ids: IdSource) -> Store:
    """The store of ``settings.database_url``, not yet open. Raises SetupError for a URL without a backend."""
    scheme = settings.database_url.partition("://")[0]
    if scheme not in SCHEMES:
        raise SetupError(
            "ROWKEEP_DATABASE_URL must start with sqlite:/// or postgresql://; "
            f"got {preview(scheme.partition(':')[0][:20])}."
        )
    return SCHEMES[scheme](settings.database_url, settings, ids)
