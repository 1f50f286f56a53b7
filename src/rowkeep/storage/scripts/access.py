"""Access: scripts over the apps and grants of one workspace."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import sqlalchemy as sa

from rowkeep.errors.catalogue import NameTaken, NoSuchApp, preview
from rowkeep.model.access import App, Grant, GrantOf
from rowkeep.model.ids import writer_of
from rowkeep.model.tables import Table
from rowkeep.model.views import View
from rowkeep.sql.system_tables import WorkspaceTables
from rowkeep.storage.contract import Row, StaleCatalog, Steps
from rowkeep.storage.scripts.access_rows import app_of, app_values, client_id_taken, grant_of
from rowkeep.storage.scripts.idempotency_keys import IdempotencyKeys
from rowkeep.storage.scripts.state import WorkspaceState
from rowkeep.storage.scripts.steps import WorkspaceSteps
from rowkeep.storage.scripts.stored_definitions import StoredDefinitions


class Access(WorkspaceSteps):
    """The scripts of the apps and grants of one workspace."""

    def __init__(self, state: WorkspaceState, stored: StoredDefinitions, keys: IdempotencyKeys) -> None:
        super().__init__(stored.dialect, stored.namespace)
        self._state = state
        self._stored = stored
        self._keys = keys

    # apps

    def app(self, client_id: str) -> Steps[tuple[int, App | None, dict[str, Grant]]]:
        """The version, the app, and its grants by table id."""
        version = yield from self._state.version()
        rows = yield from self._do_known(_find_app, client_id=client_id)
        if not rows:
            return version, None, {}
        granted = yield from self._do_known(_find_grants, client_id=client_id)
        return version, app_of(rows[0]), {row[0]: grant_of(row[1:]) for row in granted}

    def apps(self, after: str, limit: int | None) -> Steps[list[App]]:
        apps = self._system.apps
        rows = yield from self._do(
            sa.select(*apps.c).where(apps.c.name_key > after).order_by(apps.c.name_key).limit(limit)
        )
        return [app_of(row) for row in rows]

    def all_apps(self) -> Steps[list[App]]:
        """All apps in the order of their names."""
        return [app_of(row) for row in (yield from self._do_known(_find_apps))]

    def existing_app(self, client_id: str) -> Steps[App]:
        """Raises NoSuchApp."""
        rows = yield from self._do_known(_find_app, client_id=client_id)
        if not rows:
            raise NoSuchApp(f"No such app: {preview(client_id)}.")
        return app_of(rows[0])

    def create_app(self, app: App, key: int) -> Steps[None]:
        """Store an app whose secret is encrypted under the data key number ``key``. Raises NameTaken, and
        StaleCatalog if that is no longer the newest key."""
        yield from self._state.raise_version()
        yield from self._check_key(key)
        if (yield from self._do_known(_find_app, client_id=app.client_id)):
            raise client_id_taken(app.client_id)
        yield from self._check_app_name(app)
        yield from self._insert("apps", **app_values(app))
        yield from self._delete(app.client_id, ("former_apps", "client_id"))

    def _check_key(self, key: int) -> Steps[None]:
        if (yield from self._state.newest_key()) != key:
            raise StaleCatalog()

    def change_app(self, client_id: str, key: int, change: Callable[[App], App]) -> Steps[App]:
        """Replace an app by the result of ``change``. Raises NoSuchApp, NameTaken, the errors of ``change``,
        and StaleCatalog as create_app does."""
        yield from self._state.raise_version()
        yield from self._check_key(key)
        app = change((yield from self.existing_app(client_id)))
        yield from self._check_app_name(app)
        apps = self._system.apps
        yield from self._do(sa.update(apps).values(app_values(app)).where(apps.c.client_id == client_id))
        return app

    def _check_app_name(self, app: App) -> Steps[None]:
        names = {"name_key": app.name.casefold(), "but": app.client_id}
        if (yield from self._do_known(_find_app_name, **names)):
            raise NameTaken(f"App {preview(app.name)} already exists.", pointer="/name")

    def delete_app(self, client_id: str) -> Steps[None]:
        """Delete an app and its grants; its name remains, for the rows that it wrote. Raises NoSuchApp."""
        yield from self._state.raise_version()
        app = yield from self.existing_app(client_id)
        yield from self._insert("former_apps", client_id=client_id, name=app.name)
        yield from self._delete(client_id, ("apps", "client_id"), ("grants", "client_id"))
        yield from self._keys.delete_of(writer_of(client_id))

    def app_names(self, after: str, limit: int) -> Steps[list[Row]]:
        """Client id and name of all apps by client id, including deleted ones."""
        apps, former = self._system.apps, self._system.former_apps
        every = sa.union_all(
            sa.select(apps.c.client_id, apps.c.name), sa.select(former.c.client_id, former.c.name)
        ).subquery()
        rows = yield from self._do(
            sa.select(every).where(every.c.client_id > after).order_by(every.c.client_id).limit(limit)
        )
        return list(rows)

    def delete_all_apps(self) -> Steps[None]:
        """The first step of the deletion of the workspace: nobody can use it from now on, and nothing is sent
        to its webhooks."""
        yield from self._state.raise_version()
        for table in (self._system.apps, self._system.grants, self._system.webhooks):
            yield from self._do(sa.delete(table))

    # grants

    def set_grant(self, name: str, client_id: str, grant: Grant, *, on_view: bool = False) -> Steps[GrantOf]:
        """Give, change or (if all rights are false) revoke a grant on a table or a view. Raises NoSuchTable,
        NoSuchView, NoSuchApp."""
        yield from self._state.raise_version()
        thing = yield from self._grantable(name, on_view)
        app = yield from self.existing_app(client_id)
        yield from self._do_known(_delete_grant, table_id=thing.id, client_id=client_id)
        if not grant.is_empty:
            rights: dict[str, Any] = msgspec.structs.asdict(grant)
            yield from self._insert("grants", table_id=thing.id, client_id=client_id, **rights)
        return GrantOf(client_id, app.name, thing.name, grant, on_view)

    def _grantable(self, name: str, on_view: bool) -> Steps[Table | View]:
        if on_view:
            return (yield from self._stored.existing_view(name))
        return (yield from self._stored.existing_table(name))

    def grants_on(self, name: str, *, on_view: bool = False) -> Steps[list[GrantOf]]:
        """The grants on a table or a view. Raises NoSuchTable, NoSuchView."""
        thing = yield from self._grantable(name, on_view)
        rows = yield from self._do(_granted(self._system).where(self._system.grants.c.table_id == thing.id))
        return [_grant_of(row) for row in rows]

    def grants_of(self, client_id: str) -> Steps[list[GrantOf]]:
        """Raises NoSuchApp."""
        yield from self.existing_app(client_id)
        rows = yield from self._do(_granted(self._system).where(self._system.grants.c.client_id == client_id))
        return [_grant_of(row) for row in rows]

    def all_grants(self) -> Steps[list[GrantOf]]:
        return [_grant_of(row) for row in (yield from self._do_known(_granted))]


class _Named(msgspec.Struct):
    """The part that the definitions of tables and views have in common."""

    name: str


_named_decoder = msgspec.json.Decoder(_Named)


def _find_app(system: WorkspaceTables) -> sa.Executable:
    apps = system.apps
    return sa.select(*apps.c).where(apps.c.client_id == sa.bindparam("client_id"))


def _find_apps(system: WorkspaceTables) -> sa.Executable:
    apps = system.apps
    return sa.select(*apps.c).order_by(apps.c.name_key)


def _find_app_name(system: WorkspaceTables) -> sa.Executable:
    """Another app with the same name."""
    apps = system.apps
    same_name = apps.c.name_key == sa.bindparam("name_key")
    return sa.select(apps.c.client_id).where(same_name, apps.c.client_id != sa.bindparam("but"))


def _delete_grant(system: WorkspaceTables) -> sa.Executable:
    grants = system.grants.c
    of: dict[str, Any] = {name: sa.bindparam(name) for name in ("table_id", "client_id")}
    return sa.delete(system.grants).where(*(grants[name] == value for name, value in of.items()))


def _granted(system: WorkspaceTables) -> sa.Select[Any]:
    """Grants with the app and the definition of the table or view of each, in the order of their names."""
    grants, apps, tables, views = system.grants, system.apps, system.tables, system.views
    given = grants.join(apps, apps.c.client_id == grants.c.client_id)
    given = given.outerjoin(tables, tables.c.id == grants.c.table_id)
    given = given.outerjoin(views, views.c.id == grants.c.table_id)
    return (
        sa.select(
            apps.c.client_id, apps.c.name, tables.c.definition, views.c.definition,
            grants.c.read, grants.c.write, grants.c.delete,
        )
        .select_from(given)
        .order_by(sa.func.coalesce(tables.c.name_key, views.c.name_key), apps.c.name_key)
    )  # fmt: skip


def _grant_of(row: Row) -> GrantOf:
    name = _named_decoder.decode(row[2] or row[3]).name
    return GrantOf(row[0], row[1], name, grant_of(row[4:]), row[2] is None)


def _find_grants(system: WorkspaceTables) -> sa.Executable:
    grants = system.grants
    found = sa.select(grants.c.table_id, grants.c.read, grants.c.write, grants.c.delete)
    return found.where(grants.c.client_id == sa.bindparam("client_id"))
