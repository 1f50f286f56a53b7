"""A store that is too busy: after busy_timeout_seconds the caller hears of it, and nothing was written."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Sequence
from typing import Any

import pytest
from anyio.from_thread import BlockingPortal
from workbench import ALL, Workbench, opened

from rowkeep.errors.catalogue import Busy
from rowkeep.model.access import Workspace
from rowkeep.sql.statements import Statement
from rowkeep.storage.contract import Row

pytestmark = pytest.mark.anyio


class Undone(Exception):
    """Ends the neighbour's transaction without a trace."""


class Holder:
    """Another opener of the store, which holds the table's lock until it is told to let go."""

    def __init__(self, portal: BlockingPortal, url: str, workspace: Workspace, things: Workbench) -> None:
        self._things = things
        self._has_it = threading.Event()
        self._lets_go = threading.Event()
        self._task = portal.start_task_soon(self._hold, url, workspace)
        self._task.add_done_callback(lambda _: self._has_it.set())
        self._has_it.wait()
        if self._task.done():
            self._task.result()

    def let_go(self) -> None:
        self._lets_go.set()
        self._task.result()

    async def _hold(self, url: str, workspace: Workspace) -> None:
        async with opened(url) as store:
            with pytest.raises(Undone):
                await (await store.workspace(workspace)).write(self._drop)

    def _drop(self) -> Generator[Statement, Sequence[Row], None]:
        yield self._things.sql.physical.drop()
        self._has_it.set()
        self._lets_go.wait()
        raise Undone


@pytest.fixture
async def hurried(things: Workbench, workspace: Workspace, url: str) -> AsyncIterator[Workbench]:
    """The table, opened by one who waits half a second and no longer."""
    await things.insert({"Text": "before"})
    async with opened(url, busy_timeout_seconds=0.5) as store:
        yield things.at(await store.workspace(workspace))


CALLS: dict[str, Callable[[Workbench], Awaitable[Any]]] = {
    "insert": lambda things: things.insert({"Text": "new"}),
    "bulk": lambda things: things.insert({"Text": "new"}, {"Text": "new"}),
    "update": lambda things: things.update(ALL, {"Text": "new"}),
    "delete": lambda things: things.delete(ALL),
    "script": lambda things: things.database.write(lambda: iter([things.sql.physical.drop()])),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
async def test_a_write_that_waits_too_long(
    hurried: Workbench,
    workspace: Workspace,
    url: str,
    portal: BlockingPortal,
    call: Callable[[Workbench], Awaitable[Any]],
) -> None:
    holder = Holder(portal, url, workspace, hurried)
    try:
        with pytest.raises(Busy) as caught:
            await call(hurried)
        assert caught.value.status == 503
        assert caught.value.headers["Retry-After"] == "1"
    finally:
        holder.let_go()
    assert await hurried.column("Text") == ["before"]
    await hurried.insert({"Text": "after"})
    assert sorted(await hurried.column("Text")) == ["after", "before"]


async def test_a_write_that_need_not_wait_too_long(
    things: Workbench, workspace: Workspace, url: str, portal: BlockingPortal
) -> None:
    holder = Holder(portal, url, workspace, things)
    waiting = asyncio.ensure_future(things.insert({"Text": "new"}))
    await asyncio.sleep(0)
    holder.let_go()
    await waiting
    assert await things.column("Text") == ["new"]
