"""One store, several processes: each writes as if it were alone, and none of their rows is lost."""

from __future__ import annotations

from collections import Counter

import msgspec
import pytest
from neighbours import run_all, write_rows
from workbench import Workbench, where

from rowkeep.model.access import Workspace

pytestmark = pytest.mark.anyio

CALLS = 40


async def test_processes_that_write_at_once(things: Workbench, workspace: Workspace, url: str) -> None:
    names = ["first", "second", "third"]
    table = msgspec.json.encode(things.table)
    run_all(write_rows, *[(name, url, workspace, table, things.version, CALLS) for name in names])
    kept = [at for at in range(CALLS) if at % 4]
    for name in names:
        mine = await things.column("Whole", {"query": where("Text", "=", name)})
        assert Counter(mine) == Counter({at: 10 if at % 2 else 1 for at in kept})
    assert await things.count() == len(names) * sum(10 if at % 2 else 1 for at in kept)
    assert set(await things.column("Flag")) == {True}
    ids = await things.column("_id", {"sort": [{"field": "_id"}]})
    assert ids == sorted(set(ids))


async def test_the_ids_of_each_process_increase_in_its_order(
    things: Workbench, workspace: Workspace, url: str
) -> None:
    table = msgspec.json.encode(things.table)
    run_all(write_rows, *[(name, url, workspace, table, things.version, 12) for name in ("first", "second")])
    for name in ("first", "second"):
        order = await things.column("Whole", {"query": where("Text", "=", name), "sort": [{"field": "_id"}]})
        assert order == sorted(order)
