"""Used tokens and counted requests: how long they are stored, and that they are deleted in the background."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest
from workbench import Workbench, rows_of, scripts_of

from rowkeep.storage.contract import Store
from rowkeep.storage.scripts.rate_windows import RateWindows

pytestmark = pytest.mark.anyio

APP, OTHER = (f"cs-9b510c8b-41ad-42b4-8d6a-849ecf15042{at}" for at in "12")


async def test_a_jti_is_used_once_until_it_expires(things: Workbench) -> None:
    database, used = things.database, scripts_of(things.database).used_tokens

    async def use(client_id: str, jti: str, now: int, expires: int) -> bool:
        return await database.write(partial(used.use, client_id, jti, now, expires))

    assert await use(APP, "a", 100, 200)
    assert not await use(APP, "a", 199, 300)
    assert await use(OTHER, "a", 199, 300)
    # its token has expired, and another one has the same jti
    assert await use(APP, "a", 200, 250)
    assert not await use(APP, "a", 201, 300)
    outcomes = await asyncio.gather(*(use(APP, "b", 100, 300) for _ in range(10)))
    assert sorted(outcomes) == [False] * 9 + [True]

    assert not await database.read(partial(used.has_expired, 249))
    assert await database.read(partial(used.has_expired, 250))
    await database.write(partial(used.delete_expired, 250, 10))
    assert not await database.read(partial(used.has_expired, 250))
    left = await rows_of(database, "SELECT jti FROM @_rowkeep_used_tokens ORDER BY jti")
    assert left == [("a",), ("b",)]
    await database.write(partial(used.delete_expired, 300, 1))
    assert len(await rows_of(database, "SELECT jti FROM @_rowkeep_used_tokens")) == 1


async def test_windows_are_counted_by_all_and_deleted(store: Store) -> None:
    catalog = store.catalog
    windows = RateWindows(catalog.dialect, catalog.namespace)

    async def take(key: str, now: int, amount: int = 1) -> tuple[bool, int]:
        is_taken, window = await catalog.write(partial(windows.take, key, now, 5, 1000, amount))
        return is_taken, window.total

    taken = await asyncio.gather(*(take("k", 10_000) for _ in range(8)))
    assert sorted(is_taken for is_taken, _ in taken) == [False] * 3 + [True] * 5
    assert await take("k", 10_999) == (False, 5)
    assert await take("k", 11_000, 6) == (False, 0)
    assert await take("k", 11_000, 4) == (True, 4)
    assert await take("other", 11_000) == (True, 1)

    assert not await catalog.read(partial(windows.has_expired, 12))
    assert await catalog.read(partial(windows.has_expired, 13))
    await catalog.write(partial(windows.delete_expired, 13, 1))
    assert len(await rows_of(catalog, "SELECT key FROM @rate_windows")) == 1
    await catalog.write(partial(windows.delete_expired, 13, 10))
    assert await rows_of(catalog, "SELECT key FROM @rate_windows") == []
