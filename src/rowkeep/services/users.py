"""Users: created, listed, changed and deleted by administrators."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial

import msgspec
from msgspec import UNSET, structs

from rowkeep.catalog.catalog import Catalog
from rowkeep.errors.catalogue import (
    DeleteNotAllowed,
    InvalidValue,
    NoSuchWorkspace,
    StorageMissing,
    preview,
)
from rowkeep.model.access import Workspace
from rowkeep.model.tables import name_key
from rowkeep.model.user_requests import OwnNameBody, UserBody, UserPatch
from rowkeep.model.users import MAX_EMAIL_LENGTH, Actor, Role, User
from rowkeep.model.values.scalars import canonical_date
from rowkeep.services.audit import write_audited
from rowkeep.services.lists import Listing, ListRequest
from rowkeep.services.passwords import Passwords, check_new_password
from rowkeep.storage.contract import StaleCatalog

EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
MAX_NAME = 100

MAX_SHOWN_WORKSPACES = 1000
"""How many workspaces the session of a user lists; GET /workspaces has all."""


def check_email(email: str) -> str:
    """Raises InvalidValue."""
    found = email.strip()
    if len(found) > MAX_EMAIL_LENGTH or not EMAIL.fullmatch(found) or not found.isprintable():
        raise InvalidValue(
            f"{preview(email)} is not a valid e-mail address of at most {MAX_EMAIL_LENGTH} characters.",
            pointer="/email",
        )
    return found


def check_user_name(name: str) -> str:
    """Raises InvalidValue."""
    found = name.strip()
    if not 0 < len(found) <= MAX_NAME or not found.isprintable():
        raise InvalidValue(
            f"A name must have 1 to {MAX_NAME} printable characters; got {preview(name)}.", pointer="/name"
        )
    return found


class WorkspaceOfUser(msgspec.Struct, frozen=True):
    """A workspace that a user sees. Without a role, the user sees only what is the user's own or shared."""

    workspace: Workspace
    role: Role | None


class Users:
    """Every method raises NoSuchUser where it names one."""

    def __init__(self, catalog: Catalog, passwords: Passwords) -> None:
        self._catalog = catalog
        self._database = catalog.store.catalog
        self._scripts = catalog.users
        self._passwords = passwords

    async def create(self, body: UserBody) -> User:
        """Raises InvalidValue, NameTaken."""
        if body.password is not None:
            check_new_password(body.password)
        user = self._new(body.email, body.name, body.admin)
        password_hash = None if body.password is None else await self._passwords.hash(body.password)
        create = partial(self._scripts.create, user, password_hash)
        await write_audited(self._catalog, create, f"user {user.id}")
        return user

    def _new(self, email: str, name: str, is_admin: bool) -> User:
        stamp = self._catalog.store.ids.stamp(1)
        return User(
            id=f"us-{next(stamp.ids())}",
            email=check_email(email),
            name=check_user_name(name),
            is_admin=is_admin,
            is_disabled=False,
            created_on=canonical_date(stamp.moment),
        )

    async def list(self, request: ListRequest) -> Listing[User]:
        script = partial(self._scripts.users, request.after, request.limit + 1)
        return request.page(await self._database.read(script), lambda each: each.id)

    async def get(self, user: str) -> User:
        return await self._database.read(partial(self._scripts.existing, user))

    async def change(self, actor: Actor, user: str, body: UserPatch) -> User:
        """Raises InvalidValue, NameTaken, and DeleteNotAllowed for an administrator's own rights."""
        changes: dict[str, object] = {}
        if body.email is not UNSET:
            changes["email"] = check_email(body.email)
        if body.name is not UNSET:
            changes["name"] = check_user_name(body.name)
        if body.admin is not UNSET:
            changes["is_admin"] = body.admin
        if body.disabled is not UNSET:
            changes["is_disabled"] = body.disabled

        def change(before: User) -> User:
            after: User = structs.replace(before, **changes)
            if after.is_disabled or not after.is_admin:
                _refuse_self(actor, before, "be disabled or lose the rights of an administrator")
            return after

        script = partial(self._scripts.change, user, change, _ends_sessions)
        return await write_audited(self._catalog, script)

    async def rename(self, user: User, body: OwnNameBody) -> User:
        """Change the user's own name. Raises InvalidValue."""
        name = check_user_name(body.name)

        def renamed(before: User) -> User:
            return structs.replace(before, name=name)

        script = partial(self._scripts.change, user.id, renamed, _ends_nothing)
        return await write_audited(self._catalog, script, f"user {user.id}")

    async def delete(self, actor: Actor, user: str) -> None:
        """Delete a user with all rights and private charts. What the user owned has no owner afterwards.
        Raises DeleteNotAllowed for one's own user."""
        found = await self.get(user)
        _refuse_self(actor, found, "be deleted")
        # first the sessions: if this is interrupted, the user is disabled and can be deleted again
        disable = partial(structs.replace, is_disabled=True)
        await self._database.write(partial(self._scripts.change, found.id, disable, _ends_sessions))
        await self._remove_rights(found)
        await self._database.write(partial(self._scripts.delete, found.id))
        # those that others gave meanwhile: from here on nobody finds the user
        await self._remove_rights(found)

    async def _remove_rights(self, user: User) -> None:
        for workspace in await self._all_workspaces(user):
            try:
                opened = await self._catalog.named(workspace.name)
                await opened.database.write(partial(opened.scripts.charts.remove_user, user.id))
                opened.renew()
            except (NoSuchWorkspace, StorageMissing, StaleCatalog):
                continue  # it was deleted, or its database is missing: an unknown id gives nobody rights

    async def _all_workspaces(self, user: User) -> Sequence[Workspace]:
        installation = self._catalog.installation
        return await self._database.read(partial(installation.workspaces_of_user, user.id, "", None))

    async def workspaces(self, user: User, request: ListRequest) -> Listing[WorkspaceOfUser]:
        """A page of the workspaces that a user sees, by name; an administrator sees all."""
        installation, wanted = self._catalog.installation, request.limit + 1
        if user.is_admin:
            all_of_them = await self._database.read(partial(installation.workspaces, request.after, wanted))
            found = [WorkspaceOfUser(each, Role.MANAGER) for each in all_of_them]
            return request.page(found, lambda each: name_key(each.workspace.name))
        found, after = [], request.after
        while len(found) < wanted:
            script = partial(installation.workspaces_of_user, user.id, after, wanted)
            recorded = await self._database.read(script)
            for workspace in recorded:
                visible = await self._visible(user, workspace)
                found += [] if visible is None else [visible]
            if len(recorded) < wanted:
                break
            after = name_key(recorded[-1].name)
        return request.page(found[:wanted], lambda each: name_key(each.workspace.name))

    async def _visible(self, user: User, workspace: Workspace) -> WorkspaceOfUser | None:
        """The workspace, if the user still has rights there."""
        try:
            opened = await self._catalog.named(workspace.name)
            rights = await opened.database.read(partial(opened.scripts.rights.of, user.id))
        except (NoSuchWorkspace, StorageMissing, StaleCatalog):
            return None
        return None if rights.is_empty else WorkspaceOfUser(workspace, rights.role)


def _ends_sessions(before: User, after: User) -> bool:
    """Whoever is disabled, loses the rights of an administrator, or has another address, signs in again."""
    lost = before.is_admin and not after.is_admin
    return after.is_disabled or lost or before.email != after.email


def _ends_nothing(_before: User, _after: User) -> bool:
    return False


def _refuse_self(actor: Actor, user: User, what: str) -> None:
    if actor.user is not None and actor.user.id == user.id:
        raise DeleteNotAllowed(f"Your own user cannot {what}. Another administrator can do this.")
