"""Catalog: what is known of workspaces, tables and apps, compiled once and trusted for one version.

A :class:`Snapshot` holds what was read at one version of a workspace and is never changed to another: a new
version means a new snapshot. It fills as requests ask, so a request costs the same among ten tables and
among ten thousand. Nobody trusts a snapshot alone: storage checks its version in the transaction that uses
it, and a refusal is only given once the version is found to be the present one.
"""

from __future__ import annotations

from contextlib import suppress
from functools import partial

import structlog
from cachetools import LRUCache

from rowkeep.catalog.snapshot import LiveApp, LiveTable, LiveView, Snapshot
from rowkeep.codec.rows import RowEncoder, TableCodec, meta_info
from rowkeep.codec.stored_cells import StoredForms
from rowkeep.crypto.ciphers import ColumnCipher, DataKeys, SecretSealer, WrongKey, new_data_key
from rowkeep.crypto.master_key import MasterKeys
from rowkeep.errors.catalogue import SetupError, StorageMissing, StorageUnavailable
from rowkeep.limited_log import LimitedLog
from rowkeep.model.access import App, Workspace
from rowkeep.model.ids import writer_of
from rowkeep.model.names import ColumnNames
from rowkeep.model.tables import Table, name_key
from rowkeep.model.views import View
from rowkeep.plan.rows.cursors import CursorSigner
from rowkeep.plan.rows.relation import Target
from rowkeep.plan.views.bind import bind_view
from rowkeep.storage.contract import StaleCatalog, Store, WorkspaceDatabase
from rowkeep.storage.scripts.access import Definitions
from rowkeep.storage.scripts.catalog import Installation
from rowkeep.storage.scripts.table_list import Overview
from rowkeep.storage.scripts.views import ViewDefinitions

log = structlog.get_logger(__name__)
faults = LimitedLog()

CACHED_TABLES = 4096
CACHED_VIEWS = 1024
CACHED_CLIENTS = 65536


class LiveWorkspace:
    """A workspace in use: its database, its keys, and the newest snapshot. ``master`` unwraps its data
    keys."""

    def __init__(self, workspace: Workspace, database: WorkspaceDatabase, master: MasterKeys) -> None:
        self.workspace = workspace
        self.database = database
        self.definitions = Definitions(database.dialect, database.schema)
        self._master = master
        self.newest: Snapshot | None = None
        """The newest snapshot that we know of; None if it must be read anew."""
        self.views = ViewDefinitions(database.dialect, database.schema)
        self.overview = Overview(database.dialect, database.schema)
        self._compiled: LRUCache[str, LiveTable] = LRUCache(CACHED_TABLES)
        self._compiled_views: LRUCache[str, LiveView] = LRUCache(CACHED_VIEWS)

    async def load_keys(self) -> None:
        """Read the data keys, of which there are other ones when they are replaced."""
        wrapped = await self.database.read(self.definitions.data_keys)
        if not wrapped:
            raise StaleCatalog()
        bound_to = key_bound_to(self.workspace)
        try:
            opened = {number: self._master.open(key, bound_to) for number, key in wrapped.items()}
        except SetupError as error:
            _log_fault(self.workspace, "data key cannot be decrypted: the database is another workspace's")
            raise StorageMissing(
                f"The database of workspace {self.workspace.name} was replaced by another one. The server "
                "log names it."
            ) from error
        self.keys = DataKeys(opened)
        self.secrets = SecretSealer(self.keys)
        self.cursors = CursorSigner(*self.keys.derive_each("cursors"))

    async def snapshot(self) -> Snapshot:
        """The newest snapshot that we know of."""
        if self.newest is None:
            version, newest_key = await self.database.read(self.definitions.version_and_newest_key)
            if newest_key != self.keys.newest:
                await self.load_keys()
            self.newest = Snapshot(version)
        return self.newest

    async def is_current(self, snapshot: Snapshot) -> bool:
        """Whether the database still has the snapshot's version."""
        return await self.database.read(self.definitions.version) == snapshot.version

    def renew(self) -> None:
        """The next request reads anew; what it finds unchanged stays compiled."""
        self.newest = None

    async def table(self, snapshot: Snapshot, name: str) -> LiveTable | None:
        """The table of that name, exact or regardless of case. Raises StaleCatalog."""
        live = snapshot.table(name)
        if live is None:
            version, table = await self.database.read(partial(self.definitions.table, name))
            _check(snapshot, version)
            if table is not None:
                if not self.keys.knows(number for column in table.columns for number in column.keys):
                    await self.load_keys()
                live = snapshot.tables[name_key(name)] = self._compile(table)
        return live

    def _compile(self, table: Table) -> LiveTable:
        known = self._compiled.get(table.id)
        if known is not None and known.table == table:
            return known
        names = ColumnNames(table)
        forms = StoredForms(table, self.ciphers(table))
        live = LiveTable(
            table=table,
            names=names,
            codec=TableCodec(table, names, forms),
            sql=self.database.prepare(table),
            target=Target(table.id, names, forms.store_cell, forms.find_cell),
            meta=meta_info(table.all_columns),
        )
        self._compiled[table.id] = live
        return live

    def ciphers(self, table: Table) -> dict[str, ColumnCipher]:
        """What encrypts the cells of a table's encrypted columns, by their names. Raises StaleCatalog if data
        keys were replaced meanwhile."""
        if not self.keys.knows(number for c in table.columns if c.is_encrypted for number in c.keys):
            raise StaleCatalog()
        return {c.name: self.keys.cipher(table.id, c.id, c.keys) for c in table.columns if c.is_encrypted}

    async def view(self, snapshot: Snapshot, name: str) -> LiveView | None:
        """The view of that name, exact or regardless of case. Raises StaleCatalog."""
        key = name_key(name)
        live = snapshot.views.get(key)
        if live is None:
            version, found = await self.database.read(partial(self.views.find, name))
            _check(snapshot, version)
            if found is not None:
                columns = (column for table in found[1].values() for column in table.columns)
                if not self.keys.knows(number for column in columns for number in column.keys):
                    await self.load_keys()
                live = snapshot.views[key] = self._compile_view(*found)
        return live

    def _compile_view(self, view: View, tables: dict[str, Table]) -> LiveView:
        known = self._compiled_views.get(view.id)
        if known is not None and (known.view, known.tables) == (view, tables):
            return known
        bound = bind_view(view, tables)
        sealed = bound.encrypted.items()
        forms = StoredForms(bound, {name: self.keys.cipher(*origin) for name, origin in sealed})
        live = LiveView(
            view=view,
            tables=tables,
            codec=RowEncoder(bound, forms),
            sql=self.database.prepare_view(bound),
            target=Target(
                view.id, ColumnNames(bound, "View"), forms.store_cell, forms.find_cell, bound.order
            ),
            meta=meta_info(bound.columns),
        )
        self._compiled_views[view.id] = live
        return live

    async def app(self, snapshot: Snapshot, client_id: str) -> LiveApp | None:
        """The app with that client id. Raises StaleCatalog."""
        live = snapshot.apps.get(client_id)
        if live is None:
            version, app, grants = await self.database.read(partial(self.definitions.app, client_id))
            _check(snapshot, version)
            if app is not None:
                key = await self.signing_key(app)
                live = snapshot.apps[client_id] = LiveApp(app, grants, key, writer_of(client_id))
        return live

    async def signing_key(self, app: App) -> str:
        """The secret as the app has it, or its public key: what its tokens are checked with."""
        if app.secret is None:
            return app.public_key or ""
        try:
            return self.secrets.open(app.secret, app.client_id).decode()
        except WrongKey:
            await self.load_keys()
        try:
            return self.secrets.open(app.secret, app.client_id).decode()
        except WrongKey:
            # between one read and the other a data key was replaced
            raise StaleCatalog() from None


def _check(snapshot: Snapshot, version: int) -> None:
    if snapshot.version != version:
        raise StaleCatalog()


class Catalog:
    """All workspaces in use."""

    def __init__(self, store: Store, master: MasterKeys) -> None:
        self._store = store
        self._master = master
        self.installation = Installation(store.catalog.dialect, store.catalog.schema)
        self._live: dict[int, LiveWorkspace] = {}
        # a plain dict, for it is asked with each request; _remember bounds it
        self._clients: dict[str, LiveWorkspace] = {}

    @property
    def store(self) -> Store:
        return self._store

    def known(self, client_id: str) -> LiveWorkspace | None:
        """The workspace that a client id belongs to, if it was asked for before."""
        return self._clients.get(client_id)

    async def has_moved(self, client_id: str, live: LiveWorkspace) -> bool:
        """Whether a client id leads elsewhere now: its app was deleted and created in another workspace."""
        found = await self._store.catalog.read(partial(self.installation.workspace_of, client_id))
        if found is None or found.id == live.workspace.id:
            return False
        self._clients.pop(client_id, None)
        return True

    async def of_client(self, client_id: str) -> LiveWorkspace | None:
        """The workspace that a client id belongs to. It is read once: :meth:`has_moved` is asked before an
        app is refused because it is not there."""
        live = self._clients.get(client_id)
        if live is None:
            found = await self._store.catalog.read(partial(self.installation.workspace_of, client_id))
            if found is None:
                return None
            try:
                live = await self._use(found)
            except StaleCatalog:
                return None
            self._remember(client_id, live)
        return live

    def _remember(self, client_id: str, live: LiveWorkspace) -> None:
        if len(self._clients) >= CACHED_CLIENTS:
            del self._clients[next(iter(self._clients))]
        self._clients[client_id] = live

    async def named(self, name: str) -> LiveWorkspace:
        """The workspace of that name, as it is now. Raises NoSuchWorkspace, or StaleCatalog for one that is
        deleted at this moment."""
        return await self._use(await self._store.catalog.read(partial(self.installation.workspace, name)))

    async def renew(self, live: LiveWorkspace) -> None:
        """Read a workspace anew after its definitions or grants turned out to be others; forget it if it
        is gone."""
        live.renew()
        try:
            await live.snapshot()
        except StaleCatalog:
            self.forget(live)

    def forget(self, live: LiveWorkspace) -> None:
        self._live.pop(live.workspace.id, None)
        for client_id in [key for key, value in self._clients.items() if value is live]:
            del self._clients[client_id]

    async def drop(self, workspace: Workspace) -> None:
        """Take the database of a workspace away that the catalog does not know any more."""
        with suppress(StaleCatalog):
            live = self._live.get(workspace.id) or await self._start(workspace)
            # its apps go first, so that no process that still has it open lets them in
            await live.database.write(live.definitions.delete_all_apps)
            self.forget(live)
        await self._store.drop_workspace(workspace)

    async def _use(self, workspace: Workspace) -> LiveWorkspace:
        live = self._live.get(workspace.id)
        if live is None:
            live = await self._start(workspace)
            if await self._is_gone(workspace):
                # it was deleted while we opened it, and opening may have made it anew
                await self._store.drop_workspace(workspace)
                raise StaleCatalog()
            self._live[workspace.id] = live
        return live

    async def _start(self, workspace: Workspace) -> LiveWorkspace:
        try:
            database = await self._store.workspace(workspace)
            live = LiveWorkspace(workspace, database, self._master)
            if not workspace.is_made:
                wrapped = self.wrap(new_data_key(), workspace, await self.fingerprint())
                await database.write(partial(live.definitions.initialise, wrapped))
            await live.load_keys()
        except (StorageUnavailable, StaleCatalog) as error:
            # files that are taken away while they are opened look like a broken disk
            if await self._is_gone(workspace):
                raise StaleCatalog() from None
            raise _made_clear(error, workspace) from error.__cause__
        if not workspace.is_made:
            # last: what is interrupted before this is done again from the beginning
            await self._store.catalog.write(partial(self.installation.note_database, workspace))
        return live

    async def check_database(self, name: str) -> None:
        """Raises NoSuchWorkspace, and StorageMissing for a workspace whose database is missing."""
        workspace = await self._store.catalog.read(partial(self.installation.workspace, name))
        if workspace.is_made:
            self._live.pop(workspace.id, None)
            await self._start(workspace)

    async def missing_databases(self) -> list[Workspace]:
        """The workspaces whose databases were made and are not there."""
        made = await self._store.catalog.read(self.installation.noted_workspaces)
        present = set(await self._store.present())
        missing = [each for each in made if each.physical not in present]
        return [each for each in missing if not await self._is_gone(each)]

    async def fingerprint(self) -> str:
        """Of the master key that the store is sealed under. Raises SetupError for a store without one."""
        known = await self._store.catalog.read(self.installation.key_fingerprint)
        if known is None:
            raise SetupError("The store is not initialised. Run rowkeep init.")
        return known

    def wrap(self, data_key: bytes, workspace: Workspace, fingerprint: str) -> bytes:
        """A data key sealed under the master key of this fingerprint. Raises SetupError."""
        return self._master.sealer(fingerprint).seal(data_key, key_bound_to(workspace))

    async def _is_gone(self, workspace: Workspace) -> bool:
        return not await self._store.catalog.read(partial(self.installation.has_workspace, workspace))


def _made_clear(error: StorageUnavailable | StaleCatalog, workspace: Workspace) -> StorageUnavailable:
    """What became of opening the database of a workspace that is there, in the log too."""
    if isinstance(error, StorageUnavailable) and not isinstance(error, StorageMissing):
        return error
    if isinstance(error, StorageMissing) and error.msg != StorageMissing().msg:
        return error
    _log_fault(workspace, str(error.__cause__ or "the database is missing or empty"))
    return StorageMissing(f"The database of workspace {workspace.name} is missing. The server log names it.")


def _log_fault(workspace: Workspace, reason: str) -> None:
    faults.error(
        "workspace database missing",
        key=workspace.physical,
        workspace=workspace.name,
        database=workspace.physical,
        reason=reason,
        action="restore it from a backup, or delete the workspace",
    )


def key_bound_to(workspace: Workspace) -> str:
    """What a workspace's wrapped data keys are bound to: none of them opens as another's."""
    return f"workspace:{workspace.id}"


async def open_catalog(store: Store, master: MasterKeys) -> Catalog:
    """The catalog of an open and initialised store. Raises SetupError for a foreign master key."""
    catalog = Catalog(store, master)
    master.sealer(await catalog.fingerprint())
    return catalog
