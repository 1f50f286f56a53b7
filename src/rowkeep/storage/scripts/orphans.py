"""Orphans: rows of the system tables that belong to something that is missing."""

from __future__ import annotations

import sqlalchemy as sa

from rowkeep.storage.contract import Steps
from rowkeep.storage.scripts.steps import WorkspaceSteps
from rowkeep.storage.scripts.workspace import WorkspaceScripts


class Orphans(WorkspaceSteps):
    """The scripts of one workspace, which only read."""

    def __init__(self, scripts: WorkspaceScripts) -> None:
        super().__init__(scripts.dialect, scripts.namespace)

    def users_with_rights(self) -> Steps[set[str]]:
        """The ids of all members, owners, and users with a share."""
        found: set[str] = set()
        for table in (self._system.members, self._system.owners, self._system.shares):
            found |= {row[0] for row in (yield from self._do(sa.select(table.c.user_id).distinct()))}
        return found

    def of_missing_things(self) -> Steps[list[tuple[str, str]]]:
        """What grants, owners, shares, references, views, webhooks and charts have of tables and views that
        are missing, with the ids of these."""
        system = self._system
        present: set[str] = set()
        for table in (system.tables, system.views):
            present |= {row[0] for row in (yield from self._do(sa.select(table.c.id)))}
        found: list[tuple[str, str]] = []
        for what, column in (
            ("grant", system.grants.c.table_id),
            ("owner", system.owners.c.thing_id),
            ("share", system.shares.c.thing_id),
            ("reference", system.references.c.to_table_id),
            ("view", system.view_tables.c.table_id),
            ("webhook", system.webhook_tables.c.table_id),
            ("chart", system.charts.c.thing_id),
        ):
            used = yield from self._do(sa.select(column).distinct().order_by(column))
            found += [(what, row[0]) for row in used if row[0] not in present]
        return found
