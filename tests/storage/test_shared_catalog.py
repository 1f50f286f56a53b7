"""One catalog, several processes: a name is given once, and the last admin token stays."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import pytest
from anyio import create_task_group
from workbench import opened

from rowkeep.errors.catalogue import DeleteNotAllowed, NameTaken
from rowkeep.model.access import AdminToken
from rowkeep.storage.contract import Store
from rowkeep.storage.scripts.catalog import CatalogScripts

pytestmark = pytest.mark.anyio

CREATED_ON = "2020-03-28T07:02:09.652Z"


def installation_of(store: Store) -> CatalogScripts:
    return CatalogScripts(store.catalog.dialect, store.catalog.namespace)


async def outcomes(*calls: Callable[[], Awaitable[Any]]) -> Counter[str]:
    """What calls that are made at once give or raise, by its type."""
    found: Counter[str] = Counter()

    async def note(call: Callable[[], Awaitable[Any]]) -> None:
        try:
            found[type(await call()).__name__] += 1
        except (NameTaken, DeleteNotAllowed) as error:
            found[type(error).__name__] += 1

    async with create_task_group() as group:
        for call in calls:
            group.start_soon(note, call)
    return found


async def test_one_name_is_given_to_one_workspace(new_store: Callable[[], str]) -> None:
    url = new_store()
    async with opened(url) as one, opened(url) as other:
        script = installation_of(one).create_workspace
        for name in ("shop", "bank", "farmers", "school", "church"):
            calls = [
                partial(store.catalog.write, partial(script, name, CREATED_ON)) for store in (one, other) * 3
            ]
            assert await outcomes(*calls) == {"Workspace": 1, "NameTaken": 5}


async def test_the_last_admin_token_stays(new_store: Callable[[], str]) -> None:
    url = new_store()
    async with opened(url) as one, opened(url) as other:
        installation = installation_of(one)
        ids = [f"at-{at}" for at in range(6)]
        for token_id in ids:
            token = AdminToken(token_id, "", CREATED_ON)
            await one.catalog.write(partial(installation.add_admin_token, token, f"hash of {token_id}"))
        calls = [
            partial(store.catalog.write, partial(installation.remove_admin_token, token_id))
            for store, token_id in zip((one, other) * 3, ids, strict=True)
        ]
        assert await outcomes(*calls) == {"NoneType": 5, "DeleteNotAllowed": 1}
