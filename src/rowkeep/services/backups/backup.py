"""Backup: writes a whole store to an archive, while servers use the store."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import Any

import rowkeep
from rowkeep.catalog.catalog import Catalog
from rowkeep.catalog.workspace import key_bound_to
from rowkeep.codec.stored_cells import Change, with_columns
from rowkeep.crypto.ciphers import WrongKey, encode_key
from rowkeep.crypto.master_key import MasterKeys, find_master_keys, key_of
from rowkeep.errors.catalogue import NoSuchWorkspace, SetupError, StorageReadOnly
from rowkeep.model.access import Workspace
from rowkeep.model.backups import BackupDatabase, BackupPart, BackupWorkspace, Manifest
from rowkeep.model.tables import Table
from rowkeep.model.values.scalars import canonical_date
from rowkeep.services.backups.archives import ArchiveWriter
from rowkeep.services.backups.fitting import Fitting
from rowkeep.services.backups.lines import encode_lines, encrypted_columns
from rowkeep.services.backups.sources import BackupSource
from rowkeep.services.copies.copier import CopyProgress, Report
from rowkeep.services.history_tasks import order_in
from rowkeep.settings import Settings
from rowkeep.sql.backups import SystemTable, all_rows, backed_up_tables, binary_columns, boolean_columns
from rowkeep.sql.history_copies import HistoryCopySql
from rowkeep.sql.table_copies import CopySql
from rowkeep.storage.contract import Row, StaleCatalog
from rowkeep.storage.migrations import CATALOG_STEPS, WORKSPACE_STEPS
from rowkeep.storage.scripts.backups import count_rows
from rowkeep.storage.scripts.catalog import CatalogScripts
from rowkeep.storage.scripts.workspace import WorkspaceScripts
from rowkeep.storage.snapshots import Snapshot

ROUNDS = 10
"""How often the backup looks for workspaces that were created since it began."""

See = Callable[[str, Sequence[str], Sequence[Row]], None]


class Backup:
    """One backup of an open store."""

    def __init__(
        self,
        catalog: Catalog,
        settings: Settings,
        source: BackupSource,
        writer: ArchiveWriter,
        report: Report,
    ) -> None:
        self._catalog = catalog
        self._settings = settings
        self._source = source
        self._writer = writer
        self._report = report
        self._fitting = Fitting()
        self._done = 0
        self._total = 0

    async def run(self, *, with_key: bool) -> Manifest:
        """Write everything. Raises SetupError, StorageMissing, StorageUnavailable."""
        begun = canonical_date(datetime.now(UTC))
        databases: dict[int, BackupDatabase] = {}
        for _ in range(ROUNDS):
            async with self._source.catalog() as snapshot:
                scripts = CatalogScripts(snapshot.dialect, snapshot.namespace)
                workspaces = await snapshot.read(partial(scripts.workspaces, "", None))
                missing = [each for each in workspaces if each.is_made and each.id not in databases]
                if not missing:
                    return await self._finish(snapshot, begun, workspaces, databases, with_key=with_key)
            for workspace in missing:
                database = await self._workspace(workspace)
                if database is not None:
                    databases[workspace.id] = database
        raise SetupError("Workspaces were created all the time. Run the backup again when fewer are created.")

    async def _workspace(self, workspace: Workspace) -> BackupDatabase | None:
        """Write a workspace; None if it was deleted."""
        with suppress(StaleCatalog, NoSuchWorkspace, StorageReadOnly):
            await order_in(await self._catalog.named(workspace.name))
        async with self._source.workspace(workspace) as snapshot:
            if snapshot is None:
                return None
            scripts = WorkspaceScripts(snapshot.dialect, snapshot.namespace)
            try:
                await self._check_keys(workspace, await snapshot.read(scripts.state.data_keys))
                tables = await snapshot.read(partial(scripts.tables.page, "", None))
            except StaleCatalog:
                raise SetupError(
                    f"The database of workspace {workspace.name} is damaged: tables are missing. Run rowkeep "
                    "doctor."
                ) from None
            place = f"workspaces/{workspace.id}"
            system = await self._system(
                snapshot,
                backed_up_tables(snapshot.namespace, is_catalog=False).values(),
                place,
                partial(self._fitting.saw, workspace.id),
            )
            for table in tables:
                self._total += await snapshot.read(partial(count_rows, snapshot, table))
            rows = [await self._table(snapshot, table, place) for table in tables]
            records = [
                await self._records(snapshot, scripts, table, place)
                for table in tables
                if table.history is not None
            ]
        return BackupDatabase(len(WORKSPACE_STEPS), system, tuple(rows), tuple(records))

    async def _check_keys(self, workspace: Workspace, wrapped: dict[int, bytes]) -> None:
        """Raises SetupError if the data keys are not encrypted with the master key of the catalog."""
        master = self._master().sealer(await self._catalog.fingerprint())
        try:
            for key in wrapped.values():
                master.open(key, key_bound_to(workspace))
        except WrongKey:
            raise SetupError(
                f"The data keys of workspace {workspace.name} do not fit the master key. If it is being "
                "replaced, run rowkeep keys rotate to the end, and then the backup again. Otherwise run "
                "rowkeep doctor."
            ) from None

    def _master(self) -> MasterKeys:
        found = find_master_keys(self._settings)
        assert found is not None  # noqa: S101 - the store is open
        return found

    async def _system(
        self, snapshot: Snapshot, tables: Iterable[SystemTable], place: str, see: See
    ) -> tuple[BackupPart, ...]:
        """Write the system tables that have rows."""
        parts = []
        for table in tables:
            changes: dict[int, Change] = dict.fromkeys(boolean_columns(table), bool)
            names = tuple(str(column.name) for column in table.c)

            def seen(
                rows: Sequence[Row], table: SystemTable = table, names: Sequence[str] = names
            ) -> Sequence[Row]:
                see(table.name, names, rows)
                return rows

            batches = _changed(snapshot.stream(all_rows(table, snapshot.dialect)), changes, seen)
            part = await self._part(
                f"{place}/{table.name}", table.name, names, binary_columns(table), batches
            )
            if part is not None:
                parts.append(part)
        return tuple(parts)

    async def _table(self, snapshot: Snapshot, table: Table, place: str) -> BackupPart:
        sql = CopySql(table, snapshot.dialect, snapshot.namespace)

        def count(rows: Sequence[Row]) -> Sequence[Row]:
            self._done += len(rows)
            self._report(CopyProgress("back up", table.name, self._done, max(self._done, self._total)))
            return rows

        batches = _changed(snapshot.stream(sql.rows()), sql.decoders, count)
        names = tuple(column.name for column in sql.columns)
        part = await self._part(
            f"{place}/rows/{table.id}", table.id, names, encrypted_columns(table), batches, also_empty=True
        )
        assert part is not None  # noqa: S101 - also an empty one is written
        return part

    async def _records(
        self, snapshot: Snapshot, scripts: WorkspaceScripts, table: Table, place: str
    ) -> BackupPart:
        """Write the records of the changes of a table."""
        sql = HistoryCopySql(await snapshot.read(partial(scripts.history.table_of, table)))
        batches = _changed(snapshot.stream(sql.rows()), sql.decoders, list)
        path = f"{place}/records/{table.id}"
        part = await self._part(path, table.id, sql.columns, sql.binary, batches, also_empty=True)
        assert part is not None  # noqa: S101 - also an empty one is written
        return part

    async def _part(
        self,
        path: str,
        table: str,
        names: tuple[str, ...],
        binary: tuple[int, ...],
        batches: AsyncIterator[Sequence[Row]],
        *,
        also_empty: bool = False,
    ) -> BackupPart | None:
        first = await anext(batches, None)
        if first is None and not also_empty:
            return None
        count = 0
        with self._writer.part(f"{path}.ndjson.zst") as part:
            rows = first
            while rows is not None:
                await asyncio.to_thread(_write, part.write, rows)
                count += len(rows)
                rows = await anext(batches, None)
        return BackupPart(part.path, str(table), count, part.bytes, part.sha256, names, binary)

    async def _finish(
        self,
        snapshot: Snapshot,
        begun: str,
        workspaces: Sequence[Workspace],
        databases: dict[int, BackupDatabase],
        *,
        with_key: bool,
    ) -> Manifest:
        tables = backed_up_tables(snapshot.namespace, is_catalog=True)
        users = [
            row[0]
            async for rows in snapshot.stream(all_rows(tables["users"], snapshot.dialect))
            for row in rows
        ]
        self._fitting.begin([each.id for each in workspaces], users)
        parts = []
        for table in tables.values():
            changes: dict[int, Change] = dict.fromkeys(boolean_columns(table), bool)
            rows = [
                row
                async for some in _changed(snapshot.stream(all_rows(table, snapshot.dialect)), changes, list)
                for row in some
            ]
            part = await self._part(
                f"catalog/{table.name}",
                table.name,
                tuple(str(column.name) for column in table.c),
                binary_columns(table),
                _batches(self._fitting.fitted(table.name, rows)),
            )
            if part is not None:
                parts.append(part)
        scripts = CatalogScripts(snapshot.dialect, snapshot.namespace)
        fingerprint = await snapshot.read(scripts.key_fingerprint)
        if fingerprint is None or fingerprint != await self._catalog.fingerprint():
            raise SetupError("The master key was replaced during the backup. Run it again.")
        manifest = Manifest(
            rowkeep=rowkeep.__version__,
            created_on=begun,
            engine="sqlite" if snapshot.namespace is None else "postgresql",
            key_fingerprint=fingerprint,
            catalog=BackupDatabase(len(CATALOG_STEPS), tuple(parts)),
            workspaces=tuple(
                BackupWorkspace(each.id, each.name, each.created_on, databases.get(each.id))
                for each in workspaces
            ),
            master_key=encode_key(key_of(self._settings, fingerprint)) if with_key else None,
        )
        await asyncio.to_thread(self._writer.finish, manifest)
        return manifest


def _write(write: Callable[[bytes], None], rows: Sequence[Row]) -> None:
    write(encode_lines(rows))


async def _changed(
    batches: AsyncIterator[Sequence[Row]],
    changes: dict[int, Change],
    see: Callable[[Sequence[Row]], Sequence[Row]],
) -> AsyncIterator[Sequence[Row]]:
    async for rows in batches:
        yield see(with_columns(rows, changes))


async def _batches(rows: Sequence[Any]) -> AsyncIterator[Sequence[Row]]:
    for first in range(0, len(rows), 1000):
        yield rows[first : first + 1000]
