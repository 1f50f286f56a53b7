"""Views: scripts over the views of one workspace, the same on every engine."""

from __future__ import annotations

from typing import TypeAlias

import msgspec
import sqlalchemy as sa

from rowkeep.errors.catalogue import Forbidden, InvalidDefinition, NoSuchView, RowkeepError, preview
from rowkeep.model.definitions.views import ViewBody
from rowkeep.model.tables import NAME, Table, name_key
from rowkeep.model.users import EVERYBODY, Asker
from rowkeep.model.views import View
from rowkeep.plan.views.read import read_view
from rowkeep.sql.system_tables import WorkspaceTables
from rowkeep.storage.contract import Steps
from rowkeep.storage.scripts.rights import ROWS_OF_RIGHTS, RightsOfUsers
from rowkeep.storage.scripts.state import WorkspaceState
from rowkeep.storage.scripts.steps import WorkspaceSteps
from rowkeep.storage.scripts.stored_definitions import StoredDefinitions, as_stored, stored_view
from rowkeep.storage.scripts.tables import Tables

ViewWithTables: TypeAlias = tuple[View, dict[str, Table]]
"""A view, and the tables that it needs, by id."""

OWN_MEMBERS = ("/name", "/description")
"""What a definition says about the view alone."""


class Views(WorkspaceSteps):
    """The scripts of one workspace. Scripts that change something raise the version first, which makes all
    changes run one after the other."""

    def __init__(
        self, state: WorkspaceState, stored: StoredDefinitions, tables: Tables, rights: RightsOfUsers
    ) -> None:
        super().__init__(stored.dialect, stored.namespace)
        self._state = state
        self._stored = stored
        self._tables = tables
        self._rights = rights

    def find(self, name: str) -> Steps[tuple[int, ViewWithTables | None]]:
        """The version, and the view with this name, in any case."""
        version = yield from self._state.version()
        try:
            return version, (yield from self.get(name))
        except NoSuchView:
            return version, None

    def get(self, name: str) -> Steps[ViewWithTables]:
        """The view with this name, in any case. Raises NoSuchView."""
        view = yield from self._stored.existing_view(name)
        return view, (yield from self._stored.tables_by("id", set(view.table_ids)))

    def page(
        self, after: str, limit: int | None, asker: Asker = EVERYBODY
    ) -> Steps[tuple[list[View], dict[str, Table]]]:
        """Views in the order of their names, after the name ``after``, and the tables that they need."""
        views = self._system.views
        rows = yield from self._do(
            sa.select(views.c.definition)
            .where(views.c.name_key > after, (yield from self._rights.listed(views, asker)))
            .order_by(views.c.name_key)
            .limit(limit)
        )
        found = [stored_view(row[0]) for row in rows]
        ids = {table_id for view in found for table_id in view.table_ids}
        return found, (yield from self._stored.tables_by("id", ids))

    def all(self) -> Steps[list[View]]:
        """All views in the order of their names."""
        return [stored_view(row[0]) for row in (yield from self._do_known(_find_all))]

    def create(self, body: ViewBody, view_id: str, owner: str | None = None) -> Steps[ViewWithTables]:
        """Create a view; ``owner`` is the id of a user. With the id of one that was set aside, that is
        created again. Raises NameTaken, and all errors in the definition."""
        yield from self._state.raise_version()
        if body.renamed_from:
            raise InvalidDefinition(
                "A new view cannot have renamedFrom. To rename an existing one, use PUT.",
                pointer="/renamedFrom",
            )
        view, tables = yield from self._read(body, view_id)
        yield from self._tables.check_name_is_free(view.name)
        yield from self._insert("views", id=view.id, name_key=name_key(view.name), definition=as_stored(view))
        yield from self._store_tables(view)
        if owner is not None:
            yield from self._rights.own(view.id, owner)
        return view, tables

    def replace(self, name: str, body: ViewBody, viewer: str | None = None) -> Steps[ViewWithTables]:
        """Replace the definition of the view with this name; its grants are unchanged. With ``renamedFrom``
        the view with that name is renamed. Raises NoSuchView, the errors of create, and Forbidden for a
        ``viewer``, a user, who does not see all of its tables."""
        yield from self._state.raise_version()
        _, view, tables = yield from self.rehearse(name, body, viewer)
        views = self._system.views
        yield from self._do(
            sa.update(views)
            .values(name_key=name_key(view.name), definition=as_stored(view))
            .where(views.c.id == view.id)
        )
        yield from self._store_tables(view)
        return view, tables

    def rehearse(
        self, name: str, body: ViewBody, viewer: str | None = None
    ) -> Steps[tuple[View, View, dict[str, Table]]]:
        """The view as it is, and as ``replace`` would make it. Raises the errors of ``replace``."""
        if name_key(body.name) != name_key(name):
            raise InvalidDefinition(
                f"The name {preview(body.name)} does not match {preview(name)} in the path. To rename a "
                "view, PUT its definition to the path with the new name and set renamedFrom to the old name.",
                pointer="/name",
            )
        before = yield from self._stored.existing_view(body.renamed_from or name)
        tables, views = yield from self._named(body)
        hides = bool((yield from self._rights.invisible(viewer, tables.values())))
        try:
            view = read_view(body, before.id, tables, views)
        except RowkeepError as error:
            # other errors would say which columns the tables have
            if hides and any(each.pointer not in OWN_MEMBERS for each in error.problems):
                raise _not_visible(before) from None
            raise
        # other columns, or a filter without a condition, would show what the view does not
        is_same = view == msgspec.structs.replace(before, name=view.name, description=view.description)
        if hides and not is_same:
            raise _not_visible(before)
        yield from self._tables.check_name_is_free(view.name, but=before.id)
        return before, view, _by_id(tables)

    def trial(self, body: ViewBody) -> Steps[tuple[int, ViewWithTables]]:
        """The version, and the view of a definition that is not stored, and has no id. Raises all errors in
        the definition."""
        version = yield from self._state.version()
        return version, (yield from self._read(body, ""))

    def _read(self, body: ViewBody, view_id: str) -> Steps[ViewWithTables]:
        tables, views = yield from self._named(body)
        return read_view(body, view_id, tables, views), _by_id(tables)

    def _named(self, body: ViewBody) -> Steps[tuple[dict[str, Table], dict[str, str]]]:
        """The tables, and the names of the views, that a definition names, by their keys."""
        # an invalid name matches nothing, and may contain characters that an engine rejects
        names = {name_key(name) for name in body.table_names if NAME.fullmatch(name)}
        tables = yield from self._stored.tables_by("name_key", names)
        system_views = self._system.views
        rows = yield from self._do(
            sa.select(system_views.c.name_key, system_views.c.definition).where(
                system_views.c.name_key.in_([sa.literal(each) for each in sorted(names)])
            )
        )
        return tables, {row[0]: stored_view(row[1]).name for row in rows}

    def _store_tables(self, view: View) -> Steps[None]:
        yield from self._delete(view.id, ("view_tables", "view_id"))
        for table_id in sorted(set(view.table_ids)):
            yield from self._insert("view_tables", view_id=view.id, table_id=table_id)

    def drop(self, name: str) -> Steps[None]:
        """Drop a view with its grants. Raises NoSuchView."""
        view = yield from self.set_aside(name)
        yield from self._delete(view.id, ("grants", "table_id"), ("charts", "thing_id"), *ROWS_OF_RIGHTS)

    def set_aside(self, name: str) -> Steps[View]:
        """Drop a view that is created again in the same transaction: what belongs to its id stays. Raises
        NoSuchView."""
        yield from self._state.raise_version()
        view = yield from self._stored.existing_view(name)
        yield from self._delete(view.id, ("views", "id"), ("view_tables", "view_id"))
        return view


def _by_id(tables: dict[str, Table]) -> dict[str, Table]:
    return {table.id: table for table in tables.values()}


def _not_visible(view: View) -> Forbidden:
    return Forbidden(
        f"View {view.name} reads tables that are not visible to you. You can change its name and "
        "description, but not what it shows."
    )


def _find_all(system: WorkspaceTables) -> sa.Executable:
    views = system.views
    return sa.select(views.c.definition).order_by(views.c.name_key)
