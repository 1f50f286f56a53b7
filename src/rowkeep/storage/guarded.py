"""Guarded database: the database of a workspace for one request of a user, whose rights every script checks
first, in its own transaction."""

from __future__ import annotations

from typing import TypeVar

from rowkeep.model.ids import Stamp
from rowkeep.model.tables import Table
from rowkeep.plan.rows.select import SelectPlan
from rowkeep.plan.rows.writes import DeletePlan, InsertPlan, UpdatePlan
from rowkeep.plan.views.bind import BoundView
from rowkeep.sql.pages import Pages
from rowkeep.sql.rows import TableSql
from rowkeep.sql.views import ViewSql
from rowkeep.storage.contract import (
    Script,
    Selected,
    Steps,
    UpdatedRows,
    WorkspaceDatabase,
    WriteKey,
)

T = TypeVar("T")


class GuardedDatabase(WorkspaceDatabase):
    """``check`` raises the error for a user who lacks a right. Rows are not checked here: their reads and
    writes check the version that the rights were read with."""

    def __init__(self, database: WorkspaceDatabase, check: Script[None]) -> None:
        self._database = database
        self._check = check
        self.dialect = database.dialect
        self.namespace = database.namespace

    async def read(self, script: Script[T]) -> T:
        def checked() -> Steps[T]:
            yield from self._check()
            return (yield from script())

        return await self._database.read(checked)

    async def write(self, script: Script[T]) -> T:
        def checked() -> Steps[T]:
            # after the first statement: a write comes first, and raises the version, so that nobody can
            # change the rights until this transaction ends
            steps = script()
            try:
                statement = next(steps)
            except StopIteration as end:
                result: T = end.value
                return result
            rows = yield statement
            yield from self._check()
            while True:
                try:
                    statement = steps.send(rows)
                except StopIteration as end:
                    result = end.value
                    return result
                rows = yield statement

        return await self._database.write(checked)

    def prepare(self, table: Table) -> TableSql:
        return self._database.prepare(table)

    def prepare_view(self, view: BoundView) -> ViewSql:
        return self._database.prepare_view(view)

    async def select(self, sql: Pages, plan: SelectPlan, version: int) -> Selected:
        return await self._database.select(sql, plan, version)

    async def insert(
        self, sql: TableSql, plan: InsertPlan, version: int, key: WriteKey | None = None
    ) -> Stamp:
        return await self._database.insert(sql, plan, version, key)

    async def update(
        self, sql: TableSql, plan: UpdatePlan, version: int, key: WriteKey | None = None
    ) -> UpdatedRows:
        return await self._database.update(sql, plan, version, key)

    async def delete(self, sql: TableSql, plan: DeletePlan, version: int, key: WriteKey | None = None) -> int:
        return await self._database.delete(sql, plan, version, key)
