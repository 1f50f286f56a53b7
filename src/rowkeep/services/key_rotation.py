"""Key rotation: a new master key and new data keys, while servers are running.

Both can be interrupted at any time and continue when they are started again. Only one process at a time
replaces the master key. Several can replace the data key of a workspace: they do the same rotation together.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from functools import partial
from typing import TypeVar

import msgspec
from msgspec import structs

from rowkeep.catalog.catalog import Catalog
from rowkeep.catalog.workspace import OpenWorkspace, jwe_key_bound_to, key_bound_to
from rowkeep.crypto.ciphers import SecretSealer, new_data_key
from rowkeep.crypto.master_key import (
    MasterKeys,
    find_master_keys,
    keep_former_key,
    key_file,
    new_master_key,
    read_key_file,
    replacing_keys,
    write_key_file,
)
from rowkeep.errors.catalogue import Busy, NoSuchWorkspace, SetupError
from rowkeep.model.access import App, Workspace
from rowkeep.model.tables import Column, Table
from rowkeep.model.webhooks import Webhook, secret_bound_to
from rowkeep.services.idempotency import response_bound_to
from rowkeep.settings import Settings
from rowkeep.sql.key_rotation import RotationSql
from rowkeep.storage.contract import Database, Row, Script, StaleCatalog, Steps
from rowkeep.storage.scripts.key_rotation import Rotation, RotationOver, begun, ended, reencrypt_with
from rowkeep.storage.scripts.workspace import WorkspaceScripts

PAGE = 1000

ATTEMPTS = 30
"""How often each step is tried while the database is too busy, for busy_timeout_seconds each time."""

T = TypeVar("T")


class RotationProgress(msgspec.Struct, frozen=True):
    """The current step and its progress."""

    what: str
    done: int
    total: int


class _PatientDatabase:
    """Runs the scripts of a rotation. Others may hold rows for long, and a rotation has the time to wait."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def read(self, script: Script[T]) -> T:
        """Raises Busy if the database is too busy for long."""
        return await _patiently(lambda: self._database.read(script))

    async def write(self, script: Script[T]) -> T:
        """Raises Busy if the database is too busy for long."""
        return await _patiently(lambda: self._database.write(script))


async def _patiently(attempt: Callable[[], Awaitable[T]]) -> T:
    for _ in range(ATTEMPTS - 1):
        try:
            return await attempt()
        except Busy:
            continue
    try:
        return await attempt()
    except Busy as error:
        raise Busy(
            "The database is too busy. The rotation is not complete; run the same command again to continue."
        ) from error


class MasterRotation:
    """Replaces the master key of a store, which is in a key file."""

    def __init__(self, catalog: Catalog, settings: Settings) -> None:
        self._catalog = catalog
        self._settings = settings

    def prepare(self) -> None:
        """Add a new key to the key file, next to the current one; nothing is encrypted with it yet.

        Raises SetupError, also if the key is not in a file or another process replaces it.
        """
        with replacing_keys(self._settings):
            self._prepare()

    def _prepare(self) -> None:
        if self._settings.master_key is not None:
            raise SetupError(
                "The master key is set by ROWKEEP_MASTER_KEY. To replace it, put it into a file, set "
                "ROWKEEP_MASTER_KEY_FILE to its path and unset ROWKEEP_MASTER_KEY."
            )
        keys = read_key_file(self._settings)
        if len(keys) == 1:
            write_key_file(self._settings, [*keys, new_master_key()])

    async def run(self) -> AsyncIterator[RotationProgress]:
        """Encrypt everything with the new key, and move the old key to the file of former keys.

        Raises what :meth:`prepare` raises.
        """
        with replacing_keys(self._settings):
            self._prepare()
            keys = read_key_file(self._settings)
            if len(keys) != 2:
                raise SetupError(f"The key file {key_file(self._settings)} does not contain two keys.")
            master = find_master_keys(self._settings)
            assert master is not None  # noqa: S101 - it was read a moment ago
            fresh = master.fingerprints[-1]
            await self._use(master.fingerprints, fresh)
            workspaces = await all_workspaces(self._catalog)
            for done, workspace in enumerate(workspaces):
                yield RotationProgress(workspace.name, done, len(workspaces))
                await self._rewrap(master, fresh, workspace)
            keep_former_key(self._settings, keys[0])
            write_key_file(self._settings, keys[-1:])
            yield RotationProgress("", len(workspaces), len(workspaces))

    async def _use(self, known: Sequence[str], fresh: str) -> None:
        """From here on new workspaces use the new key; all existing ones are listed afterwards. Raises
        SetupError."""
        use = partial(self._catalog.installation.replace_key_fingerprint, known, fresh)
        if not await self._catalog.store.catalog.write(use):
            raise SetupError(
                f"The key file {key_file(self._settings)} does not have the master key of the store: it was "
                "replaced with another key file just now. Copy that file to this machine."
            )

    async def _rewrap(self, master: MasterKeys, fresh: str, workspace: Workspace) -> None:
        database = await self._catalog.store.workspace(workspace)
        bound_to = key_bound_to(workspace)
        sealer = master.sealer(fresh)

        def rewrap(wrapped: bytes) -> bytes:
            return sealer.seal(master.open(wrapped, bound_to), bound_to)

        rotation = Rotation(WorkspaceScripts(database.dialect, database.namespace))
        first = sealer.seal(new_data_key(), bound_to)
        await _PatientDatabase(database).write(partial(rotation.rewrap, rewrap, first))


class DataRotation:
    """Replaces the data key of one workspace, and encrypts its secrets and cells again."""

    def __init__(self, catalog: Catalog, opened: OpenWorkspace) -> None:
        self._catalog = catalog
        self._workspace = opened
        self._database = _PatientDatabase(opened.database)
        self._rotation = Rotation(opened.scripts)

    async def run(self) -> AsyncIterator[RotationProgress]:
        """Raises SetupError, StorageUnavailable, Busy, CorruptedCell, and NoSuchWorkspace if the workspace is
        deleted meanwhile."""
        try:
            async for progress in self._steps():
                yield progress
        except RotationOver:
            # others have completed it, and begun the next one: nothing is encrypted with the old key any more
            self._workspace.renew()
        except StaleCatalog:
            name = self._workspace.workspace.name
            raise NoSuchWorkspace(f"Workspace {name} was deleted meanwhile.") from None

    async def _steps(self) -> AsyncIterator[RotationProgress]:
        wrap = partial(self._catalog.wrap_like, new_data_key(), self._workspace.workspace)
        key = await self._database.write(partial(self._rotation.begin, wrap))
        await self._workspace.load_keys()
        for found in await self._database.read(self._rotation.encrypted_tables):
            async for progress in self._until_unchanged(partial(self._table, found.id, key)):
                yield progress
        async for _ in self._until_unchanged(partial(self._dropped_columns, key)):
            pass
        await self._database.write(partial(self._rotation.reencrypt_apps, key, self._reencrypt_app))
        await self._reencrypt_responses(key)
        await self._database.write(partial(self._reencrypt_webhooks, key))
        await self._reencrypt_messages(key)
        await self._database.write(partial(self._rotation.end, key))
        self._workspace.renew()

    async def _until_unchanged(
        self, process: Callable[[], AsyncIterator[RotationProgress]]
    ) -> AsyncIterator[RotationProgress]:
        """Process tables, and begin again whenever somebody changes the definition of one meanwhile."""
        while True:
            try:
                async for progress in process():
                    yield progress
            except StaleCatalog:
                # raises it again if the workspace is gone
                await self._database.read(self._workspace.scripts.state.version)
                continue
            return

    async def _table(self, table_id: str, key: int) -> AsyncIterator[RotationProgress]:
        """Raises StaleCatalog if the table is changed."""
        table = await self._database.write(partial(self._rotation.begin_table, table_id, key))
        if table is None:
            return
        columns = [column for column in table.columns if column.old_key is not None]
        workspace = self._workspace.database
        names = [column.name for column in columns]
        sql = RotationSql.of_rows(table, names, workspace.dialect, workspace.namespace)
        total = await self._database.read(partial(self._rotation.count, sql))
        done = 0
        async for rows in self._reencrypted(table, columns, sql):
            yield RotationProgress(table.name, done, total)
            done += rows
        await self._records(table, columns)
        yield RotationProgress(table.name, done, max(done, total))
        await self._database.write(partial(self._rotation.end_table, table.id, key))

    async def _reencrypted(
        self, table: Table, columns: Sequence[Column], sql: RotationSql
    ) -> AsyncIterator[int]:
        """Encrypt the cells of these columns again, some rows at a time; gives their numbers."""
        reencrypt = {
            name: reencrypt_with(self._workspace.keys, table, column)
            for name, column in zip(sql.names, columns, strict=True)
        }
        after: str | int | None = sql.first
        while after is not None:
            rows = await self._database.read(partial(self._rotation.rows, table, sql, after))
            batch = await self._database.write(partial(self._rotation.reencrypt_rows, sql, reencrypt, rows))
            after = batch.after
            yield batch.rows

    async def _records(self, table: Table, columns: Sequence[Column]) -> None:
        """Encrypt the cells in the records of the changes of a table again."""
        if table.history is not None and columns:
            records = await self._database.read(partial(self._rotation.records, table))
            sql = RotationSql.of_records(records, columns, self._workspace.database.dialect)
            async for _ in self._reencrypted(table, columns, sql):
                pass

    async def _dropped_columns(self, key: int) -> AsyncIterator[RotationProgress]:
        """Encrypt the cells of columns again that only records have. Raises StaleCatalog if a table is
        changed."""
        for table, _ in await self._database.read(self._rotation.dropped_columns):
            change = partial(self._rotation.change_dropped, table.id, key, partial(begun, key))
            columns = await self._database.write(change)
            await self._records(table, [column for column in columns if column.old_key is not None])
            await self._database.write(partial(self._rotation.change_dropped, table.id, key, ended))
            yield RotationProgress(table.name, 0, 0)

    async def _reencrypt_responses(self, key: int) -> None:
        """Encrypt the stored responses to writes with an idempotency key again."""
        keys = self._workspace.scripts.keys
        find = partial(self._rotation.while_newest, key, partial(keys.of_other_data_keys, key))
        while rows := await self._database.read(find):
            await self._database.write(partial(keys.reencrypt, rows, key, self._reencrypt_response))

    def _reencrypt_response(self, row: Row) -> bytes:
        bound_to, responses = response_bound_to(row[0], row[1]), self._workspace.responses
        return responses.seal(responses.open(bytes(row[2]), bound_to), bound_to)

    def _reencrypt_webhooks(self, key: int) -> Steps[None]:
        yield from self._rotation.lock(key)
        yield from self._workspace.scripts.webhooks.reencrypt(self._reencrypt_webhook)

    def _reencrypt_webhook(self, webhook: Webhook) -> Webhook:
        secrets, bound_to = self._workspace.secrets, secret_bound_to(webhook.id)
        former = webhook.former_secret
        return structs.replace(
            webhook,
            secret=secrets.seal(secrets.open(webhook.secret, bound_to), bound_to),
            former_secret=None if former is None else secrets.seal(secrets.open(former, bound_to), bound_to),
        )

    async def _reencrypt_messages(self, key: int) -> None:
        """Encrypt the stored messages of webhooks again."""
        deliveries, messages = self._workspace.scripts.deliveries, self._workspace.messages

        def reencrypt(row: Row) -> bytes:
            return messages.seal(messages.open(bytes(row[1]), row[0]), row[0])

        find = partial(self._rotation.while_newest, key, partial(deliveries.of_other_data_keys, key))
        while rows := await self._database.read(find):
            await self._database.write(partial(deliveries.reencrypt, rows, key, reencrypt))

    def _reencrypt_app(self, app: App) -> dict[str, bytes]:
        """The columns of an app that are encrypted, encrypted again."""
        secrets: SecretSealer = self._workspace.secrets
        sealed = {
            "secret": (app.secret, app.client_id),
            "jwe_key": (app.jwe_key, jwe_key_bound_to(app.client_id)),
        }
        return {
            name: secrets.seal(secrets.open(secret, bound_to), bound_to)
            for name, (secret, bound_to) in sealed.items()
            if secret is not None
        }


async def all_workspaces(catalog: Catalog) -> list[Workspace]:
    """All workspaces of the store, sorted by name."""
    found: list[Workspace] = []
    while True:
        after = found[-1].name.lower() if found else ""
        page = await catalog.store.catalog.read(partial(catalog.installation.workspaces, after, PAGE))
        found += page
        if len(page) < PAGE:
            return found
