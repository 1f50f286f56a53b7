"""Doctor: checks a whole installation: its files, databases, definitions, keys and rows.

It only reads, so it can run next to servers. Each finding says how to fix it.
"""

from __future__ import annotations

import shlex
from collections.abc import AsyncIterator, Iterable, Iterator, Set
from functools import partial
from pathlib import Path
from typing import Literal

import msgspec

from rowkeep.catalog.catalog import Catalog
from rowkeep.catalog.workspace import OpenWorkspace
from rowkeep.crypto.ciphers import WrongKey
from rowkeep.crypto.master_key import data_directory, former_key_file, key_file
from rowkeep.errors.catalogue import (
    CorruptedCell,
    NoSuchWorkspace,
    RowkeepError,
    SetupError,
    StorageNewer,
    StorageUnavailable,
)
from rowkeep.model.access import Workspace
from rowkeep.model.tables import Table
from rowkeep.private_files import UNFINISHED, exposed
from rowkeep.services.copies.copier import unfinished_copy
from rowkeep.services.key_rotation import all_workspaces
from rowkeep.services.work_directories import abandoned
from rowkeep.settings import Settings
from rowkeep.sql.history_table import HistoryTable
from rowkeep.sql.key_rotation import RotationSql
from rowkeep.sql.names import table_name
from rowkeep.sql.physical_table import PhysicalTable
from rowkeep.storage.contract import Database, StaleCatalog
from rowkeep.storage.inspection import StoredIndex, StoredTable
from rowkeep.storage.scripts.key_rotation import BATCH_ROWS, Rotation
from rowkeep.storage.scripts.orphans import Orphans

SHOWN = 3
"""How many ids of rows a finding shows."""

RESTORE = "Restore the workspace from a backup."


class Finding(msgspec.Struct, frozen=True):
    """A fault: where it is, what it is, and how to fix it. An error makes requests fail or loses data; a
    warning does not."""

    level: Literal["error", "warning"]
    place: str
    problem: str
    fix: str


class Doctor:
    """Checks the store of ``settings``. Without ``reads_rows``, encrypted cells and the pages of the
    databases are not read, which takes long for large tables."""

    def __init__(self, catalog: Catalog, settings: Settings, *, reads_rows: bool = True) -> None:
        self._catalog = catalog
        self._settings = settings
        self._reads_rows = reads_rows

    async def run(self) -> AsyncIterator[str | Finding]:
        """Yields the name of each part before it is checked, and the findings."""
        yield "files"
        for finding in self._files():
            yield finding
        yield "catalog"
        for finding in await self._damage("catalog", self._catalog.store.catalog):
            yield finding
        for finding in await self._unfinished_restores():
            yield finding
        # a database that is created meanwhile is in neither of the two lists
        present = set(await self._catalog.store.present())
        workspaces = await all_workspaces(self._catalog)
        for finding in await self._unknown_databases(present, workspaces):
            yield finding
        for workspace in workspaces:
            yield f"workspace {workspace.name}"
            async for finding in self._workspace(workspace):
                yield finding

    # files

    def _files(self) -> Iterator[Finding]:
        paths = [key_file(self._settings), former_key_file(self._settings)]
        directory = data_directory(self._settings)
        if directory is not None:
            paths += [directory, *directory.glob("*.db*"), *directory.glob("workspaces/*.db*")]
        for path, mode in exposed(paths):
            command = "chmod go-rwx " + str(path)
            yield Finding(
                "warning", str(path), f"Other users can access it (mode {mode}).", f"Run: {command}"
            )
        yield from _of_other_owners(paths)
        left = abandoned(self._settings) + (sorted(directory.glob(f"{UNFINISHED}*")) if directory else [])
        for path in left:
            problem = "A restore or export that was killed has left it, with rows of users in it."
            yield Finding("warning", str(path), problem, f"Run: rm -r {shlex.quote(str(path))}")

    async def _unfinished_restores(self) -> list[Finding]:
        catalog = self._catalog.store.catalog
        problem = "A restore that was killed before this store was created has left it. Nothing uses it."
        return [
            Finding(
                "warning", f"schema {name}", problem, f"Drop the schema {name} with all that it contains."
            )
            for name in await catalog.read(catalog.inspection.unfinished)
        ]

    async def _unknown_databases(self, present: Set[str], workspaces: Iterable[Workspace]) -> list[Finding]:
        """The databases that were there before the workspaces were listed, still are, and are not theirs."""
        known = {each.physical for each in workspaces}
        unknown = present & set(await self._catalog.store.present()) - known
        what = "file" if self._catalog.store.catalog.namespace is None else "schema"
        return [
            Finding(
                "warning",
                f"{what} {name}",
                "It belongs to no workspace of the catalog.",
                "If it is the rest of a deleted workspace, delete it. If it was restored from a backup, "
                "restore the catalog of the same time too.",
            )
            for name in sorted(unknown)
        ]

    # databases

    async def _damage(self, place: str, database: Database) -> list[Finding]:
        if not self._reads_rows:
            return []
        fix = RESTORE if place != "catalog" else "Restore the whole store from a backup."
        try:
            found = await database.read(database.inspection.damage)
        except StorageUnavailable as error:
            return [_unreadable(place, error, fix)]
        return [Finding("error", place, f"The database is damaged: {each}.", fix) for each in found]

    async def _workspace(self, workspace: Workspace) -> AsyncIterator[Finding]:
        place = f"workspace {workspace.name}"
        if not workspace.is_made:
            # it was never used: its database is created by its first request
            return
        try:
            opened = await self._catalog.named(workspace.name)
            await opened.read_keys()
        except (StaleCatalog, NoSuchWorkspace):
            # it was deleted meanwhile
            return
        except StorageNewer as error:
            yield Finding("error", place, str(error), "Then run rowkeep doctor again.")
            return
        except (RowkeepError, SetupError) as error:
            yield Finding("error", place, str(error), f"{RESTORE} If it is not needed, delete it.")
            return
        for finding in await self._damage(place, opened.database):
            yield finding
        try:
            async for finding in self._contents(place, opened):
                yield finding
        except StorageUnavailable as error:
            yield _unreadable(place, error, RESTORE)

    async def _contents(self, place: str, opened: OpenWorkspace) -> AsyncIterator[Finding]:
        """What the system tables and the rows of a workspace have."""
        tables = await opened.database.read(partial(opened.scripts.tables.page, "", None))
        stored = await opened.database.read(opened.database.inspection.tables)
        for table in tables:
            for finding in _differences(place, table, opened.database, stored):
                yield finding
            if table.history is not None:
                records = await opened.database.read(partial(opened.scripts.history.table_of, table))
                for finding in _history_differences(place, records, stored):
                    yield finding
            if self._reads_rows and str(table_name(table)) in stored:
                async for finding in _sealed_cells(place, opened, table):
                    yield finding
        for finding in await self._orphans(place, opened):
            yield finding
        copied = await unfinished_copy(opened)
        if copied is not None:
            fix = "If it does not run, run the same command again, or discard it: rowkeep copy --discard"
            yield Finding(
                "warning",
                place,
                f"It has an unfinished copy of {copied.source}.",
                f"{fix} --workspace {opened.workspace.name}.",
            )
        for finding in await _sealed_secrets(place, opened):
            yield finding

    async def _orphans(self, place: str, opened: OpenWorkspace) -> list[Finding]:
        orphans = Orphans(opened.scripts)
        installation = self._catalog.installation
        recorded = set(
            await self._catalog.store.catalog.read(partial(installation.clients_of, opened.workspace))
        )
        apps = {
            app.client_id for app in await opened.database.read(partial(opened.scripts.access.apps, "", None))
        }
        found = [
            Finding(
                "error", place, f"The app {client_id} is not in the catalog: its tokens are refused.",
                "Delete the app and create it again with the same client id and secret.",
            )
            for client_id in sorted(apps - recorded)
        ]  # fmt: skip
        found += [
            Finding(
                "warning", place, f"The catalog has the client id {client_id} of an app that is missing.",
                f"Create an app with this client id to use it again, or {RESTORE[0].lower()}{RESTORE[1:]}",
            )
            for client_id in sorted(recorded - apps)
        ]  # fmt: skip
        rights = await opened.database.read(orphans.users_with_rights)
        users = await self._catalog.store.catalog.read(partial(self._catalog.users.by_ids, rights))
        for user_id in sorted(rights - users.keys()):
            problem = f"Rights of the deleted user {user_id} remain."
            found.append(
                Finding("warning", place, problem, "Remove the member, and the shares of this user.")
            )
        for what, table_id in await opened.database.read(orphans.of_missing_things):
            problem = f"A {what} is for a table or view that is missing (id {table_id})."
            found.append(Finding("warning", place, problem, f"It has no effect. {RESTORE}"))
        return found


def _unreadable(place: str, error: StorageUnavailable, fix: str) -> Finding:
    return Finding("error", place, f"The database cannot be read: {error.__cause__ or error}.", fix)


def _of_other_owners(paths: Iterable[Path]) -> Iterator[Finding]:
    """Files that belong to another user than the first of the existing ones after the key: the data."""
    owners: dict[int, list[Path]] = {}
    for path in paths:
        try:
            owners.setdefault(path.stat().st_uid, []).append(path)
        except OSError:
            continue
    if len(owners) > 1:
        most = max(owners, key=lambda owner: len(owners[owner]))
        for owner, found in owners.items():
            for path in found if owner != most else []:
                problem = f"It belongs to user {owner}, the other files to user {most}."
                yield Finding("error", str(path), problem, f"Run: chown --reference=OTHER_FILE {path}")


def _differences(
    workspace: str, table: Table, database: Database, stored: dict[str, StoredTable]
) -> Iterator[Finding]:
    """What a table lacks in the engine."""
    place = f"{workspace}, table {table.name}"
    has = stored.get(str(table_name(table)))
    if has is None:
        yield Finding("error", place, "The table is defined, but missing in the database.", RESTORE)
        return
    physical = PhysicalTable(table, database.dialect, database.namespace)
    for stored_column in physical.from_clause.columns:
        name = stored_column.name
        if name not in has.columns:
            yield Finding("error", place, f"The column {name} is missing in the database.", RESTORE)
        elif has.columns[name] != bool(stored_column.nullable):
            rule = "null is allowed" if has.columns[name] else "null is not allowed"
            problem = f"In the database, {rule} in column {name}; the definition says otherwise."
            yield Finding("warning", place, problem, "Change isRequired of the column and change it back.")
    for name, index in _expected_indexes(physical).items():
        found = has.indexes.get(name)
        if found is None or not found.is_valid or found != index:
            state = "is missing" if found is None else "differs from its definition"
            state = "is not valid, so it is not used" if found is not None and not found.is_valid else state
            fix = "Remove the index from the definition and add it again."
            yield Finding("error" if index.is_unique else "warning", place, f"The index {name} {state}.", fix)
    for column in table.columns:
        identity = physical.identity(column.name)
        if column.reference is not None and str(identity.name) not in has.references:
            problem = f"The reference of column {column.name} has no foreign key in the database."
            yield Finding(
                "error", place, problem, "Remove the reference from the definition and add it again."
            )


def _history_differences(
    workspace: str, records: HistoryTable, stored: dict[str, StoredTable]
) -> Iterator[Finding]:
    """What the records of the changes of a table lack in the engine."""
    place = f"{workspace}, table {records.table.name}"
    has = stored.get(str(records.from_clause.name))
    fix = "Remove history from the definition and add it again: the records are deleted."
    if has is None:
        yield Finding("error", place, "The records of its history are missing: it cannot be written.", fix)
        return
    for column in records.from_clause.columns:
        if column.name not in has.columns:
            problem = f"The column {column.name} of its history is missing: it cannot be written."
            yield Finding("error", place, problem, fix)
    watched = stored.get(str(table_name(records.table)))
    triggers = len(records.trigger_names - (watched.triggers if watched is not None else set()))
    if triggers:
        problem = f"Changes are not recorded: {triggers} triggers of its history are missing or disabled."
        yield Finding("error", place, problem, fix)


def _expected_indexes(physical: PhysicalTable) -> dict[str, StoredIndex]:
    return {
        str(index.name): StoredIndex(tuple(map(_column_of, index.expressions)), bool(index.unique))
        for index in physical.indexes
    }


def _column_of(expression: object) -> str | None:
    """The name of the column of a part of an index; None for an expression."""
    while (inner := getattr(expression, "element", None)) is not None:
        expression = inner
    table = getattr(expression, "table", None)
    return str(getattr(expression, "name", "")) if table is not None else None


async def _sealed_cells(workspace: str, opened: OpenWorkspace, table: Table) -> AsyncIterator[Finding]:
    """Encrypted cells that none of the keys opens."""
    damaged: dict[str, list[str]] = {}
    examined: Table | None = table
    while examined is not None:
        try:
            damaged = await _damaged_cells(opened, examined)
            break
        except StaleCatalog:
            # it was changed meanwhile, or has another data key
            await opened.load_keys()
            found = await opened.database.read(partial(opened.scripts.tables.by_ids, {table.id}))
            examined = found.get(table.id)
    for name, row_ids in damaged.items():
        if row_ids:
            shown = ", ".join(row_ids[:SHOWN]) + (", …" if len(row_ids) > SHOWN else "")
            problem = f"{len(row_ids):,} encrypted cells of column {name} cannot be decrypted (_id {shown})."
            fix = "Restore these rows from a backup, or set the column in them again."
            yield Finding("error", f"{workspace}, table {table.name}", problem, fix)


async def _damaged_cells(opened: OpenWorkspace, table: Table) -> dict[str, list[str]]:
    """The rows with cells that none of the keys opens, by column. Raises StaleCatalog."""
    names = [column.name for column in table.columns if column.is_encrypted]
    damaged: dict[str, list[str]] = {name: [] for name in names}
    if not names:
        return damaged
    ciphers = opened.ciphers(table)
    sql = RotationSql.of_rows(table, names, opened.database.dialect, opened.database.namespace)
    rotation = Rotation(opened.scripts)
    after: str | int | None = sql.first
    while after is not None:
        rows = await opened.database.read(partial(rotation.rows, table, sql, after))
        for row_id, *cells in rows:
            for name, cell in zip(names, cells, strict=True):
                try:
                    if cell is not None:
                        ciphers[name].open(bytes(cell))
                except CorruptedCell:
                    damaged[name].append(row_id)
        after = rows[-1][0] if len(rows) == BATCH_ROWS else None
    return damaged


async def _sealed_secrets(place: str, opened: OpenWorkspace) -> list[Finding]:
    """Secrets of apps that none of the keys opens."""
    found = []
    for app in await opened.database.read(partial(opened.scripts.access.apps, "", None)):
        try:
            if app.secret is not None:
                opened.secrets.open(app.secret, app.client_id)
        except WrongKey:
            problem = f"The secret of app {app.client_id} cannot be decrypted."
            found.append(
                Finding(
                    "error",
                    place,
                    problem,
                    "Delete the app and create it again with its client id and secret.",
                )
            )
    return found
