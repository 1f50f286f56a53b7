"""Rights: scripts over the members of one workspace, and the owners and shares of its tables and views."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

import sqlalchemy as sa

from rowkeep.errors.catalogue import Forbidden, NoSuchTable, NoSuchUser, NoSuchView, NoSuchWorkspace, preview
from rowkeep.model.tables import NAME, Table
from rowkeep.model.users import Asker, Guard, ListedThings, Need, Role, SharedRight, UserRights
from rowkeep.model.views import View
from rowkeep.storage.contract import Steps
from rowkeep.storage.scripts.state import WorkspaceState
from rowkeep.storage.scripts.steps import WorkspaceSteps
from rowkeep.storage.scripts.stored_definitions import StoredDefinitions, stored_view

OwnerAndShares: TypeAlias = tuple[str | None, list[tuple[str, SharedRight]]]
"""The id of the owner, and the ids of users with their rights."""


ROWS_OF_RIGHTS = (("owners", "thing_id"), ("shares", "thing_id"))
"""What the system tables have of the rights to a table or view."""


class RightsOfUsers(WorkspaceSteps):
    """The scripts of one workspace. Scripts that change something raise the version first, so that a change
    is effective at once in all processes."""

    def __init__(self, state: WorkspaceState, stored: StoredDefinitions) -> None:
        super().__init__(stored.dialect, stored.namespace)
        self._state = state
        self._stored = stored

    def find(self, user_id: str) -> Steps[tuple[int, UserRights]]:
        """The version, and the rights of a user."""
        version = yield from self._state.version()
        return version, (yield from self.of(user_id))

    def of(self, user_id: str) -> Steps[UserRights]:
        """All rights of a user."""
        members, owners, shares = self._system.members.c, self._system.owners.c, self._system.shares.c
        roles = yield from self._do(sa.select(members.role).where(members.user_id == user_id))
        shared = yield from self._do(
            sa.select(shares.thing_id, shares.right).where(shares.user_id == user_id)
        )
        owned = yield from self._do(sa.select(owners.thing_id).where(owners.user_id == user_id))
        return UserRights(
            Role(roles[0][0]) if roles else None,
            {row[0]: SharedRight(row[1]) for row in shared},
            frozenset(row[0] for row in owned),
        )

    def invisible(self, viewer: str | None, things: Iterable[Table | View]) -> Steps[set[str]]:
        """The ids of the tables and views that a user cannot see; everything is visible without one."""
        if viewer is None:
            return set()
        rights = yield from self.of(viewer)
        return {each.id for each in things if rights.to(each.id) is None}

    def check(self, guard: Guard) -> Steps[None]:
        """Raises NoSuchWorkspace, NoSuchTable or NoSuchView for what the user cannot see, and Forbidden for
        what the user sees but may not do."""
        rights = yield from self.of(guard.user_id)
        if rights.is_empty:
            raise NoSuchWorkspace(f"No such workspace: {preview(guard.workspace)}.")
        if guard.need is Need.MEMBER and rights.role is None:
            raise Forbidden("This needs a role in the workspace.")
        if guard.need is Need.MANAGER and rights.role is not Role.MANAGER:
            raise Forbidden("This needs the role manager in the workspace.")
        found: list[Table | View] = []
        if guard.names:
            found = yield from self._check_things(guard, rights)
        if rights.role is None:
            known = {each for thing in found for each in _needed(thing)}
            yield from self._check_reads(guard, rights, known)

    def _check_reads(self, guard: Guard, rights: UserRights, known: set[str]) -> Steps[None]:
        """A definition must not give a user access to tables that are invisible to the user; those that it
        reads already remain."""
        for name in guard.reads:
            table = (yield from self._stored.find_table(name)) if NAME.fullmatch(name) else None
            if table is None or (table.id not in known and rights.to(table.id) is None):
                raise NoSuchTable(f"No such table: {preview(name)}.")

    def _check_things(self, guard: Guard, rights: UserRights) -> Steps[list[Table | View]]:
        """Check all things with these names, of which at least one must exist."""
        found: list[Table | View] = []
        for name in guard.names:
            thing = (yield from self._thing(name, guard.on_view)) if NAME.fullmatch(name) else None
            if thing is not None and rights.to(thing.id) is None:
                raise no_such(name, guard.on_view)
            if thing is not None:
                found.append(thing)
        if not found:
            raise no_such(guard.names[0], guard.on_view)
        for thing in found:
            right = rights.to(thing.id)
            is_own = thing.id in rights.owned or rights.role is Role.MANAGER
            if guard.need is Need.OWN and not is_own:
                raise Forbidden(f"Only the owner of {thing.name} and managers of the workspace may do this.")
            if guard.need is Need.MANAGE and right is not SharedRight.MANAGE:
                raise Forbidden(f"This needs the right to manage {thing.name}.")
        return found

    def _thing(self, name: str, on_view: bool) -> Steps[Table | View | None]:
        if on_view:
            return (yield from self._stored.find_view(name))
        return (yield from self._stored.find_table(name))

    def _existing(self, name: str, on_view: bool) -> Steps[Table | View]:
        if on_view:
            return (yield from self._stored.existing_view(name))
        return (yield from self._stored.existing_table(name))

    def listed(self, things: sa.Table, asker: Asker) -> Steps[sa.ColumnElement[bool]]:
        """The condition for the tables or views that a list has."""
        owners, shares = self._system.owners.c, self._system.shares.c
        own = things.c.id.in_(sa.select(owners.thing_id).where(owners.user_id == asker.user_id))
        shared = things.c.id.in_(sa.select(shares.thing_id).where(shares.user_id == asker.user_id))
        if asker.listed is ListedThings.MINE:
            return own
        if asker.listed is ListedThings.SHARED:
            return shared
        if asker.is_admin:
            return sa.true()
        rights = yield from self.of(asker.user_id or "")
        return sa.or_(own, shared) if rights.role is None else sa.true()

    # members

    def members(self, after: str, limit: int) -> Steps[list[tuple[str, Role]]]:
        """The ids of users with their roles, by id."""
        members = self._system.members.c
        rows = yield from self._do(
            sa.select(members.user_id, members.role)
            .where(members.user_id > after)
            .order_by(members.user_id)
            .limit(limit)
        )
        return [(row[0], Role(row[1])) for row in rows]

    def set_role(self, user_id: str, role: Role) -> Steps[None]:
        yield from self._state.raise_version()
        members = self._system.members
        yield from self._do(sa.delete(members).where(members.c.user_id == user_id))
        yield from self._do(sa.insert(members).values(user_id=user_id, role=role.value))

    def remove_member(self, user_id: str) -> Steps[None]:
        """Raises NoSuchUser for a user without a role."""
        yield from self._state.raise_version()
        members = self._system.members
        same = members.c.user_id == user_id
        if not (yield from self._do(sa.select(members.c.role).where(same))):
            raise NoSuchUser(f"User {user_id} has no role in this workspace.")
        yield from self._do(sa.delete(members).where(same))

    def remove_user(self, user_id: str) -> Steps[None]:
        """Remove all rights of a user."""
        yield from self._state.raise_version()
        for table in (self._system.members, self._system.owners, self._system.shares):
            yield from self._do(sa.delete(table).where(table.c.user_id == user_id))

    # owners and shares

    def on(self, name: str, on_view: bool) -> Steps[OwnerAndShares]:
        """The owner and the shares of a table or view. Raises NoSuchTable, NoSuchView."""
        thing = yield from self._existing(name, on_view)
        owners, shares = self._system.owners.c, self._system.shares.c
        owner = yield from self._do(sa.select(owners.user_id).where(owners.thing_id == thing.id))
        rows = yield from self._do(
            sa.select(shares.user_id, shares.right)
            .where(shares.thing_id == thing.id)
            .order_by(shares.user_id)
        )
        return (owner[0][0] if owner else None), [(row[0], SharedRight(row[1])) for row in rows]

    def set_share(self, name: str, on_view: bool, user_id: str, right: SharedRight) -> Steps[None]:
        """Raises NoSuchTable, NoSuchView."""
        yield from self._state.raise_version()
        thing = yield from self._existing(name, on_view)
        yield from self._delete_share(thing.id, user_id)
        yield from self._do(
            sa.insert(self._system.shares).values(thing_id=thing.id, user_id=user_id, right=right.value)
        )

    def _delete_share(self, thing_id: str, user_id: str) -> Steps[None]:
        shares = self._system.shares
        yield from self._do(
            sa.delete(shares).where(shares.c.thing_id == thing_id, shares.c.user_id == user_id)
        )

    def remove_share(self, name: str, on_view: bool, user_id: str) -> Steps[None]:
        """Raises NoSuchTable, NoSuchView, NoSuchUser for a user without a share."""
        yield from self._state.raise_version()
        thing = yield from self._existing(name, on_view)
        shares = self._system.shares.c
        same = sa.and_(shares.thing_id == thing.id, shares.user_id == user_id)
        if not (yield from self._do(sa.select(shares.right).where(same))):
            raise NoSuchUser(f"{thing.name} is not shared with user {user_id}.")
        yield from self._delete_share(thing.id, user_id)

    def set_owner(
        self, name: str, on_view: bool, user_id: str, along: bool, giver: str | None = None
    ) -> Steps[list[Table | View]]:
        """Give a table or view to a user; returns all that changed their owner. With ``along`` also the
        tables that it refers to or reads, directly or not, and the views over it, as far as they have the
        same owner, or none and the ``giver`` may give them. Raises NoSuchTable, NoSuchView."""
        yield from self._state.raise_version()
        found = yield from self.owned_together(name, on_view, along, giver)
        for each in found:
            yield from self.own(each.id, user_id)
        return found

    def owned_together(
        self, name: str, on_view: bool, along: bool, giver: str | None = None
    ) -> Steps[list[Table | View]]:
        """All that :meth:`set_owner` would give to another user; nothing is changed. A ``giver`` who is not
        an administrator needs the role manager for what nobody owns."""
        thing = yield from self._existing(name, on_view)
        found: list[Table | View] = [thing]
        if along:
            former = yield from self._owner_of(thing.id)
            gives_all = giver is None or (yield from self.of(giver)).role is Role.MANAGER
            for each in (yield from self._around(thing)):
                owner = yield from self._owner_of(each.id)
                if owner == former if owner is not None else gives_all:
                    found.append(each)
        return found

    def own(self, thing_id: str, user_id: str) -> Steps[None]:
        """Set the owner, who then needs no share."""
        yield from self._delete(thing_id, ("owners", "thing_id"))
        yield from self._insert("owners", thing_id=thing_id, user_id=user_id)
        yield from self._delete_share(thing_id, user_id)

    def disown(self, thing_id: str) -> Steps[None]:
        """Delete the owner and the shares of a table or view that is dropped."""
        yield from self._delete(thing_id, *ROWS_OF_RIGHTS)

    def _owner_of(self, thing_id: str) -> Steps[str | None]:
        owners = self._system.owners.c
        rows = yield from self._do(sa.select(owners.user_id).where(owners.thing_id == thing_id))
        return rows[0][0] if rows else None

    def _around(self, thing: Table | View) -> Steps[list[Table | View]]:
        """The tables that a table or view needs, directly or not, and the views over a table."""
        tables: dict[str, Table] = {}
        views: list[Table | View] = []
        wanted = _needed(thing)
        if isinstance(thing, Table):
            uses, stored = self._system.view_tables, self._system.views
            rows = yield from self._do(
                sa.select(stored.c.definition)
                .select_from(stored.join(uses, uses.c.view_id == stored.c.id))
                .where(uses.c.table_id == thing.id)
                .order_by(stored.c.name_key)
            )
            views = [stored_view(row[0]) for row in rows]
        while wanted:
            more = yield from self._stored.tables_by("id", wanted)
            tables |= more
            wanted = {each for table in more.values() for each in _referred(table)}
            wanted -= {*tables, thing.id}
        return [*sorted(tables.values(), key=lambda table: table.name), *views]


def _referred(table: Table) -> set[str]:
    """The ids of the other tables that a table refers to."""
    found = {column.reference.table for column in table.columns if column.reference is not None}
    return found - {table.id}


def _needed(thing: Table | View) -> set[str]:
    """The ids of the tables that a table refers to or a view reads."""
    return set(thing.table_ids) if isinstance(thing, View) else _referred(thing)


def no_such(name: str, on_view: bool) -> NoSuchTable | NoSuchView:
    """The error for a table or view that does not exist, and for one that is invisible."""
    if on_view:
        return NoSuchView(f"No such view: {preview(name)}.")
    return NoSuchTable(f"No such table: {preview(name)}.")
