"""More workspaces than may be open at once: none loses a row, and one that is deleted leaves nothing open."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Generator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from anyio import create_task_group
from workbench import THINGS, Workbench, initialised, new_workspace, opened, rows_of, until, where

from rowkeep.model.access import Workspace
from rowkeep.sql.statements import Statement
from rowkeep.storage.contract import Row, StaleCatalog, Store

pytestmark = pytest.mark.anyio

OPEN = 3
WORKSPACES = 10
CLIENTS = 8
ROUNDS = 3


@pytest.fixture(scope="module")
async def small(new_store: Callable[[], str], anyio_backend: object) -> AsyncIterator[Store]:
    """A store of which only three workspaces may be open."""
    async with opened(new_store(), sqlite_open_workspaces=OPEN, busy_timeout_seconds=60) as store:
        yield store


async def workspaces_of(store: Store, count: int) -> dict[Workspace, Workbench]:
    made = [new_workspace() for _ in range(count)]
    return {each: await Workbench.with_table(await initialised(store, each), THINGS) for each in made}


def open_files(workspaces: Sequence[Workspace]) -> list[str]:
    """The names of files of these workspaces that this process has open, be they deleted."""
    names = []
    for descriptor in Path("/proc/self/fd").glob("*"):
        with suppress(OSError):
            names.append(descriptor.readlink().name)
    return [name for name in names if any(name.startswith(f"{each.physical}.db") for each in workspaces)]


async def test_nothing_is_lost(small: Store) -> None:
    made = await workspaces_of(small, WORKSPACES)
    things = list(made.values())

    async def visit(client: int) -> None:
        for step in range(WORKSPACES * ROUNDS):
            at = (step * (2 * client + 1) + client) % WORKSPACES
            mine = f"{client} {step}"
            await things[at].insert({"Text": mine, "Whole": at})
            updated = await things[at].update(where("Text", "=", mine), {"Number": client})
            assert updated.count == 1
            found = await things[at].column("Whole", {"query": where("Text", "=", mine)})
            assert found == [at]

    async with create_task_group() as group:
        for client in range(CLIENTS):
            group.start_soon(visit, client)
    for at, each in enumerate(things):
        assert set(await each.column("Whole")) == {at}
    assert sum([await each.count() for each in things]) == CLIENTS * WORKSPACES * ROUNDS
    databases = [f"{each.physical}.db" for each in made]
    await until(lambda: len(set(open_files(list(made))) & set(databases)) <= OPEN)


async def test_what_is_at_work_stays_open(small: Store) -> None:
    made = await workspaces_of(small, WORKSPACES)
    busy, *others = made.values()
    began, may_end = threading.Event(), threading.Event()

    def script() -> Generator[Statement, Sequence[Row], int]:
        yield busy.statement("DELETE FROM @things WHERE \"Text\" = 'nobody'")
        began.set()
        may_end.wait()
        rows = yield busy.statement("SELECT 7")
        return int(rows[0][0])

    writing = asyncio.ensure_future(busy.database.write(script))
    if small.catalog.namespace is None:
        await asyncio.to_thread(began.wait)
        behind = asyncio.ensure_future(busy.insert({"Text": "behind"}))
    else:
        # where scripts run on the event loop itself, one that waits would stop everything
        may_end.set()
        behind = asyncio.ensure_future(busy.insert({"Text": "behind"}))
    for each in others:
        await each.insert({"Text": "meanwhile"})
    assert may_end.is_set() or not writing.done()
    may_end.set()
    assert await writing == 7
    await behind
    assert await busy.column("Text") == ["behind"]


async def test_a_deleted_workspace_leaves_nothing_open(small: Store) -> None:
    made = await workspaces_of(small, OPEN)
    gone, *kept = made
    await small.drop_workspace(gone)
    assert open_files([gone]) == []
    with pytest.raises(StaleCatalog):
        await made[gone].insert({"Text": "too late"})
    assert open_files([gone]) == []
    for each in kept:
        assert (await made[each].insert({"Text": "still there"})).count == 1
        await small.drop_workspace(each)
    assert open_files(kept) == []


async def test_one_that_is_deleted_at_work_finishes(small: Store) -> None:
    made = await workspaces_of(small, 1)
    ((workspace, things),) = made.items()
    await things.insert(*({"Text": f"row {at}"} for at in range(5_000)))
    long: dict[str, Any] = {"query": where("Text", "icontains", "ROW")}
    running = [asyncio.ensure_future(things.select(long)) for _ in range(4)]
    await asyncio.sleep(0)
    await small.drop_workspace(workspace)
    for each in await asyncio.gather(*running, return_exceptions=True):
        assert isinstance(each, StaleCatalog) or each.total == 5_000
    await until(lambda: open_files([workspace]) == [])


async def test_many_first_requests_at_once_make_one_workspace(small: Store) -> None:
    workspace = new_workspace()
    databases = await asyncio.gather(*(initialised(small, workspace) for _ in range(8)))
    assert await rows_of(databases[0], "SELECT version FROM @_rowkeep_workspace") == [(1,)]
    things = await Workbench.with_table(databases[0], THINGS)
    await asyncio.gather(*(things.insert({"Whole": at}) for at in range(8)))
    assert sorted(await things.column("Whole")) == list(range(8))
    await small.drop_workspace(workspace)
