"""About: what administrators see of an installation: engine, sizes, keys and their age, health, settings."""

from __future__ import annotations

import asyncio
from functools import partial

import msgspec

from rowkeep.catalog.catalog import Catalog
from rowkeep.crypto.master_key import find_master_keys
from rowkeep.errors.catalogue import RowkeepError, SetupError
from rowkeep.model.audit import AuditFilter, Outcome
from rowkeep.services.background import BackgroundTasks
from rowkeep.services.health import Health
from rowkeep.settings import Settings
from rowkeep.sql.quotas import workspace_bytes
from rowkeep.storage.contract import Database, Steps

ROTATIONS = 100
"""How many entries of the audit log are read to find the last rotation of a key that succeeded."""


class MasterKeyFacts(msgspec.Struct, frozen=True):
    """The master key: whether it is in a file, how many keys there are (two while it is replaced, none if
    they cannot be read), and since when the current one is in use, if the audit log still has that."""

    in_file: bool
    keys: int
    since: str | None


class ServerFacts(msgspec.Struct, frozen=True):
    """``fault`` is the first fault of the store, with the problems of all; ``settings`` have no secrets."""

    engine: str
    engine_version: str
    catalog_bytes: int
    fault: RowkeepError | None
    tasks: dict[str, str]
    master_key: MasterKeyFacts
    settings: dict[str, object]


class DataKeyFacts(msgspec.Struct, frozen=True):
    """The newest data key of a workspace: its number, since when it is in use, if that is known, and whether
    an older one is not replaced everywhere yet."""

    number: int
    since: str | None
    is_rotating: bool


class StorageFacts(msgspec.Struct, frozen=True):
    """How many bytes a workspace takes, with indexes and definitions, and its data key."""

    size: int
    data_key: DataKeyFacts


class About:
    """The facts of one installation, as this process sees them."""

    def __init__(self, catalog: Catalog, settings: Settings, health: Health, tasks: BackgroundTasks) -> None:
        self._catalog = catalog
        self._database = catalog.store.catalog
        self._settings = settings
        self._health = health
        self._tasks = tasks

    async def server(self) -> ServerFacts:
        return ServerFacts(
            engine=self._database.inspection.engine,
            engine_version=await self._database.read(self._database.inspection.version),
            catalog_bytes=await _size(self._database),
            fault=await self._health.state(),
            tasks=self._tasks.health(),
            master_key=await self._master_key(),
            settings=self._settings.shown(),
        )

    async def workspace(self, name: str) -> StorageFacts:
        """Raises NoSuchWorkspace."""
        opened = await self._catalog.named(name)
        numbers = await opened.database.read(opened.scripts.state.data_keys)
        newest, workspace = max(numbers), opened.workspace
        since: str | None = workspace.created_on
        if newest > 1:
            # an earlier workspace of this name can be in the log too
            after = workspace.created_on
            wanted = AuditFilter(action="key.data.rotate", workspace=workspace.name, since=after)
            since = await self._last(wanted)
        return StorageFacts(
            size=await _size(opened.database),
            data_key=DataKeyFacts(newest, since, is_rotating=len(numbers) > 1),
        )

    async def _master_key(self) -> MasterKeyFacts:
        try:
            found = await asyncio.to_thread(find_master_keys, self._settings)
        except SetupError:
            # the health has the reason
            found = None
        since = await self._last(AuditFilter(action="key.master.rotate")) or await self._last(
            AuditFilter(action="store.initialise")
        )
        keys = 0 if found is None else len(found.fingerprints)
        return MasterKeyFacts(self._settings.master_key is None, keys, since)

    async def _last(self, wanted: AuditFilter) -> str | None:
        """When this succeeded last; None if the audit log does not have it any more."""
        entries = await self._database.read(partial(self._catalog.audit.entries, wanted, "", ROTATIONS))
        return next((each.time for each in entries if each.result is Outcome.SUCCESS), None)


async def _size(database: Database) -> int:
    def measure() -> Steps[int]:
        rows = yield workspace_bytes(database.dialect, database.namespace)
        return int(rows[0][0])

    return await database.read(measure)
