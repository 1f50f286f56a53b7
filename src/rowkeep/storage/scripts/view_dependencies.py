"""View dependencies: which views need a table or a column, checked before it is dropped or changed."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import sqlalchemy as sa

from rowkeep.errors.catalogue import StillReferenced
from rowkeep.model.tables import Table
from rowkeep.model.users import HIDDEN_VIEW
from rowkeep.model.views import View, columns_by_key
from rowkeep.plan.views.read import broken_by
from rowkeep.sql.system_tables import WorkspaceTables
from rowkeep.storage.contract import Steps
from rowkeep.storage.scripts.rights import RightsOfUsers
from rowkeep.storage.scripts.steps import WorkspaceSteps
from rowkeep.storage.scripts.stored_definitions import StoredDefinitions, stored_view

MAX_NAMES = 10
"""How many views an error names."""


class ViewNeeds(WorkspaceSteps):
    """Scripts over the views of one workspace, for changes of the tables that they need."""

    def __init__(self, stored: StoredDefinitions, rights: RightsOfUsers) -> None:
        super().__init__(stored.dialect, stored.namespace)
        self._stored = stored
        self._rights = rights

    def views_needing(self, table_id: str, column_id: str | None = None) -> Steps[list[View]]:
        """The views that need a table, or a column of it, in the order of their names."""
        rows = yield from self._do_known(_find_needing, table_id=table_id)
        found = [stored_view(row[0]) for row in rows]
        return [view for view in found if view.needs(table_id, column_id)]

    def visible_views_needing(self, table_id: str, viewer: str | None) -> Steps[list[View]]:
        """Those of the views that need a table that are visible to the viewer."""
        views = yield from self.views_needing(table_id)
        hidden = yield from self._rights.invisible(viewer, views)
        return [view for view in views if view.id not in hidden]

    def check_drop(self, table: Table, viewer: str | None = None) -> Steps[None]:
        """Raises StillReferenced if a view needs the table; it names views that are visible to the viewer."""
        views = yield from self.views_needing(table.id)
        if views:
            hidden = yield from self._rights.invisible(viewer, views)
            raise StillReferenced(
                f"Table {table.name} is used by {_names_of(views, hidden)}. Change or delete that first."
            )

    def check_change(self, before: Table, after: Table, viewer: str | None = None) -> Steps[None]:
        """Raises StillReferenced if a change of a table would drop a column that a view needs, or would
        change it so that it cannot be compared, summed or filtered as the view does. Renamed columns are not
        an error: views follow them."""
        views = yield from self.views_needing(before.id)
        hidden = yield from self._rights.invisible(viewer, views)
        remaining = columns_by_key(after)
        for key, column in columns_by_key(before).items():
            needing = [view for view in views if view.needs(before.id, key)]
            if key not in remaining and needing:
                raise StillReferenced(
                    f"Column {column.name} of table {before.name} is used by {_names_of(needing, hidden)}. "
                    "Change or delete that first."
                )
        others = {table_id for view in views for table_id in view.table_ids}
        tables = (yield from self._stored.tables_by("id", others)) | {after.id: after}
        for view in views:
            problem = broken_by(view, tables)
            if problem is not None:
                if view.id in hidden:
                    raise StillReferenced(f"This change would break {HIDDEN_VIEW}.")
                raise StillReferenced(f"This change would break view {view.name}: {problem}")


def _find_needing(system: WorkspaceTables) -> sa.Executable:
    views, uses = system.views, system.view_tables
    return (
        sa.select(views.c.definition)
        .select_from(views.join(uses, uses.c.view_id == views.c.id))
        .where(uses.c.table_id == sa.bindparam("table_id"))
        .order_by(views.c.name_key)
    )


def _names_of(views: Sequence[View], hidden: Collection[str]) -> str:
    views = [view for view in views if view.id not in hidden]
    if not views:
        return HIDDEN_VIEW
    names = ", ".join(view.name for view in views[:MAX_NAMES])
    more = f" and {len(views) - MAX_NAMES} more" if len(views) > MAX_NAMES else ""
    return f"view{'s' if len(views) > 1 else ''} {names}{more}"
