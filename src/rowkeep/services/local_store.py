"""Local store: the store of the settings, initialised or opened in this process."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from rowkeep.catalog.catalog import Catalog
from rowkeep.crypto.master_key import find_master_keys
from rowkeep.logs import quiet_logs
from rowkeep.model.ids import IdSource
from rowkeep.services.initialise import FirstSecrets, initialise, open_initialised
from rowkeep.settings import Settings
from rowkeep.storage.opening import make_store


def shell_settings() -> Settings:
    """The settings of a command other than a server, which logs nothing. Raises SetupError."""
    settings = Settings.from_environment(os.environ)
    quiet_logs(settings.log_level)
    return settings


async def initialise_store(
    settings: Settings, then: Callable[[Catalog], Awaitable[None]] | None = None
) -> FirstSecrets | None:
    """Initialise an empty store and check that it can be opened; ``then`` is called with its catalog.

    Returns its first secrets, None if it was not empty. Raises SetupError, StorageUnavailable.
    """
    # an invalid key is refused before anything is created
    find_master_keys(settings)
    store = make_store(settings, IdSource())
    try:
        await store.open()
        first = await initialise(store, settings)
        catalog = await open_initialised(store, settings)
        if then is not None:
            await then(catalog)
    except BaseException:
        await store.discard()
        raise
    await store.close()
    return first


@asynccontextmanager
async def open_store(settings: Settings) -> AsyncIterator[Catalog]:
    """The catalog of the store, for as long as the block runs. Raises SetupError, StorageUnavailable."""
    store = make_store(settings, IdSource())
    try:
        await store.open(create=False)
        yield await open_initialised(store, settings)
    finally:
        await store.close()
