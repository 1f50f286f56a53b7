"""Catalog: workspaces, tables, views and apps, compiled once and cached at one version.

A :class:`Snapshot` has what was read at one version of a workspace; a new version needs a new snapshot. It is
filled by requests, so a request costs the same with ten tables and with ten thousand. A snapshot is never
trusted alone: storage checks its version in the transaction that uses it, and an error is only returned if
the version is still current.
"""

from __future__ import annotations

from contextlib import suppress
from copy import copy
from functools import partial

from rowkeep.catalog.workspace import OpenWorkspace, faults, key_bound_to, log_missing_database
from rowkeep.crypto.ciphers import new_data_key
from rowkeep.crypto.master_key import MasterKeys
from rowkeep.errors.catalogue import (
    NewerStore,
    NoSuchWorkspace,
    SetupError,
    StorageMissing,
    StorageNewer,
    StorageUnavailable,
    preview,
)
from rowkeep.model.access import Workspace
from rowkeep.model.users import Guard
from rowkeep.settings import Settings
from rowkeep.storage.contract import StaleCatalog, Steps, Store
from rowkeep.storage.quotas import QuotaDatabase, has_quotas
from rowkeep.storage.scripts.audit import AuditScripts
from rowkeep.storage.scripts.catalog import CatalogScripts
from rowkeep.storage.scripts.sessions import SessionScripts
from rowkeep.storage.scripts.users import UserScripts

CACHED_CLIENTS = 65536


class Catalog:
    """All workspaces in use."""

    def __init__(self, store: Store, master: MasterKeys, settings: Settings | None = None) -> None:
        self._store = store
        self._master = master
        self._settings = settings
        self.installation = CatalogScripts(store.catalog.dialect, store.catalog.namespace)
        self.users = UserScripts(store.catalog.dialect, store.catalog.namespace)
        self.sessions = SessionScripts(store.catalog.dialect, store.catalog.namespace)
        self.audit = AuditScripts(store.catalog.dialect, store.catalog.namespace)
        self._user_id: str | None = None
        self._guard: Guard | None = None
        self._open: dict[int, OpenWorkspace] = {}
        self._newer: dict[int, Workspace] = {}
        # a plain dict, because each request uses it; _remember bounds it
        self._clients: dict[str, OpenWorkspace] = {}

    @property
    def store(self) -> Store:
        return self._store

    def for_user(self, user_id: str, guard: Guard | None) -> Catalog:
        """The same catalog for one request of a user: what the user creates has an owner, and each
        transaction in a workspace checks the ``guard``."""
        mine = copy(self)
        mine._user_id, mine._guard = user_id, guard
        return mine

    async def check_guard(self, name: str) -> None:
        """Check the guard of a request in this workspace. Raises its errors, and NoSuchWorkspace."""
        try:
            opened = await self.named(name)
            await opened.database.read(_nothing)
        except StaleCatalog:
            await self.check_database(name)
            raise NoSuchWorkspace(f"No such workspace: {preview(name)}.") from None

    def in_use(self) -> list[OpenWorkspace]:
        """The workspaces that this process has used since it started."""
        return list(self._open.values())

    def known(self, client_id: str) -> OpenWorkspace | None:
        """The workspace of a client id, if it is cached."""
        return self._clients.get(client_id)

    async def has_moved(self, client_id: str, opened: OpenWorkspace) -> bool:
        """Whether the app of a client id was deleted and created again in another workspace."""
        found = await self._store.catalog.read_one(partial(self.installation.workspace_of, client_id))
        if found is None or found.id == opened.workspace.id:
            return False
        self._clients.pop(client_id, None)
        return True

    async def of_client(self, client_id: str) -> OpenWorkspace | None:
        """The workspace of a client id. It is read once: :meth:`has_moved` is checked before an app is
        refused as unknown."""
        opened = self._clients.get(client_id)
        if opened is None:
            found = await self._store.catalog.read_one(partial(self.installation.workspace_of, client_id))
            if found is None:
                return None
            try:
                opened = await self._use(found)
            except StaleCatalog:
                return None
            self._remember(client_id, opened)
        return opened

    def _remember(self, client_id: str, opened: OpenWorkspace) -> None:
        if len(self._clients) >= CACHED_CLIENTS:
            del self._clients[next(iter(self._clients))]
        self._clients[client_id] = opened

    async def named(self, name: str) -> OpenWorkspace:
        """The workspace with this name. Raises NoSuchWorkspace, or StaleCatalog if it is being deleted."""
        opened = await self._use(
            await self._store.catalog.read_one(partial(self.installation.workspace, name))
        )
        return opened if self._user_id is None else opened.for_user(self._user_id, self._guard)

    async def renew(self, opened: OpenWorkspace) -> None:
        """Read a workspace again after its definitions or grants changed; remove it from the cache if it was
        deleted."""
        opened.renew()
        try:
            await opened.snapshot()
        except StaleCatalog:
            self.forget(opened)

    def forget(self, opened: OpenWorkspace) -> None:
        self._open.pop(opened.workspace.id, None)
        for client_id in [key for key, value in self._clients.items() if value is opened]:
            del self._clients[client_id]

    async def drop(self, workspace: Workspace) -> None:
        """Drop the database of a workspace that was removed from the catalog."""
        with suppress(StaleCatalog):
            opened = self._open.get(workspace.id) or await self._start(workspace)
            # its apps are deleted first, so that processes that still have it open refuse them
            await opened.database.write(opened.scripts.access.delete_all_apps)
            self.forget(opened)
        await self._store.drop_workspace(workspace)

    async def _use(self, workspace: Workspace) -> OpenWorkspace:
        opened = self._open.get(workspace.id)
        if opened is None:
            opened = await self._start(workspace)
            if await self._is_deleted(workspace):
                # it was deleted while it was opened, and opening may have created it again
                await self._store.drop_workspace(workspace)
                raise StaleCatalog()
            self._open[workspace.id] = opened
        return opened

    async def _start(self, workspace: Workspace) -> OpenWorkspace:
        try:
            database = await self._store.workspace(workspace)
            if self._settings is not None and has_quotas(self._settings):
                database = QuotaDatabase(database, self._settings)
            opened = OpenWorkspace(workspace, database, self._master)
            if not workspace.is_made:
                wrapped = self.wrap(new_data_key(), workspace, await self.fingerprint())
                await database.write(partial(opened.scripts.state.initialise, wrapped))
            await opened.load_keys()
        except (StorageUnavailable, StaleCatalog, NewerStore) as error:
            # files that are deleted while they are opened look like a disk error
            if await self._is_deleted(workspace):
                raise StaleCatalog() from None
            if isinstance(error, NewerStore):
                self._newer[workspace.id] = workspace
                raise _newer_fault(workspace) from None
            raise _named_fault(error, workspace) from error.__cause__
        self._newer.pop(workspace.id, None)
        if not workspace.is_made:
            # last: if it is interrupted before this, everything is done again
            await self._store.catalog.write(partial(self.installation.record_database, workspace))
        return opened

    async def check_database(self, name: str) -> None:
        """Raises NoSuchWorkspace, and StorageMissing for a workspace whose database is missing."""
        workspace = await self._store.catalog.read_one(partial(self.installation.workspace, name))
        if workspace.is_made:
            self._open.pop(workspace.id, None)
            await self._start(workspace)

    async def missing_databases(self) -> list[Workspace]:
        """The workspaces whose databases were created and are missing."""
        created = await self._store.catalog.read(self.installation.workspaces_with_database)
        present = set(await self._store.present())
        missing = [each for each in created if each.physical not in present]
        return [each for each in missing if not await self._is_deleted(each)]

    async def newer_databases(self) -> list[Workspace]:
        """The workspaces that were needed, and whose databases a newer version of Rowkeep has changed."""
        return [each for each in list(self._newer.values()) if not await self._is_deleted(each)]

    async def fingerprint(self) -> str:
        """The fingerprint of the master key that the store is encrypted with. Raises SetupError if there is
        none."""
        known = await self._store.catalog.read_one(self.installation.key_fingerprint)
        if known is None:
            raise SetupError("The store is not initialised. Run rowkeep init.")
        return known

    async def check_master_key(self) -> None:
        """Raises SetupError if this process does not have the master key of the store."""
        self._master.sealer(await self.fingerprint())

    async def derive_key(self, purpose: str) -> bytes:
        """A key for one purpose of the whole installation, from the master key."""
        return self._master.sealer(await self.fingerprint()).derive(purpose)

    def wrap(self, data_key: bytes, workspace: Workspace, fingerprint: str) -> bytes:
        """Encrypt a data key with the master key of this fingerprint. Raises SetupError."""
        return self._master.sealer(fingerprint).seal(data_key, key_bound_to(workspace))

    def wrap_like(self, data_key: bytes, workspace: Workspace, wrapped: bytes) -> bytes:
        """Encrypt a data key with the master key of another one of the workspace, so that a replacement of
        the master key finds both or has done both. Raises SetupError."""
        bound_to = key_bound_to(workspace)
        return self._master.sealer_of(wrapped, bound_to).seal(data_key, bound_to)

    async def _is_deleted(self, workspace: Workspace) -> bool:
        return not await self._store.catalog.read_one(partial(self.installation.has_workspace, workspace))


def _nothing() -> Steps[None]:
    yield from ()


def _named_fault(error: StorageUnavailable | StaleCatalog, workspace: Workspace) -> StorageUnavailable:
    """The error for a workspace whose database could not be opened; a missing one is logged."""
    if isinstance(error, StorageUnavailable) and not isinstance(error, StorageMissing):
        return error
    if isinstance(error, StorageMissing) and error.msg != StorageMissing().msg:
        return error
    log_missing_database(workspace, str(error.__cause__ or "the database is missing or empty"))
    return StorageMissing(f"The database of workspace {workspace.name} is missing. The server log names it.")


def _newer_fault(workspace: Workspace) -> StorageNewer:
    """The error for a workspace of a newer version, which is logged."""
    action = "use that version or a later one"
    faults.error(
        "workspace of a newer version", key=workspace.physical, database=workspace.physical, action=action
    )
    return StorageNewer(
        f"Workspace {workspace.name} belongs to a newer version of Rowkeep. Use that version or a later one."
    )


async def open_catalog(store: Store, master: MasterKeys, settings: Settings | None = None) -> Catalog:
    """The catalog of an open and initialised store, with the quotas of the settings. Raises SetupError for a
    wrong master key."""
    catalog = Catalog(store, master, settings)
    await catalog.check_master_key()
    return catalog
