"""Store: what the shell does with the store itself, where it is at hand."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import structlog

from rowkeep.catalog import Catalog
from rowkeep.errors import SetupError
from rowkeep.logs import configure_logs
from rowkeep.master import data_directory, find_master_keys, key_file, owner_model
from rowkeep.model.identity import IdSource
from rowkeep.private import create_private, exposed, make_private_directory
from rowkeep.services.setup import initialise, open_initialised
from rowkeep.settings import Settings
from rowkeep.storage.opening import make_store

log = structlog.get_logger(__name__)

SHOWN = 5


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
    # a key that is none is refused before anything is made
    find_master_keys(settings)
    store = make_store(settings, IdSource())
    try:
        await store.open()
        token = await initialise(store, settings)
        await open_initialised(store, settings)
    except BaseException:
        await store.discard()
        raise
    await store.close()
    return token


def token_file(settings: Settings) -> Path:
    """Where the first admin token is put where there is no terminal."""
    return key_file(settings).with_suffix(".admin-token").resolve()


def keep_token(token: str, settings: Settings) -> Path:
    """Write the first admin token into a file that its owner alone can read. Raises SetupError."""
    path = token_file(settings)
    try:
        make_private_directory(path.parent)
        path.unlink(missing_ok=True)
        with os.fdopen(create_private(path, owner_model(settings)), "w") as file:
            file.write(token + "\n")
    except OSError as error:
        raise SetupError(
            f"The first admin token cannot be written to {path} ({error.strerror}). "
            "Run rowkeep admin-token create to make another."
        ) from None
    return path


def warn_of_exposed_files(settings: Settings) -> None:
    """Log what others on this machine can read of the key and the data."""
    key = key_file(settings)
    for path, mode in exposed([key, token_file(settings)]):
        log.warning("file is readable by other users", path=str(path), mode=mode, action="chmod 600")
    directory = data_directory(settings)
    if directory is None:
        return
    # nobody reaches the files of a directory that is closed to others
    for path, mode in exposed([directory]):
        log.warning("directory is readable by other users", path=str(path), mode=mode, action="chmod 700")
        inside = list(exposed([*directory.glob("*.db*"), *directory.glob("workspaces/*.db*")]))
        if inside:
            log.warning(
                "files are readable by other users",
                count=len(inside),
                paths=[str(path) for path, _ in inside[:SHOWN]],
                action="chmod 600",
            )


@asynccontextmanager
async def open_store(settings: Settings) -> AsyncIterator[Catalog]:
    """The catalog of the store, for as long as the block runs. Raises SetupError, StorageUnavailable."""
    store = make_store(settings, IdSource())
    try:
        await store.open(create=False)
        yield await open_initialised(store, settings)
    finally:
        await store.close()
