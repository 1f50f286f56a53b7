"""Databases: one namespace, for scripts and for the rows of a workspace."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, TypeAlias, TypeVar

from rowkeep.model.ids import IdSource, Stamp
from rowkeep.model.tables import Table
from rowkeep.plan.rows.select import SelectPlan
from rowkeep.plan.rows.upserts import UpsertPlan
from rowkeep.plan.rows.writes import DeletePlan, InsertPlan, UpdatePlan
from rowkeep.plan.views.bind import BoundView
from rowkeep.sql.as_of import AsOfSql, PostgresAsOfSql, as_of_sql
from rowkeep.sql.dialects import POSTGRES
from rowkeep.sql.pages import Pages
from rowkeep.sql.rows import PostgresTableSql, TableSql
from rowkeep.sql.shared_tables import SharedPostgresTable
from rowkeep.sql.views import PostgresViewSql, ViewSql
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
    UpdatedRows,
    UpsertedRows,
    WorkspaceDatabase,
    WriteKey,
)
from rowkeep.storage.postgres.batches import Batch
from rowkeep.storage.postgres.inspection import PostgresInspection
from rowkeep.storage.postgres.loads import load_rows
from rowkeep.storage.postgres.lookups import Lookups
from rowkeep.storage.postgres.partial_inserts import insert_partly
from rowkeep.storage.postgres.partial_upserts import upsert_partly
from rowkeep.storage.postgres.pool import Call, Pool
from rowkeep.storage.postgres.reads import select
from rowkeep.storage.postgres.upserts import upsert
from rowkeep.storage.postgres.waiting import ConnectionLane
from rowkeep.storage.postgres.writes import delete, insert, update

T = TypeVar("T")
Work: TypeAlias = Coroutine[Any, Any, T]


class PostgresDatabase(Database):
    dialect = POSTGRES

    def __init__(self, pool: Pool, namespace: str, lane: ConnectionLane) -> None:
        self._pool = pool
        self.namespace: str = namespace
        self._script = Call(lane)

    @property
    def inspection(self) -> PostgresInspection:
        return PostgresInspection(self.namespace)

    async def read(self, script: Script[T]) -> T:
        return await self._pool.read(script, self._script)

    async def write(self, script: Script[T]) -> T:
        return await self._pool.write(script, self._script)

    async def read_one(self, script: Script[T]) -> T:
        return await self._pool.run_one(script, self._script)

    async def write_one(self, script: Script[T]) -> T:
        return await self._pool.run_one(script, self._script)


class PostgresWorkspaceDatabase(PostgresDatabase, WorkspaceDatabase):
    def __init__(self, pool: Pool, namespace: str, ids: IdSource) -> None:
        super().__init__(pool, namespace, pool.turns.new_definitions())
        self._ids = ids
        self._rows = pool.turns.new_workspace()
        self._lookups = Lookups(pool)

    def prepare(self, table: Table) -> TableSql:
        return SharedPostgresTable(table, self.namespace)

    def prepare_as_of(self, table: Table) -> AsOfSql:
        past: AsOfSql = as_of_sql(PostgresAsOfSql, table, self.namespace)
        return past

    def prepare_view(self, view: BoundView) -> ViewSql:
        return PostgresViewSql(view, self.namespace)

    # each of these gives the coroutine itself, so that none waits in another

    def select(self, sql: Pages, plan: SelectPlan, version: int) -> Work[Selected]:
        return select(self._pool, self._rows, self._lookups, sql, plan, version)

    def stream(self, sql: Pages, plan: SelectPlan, version: int, encode: EncodeRows) -> Work[RowStream]:
        return self._pool.streams.open(sql, plan, version, encode)

    def insert(
        self, sql: TableSql, plan: InsertPlan, version: int, key: WriteKey | None = None
    ) -> Work[Stamp]:
        return insert(self._pool, self._rows, sql, plan, version, self._ids.stamp(len(plan.rows)), key)

    def insert_partly(
        self, sql: TableSql, plan: InsertPlan, sift: Sift, version: int, key: WriteKey | None = None
    ) -> Work[PartlyInserted]:
        stamp = self._ids.stamp(len(plan.rows))
        return insert_partly(self._pool, self._rows, sql, plan, sift, version, stamp, key)

    def upsert(
        self, sql: TableSql, plan: UpsertPlan, version: int, key: WriteKey | None = None
    ) -> Work[UpsertedRows]:
        assert isinstance(sql, PostgresTableSql)  # noqa: S101 - prepare() makes no other
        return upsert(self._pool, self._rows, sql, plan, version, self._ids.stamp(len(plan.rows)), key)

    async def upsert_partly(
        self, sql: TableSql, plan: UpsertPlan, sift: Sift, version: int, key: WriteKey | None = None
    ) -> PartlyUpserted:
        assert isinstance(sql, PostgresTableSql)  # noqa: S101 - prepare() makes no other
        try:
            return await upsert_partly(self._pool, self._rows, sql, plan, sift, version, self._ids, key)
        except NothingStored as nothing:
            return nothing.result

    def load(self, sql: TableSql, load: Load, version: int, key: WriteKey | None = None) -> Work[Loaded]:
        assert isinstance(sql, PostgresTableSql)  # noqa: S101 - prepare() makes no other
        return load_rows(self._pool, self._rows, sql, load, version, self._ids, key)

    def update(
        self, sql: TableSql, plan: UpdatePlan, version: int, key: WriteKey | None = None
    ) -> Work[UpdatedRows]:
        return update(self._pool, self._rows, self._ids, sql, plan, version, key)

    def delete(self, sql: TableSql, plan: DeletePlan, version: int, key: WriteKey | None = None) -> Work[int]:
        return delete(self._pool, self._rows, self._ids, sql, plan, version, key)

    def batch(
        self, script: RowScript[T], version: int, kind: BatchKind = EITHER, key: WriteKey | None = None
    ) -> Work[T]:
        batch: Batch[T] = Batch(self._pool, self._rows, self._ids, self.namespace, version, kind)
        return batch.run(script, key)
