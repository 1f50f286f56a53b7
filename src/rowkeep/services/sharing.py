"""Sharing: the members of workspaces, and the owners and shares of tables and views."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TypeAlias

from rowkeep.catalog.catalog import Catalog
from rowkeep.catalog.workspace import OpenWorkspace
from rowkeep.errors.catalogue import NoSuchUser
from rowkeep.model.tables import Table
from rowkeep.model.user_requests import OwnerBody
from rowkeep.model.users import Member, Role, Share, SharedRight, Shares, User
from rowkeep.model.views import View
from rowkeep.services.lists import Listing, ListRequest

Thing: TypeAlias = tuple[str, bool]
"""The name of a table or view, and whether it is a view."""


class Sharing:
    """Users are named by id or e-mail address. Every method raises NoSuchWorkspace; NoSuchTable or
    NoSuchView, and NoSuchUser, where it names one."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._database = catalog.store.catalog
        self._users = catalog.users

    async def _find(self, user: str) -> User:
        return await self._database.read(partial(self._users.existing, user))

    async def _record(self, opened: OpenWorkspace, user: User) -> None:
        """Record that the user has rights in the workspace. It is done first: a record without rights is
        harmless, rights that are not recorded would not be found when the user is deleted."""
        await self._database.write(partial(self._users.record_workspace, user.id, opened.workspace))

    async def _keep(self, opened: OpenWorkspace, user: User) -> None:
        """Keep the rights that the user was given just now, unless the user was deleted meanwhile: then who
        deleted the user may not have seen them. Raises NoSuchUser."""
        opened.renew()
        try:
            await self._find(user.id)
        except NoSuchUser:
            await opened.database.write(partial(opened.scripts.charts.remove_user, user.id))
            opened.renew()
            raise

    # members

    async def members(self, workspace: str, request: ListRequest) -> Listing[Member]:
        opened = await self._catalog.named(workspace)
        script = partial(opened.scripts.rights.members, request.after, request.limit + 1)
        found = await opened.database.read(script)
        page = request.page(found, lambda each: each[0])
        users = await self._database.read(partial(self._users.by_ids, [each[0] for each in page.items]))
        members = [Member(users[user_id], role) for user_id, role in page.items if user_id in users]
        return Listing(members, page.next_cursor)

    async def set_role(self, workspace: str, user: str, role: Role) -> Member:
        opened = await self._catalog.named(workspace)
        found = await self._find(user)
        await self._record(opened, found)
        await opened.database.write(partial(opened.scripts.rights.set_role, found.id, role))
        await self._keep(opened, found)
        return Member(found, role)

    async def remove_member(self, workspace: str, user: str) -> None:
        opened = await self._catalog.named(workspace)
        found = await self._find(user)
        await opened.database.write(partial(opened.scripts.rights.remove_member, found.id))
        opened.renew()

    # shares

    async def shares(self, workspace: str, thing: Thing) -> Shares:
        opened = await self._catalog.named(workspace)
        owner, shares = await opened.database.read(partial(opened.scripts.rights.on, *thing))
        ids = {user_id for user_id, _ in shares} | ({owner} if owner is not None else set())
        users = await self._database.read(partial(self._users.by_ids, ids))
        return Shares(
            None if owner is None else users.get(owner),
            [Share(users[user_id], right) for user_id, right in shares if user_id in users],
        )

    async def set_share(self, workspace: str, thing: Thing, user: str, right: SharedRight) -> Share:
        opened = await self._catalog.named(workspace)
        found = await self._find(user)
        await self._record(opened, found)
        await opened.database.write(partial(opened.scripts.rights.set_share, *thing, found.id, right))
        await self._keep(opened, found)
        return Share(found, right)

    async def remove_share(self, workspace: str, thing: Thing, user: str) -> None:
        opened = await self._catalog.named(workspace)
        found = await self._find(user)
        await opened.database.write(partial(opened.scripts.rights.remove_share, *thing, found.id))
        opened.renew()

    async def set_owner(
        self, workspace: str, thing: Thing, body: OwnerBody, *, dry_run: bool = False
    ) -> tuple[User, Sequence[Table | View]]:
        """The new owner, and all tables and views that changed their owner, or that would in a dry run."""
        opened = await self._catalog.named(workspace)
        found = await self._find(body.user)
        if dry_run:
            owned_together = partial(opened.scripts.rights.owned_together, *thing, body.along, opened.viewer)
            return found, await opened.database.read(owned_together)
        await self._record(opened, found)
        script = partial(opened.scripts.rights.set_owner, *thing, found.id, body.along, opened.viewer)
        changed = await opened.database.write(script)
        await self._keep(opened, found)
        return found, changed
