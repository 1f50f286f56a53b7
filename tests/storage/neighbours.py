"""Neighbours: other processes that use the same store at the same time."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import sys
from collections.abc import Callable
from multiprocessing.forkserver import ensure_running
from multiprocessing.synchronize import Barrier
from typing import Any
from unittest.mock import patch

import msgspec
from workbench import Workbench, initialised, opened

from rowkeep.model.access import Workspace
from rowkeep.model.tables import Table

CONTEXT = multiprocessing.get_context("forkserver")
"""Processes that share nothing with the tests' own. They are forks of one that has imported this module: the
imports take each new interpreter half a second."""


def _start_forking() -> None:
    """Start the process that forks, if it does not run yet. It finds modules only where a variable says."""
    CONTEXT.set_forkserver_preload([__name__])
    with patch.dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path)):
        ensure_running()


def run_all(target: Callable[..., None], *arguments: tuple[Any, ...]) -> None:
    """Run ``target`` in a process for each of these arguments, all at once; every one must succeed.

    A barrier that lets them go together comes before their arguments.
    """
    _start_forking()
    barrier = CONTEXT.Barrier(len(arguments))
    processes = [CONTEXT.Process(target=target, args=(barrier, *each), daemon=True) for each in arguments]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * len(processes)


def open_stores(barrier: Barrier, urls: list[str], workspace: Workspace) -> None:
    """Open each of these stores and a workspace in it, at the same moment as the others do."""

    async def open_one(url: str) -> None:
        async with opened(url) as store:
            await initialised(store, workspace)

    for url in urls:
        barrier.wait()
        asyncio.run(open_one(url))


def write_rows(
    barrier: Barrier, name: str, url: str, workspace: Workspace, table: bytes, version: int, calls: int
) -> None:
    """Insert rows, one and ten by turns, and update and delete some of them; all bear ``name`` in Text."""

    async def write() -> None:
        async with opened(url) as store:
            database = await store.workspace(workspace)
            things = Workbench(database, msgspec.json.decode(table, type=Table), version)
            barrier.wait()
            for at in range(calls):
                count = 10 if at % 2 else 1
                await things.insert(*[{"Text": name, "Whole": at, "Flag": False}] * count)
                mine = {"expressions": [_is("Text", name), _is("Whole", at)]}
                assert (await things.update(mine, {"Flag": True})).count == count
                if at % 4 == 0:
                    assert await things.delete(mine) == count

    asyncio.run(write())


def _is(field: str, value: Any) -> dict[str, Any]:
    return {"field": field, "operand": "=", "value": value}
