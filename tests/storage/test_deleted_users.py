"""A user is deleted while an administrator gives the user rights: none remain."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from installation import Installation

from rowkeep.errors.catalogue import NoSuchUser
from rowkeep.model.user_requests import UserBody
from rowkeep.model.users import Actor, Role, User
from rowkeep.services.passwords import Passwords
from rowkeep.services.sharing import Sharing
from rowkeep.services.users import Users
from rowkeep.storage.scripts.orphans import Orphans

pytestmark = pytest.mark.anyio


class Requests:
    """Two requests in which an administrator deletes a user, and gives the user a role."""

    def __init__(self, installation: Installation) -> None:
        self._catalog = installation.catalog
        self.users = Users(installation.catalog, Passwords())

    async def create(self) -> User:
        return await self.users.create(UserBody(email="ada@example.org", name="Ada"))

    async def delete(self, user: User) -> None:
        await self.users.delete(Actor(), user.id)

    async def give_role(self, user: User) -> None:
        await Sharing(self._catalog).set_role("used", user.id, Role.EDITOR)

    async def with_rights(self) -> set[str]:
        opened = await self._catalog.named("used")
        return await opened.database.read(Orphans(opened.scripts).users_with_rights)


def before_write(at: int, call: Callable[[], Awaitable[None]], write: Any) -> Any:
    """``write``, with a call before the write of this number."""
    writes = 0

    async def written(script: Any) -> Any:
        nonlocal writes
        writes += 1
        if writes == at:
            await call()
        return await write(script)

    return written


async def test_a_user_is_deleted_before_a_role_is_stored(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    requests = Requests(installation)
    user = await requests.create()
    database = (await installation.catalog.named("used")).database

    async def delete() -> None:
        monkeypatch.undo()
        await requests.delete(user)

    monkeypatch.setattr(database, "write", before_write(1, delete, database.write))
    with pytest.raises(NoSuchUser):
        await requests.give_role(user)
    assert await requests.with_rights() == set()


async def test_a_role_is_stored_before_a_user_is_deleted(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the rights of the user were removed."""
    requests = Requests(installation)
    user = await requests.create()
    catalog = installation.catalog.store.catalog

    async def give_role() -> None:
        monkeypatch.undo()
        await requests.give_role(user)
        assert await requests.with_rights() == {user.id}

    # the first write disables the user, the second one deletes the user
    monkeypatch.setattr(catalog, "write", before_write(2, give_role, catalog.write))
    await requests.delete(user)
    assert await requests.with_rights() == set()
