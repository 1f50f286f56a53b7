"""Expired sessions: they end at their time, and are deleted in the background."""

from __future__ import annotations

from functools import partial

import pytest
from workbench import rows_of

from rowkeep.model.users import OneTimeLink, User
from rowkeep.storage.contract import Store
from rowkeep.storage.scripts.sessions import SessionScripts
from rowkeep.storage.scripts.users import UserScripts

pytestmark = pytest.mark.anyio

ADA = User("us-5e7ef67172034b39ac0000aa", "Ada@example.com", "Ada", False, False, "2020-03-28T07:02:09.652Z")


async def test_what_has_expired_is_not_found_and_deleted(store: Store) -> None:
    catalog = store.catalog
    sessions = SessionScripts(catalog.dialect, catalog.namespace)
    users = UserScripts(catalog.dialect, catalog.namespace)
    await catalog.write(partial(users.create, ADA))
    await catalog.write(partial(sessions.start, "short", ADA.id, 100, 200))
    await catalog.write(partial(sessions.start, "long", ADA.id, 100, 300))
    await catalog.write(partial(sessions.add_link, "link", OneTimeLink.RESET, ADA.id, 200))
    await catalog.write(partial(sessions.count_attempt, "account", 100, 60))

    found = await catalog.read(partial(sessions.find, "short", 199))
    assert found is not None
    assert found.user == ADA
    assert await catalog.read(partial(sessions.find, "short", 200)) is None
    assert await catalog.write(partial(sessions.use_link, "link", OneTimeLink.RESET, 200)) is None
    assert await catalog.write(partial(sessions.use_link, "link", OneTimeLink.SIGN_IN, 199)) is None

    assert not await catalog.read(partial(sessions.has_expired, 159))
    assert await catalog.read(partial(sessions.has_expired, 200))
    await catalog.write(partial(sessions.delete_expired, 200))
    assert not await catalog.read(partial(sessions.has_expired, 200))
    assert await rows_of(catalog, "SELECT hash FROM @sessions") == [("long",)]
    assert await rows_of(catalog, "SELECT hash FROM @one_time_links") == []
    assert await rows_of(catalog, "SELECT key FROM @failed_sign_ins") == []


async def test_attempts_are_counted_within_a_time(store: Store) -> None:
    catalog = store.catalog
    sessions = SessionScripts(catalog.dialect, catalog.namespace)
    count = partial(sessions.count_attempt, "somebody")
    assert await catalog.write(partial(count, 1000, 60)) == (1, 1060)
    assert await catalog.write(partial(count, 1059, 60)) == (2, 1060)
    assert await catalog.write(partial(count, 1060, 60)) == (1, 1120)
    await catalog.write(partial(sessions.forget_attempts, "somebody", 1))
    assert await catalog.write(partial(count, 1061, 60)) == (1, 1120)
    await catalog.write(partial(sessions.forget_attempts, "somebody"))
    assert await catalog.write(partial(count, 1062, 60)) == (1, 1122)


async def test_attempts_of_a_clock_that_was_wrong_are_forgotten(store: Store) -> None:
    catalog = store.catalog
    sessions = SessionScripts(catalog.dialect, catalog.namespace)
    count = partial(sessions.count_attempt, "early bird")
    assert await catalog.write(partial(count, 90_000, 60)) == (1, 90_060)
    assert await catalog.write(partial(count, 1000, 60)) == (2, 1060)
    assert await catalog.write(partial(count, 1060, 60)) == (1, 1120)
