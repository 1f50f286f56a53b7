"""Table list: scripts that read all tables and views, or those that an app may use."""

from __future__ import annotations

import msgspec
import sqlalchemy as sa

from rowkeep.model.tables import Table
from rowkeep.model.users import Asker
from rowkeep.model.views import View
from rowkeep.storage.contract import Steps
from rowkeep.storage.scripts.rights import RightsOfUsers
from rowkeep.storage.scripts.state import WorkspaceState
from rowkeep.storage.scripts.steps import WorkspaceSteps
from rowkeep.storage.scripts.stored_definitions import StoredDefinitions, stored_table, stored_view


class TableListing(msgspec.Struct, frozen=True):
    """Tables and views at one version, and the tables that the views need, by id."""

    version: int
    tables: list[Table]
    views: list[View]
    needed: dict[str, Table]


class TableList(WorkspaceSteps):
    """The scripts of one workspace."""

    def __init__(self, state: WorkspaceState, stored: StoredDefinitions, rights: RightsOfUsers) -> None:
        super().__init__(stored.dialect, stored.namespace)
        self._rights = rights
        self._state = state
        self._stored = stored

    def usable_by(self, client_id: str | None, user_id: str | None = None) -> Steps[TableListing]:
        """The tables and views that an app has a grant for, or that are visible to a user; without either,
        all of them."""
        version = yield from self._state.version()
        tables = [
            stored_table(text) for text in (yield from self._granted(self._system.tables, client_id, user_id))
        ]
        views = [
            stored_view(text) for text in (yield from self._granted(self._system.views, client_id, user_id))
        ]
        ids = {table_id for view in views for table_id in view.table_ids}
        return TableListing(version, tables, views, (yield from self._stored.tables_by("id", ids)))

    def _granted(self, things: sa.Table, client_id: str | None, user_id: str | None) -> Steps[list[str]]:
        grants = self._system.grants
        found = sa.select(things.c.definition)
        if client_id is not None:
            is_granted = sa.select(grants.c.table_id).where(grants.c.client_id == client_id)
            found = found.where(things.c.id.in_(is_granted))
        if user_id is not None:
            asker = Asker(user_id=user_id, is_admin=False)
            found = found.where((yield from self._rights.listed(things, asker)))
        return [row[0] for row in (yield from self._do(found))]
