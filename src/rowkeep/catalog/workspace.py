"""Workspace: a workspace in use, with its database, its keys and its newest snapshot."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from functools import partial
from typing import TypeVar, cast

from cachetools import LRUCache

from rowkeep.catalog.snapshot import CompiledApp, CompiledTable, CompiledView, Snapshot
from rowkeep.codec.rows import RowEncoder, TableCodec, meta_info
from rowkeep.codec.stored_cells import StoredCells
from rowkeep.crypto.ciphers import ColumnCipher, DataKeys, SecretSealer, WrongKey
from rowkeep.crypto.master_key import MasterKeys
from rowkeep.errors.catalogue import SetupError, StorageMissing
from rowkeep.limited_log import LimitedLog
from rowkeep.metrics import DEFINITION_LOOKUPS, DEFINITION_MISSES
from rowkeep.model.access import App, Workspace
from rowkeep.model.ids import writer_of
from rowkeep.model.names import ColumnNames
from rowkeep.model.tables import Table, name_key
from rowkeep.model.users import Guard, UserRights
from rowkeep.model.views import View
from rowkeep.model.webhooks import Webhook, secret_bound_to
from rowkeep.plan.rows.cursors import CursorSigner
from rowkeep.plan.rows.relation import Relation
from rowkeep.plan.views.bind import bind_view
from rowkeep.storage.contract import Script, StaleCatalog, WorkspaceDatabase
from rowkeep.storage.guarded import GuardedDatabase
from rowkeep.storage.scripts.workspace import WorkspaceScripts

faults = LimitedLog()

T = TypeVar("T")

CACHED_TABLES = 4096
CACHED_VIEWS = 1024


class OpenWorkspace:
    """A workspace in use: its database, its keys and the newest snapshot. ``master`` decrypts its data
    keys."""

    def __init__(self, workspace: Workspace, database: WorkspaceDatabase, master: MasterKeys) -> None:
        self.workspace = workspace
        self.database = database
        self.scripts = WorkspaceScripts(database.dialect, database.namespace)
        self._master = master
        self.owner: str | None = None
        """The id of the user whose request this is; None for an administrator's token."""
        self.viewer: str | None = None
        """The id of the user whose request this is, if some tables and views can be invisible to the user."""
        self._shared: OpenWorkspace | None = None
        self.newest: Snapshot | None = None
        """The newest known snapshot; None if it must be read again."""
        self._compiled: LRUCache[str, CompiledTable] = LRUCache(CACHED_TABLES)
        self._compiled_views: LRUCache[str, CompiledView] = LRUCache(CACHED_VIEWS)

    def for_user(self, user_id: str, guard: Guard | None) -> OpenWorkspace:
        """The same workspace for one request of a user; each of its scripts checks the ``guard``."""
        mine = copy(self)
        mine.owner, mine._shared = user_id, self
        if guard is not None:
            # only scripts run in it
            mine.viewer = user_id
            guarded = GuardedDatabase(self.database, partial(self.scripts.rights.check, guard))
            mine.database = cast("WorkspaceDatabase", guarded)
        return mine

    @property
    def row_database(self) -> WorkspaceDatabase:
        """The database without the guard of a request: for queries of rows, which check the version that the
        rights were read with."""
        return self.database if self._shared is None else self._shared.database

    async def load_keys(self) -> None:
        """Read the data keys, which change when they are replaced."""
        self.keys = DataKeys(await self.read_keys())
        self.secrets = SecretSealer(self.keys)
        self.responses = SecretSealer(self.keys, "idempotent-responses")
        self.messages = SecretSealer(self.keys, "webhook-messages")
        self.cursors = CursorSigner(*self.keys.derive_each("cursors"))

    async def read_keys(self) -> dict[int, bytes]:
        """The data keys by number, decrypted. Raises StaleCatalog if there are none, and StorageMissing if
        they are another workspace's or of another master key."""
        wrapped = await self.database.read(self.scripts.state.data_keys)
        if not wrapped:
            raise StaleCatalog()
        bound_to = key_bound_to(self.workspace)
        try:
            return {number: self._master.open(key, bound_to) for number, key in wrapped.items()}
        except SetupError as error:
            log_missing_database(
                self.workspace, "data key cannot be decrypted: the database is another workspace's"
            )
            raise StorageMissing(
                f"The database of workspace {self.workspace.name} was replaced by another one. The server "
                "log names it."
            ) from error

    async def write_with_keys(self, make: Callable[[], Script[T]]) -> T:
        """Run a script that depends on the data keys. If these are replaced meanwhile, it is created and run
        once more with the new keys."""
        try:
            return await self.database.write(make())
        except StaleCatalog:
            await self.load_keys()
            return await self.database.write(make())

    async def snapshot(self) -> Snapshot:
        """The newest known snapshot."""
        if self.newest is None:
            version, newest_key = await self.database.read(self.scripts.state.version_and_newest_key)
            if newest_key != self.keys.newest:
                await self.load_keys()
            self.newest = Snapshot(version)
        return self.newest

    async def is_current(self, snapshot: Snapshot) -> bool:
        """Whether the database still has the snapshot's version."""
        return await self.database.read_one(self.scripts.state.version) == snapshot.version

    def renew(self) -> None:
        """Make the next request read again; unchanged definitions stay compiled."""
        self.newest = None
        if self._shared is not None:
            self._shared.renew()

    async def table(self, snapshot: Snapshot, name: str) -> CompiledTable | None:
        """The table with this name, without regard to case. Raises StaleCatalog."""
        DEFINITION_LOOKUPS.add()
        compiled = snapshot.table(name)
        if compiled is None:
            DEFINITION_MISSES.add()
            version, table = await self.database.read(partial(self.scripts.tables.find, name))
            _check(snapshot, version)
            if table is not None:
                if not self.keys.knows(number for column in table.columns for number in column.keys):
                    await self.load_keys()
                compiled = snapshot.tables[name_key(name)] = self._compile(table)
        return compiled

    def _compile(self, table: Table) -> CompiledTable:
        known = self._compiled.get(table.id)
        if known is not None and known.table == table:
            return known
        names = ColumnNames(table)
        stored_cells = StoredCells(table, self.ciphers(table))
        compiled = CompiledTable(
            table=table,
            names=names,
            codec=TableCodec(table, names, stored_cells),
            sql=self.database.prepare(table),
            target=Relation(table.id, names, stored_cells.store_cell, stored_cells.find_cell),
            meta=meta_info(table.all_columns),
        )
        self._compiled[table.id] = compiled
        return compiled

    def ciphers(self, table: Table) -> dict[str, ColumnCipher]:
        """The ciphers of a table's encrypted columns, by name. Raises StaleCatalog if data keys were replaced
        meanwhile."""
        if not self.keys.knows(number for c in table.columns if c.is_encrypted for number in c.keys):
            raise StaleCatalog()
        return {c.name: self.keys.cipher(table.id, c.id, c.keys) for c in table.columns if c.is_encrypted}

    async def view(self, snapshot: Snapshot, name: str) -> CompiledView | None:
        """The view with this name, without regard to case. Raises StaleCatalog."""
        key = name_key(name)
        DEFINITION_LOOKUPS.add()
        compiled = snapshot.views.get(key)
        if compiled is None:
            DEFINITION_MISSES.add()
            version, found = await self.database.read(partial(self.scripts.views.find, name))
            _check(snapshot, version)
            if found is not None:
                columns = (column for table in found[1].values() for column in table.columns)
                if not self.keys.knows(number for column in columns for number in column.keys):
                    await self.load_keys()
                compiled = snapshot.views[key] = self._compile_view(*found)
        return compiled

    def _compile_view(self, view: View, tables: dict[str, Table]) -> CompiledView:
        known = self._compiled_views.get(view.id)
        if known is not None and (known.view, known.tables) == (view, tables):
            return known
        compiled = self._compiled_views[view.id] = self._new_view(view, tables)
        return compiled

    async def trial_view(self, view: View, tables: dict[str, Table]) -> CompiledView:
        """A view that is not stored, compiled for one query."""
        columns = (column for table in tables.values() for column in table.columns)
        if not self.keys.knows(number for column in columns for number in column.keys):
            await self.load_keys()
        return self._new_view(view, tables)

    def _new_view(self, view: View, tables: dict[str, Table]) -> CompiledView:
        bound = bind_view(view, tables)
        encrypted = bound.encrypted.items()
        stored_cells = StoredCells(bound, {name: self.keys.cipher(*origin) for name, origin in encrypted})
        return CompiledView(
            view=view,
            tables=tables,
            codec=RowEncoder(bound, stored_cells),
            sql=self.row_database.prepare_view(bound),
            target=Relation(
                view.id,
                ColumnNames(bound, "View"),
                stored_cells.store_cell,
                stored_cells.find_cell,
                bound.order,
            ),
            meta=meta_info(bound.columns),
        )

    async def app(self, snapshot: Snapshot, client_id: str) -> CompiledApp | None:
        """The app with that client id. Raises StaleCatalog."""
        compiled = snapshot.apps.get(client_id)
        if compiled is None:
            version, app, grants = await self.database.read(partial(self.scripts.access.app, client_id))
            _check(snapshot, version)
            if app is not None:
                compiled = snapshot.apps[client_id] = CompiledApp(
                    app,
                    grants,
                    await self.signing_key(app),
                    writer_of(client_id),
                    await self.jwe_key(app),
                )
        return compiled

    async def rights(self, snapshot: Snapshot, user_id: str) -> UserRights:
        """The rights of a user. Raises StaleCatalog."""
        known = snapshot.users.get(user_id)
        if known is not None:
            return known
        version, found = await self.database.read(partial(self.scripts.rights.find, user_id))
        _check(snapshot, version)
        snapshot.users[user_id] = found
        return found

    async def signing_key(self, app: App) -> str:
        """The app's secret in plain text, or its public key: the key for its tokens."""
        if app.secret is None:
            return app.public_key or ""
        return await self._opened(app.secret, app.client_id)

    async def jwe_key(self, app: App) -> str | None:
        """The app's key for encrypted tokens in plain text; None if it does not require them."""
        if app.jwe_key is None:
            return None
        return await self._opened(app.jwe_key, jwe_key_bound_to(app.client_id))

    async def webhook_secrets(self, webhook: Webhook, now: int) -> list[str]:
        """The secrets in plain text that messages are signed with, the newest first."""
        sealed = [webhook.secret]
        if webhook.former_secret is not None and webhook.former_until > now:
            sealed.append(webhook.former_secret)
        return [await self._opened(each, secret_bound_to(webhook.id)) for each in sealed]

    async def _opened(self, secret: bytes, bound_to: str) -> str:
        """A secret in plain text."""
        try:
            return self.secrets.open(secret, bound_to).decode()
        except WrongKey:
            await self.load_keys()
        try:
            return self.secrets.open(secret, bound_to).decode()
        except WrongKey:
            # a data key was replaced between the two reads
            raise StaleCatalog() from None


def jwe_key_bound_to(client_id: str) -> str:
    """What an app's JWE key is bound to: it cannot be decrypted as another app's, or as a secret."""
    return f"{client_id}:jwe"


def _check(snapshot: Snapshot, version: int) -> None:
    if snapshot.version != version:
        raise StaleCatalog()


def log_missing_database(workspace: Workspace, reason: str) -> None:
    """Log that a workspace's database is missing, or cannot be its own."""
    faults.error(
        "workspace database missing",
        key=workspace.physical,
        workspace=workspace.name,
        database=workspace.physical,
        reason=reason,
        action="restore it from a backup, or delete the workspace",
    )


def key_bound_to(workspace: Workspace) -> str:
    """The context that a workspace's encrypted data keys are bound to, so that they are valid only there."""
    return f"workspace:{workspace.id}"
