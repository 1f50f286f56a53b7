"""Databases: one SQLite file, for scripts and for the rows of a workspace."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from rowkeep.errors.catalogue import StorageUnavailable
from rowkeep.model.ids import IdSource, Stamp
from rowkeep.model.tables import Table
from rowkeep.plan.rows.select import SelectPlan
from rowkeep.plan.rows.upserts import UpsertPlan
from rowkeep.plan.rows.writes import DeletePlan, InsertPlan, UpdatePlan
from rowkeep.plan.views.bind import BoundView
from rowkeep.settings import Settings
from rowkeep.sql.as_of import AsOfSql, SqliteAsOfSql, as_of_sql
from rowkeep.sql.dialects import SQLITE
from rowkeep.sql.pages import Pages
from rowkeep.sql.rows import SqliteTableSql, TableSql
from rowkeep.sql.shared_tables import SharedSqliteTable
from rowkeep.sql.views import SqliteViewSql, ViewSql
from rowkeep.storage.contract import (
    EITHER,
    BatchKind,
    Database,
    EncodeRows,
    Load,
    Loaded,
    NothingStored,
    PartlyInserted,
    PartlyUpserted,
    RowScript,
    RowStream,
    Script,
    Selected,
    Sift,
    StaleCatalog,
    UpdatedRows,
    UpsertedRows,
    WorkspaceDatabase,
    WriteKey,
)
from rowkeep.storage.sqlite.batches import run_batch
from rowkeep.storage.sqlite.connections import Connection, run_script
from rowkeep.storage.sqlite.dry_runs import DryRunDone, undone
from rowkeep.storage.sqlite.file_identity import FileIdentity
from rowkeep.storage.sqlite.files import Opener, OpenFile, OpenFiles, failure_at
from rowkeep.storage.sqlite.inspection import SqliteInspection
from rowkeep.storage.sqlite.keys import keyed
from rowkeep.storage.sqlite.loads import load_rows
from rowkeep.storage.sqlite.partial_upserts import upsert_partly
from rowkeep.storage.sqlite.readers import NotQuick
from rowkeep.storage.sqlite.reads import select
from rowkeep.storage.sqlite.recording import recorded
from rowkeep.storage.sqlite.upserts import upsert
from rowkeep.storage.sqlite.writes import Insert, delete, insert_partly, update

T = TypeVar("T")


class SqliteDatabase(Database):
    dialect = SQLITE
    namespace = None

    def __init__(self, path: Path, settings: Settings, files: OpenFiles, *, create: bool = True) -> None:
        """``create`` creates a missing file."""
        self.path = path
        place = FileIdentity(path)
        self.opener = Opener(place, files, partial(OpenFile, place, settings, files), create=create)

    @property
    def inspection(self) -> SqliteInspection:
        return SqliteInspection()

    async def read(self, script: Script[T]) -> T:
        return await self._read(lambda connection: run_script(connection, script))

    async def write(self, script: Script[T]) -> T:
        return await self._write(lambda connection: run_script(connection, script))

    async def _read(
        self, work: Callable[[Connection], T], table_id: str | None = None, *, is_long: bool = False
    ) -> T:
        try:
            reader = (self.opener.use_open() or await self.opener.use()).reader
            if is_long:
                return await reader.run_long(work)
            try:
                return reader.run(work, table_id)
            except NotQuick:
                return await reader.run_in_thread(work, table_id)
        except StorageUnavailable as error:
            self._refuse_if_gone()
            raise failure_at(self.path, error) from error.__cause__

    async def _write(self, work: Callable[[Connection], T], *, is_limited: bool = False) -> T:
        try:
            writer = (self.opener.use_open() or await self.opener.use()).writer
            return await writer.run(work, is_limited=is_limited)
        except StorageUnavailable as error:
            self._refuse_if_gone()
            raise failure_at(self.path, error) from error.__cause__

    def _refuse_if_gone(self) -> None:
        """If the file can be deleted legitimately, raises StaleCatalog when it was."""


class SqliteWorkspaceDatabase(SqliteDatabase, WorkspaceDatabase):
    def __init__(
        self, path: Path, settings: Settings, files: OpenFiles, ids: IdSource, *, create: bool = True
    ) -> None:
        super().__init__(path, settings, files, create=create)
        self._ids = ids

    def prepare(self, table: Table) -> TableSql:
        return SharedSqliteTable(table, None)

    def _refuse_if_gone(self) -> None:
        """The file was deleted: most likely its workspace was deleted, which the catalog knows."""
        if not self.path.exists():
            raise StaleCatalog() from None

    def prepare_as_of(self, table: Table) -> AsOfSql:
        past: AsOfSql = as_of_sql(SqliteAsOfSql, table, None)
        return past

    def prepare_view(self, view: BoundView) -> ViewSql:
        return SqliteViewSql(view, None)

    def select(self, sql: Pages, plan: SelectPlan, version: int) -> Coroutine[Any, Any, Selected]:
        return self._read(partial(select, sql, plan, version), plan.target.id)

    async def stream(self, sql: Pages, plan: SelectPlan, version: int, encode: EncodeRows) -> RowStream:
        try:
            streams = (await self.opener.use()).streams
            return await streams.open(sql, plan, version, encode)
        except StorageUnavailable as error:
            self._refuse_if_gone()
            raise failure_at(self.path, error) from error.__cause__

    def insert(
        self, sql: TableSql, plan: InsertPlan, version: int, key: WriteKey | None = None
    ) -> Coroutine[Any, Any, Stamp]:
        insert = Insert(sql, plan, version, self._ids, key, plan.operation)
        return self._try(insert) if plan.is_dry_run else self._write(insert)

    async def insert_partly(
        self, sql: TableSql, plan: InsertPlan, sift: Sift, version: int, key: WriteKey | None = None
    ) -> PartlyInserted:
        insert = partial(insert_partly, sql, plan, sift, version, self._ids, key)
        work = recorded(plan.operation, self._ids, insert)
        return await (self._try(work) if plan.is_dry_run else self._write(work))

    async def upsert(
        self, sql: TableSql, plan: UpsertPlan, version: int, key: WriteKey | None = None
    ) -> UpsertedRows:
        assert isinstance(sql, SqliteTableSql)  # noqa: S101 - prepare() makes no other
        work = recorded(plan.operation, self._ids, partial(upsert, sql, plan, version, self._ids))
        if plan.is_dry_run:
            return await self._try(work)
        return await self._write(work if key is None else partial(keyed, key, work))

    async def upsert_partly(
        self, sql: TableSql, plan: UpsertPlan, sift: Sift, version: int, key: WriteKey | None = None
    ) -> PartlyUpserted:
        assert isinstance(sql, SqliteTableSql)  # noqa: S101 - prepare() makes no other
        upsert = partial(upsert_partly, sql, plan, sift, version, self._ids)
        work = recorded(plan.operation, self._ids, upsert)
        try:
            if plan.is_dry_run:
                return await self._try(work)
            return await self._write(work if key is None else partial(keyed, key, work))
        except NothingStored as nothing:
            return nothing.result

    async def update(
        self, sql: TableSql, plan: UpdatePlan, version: int, key: WriteKey | None = None
    ) -> UpdatedRows:
        work = recorded(plan.operation, self._ids, partial(update, sql, plan, version, self._ids))
        if plan.is_dry_run:
            return await self._try(work, is_limited=True)
        return await self._write(work if key is None else partial(keyed, key, work), is_limited=True)

    async def delete(self, sql: TableSql, plan: DeletePlan, version: int, key: WriteKey | None = None) -> int:
        work = recorded(plan.operation, self._ids, partial(delete, sql, plan, version))
        if plan.is_dry_run:
            return await self._try(work, is_limited=True)
        return await self._write(work if key is None else partial(keyed, key, work), is_limited=True)

    async def batch(
        self, script: RowScript[T], version: int, kind: BatchKind = EITHER, key: WriteKey | None = None
    ) -> T:
        work = partial(run_batch, script, version, self._ids)
        if kind.only_reads and key is None:
            return await self._read(work, is_long=True)
        if kind.dry_run:
            return await self._try(work, is_limited=True)
        return await self._write(work if key is None else partial(keyed, key, work), is_limited=True)

    async def load(self, sql: TableSql, load: Load, version: int, key: WriteKey | None = None) -> Loaded:
        assert isinstance(sql, SqliteTableSql)  # noqa: S101 - prepare() makes no other
        work = recorded(load.operation, self._ids, partial(load_rows, sql, load, version, self._ids))
        if key is not None:
            work = partial(keyed, key, work)
        try:
            return await (await self.opener.use()).loader.run(work, is_dry_run=load.is_dry_run)
        except StorageUnavailable as error:
            self._refuse_if_gone()
            raise failure_at(self.path, error) from error.__cause__

    async def _try(self, work: Callable[[Connection], T], *, is_limited: bool = False) -> T:
        """A dry run of a write."""
        try:
            return await self._write(partial(undone, work), is_limited=is_limited)
        except DryRunDone as done:
            result: T = done.result
            return result
