"""Retention: deletes the rows that are older than their tables keep them, in small transactions.

Every hour, one of all processes goes through the tables of all workspaces.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import TypeAlias

import msgspec
import structlog

from rowkeep.catalog.catalog import Catalog
from rowkeep.catalog.snapshot import CompiledTable, Snapshot
from rowkeep.catalog.workspace import OpenWorkspace
from rowkeep.metrics import RETENTION_DELETED
from rowkeep.model.audit import Outcome
from rowkeep.model.data_requests import DeleteBody, QueryBody, RowRange
from rowkeep.model.history import SERVER, Operation
from rowkeep.model.ids import Clock
from rowkeep.model.tables import ROW_KEY, Retention
from rowkeep.model.values.scalars import canonical_date
from rowkeep.plan.rows.select import plan_select
from rowkeep.plan.rows.writes import plan_delete
from rowkeep.request_context import new_operation_id
from rowkeep.services.audit import AuditLog, process_actor
from rowkeep.services.key_rotation import all_workspaces
from rowkeep.services.shared_tasks import GONE, SharedTask
from rowkeep.settings import Settings
from rowkeep.storage.contract import ReferenceConflict, StaleCatalog

log = structlog.get_logger(__name__)

TASK = "retention"
PERIOD_SECONDS = 3600
ROWS_AT_ONCE = 500
MAX_REFERENCED = 10_000
"""After so many rows of a table that others refer to, the rest waits for the next time."""


Condition: TypeAlias = dict[str, str]
"""One condition of a filter, in JSON."""


class _Counts(msgspec.Struct):
    """How many rows of a table were deleted, and how many stay because others refer to them."""

    deleted: int = 0
    referenced: int = 0


class RetentionTask:
    """Deletes old rows of all tables with a retention, once in PERIOD_SECONDS over all processes."""

    def __init__(self, catalog: Catalog, settings: Settings, clock: Clock) -> None:
        self._catalog = catalog
        self._settings = settings
        self._clock = clock
        self._audit = AuditLog(catalog, settings, clock)
        self._turns = SharedTask(TASK, PERIOD_SECONDS, catalog, clock)

    async def run(self) -> None:
        """Do it if nobody has done it in this period."""
        if await self._turns.take_turn():
            await self.delete_old_rows()

    async def delete_old_rows(self) -> None:
        """Go through all workspaces."""
        for workspace in await all_workspaces(self._catalog):
            if not workspace.is_made:
                continue
            try:
                opened = await self._catalog.named(workspace.name)
                tables = await opened.database.read(partial(opened.scripts.tables.page, "", None))
                for table in tables:
                    if table.retention is not None:
                        await self._of_table(opened, table.name)
            except GONE:
                continue

    async def _of_table(self, opened: OpenWorkspace, name: str) -> None:
        counts = _Counts()
        try:
            await self._delete_of_table(opened, name, counts)
        finally:
            # also of the rows that were deleted before the database had no time
            await self._record(opened, name, counts)

    async def _delete_of_table(self, opened: OpenWorkspace, name: str, counts: _Counts) -> None:
        compiled: CompiledTable | None = None
        while counts.referenced <= MAX_REFERENCED:
            try:
                snapshot = await opened.snapshot()
                compiled = await opened.table(snapshot, name)
                if compiled is None or compiled.table.retention is None:
                    break
                is_old = self._is_old(compiled, compiled.table.retention)
                ids = await self._old_rows(opened, snapshot, compiled, is_old, counts.referenced)
                if not ids:
                    break
                before = counts.deleted
                await self._delete(opened, snapshot, compiled, is_old, ids, counts)
            except StaleCatalog:
                # the definition changed meanwhile: it is read again, and may have another retention
                await self._catalog.renew(opened)
                continue
            counts.referenced += len(ids) - (counts.deleted - before)

    async def _record(self, opened: OpenWorkspace, name: str, counts: _Counts) -> None:
        if counts.deleted:
            await self._audit.record_done(
                self._audit.entry(
                    process_actor(),
                    "rows.expire",
                    result=Outcome.SUCCESS,
                    workspace=opened.workspace.name,
                    target=f"table {name}",
                    details={"deleted": counts.deleted},
                )
            )
        if counts.deleted or counts.referenced:
            log.info(
                "old rows deleted",
                workspace=opened.workspace.name,
                table=name,
                deleted=counts.deleted,
                referenced=counts.referenced,
            )

    def _is_old(self, compiled: CompiledTable, retention: Retention) -> Condition:
        """The condition that old rows match."""
        column = next(each for each in compiled.table.all_columns if each.id == retention.column)
        before = canonical_date(self._clock() - timedelta(days=retention.days))
        return {"field": column.name, "operand": "<", "value": before}

    async def _old_rows(
        self,
        opened: OpenWorkspace,
        snapshot: Snapshot,
        compiled: CompiledTable,
        is_old: Condition,
        referenced: int,
    ) -> Sequence[str]:
        """The ids of the oldest rows that are too old, after those that stay because others refer to
        them."""
        body = msgspec.convert(
            {
                "query": {"expressions": [is_old]},
                "sort": [{"field": is_old["field"]}],
                "fields": [ROW_KEY],
                "count": "none",
            },
            QueryBody,
        )
        limit = min(ROWS_AT_ONCE, self._settings.max_page_size)
        plan = plan_select(
            compiled.target, body, RowRange(limit, referenced or None), self._settings, opened.cursors
        )
        found = await opened.database.select(compiled.sql, plan, snapshot.version)
        return [row[0] for row in found.rows]

    async def _delete(
        self,
        opened: OpenWorkspace,
        snapshot: Snapshot,
        compiled: CompiledTable,
        is_old: Condition,
        ids: Sequence[str],
        counts: _Counts,
    ) -> None:
        """Delete these rows if they are still old, except those that others refer to, and count them."""
        chosen = {"field": ROW_KEY, "operand": "in", "value": ids}
        query = {"operator": "and", "expressions": [chosen, is_old]}
        body = msgspec.convert({"query": query}, DeleteBody)
        operation = None if compiled.table.history is None else Operation(new_operation_id(), SERVER)
        plan = plan_delete(compiled.target, body, self._settings, operation=operation)
        try:
            deleted = await opened.database.delete(compiled.sql, plan, snapshot.version)
        except ReferenceConflict:
            if len(ids) == 1:
                return
        else:
            counts.deleted += deleted
            RETENTION_DELETED.add(deleted)
            return
        half = len(ids) // 2
        await self._delete(opened, snapshot, compiled, is_old, ids[:half], counts)
        await self._delete(opened, snapshot, compiled, is_old, ids[half:], counts)
