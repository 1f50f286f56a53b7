"""History tasks: what servers do in the background for the histories of tables.

Every hour, one of all processes deletes the records that are older than their tables keep them, in small
transactions. Each process puts the operations of its workspaces in order, so that a reader finds few that are
not.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from functools import partial

import structlog

from rowkeep.catalog.catalog import Catalog
from rowkeep.catalog.workspace import OpenWorkspace
from rowkeep.model.ids import Clock
from rowkeep.model.tables import Table
from rowkeep.model.values.scalars import canonical_date
from rowkeep.services.key_rotation import all_workspaces
from rowkeep.services.shared_tasks import GONE, SharedTask
from rowkeep.storage.scripts.history_expiry import HistoryExpiry

log = structlog.get_logger(__name__)

TASK = "history"
PERIOD_SECONDS = 3600
ORDER_SECONDS = 60


async def order_operations(catalog: Catalog) -> None:
    """Put the operations of all workspaces in use in order."""
    for workspace in catalog.in_use():
        with suppress(*GONE):
            await order_in(workspace)


async def order_in(workspace: OpenWorkspace) -> None:
    """Put the operations of a workspace in order, if some are not."""
    history = workspace.scripts.history
    if await workspace.database.read(history.has_unordered):
        await workspace.database.write(history.order_operations)


class HistoryTask:
    """Deletes old records of changes, once in PERIOD_SECONDS over all processes."""

    def __init__(self, catalog: Catalog, clock: Clock) -> None:
        self._catalog = catalog
        self._clock = clock
        self._turns = SharedTask(TASK, PERIOD_SECONDS, catalog, clock)

    async def run(self) -> None:
        """Do it if nobody has done it in this period."""
        if await self._turns.take_turn():
            await self.delete_old_records()

    async def delete_old_records(self) -> None:
        """Go through all workspaces."""
        for workspace in await all_workspaces(self._catalog):
            if not workspace.is_made:
                continue
            try:
                opened = await self._catalog.named(workspace.name)
                tables = await opened.database.read(partial(opened.scripts.tables.page, "", None))
                await self._of_workspace(opened, [table for table in tables if table.history is not None])
            except GONE:
                continue

    async def _of_workspace(self, opened: OpenWorkspace, tables: Sequence[Table]) -> None:
        database = opened.database
        await order_in(opened)
        expiry = HistoryExpiry(opened.scripts.history)
        days = [table.history.keep_days for table in tables if table.history is not None]
        for table, limit in zip(tables, days, strict=True):
            await self._of_table(opened, expiry, table, limit)
        # operations are deleted when no table can have records of them
        last = await database.read(partial(expiry.last_before, self._days_ago(max(days, default=0))))
        while await database.read(partial(expiry.has_operations, last)):
            await database.write(partial(expiry.delete_operations, last))

    async def _of_table(self, opened: OpenWorkspace, expiry: HistoryExpiry, table: Table, days: int) -> None:
        moment = self._days_ago(days)
        database = opened.database
        last = await database.read(partial(expiry.last_before, moment))
        deleted = 0
        while found := await database.read(partial(expiry.oldest, table, last)):
            await database.write(partial(expiry.delete, table, found, moment))
            deleted += len(found)
        if deleted:
            log.info(
                "old records of changes deleted",
                workspace=opened.workspace.name,
                table=table.name,
                deleted=deleted,
            )

    def _days_ago(self, days: int) -> str:
        return canonical_date(self._clock() - timedelta(days=days))
