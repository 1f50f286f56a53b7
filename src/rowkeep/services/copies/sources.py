"""Sources: opens what is copied from."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from rowkeep.crypto.master_key import default_key_file
from rowkeep.settings import Settings
from rowkeep.storage.contract import StaleCatalog
from rowkeep.storage.foreign_databases import ForeignDatabase, open_foreign_database
from rowkeep.storage.migrations import completed_steps
from rowkeep.storage.snapshots import open_snapshot


async def has_store(url: str) -> bool:
    """Whether a PostgreSQL database has the catalog of a store. Raises SetupError."""
    snapshot = await open_snapshot(Settings(database_url=url), None)
    try:
        await snapshot.read(lambda: completed_steps(snapshot.dialect, snapshot.namespace))
    except StaleCatalog:
        return False
    finally:
        await snapshot.close()
    return True


@asynccontextmanager
async def open_foreign(url: str, schema_name: str) -> AsyncIterator[ForeignDatabase]:
    """Raises SetupError."""
    database = await open_foreign_database(url, schema_name)
    try:
        yield database
    finally:
        await database.close()


def source_settings(settings: Settings, url: str, key_file: str | None) -> Settings:
    """The settings of another store. Without a key file, its key is in its own default file if that exists,
    and otherwise it is the key of the target."""
    theirs = msgspec.structs.replace(settings, database_url=url)
    if key_file is not None:
        return msgspec.structs.replace(theirs, master_key=None, master_key_file=key_file)
    default = default_key_file(theirs)
    if url.startswith("sqlite:") and Path(default).exists():
        return msgspec.structs.replace(theirs, master_key=None, master_key_file=str(default))
    return theirs
