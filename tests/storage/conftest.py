"""Fixtures of the storage contract: an open store, and the database of a workspace that is the test's own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from installation import Installation, installed
from workbench import THINGS, Workbench, initialised, new_workspace, opened

from rowkeep.model.access import Workspace
from rowkeep.storage.contract import Store, WorkspaceDatabase

LOOP: tuple[str, dict[str, Any]] = ("asyncio", {"use_uvloop": True})
"""The event loop that the server runs on."""


class Emptying:
    """Empties workspaces, which are used again then. They go on with their version and data key."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self.spare: list[Workspace] = []
        self._connection = connection

    async def empty(self, workspace: Workspace) -> bool:
        """Whether the workspace is there; nothing is in it then."""
        schema = workspace.physical
        found = await self._connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = $1", schema)
        names = {row[0] for row in found}
        if not names >= KEPT:
            return False
        texts = [
            f'{"DELETE FROM" if name.startswith("_rowkeep_") else "DROP TABLE"} "{schema}"."{name}"'
            for name in sorted(names - KEPT)
        ]
        # what connections have prepared for tables of the former version is of no use to the next ones
        raised = f'"{schema}"._rowkeep_workspace SET version = version + 1'
        texts.append(f"UPDATE {raised}")
        # sent at once, for most are of no row; committed one by one, so that no lock is held for long
        await self._connection.execute("; ".join(f"BEGIN; {text}; COMMIT" for text in texts))
        self.spare.append(workspace)
        return True


KEPT = {f"_rowkeep_{name}" for name in ("workspace", "data_keys", "steps", "history_state")}
"""The tables of each workspace that a new one has rows in."""


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


@pytest.fixture(scope="session")
async def emptying(backend: str, url: str, anyio_backend: object) -> AsyncIterator[Emptying | None]:
    """Empties workspaces on PostgreSQL, where a new one costs five times as much as an emptied one."""
    if backend != "postgresql":
        yield None
        return
    connection = await asyncpg.connect(url)
    yield Emptying(connection)
    await connection.close()


@pytest.fixture
async def workspace(
    store: Store, emptying: Emptying | None, request: pytest.FixtureRequest
) -> AsyncIterator[Workspace]:
    """A workspace with nothing in it, for the test alone. Other tests may have had it before, unless the test
    is marked with ``new_workspace``."""
    is_new = emptying is None or bool(request.node.get_closest_marker("new_workspace"))
    workspace = new_workspace() if is_new or not emptying.spare else emptying.spare.pop()
    yield workspace
    if is_new or not await emptying.empty(workspace):
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


@pytest.fixture
async def installation(
    new_store: Callable[[], str], tmp_path: Path, anyio_backend: object
) -> AsyncIterator[Installation]:
    """An installation that is the test's own."""
    async with installed(new_store(), tmp_path) as installation:
        yield installation
