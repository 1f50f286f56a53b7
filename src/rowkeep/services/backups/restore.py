"""Restore: fills an empty store from an archive. The store is visible when everything is in it, and not
before."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

from rowkeep.errors.catalogue import SetupError
from rowkeep.model.backups import BackupDatabase, BackupPart, BackupWorkspace
from rowkeep.model.charts import charts_of
from rowkeep.model.tables import Table
from rowkeep.services.backups.contents import Contents, workspace_of
from rowkeep.services.copies.copier import CopyProgress, Report
from rowkeep.settings import Settings
from rowkeep.sql.history_copies import HistoryCopySql
from rowkeep.sql.history_table import HistoryTable
from rowkeep.sql.table_copies import CopySql
from rowkeep.storage.contract import ReferenceConflict, Row, StaleCatalog, Steps, UniqueConflict
from rowkeep.storage.restores import RestoreTarget, restore_target
from rowkeep.storage.scripts.backups import RestoreScripts, count_rows, nothing
from rowkeep.storage.snapshots import Loader

T = TypeVar("T")
CHARTS = "_rowkeep_charts"
RIGHTS = ("_rowkeep_members", "_rowkeep_owners", "_rowkeep_shares")
SYSTEM_ROWS = 1000
"""The rows of a system table in one transaction."""


class Restore:
    """Restores the workspaces with these ids, or all; and the rows of the tables with these ids, or of
    all."""

    def __init__(
        self,
        contents: Contents,
        settings: Settings,
        report: Report,
        workspaces: Collection[int] | None = None,
        tables: Collection[str] | None = None,
    ) -> None:
        self._contents = contents
        self._settings = settings
        self._report = report
        self._workspaces = [
            each for each in contents.manifest.workspaces if workspaces is None or each.id in workspaces
        ]
        self._tables = tables
        self._done = 0
        self._total = sum(
            part.rows
            for each in self._workspaces
            if each.database is not None
            for part in each.database.tables
            if self._wants(part)
        )

    def _wants(self, part: BackupPart) -> bool:
        return self._tables is None or part.table in self._tables

    async def run(self) -> int:
        """Restore everything; returns the number of rows. If it fails, nothing is left. Raises SetupError,
        StorageUnavailable."""
        target = restore_target(self._settings)
        try:
            with_database = [each for each in self._workspaces if each.database is not None]
            await target.begin([workspace_of(each).physical for each in with_database])
            try:
                catalog = self._contents.manifest.catalog
                users = {row["id"] for row in self._contents.named_rows(catalog.part("users"))}
                for each in with_database:
                    await self._workspace(target, each, users)
                await self._catalog(target, catalog)
                await target.finish()
            except (UniqueConflict, ReferenceConflict, StaleCatalog) as error:
                await target.discard()
                raise SetupError(
                    "The backup is damaged: its rows do not fit the definitions of its tables. Nothing was "
                    "restored."
                ) from error
            except BaseException:
                await target.discard()
                raise
        finally:
            await target.close()
        return self._done

    async def _workspace(
        self, target: RestoreTarget, workspace: BackupWorkspace, users: Collection[str]
    ) -> None:
        database = workspace.database
        assert database is not None  # noqa: S101 - only these are restored
        physical = workspace_of(workspace).physical
        scripts = RestoreScripts(target.dialect, target.namespace(physical), is_catalog=False)
        tables = self._contents.tables(database)
        histories = self._contents.histories(database, tables)
        self._contents.check_views(database)
        loader = await target.loader(physical)
        try:
            await loader.write(partial(scripts.create, database.steps))
            for part in database.system:
                await self._system(loader, scripts, part, users)
            filling = _Filling(loader, scripts, tables)
            await filling.create()
            for part in database.tables:
                if self._wants(part):
                    await self._rows(filling, part)
            for part in database.records:
                if self._wants(part):
                    await self._records(filling, part, histories[part.table])
            await filling.finish()
        finally:
            await loader.close()

    async def _system(
        self, loader: Loader, scripts: RestoreScripts, part: BackupPart, users: Collection[str]
    ) -> None:
        rows: Iterator[dict[str, Any]] = self._contents.named_rows(part)
        # a user can be deleted during the backup
        if part.table in RIGHTS:
            rows = (row for row in rows if row["user_id"] in users)
        elif part.table == CHARTS:
            rows = charts_of(rows, {each: each for each in users})
        for some in _parts(rows, SYSTEM_ROWS):
            await loader.write(partial(scripts.insert, part.table, some))

    async def _rows(self, filling: _Filling, part: BackupPart) -> None:
        rows = self._contents.rows(part, filling.tables[part.table])
        while (some := await asyncio.to_thread(next, rows, None)) is not None:
            await filling.append(part.table, some)
            self._done += len(some)
            name = filling.tables[part.table].name
            self._report(CopyProgress("restore", name, self._done, max(self._total, self._done)))
        await filling.check(part)

    async def _records(self, filling: _Filling, part: BackupPart, records: HistoryTable) -> None:
        """The records of the changes of a table."""
        sql = await filling.history(part.table)
        rows = self._contents.records(part, records)
        while (some := await asyncio.to_thread(next, rows, None)) is not None:
            await filling.append_records(sql, some)

    async def _catalog(self, target: RestoreTarget, catalog: BackupDatabase) -> None:
        scripts = RestoreScripts(target.dialect, target.namespace(None), is_catalog=True)
        loader = await target.loader(None)
        ids = {each.id for each in self._workspaces}
        rows = {
            part.table: [row for row in self._contents.named_rows(part) if _is_of(ids, part, row)]
            for part in catalog.system
        }

        def fill() -> Steps[None]:
            if (yield from scripts.create(catalog.steps)):
                raise SetupError("Another process has created a store there meanwhile. Nothing was restored.")
            for name, each in rows.items():
                yield from scripts.insert(name, each)
            yield from scripts.count_on("workspaces")
            yield from target.last_steps()

        try:
            await loader.write(fill)
        finally:
            await loader.close()


class _Filling:
    """The tables of one workspace while they are filled."""

    def __init__(self, loader: Loader, scripts: RestoreScripts, tables: Mapping[str, Table]) -> None:
        self._loader = loader
        self._scripts = scripts
        self.tables = tables

    async def create(self) -> None:
        await self._loader.write(
            partial(self._scripts.create_tables, list(self.tables.values()), self.tables)
        )

    async def history(self, table_id: str) -> HistoryCopySql:
        """The statements for the records of the changes of a table."""
        records = partial(self._scripts.history.table_of, self.tables[table_id])
        return HistoryCopySql(await self._loader.write(records))

    async def append_records(self, sql: HistoryCopySql, rows: Sequence[Row]) -> None:
        await self._loader.append(sql, rows, nothing)

    async def append(self, table_id: str, rows: Sequence[Row]) -> None:
        sql = CopySql(self.tables[table_id], self._scripts.dialect, self._scripts.namespace)
        await self._loader.append(sql, rows, nothing)

    async def check(self, part: BackupPart) -> None:
        """Raises SetupError if the table does not have all rows."""
        table = self.tables[part.table]
        stored = await self._loader.write(partial(count_rows, self._scripts, table))
        if stored != part.rows:
            raise SetupError(f"Table {table.name} has {stored} rows, but {part.rows} in the backup.")

    async def finish(self) -> None:
        for table in self.tables.values():
            await self._loader.write(partial(self._scripts.build_indexes, table, self.tables))
        await self._loader.write(
            partial(self._scripts.add_references, list(self.tables.values()), self.tables)
        )
        await self._loader.write(partial(self._scripts.begin_histories, list(self.tables.values())))


def _is_of(ids: Collection[int], part: BackupPart, row: Mapping[str, Any]) -> bool:
    """Whether a row of the catalog belongs to one of these workspaces, or to none."""
    name = "id" if part.table == "workspaces" else "workspace_id"
    return name not in part.columns or row[name] in ids


def _parts(rows: Iterator[dict[str, Any]], size: int) -> Iterator[list[dict[str, Any]]]:
    found: list[dict[str, Any]] = []
    for row in rows:
        found.append(row)
        if len(found) == size:
            yield found
            found = []
    if found:
        yield found
