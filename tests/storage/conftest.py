"""Fixtures of the storage contract: an open store, and the database of a workspace that is the test's own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from workbench import THINGS, Workbench, initialised, new_workspace, opened

from rowkeep.model.access import Workspace
from rowkeep.storage.contract import Store, WorkspaceDatabase

LOOP: tuple[str, dict[str, Any]] = ("asyncio", {"use_uvloop": True})
"""The event loop that the server runs on."""


@pytest.fixture(scope="session")
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return LOOP


@pytest.fixture(scope="session")
def url(new_store: Callable[[], str]) -> str:
    """The address of the store that most tests share."""
    return new_store()


@pytest.fixture(scope="session")
async def store(url: str, anyio_backend: object) -> AsyncIterator[Store]:
    """The store, open, in the tests' own event loop."""
    async with opened(url) as store:
        yield store


@pytest.fixture
async def workspace(store: Store) -> AsyncIterator[Workspace]:
    """A workspace of the test's own."""
    workspace = new_workspace()
    yield workspace
    await store.drop_workspace(workspace)


@pytest.fixture
async def database(store: Store, workspace: Workspace) -> WorkspaceDatabase:
    """The database of a workspace of the test's own; it has no table yet."""
    return await initialised(store, workspace)


@pytest.fixture
async def things(database: WorkspaceDatabase) -> Workbench:
    """An empty table with a column of each type."""
    return await Workbench.with_table(database, THINGS)


@pytest.fixture
def portal() -> Iterator[BlockingPortal]:
    """An event loop in a thread of its own, where another opener of the store lives."""
    with start_blocking_portal(*LOOP) as portal:
        yield portal
