"""Store: what the shell does with the store itself, where it is at hand."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from rowkeep.catalog import Catalog
from rowkeep.errors import SetupError
from rowkeep.logs import configure_logs
from rowkeep.master import key_file
from rowkeep.model.identity import IdSource
from rowkeep.services.setup import initialise, open_initialised
from rowkeep.settings import Settings
from rowkeep.storage.opening import make_store


def shell_settings() -> Settings:
    """The settings of a command that is no server. Raises SetupError."""
    settings = Settings.from_environment(os.environ)
    quiet_logs(settings)
    return settings


def quiet_logs(settings: Settings) -> None:
    """No log until a server serves, but for who wants to see all."""
    configure_logs("debug" if settings.log_level == "debug" else "critical")


async def initialise_store(settings: Settings) -> str | None:
    """Initialise an empty store and see that it can be opened.

    Gives its first admin token, None if it was not empty. Raises SetupError, StorageUnavailable.
    """
    store = make_store(settings, IdSource())
    try:
        await store.open()
        token = await initialise(store, settings)
        await open_initialised(store, settings)
        return token
    finally:
        await store.close()


def keep_token(token: str, settings: Settings) -> Path:
    """Write the first admin token into a file that its owner alone can read. Raises SetupError."""
    path = key_file(settings).with_suffix(".admin-token").resolve()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(token + "\n")
    except OSError as error:
        raise SetupError(
            f"The first admin token cannot be written to {path} ({error.strerror}); "
            "rowkeep admin-token create makes another."
        ) from None
    return path


def check_store_exists(settings: Settings) -> None:
    """Raises SetupError for a SQLite directory that is not there: opening it would make an empty one."""
    scheme, _, path = settings.database_url.partition(":///")
    if scheme == "sqlite" and path and not Path(path).is_dir():
        raise SetupError(
            f"There is no store in {path} (ROWKEEP_DATABASE_URL); rowkeep init or rowkeep serve makes one."
        )


@asynccontextmanager
async def open_store(settings: Settings) -> AsyncIterator[Catalog]:
    """The catalog of the store, for as long as the block runs. Raises SetupError, StorageUnavailable."""
    check_store_exists(settings)
    store = make_store(settings, IdSource())
    try:
        await store.open()
        yield await open_initialised(store, settings)
    finally:
        await store.close()
