"""Restores: a directory that is filled in a directory of its own within it, and then gets the files."""

from __future__ import annotations

import asyncio
import fcntl
import os
import secrets
import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from rowkeep.errors.catalogue import SetupError
from rowkeep.private_files import CATALOG_FILE, UNFINISHED, make_private_directory
from rowkeep.settings import Settings
from rowkeep.sql.dialects import SQLITE
from rowkeep.storage.contract import Steps
from rowkeep.storage.restores import RestoreTarget, refuse_other_store
from rowkeep.storage.snapshots import Loader, open_loader
from rowkeep.storage.sqlite.files import WORKSPACES, make_file


class SqliteTarget(RestoreTarget):
    dialect = SQLITE

    def __init__(self, directory: Path, settings: Settings) -> None:
        self._directory = directory
        self._draft = directory / f"{UNFINISHED}{secrets.token_hex(4)}"
        self._settings = msgspec.structs.replace(settings, database_url=f"sqlite:///{self._draft.absolute()}")
        self._made: list[Path] = []
        self._lock: int | None = None

    async def begin(self, names: Sequence[str]) -> None:
        await asyncio.to_thread(self._begin, names)

    def _begin(self, names: Sequence[str]) -> None:
        try:
            self._made = make_private_directory(self._directory)
            self._lock = _locked(self._directory)
            if self._lock is None:
                raise SetupError("Another restore into this directory is running.")
            self._refuse_contents()
            make_private_directory(self._draft / WORKSPACES)
            for name in names:
                make_file(self._draft / WORKSPACES / f"{name}.db")
            make_file(self._draft / CATALOG_FILE)
        except OSError as error:
            raise SetupError(
                f"The directory {self._directory} cannot be used: {error.strerror or error}."
            ) from error

    def _refuse_contents(self) -> None:
        """Remove what a restore has left that was killed. Raises SetupError for anything else."""
        found = {path.name for path in self._directory.iterdir()}
        drafts = [self._directory / name for name in found if name.startswith(UNFINISHED)]
        # the files of workspaces are moved first, and the catalog last
        moved = any(not (draft / WORKSPACES).exists() for draft in drafts)
        allowed = {path.name for path in drafts} | {"lost+found"} | ({WORKSPACES} if moved else set())
        if found - allowed:
            raise refuse_other_store(str(self._directory))
        if moved:
            shutil.rmtree(self._directory / WORKSPACES, ignore_errors=True)
        for draft in drafts:
            shutil.rmtree(draft)

    def namespace(self, physical: str | None) -> str | None:  # noqa: ARG002
        return None

    async def loader(self, physical: str | None) -> Loader:
        return await open_loader(self._settings, physical)

    def last_steps(self) -> Steps[None]:
        yield from ()

    async def finish(self) -> None:
        await asyncio.to_thread(self._finish)

    def _finish(self) -> None:
        try:
            for path in (self._draft, self._draft / WORKSPACES):
                _sync(path)
            (self._draft / WORKSPACES).rename(self._directory / WORKSPACES)
            # unlike a rename, this does not replace a catalog that another process has created meanwhile
            os.link(self._draft / CATALOG_FILE, self._directory / CATALOG_FILE)
            shutil.rmtree(self._draft)
            _sync(self._directory)
        except OSError as error:
            raise SetupError(
                f"The directory {self._directory} cannot be used: {error.strerror or error}."
            ) from error

    async def discard(self) -> None:
        if not (self._directory / CATALOG_FILE).exists():
            if self._draft.exists() and not (self._draft / WORKSPACES).exists():
                await asyncio.to_thread(shutil.rmtree, self._directory / WORKSPACES, ignore_errors=True)
            await asyncio.to_thread(shutil.rmtree, self._draft, ignore_errors=True)
            for path in self._made:
                with suppress(OSError):
                    path.rmdir()

    async def close(self) -> None:
        if self._lock is not None:
            os.close(self._lock)


def _locked(directory: Path) -> int | None:
    """A descriptor that locks a directory; None if another process has it."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
