"""Workspace copies: a workspace of one store with everything that belongs to it, copied to another store."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any, cast

import msgspec

from rowkeep.catalog.catalog import Catalog
from rowkeep.catalog.workspace import OpenWorkspace, jwe_key_bound_to
from rowkeep.codec.stored_cells import Change, with_columns
from rowkeep.crypto.master_key import MasterKeys, find_master_keys, key_file
from rowkeep.errors.catalogue import NoSuchWorkspace, SetupError, StorageMissing, preview
from rowkeep.model.access import Workspace
from rowkeep.model.charts import charts_of
from rowkeep.model.definitions.tables import definition_of
from rowkeep.model.ids import wall_clock, writer_of
from rowkeep.model.table_copies import CopiedTable
from rowkeep.model.tables import Table
from rowkeep.model.users import User
from rowkeep.model.values.scalars import canonical_date
from rowkeep.model.webhooks import secret_bound_to
from rowkeep.services.copies.copier import Copier, CopyResult, Report
from rowkeep.services.copies.inputs import TableInput, clear_rows
from rowkeep.services.copies.targets import create_workspace, find_target
from rowkeep.settings import Settings
from rowkeep.sql.table_copies import CopySql
from rowkeep.storage.contract import Row, StaleCatalog, Steps, WorkspaceDatabase
from rowkeep.storage.migrations import CATALOG_STEPS, WORKSPACE_STEPS, completed_steps
from rowkeep.storage.scripts.catalog import CatalogScripts
from rowkeep.storage.scripts.copies import Contents, CopyScripts, read_contents
from rowkeep.storage.scripts.former_writers import FormerWriters, WriterScripts
from rowkeep.storage.scripts.users import UserScripts
from rowkeep.storage.snapshots import Snapshot, open_snapshot

COPIED = (
    "The workspace was copied from another one, whose webhook may still send messages. Disable that one, "
    "then resume this one."
)
"""Why the webhooks of a copy are paused."""

CREATED_BY, UPDATED_BY = "Created_By", "Updated_By"


class SourceWorkspace:
    """A workspace of another store, and that store's catalog, as they were when they were opened."""

    def __init__(
        self, catalog: Snapshot, database: Snapshot, workspace: Workspace, master: MasterKeys
    ) -> None:
        self.directory = ""
        """The work directory that it is in, if it is a part of a backup."""
        self.catalog = catalog
        self.database = database
        self.workspace = workspace
        # it only reads, with scripts
        self.opened = OpenWorkspace(workspace, cast("WorkspaceDatabase", database), master)


@asynccontextmanager
async def open_source(settings: Settings, name: str) -> AsyncIterator[SourceWorkspace]:
    """The workspace with this name in the store of the settings; nothing is written there. Raises SetupError
    for a store that is missing, of another version, or encrypted with another key, and NoSuchWorkspace."""
    async with AsyncExitStack() as stack:
        catalog = await open_snapshot(settings, None)
        stack.push_async_callback(catalog.close)
        await _check_version(catalog, len(CATALOG_STEPS))
        scripts = CatalogScripts(catalog.dialect, catalog.namespace)
        fingerprint = await catalog.read(scripts.key_fingerprint)
        master = find_master_keys(settings)
        if fingerprint is None:
            raise SetupError("The source is a store that was never initialised.")
        if master is None or fingerprint not in master.fingerprints:
            where = "ROWKEEP_MASTER_KEY" if settings.master_key is not None else str(key_file(settings))
            raise SetupError(
                f"The source is encrypted with another master key than that of {where}. Give the key file of "
                "the source with --from-key-file."
            )
        try:
            workspace = await catalog.read(partial(scripts.workspace, name))
        except NoSuchWorkspace:
            raise NoSuchWorkspace(f"The source has no workspace {preview(name)}.") from None
        if not workspace.is_made:
            raise SetupError(f"Workspace {preview(name)} of the source is empty: there is nothing to copy.")
        database = await open_snapshot(settings, workspace.physical)
        stack.push_async_callback(database.close)
        await _check_version(database, len(WORKSPACE_STEPS))
        source = SourceWorkspace(catalog, database, workspace, master)
        try:
            await source.opened.load_keys()
        except (StaleCatalog, StorageMissing) as error:
            raise SetupError(
                f"The database of workspace {preview(name)} of the source is damaged."
            ) from error
        yield source


async def _check_version(snapshot: Snapshot, steps: int) -> None:
    """Raises SetupError for a database of another version."""
    try:
        done = await snapshot.read(partial(completed_steps, snapshot.dialect, snapshot.namespace))
    except StaleCatalog:
        raise SetupError("The source is not a store of Rowkeep.") from None
    if done > steps:
        raise SetupError("The source was written by a newer version of Rowkeep. Copy with that version.")
    if done < steps:
        raise SetupError(
            "The source was written by an older version of Rowkeep. A copy does not change its source: "
            "bring it to this version first, for example with rowkeep workspace list."
        )


class WorkspaceCopy:
    """A copy that is planned and can be run; nothing is written before."""

    def __init__(self, catalog: Catalog, settings: Settings, source: SourceWorkspace, name: str) -> None:
        self._catalog = catalog
        self._settings = settings
        self._source = source
        self._name = name
        self.tables: list[Table] = []
        self.contents = Contents()
        self.totals: dict[str, int] = {}
        self.notes: list[str] = []
        self.has_created = False
        """Whether the workspace did not exist before."""
        self._users: dict[str, str] = {}

    async def plan(self) -> None:
        """Read what will be copied, and what cannot be. Raises NameTaken for a workspace that is not
        empty."""
        target = await find_target(self._catalog, self._name, create=False)
        if target is not None:
            await target.database.read(CopyScripts(target.scripts).check_is_empty)
        database = self._source.database
        self.tables, contents = await database.read(partial(read_contents, self._source.opened.scripts))
        for table in self.tables:
            sql = CopySql(table, database.dialect, database.namespace)
            self.totals[table.name] = await database.read(partial(row_count, sql))
        contents = await self._with_free_apps(contents, target)
        self.contents = await self._with_known_users(contents)

    def definitions(self) -> list[dict[str, Any]]:
        """The definitions of the tables as JSON."""
        by_id = {table.id: table for table in self.tables}
        return [definition_of(table, by_id) for table in self.tables]

    async def _with_free_apps(self, contents: Contents, target: OpenWorkspace | None) -> Contents:
        """Leave out the apps whose client ids another workspace of the target has."""
        store, installation = self._catalog.store.catalog, self._catalog.installation
        taken: set[str] = set()
        for app in contents.apps:
            found = await store.read(partial(installation.workspace_of, app["client_id"]))
            if found is not None and (target is None or found.id != target.workspace.id):
                taken.add(app["client_id"])
                self.notes.append(
                    f"app {app['name']} ({app['client_id']}) is left out with its grants: its client id is "
                    f"used in workspace {found.name} of the target"
                )
        if not taken:
            return contents

        def kept(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
            return [row for row in rows if row["client_id"] not in taken]

        return msgspec.structs.replace(contents, apps=kept(contents.apps), grants=kept(contents.grants))

    async def _with_known_users(self, contents: Contents) -> Contents:
        """Give roles, tables and shares to the users of the target with the same id or e-mail address, and
        leave out those of others."""
        rows = (*contents.members, *contents.owners, *contents.shares, *contents.charts)
        ids = {row["user_id"] for row in rows if row["user_id"] is not None}
        catalog = self._source.catalog
        there = await catalog.read(partial(UserScripts(catalog.dialect, catalog.namespace).by_ids, ids))
        for user_id in sorted(ids):
            same = await self._same_user(user_id, there.get(user_id))
            if same is not None:
                self._users[user_id] = same
            else:
                name = there[user_id].email if user_id in there else user_id
                self.notes.append(
                    f"the role, tables, shares and private charts of user {name} are left out: the target "
                    "has no such user"
                )

        def mapped(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
            found = [
                {**row, "user_id": self._users[row["user_id"]]}
                for row in rows
                if row["user_id"] in self._users
            ]
            # two users of the source can be one user of the target
            keys = {
                tuple(value for name, value in row.items() if name not in ("role", "right")): row
                for row in found
            }
            return list(keys.values())

        return msgspec.structs.replace(
            contents,
            members=mapped(contents.members),
            owners=mapped(contents.owners),
            shares=mapped(contents.shares),
            charts=list(charts_of(contents.charts, self._users)),
        )

    async def _same_user(self, user_id: str, user: User | None) -> str | None:
        store, users = self._catalog.store.catalog, self._catalog.users
        found = await store.read(partial(users.find, user_id))
        if found is None and user is not None:
            found = await store.read(partial(users.find, user.email))
        return None if found is None else found.id

    async def run(self, source: str, report: Report) -> list[CopyResult]:
        """``source`` identifies the source. Raises what :meth:`Copier.run` raises, and NameTaken if the
        workspace is not empty any more."""
        self.has_created = await create_workspace(self._catalog, self._name)
        target = await self._catalog.named(self._name)
        key = target.keys.newest
        inputs = [
            WorkspaceInput(self._source, target, table, under_key(table, key), self.totals[table.name])
            for table in self.tables
        ]
        contents = msgspec.structs.replace(
            self.contents,
            apps=[self._sealed(each, target) for each in self.contents.apps],
            webhooks=[self._paused(each, target) for each in self.contents.webhooks],
            webhook_tables=[_from_start(each) for each in self.contents.webhook_tables],
        )

        async def before_publishing() -> None:
            writers = {writer for each in inputs for writer in each.writers}
            await self._claim(target, writers)

        scripts = CopyScripts(target.scripts)
        copier = Copier(self._settings, target, source, report, self._source.directory)
        return await copier.run(inputs, contents, before_publishing, scripts.check_is_empty)

    def _sealed(self, app: Mapping[str, Any], target: OpenWorkspace) -> dict[str, Any]:
        """An app with its secrets encrypted for the target."""
        client_id = app["client_id"]
        sealed = dict(app)
        for name, bound_to in (("secret", client_id), ("jwe_key", jwe_key_bound_to(client_id))):
            if app[name] is not None:
                secret = self._source.opened.secrets.open(bytes(app[name]), bound_to)
                sealed[name] = target.secrets.seal(secret, bound_to)
        return sealed

    def _paused(self, webhook: Mapping[str, Any], target: OpenWorkspace) -> dict[str, Any]:
        """A webhook with its secrets encrypted for the target. It is paused: the source still sends
        messages."""
        copied = {**webhook, "paused_on": canonical_date(wall_clock()), "paused_reason": COPIED}
        bound_to = secret_bound_to(webhook["id"])
        for name in ("secret", "former_secret"):
            if webhook[name] is not None:
                secret = self._source.opened.secrets.open(bytes(webhook[name]), bound_to)
                copied[name] = target.secrets.seal(secret, bound_to)
        return copied

    async def _claim(self, target: OpenWorkspace, writers: set[str]) -> None:
        """Make the catalog know the apps and users of the workspace, and the names of those who wrote its
        rows."""
        store = self._catalog.store.catalog
        for app in self.contents.apps:
            claim = partial(self._catalog.installation.claim_client, app["client_id"], target.workspace)
            await store.write(claim)
        for user_id in sorted(set(self._users.values())):
            await store.write(partial(self._catalog.users.record_workspace, user_id, target.workspace))
        if self.contents.webhooks:
            await store.write(partial(self._catalog.installation.record_webhooks, target.workspace))
        await remember_writers(self._catalog, self._source, target, writers)


def _from_start(lane: Mapping[str, Any]) -> dict[str, Any]:
    """A table of a webhook, whose messages begin with the first change that is recorded in the target."""
    return {**lane, "cursor": "", "queued": 0}


async def remember_writers(
    catalog: Catalog, source: SourceWorkspace, target: OpenWorkspace, writers: set[str]
) -> None:
    """Make the catalog know the names of the administrators and users among those who wrote rows."""
    there = source.catalog
    known = await there.read(WriterScripts(there.dialect, there.namespace).all)
    wrote = FormerWriters(
        [each for each in known.tokens if writer_of(each.id) in writers],
        [each for each in known.users if writer_of(each.id) in writers],
    )
    store = catalog.store.catalog
    ours = WriterScripts(store.dialect, store.namespace)
    await store.write(partial(ours.remember, wrote, target.workspace))


def row_count(sql: CopySql) -> Steps[int]:
    rows = yield sql.count()
    return int(rows[0][0])


def under_key(table: Table, key: int) -> Table:
    """The table with its encrypted columns under this data key."""

    def under(column: Any) -> Any:
        return msgspec.structs.replace(column, key=key if column.is_encrypted else column.key, old_key=None)

    return msgspec.structs.replace(table, columns=tuple(map(under, table.columns)))


class WorkspaceInput(TableInput):
    """One table of a workspace. ``writers`` are the ids of those who wrote the rows that were read."""

    is_new = False

    def __init__(
        self, source: SourceWorkspace, target: OpenWorkspace, table: Table, here: Table, total: int
    ) -> None:
        self.name = table.name
        self.table = here
        self.total = total
        self.width = len(table.stored_columns)
        self.plan = msgspec.json.encode(here).decode()
        self.writers: set[str] = set()
        self._source = source
        self._there = table
        names = [column.name for column in table.stored_columns]
        self._writer_places = (names.index(CREATED_BY), names.index(UPDATED_BY))
        ciphers = target.ciphers(here)
        self._seal: dict[int, Change] = {
            at: ciphers[column.name].seal for at, column in enumerate(table.columns) if column.is_encrypted
        }

    async def batches(self) -> AsyncIterator[Sequence[Row]]:
        ciphers = self._source.opened.ciphers(self._there)
        async for rows in clear_rows(self._source.database, self._there, ciphers):
            for at in self._writer_places:
                self.writers.update({row[at] for row in rows})
            yield rows

    def stored(self, rows: Sequence[Row], first: int, copied: CopiedTable) -> Sequence[Row]:  # noqa: ARG002
        return with_columns(rows, self._seal)
