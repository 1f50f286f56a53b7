"""Quotas of rows beyond those that are always counted: estimates far from them, counts near them."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable

import pytest
from workbench import THINGS, Workbench, initialised, new_workspace, opened, where

from rowkeep.errors.catalogue import QuotaExceeded
from rowkeep.settings import Settings
from rowkeep.storage import quotas
from rowkeep.storage.contract import Load, Loaded, Script, Sifted, Steps, WorkspaceDatabase
from rowkeep.storage.quotas import QuotaDatabase

pytestmark = pytest.mark.anyio

MOST = 40


def limited(things: Workbench) -> Workbench:
    """The table as another process with a quota sees it."""
    return things.at(QuotaDatabase(things.database, Settings(max_rows_per_table=MOST)))


async def insert(things: Workbench) -> str:
    try:
        await things.insert({"Number": 1})
    except QuotaExceeded:
        return "refused"
    return "inserted"


@pytest.mark.parametrize("counted", [1000, 10], ids=["always counted", "estimated"])
async def test_one_process_never_exceeds_it(
    new_store: Callable[[], str], monkeypatch: pytest.MonkeyPatch, counted: int
) -> None:
    monkeypatch.setattr(quotas, "COUNTED_ROWS", counted)
    async with opened(new_store()) as store:
        made = await Workbench.with_table(await initialised(store, new_workspace()), THINGS)
        things = limited(made)
        await things.insert(*({"Number": 0} for _ in range(30)))
        with pytest.raises(QuotaExceeded):
            await things.insert(*({"Number": 0} for _ in range(11)))
        outcomes = await asyncio.gather(*(insert(things) for _ in range(25)))
        assert Counter(outcomes) == {"inserted": 10, "refused": 15}
        assert await things.count() == MOST
        # deleted rows make room
        assert await things.delete(where("Number", "=", 0)) == 30
        assert await insert(things) == "inserted"


async def test_processes_together_never_exceed_a_small_quota(new_store: Callable[[], str]) -> None:
    async with opened(new_store()) as store:
        made = await Workbench.with_table(await initialised(store, new_workspace()), THINGS)
        processes = [limited(made) for _ in range(3)]
        outcomes = await asyncio.gather(*(insert(each) for _ in range(20) for each in processes))
        assert Counter(outcomes) == {"inserted": MOST, "refused": 20}


async def loaded(things: Workbench, count: int) -> str:
    plan = things.insert_plan(*({"Number": 1} for _ in range(count)))
    try:
        await things.database.load(things.sql, Load(lambda: iter([plan]), count), things.version)
    except QuotaExceeded:
        return "refused"
    return "loaded"


async def test_loads_together_never_exceed_a_small_quota(new_store: Callable[[], str]) -> None:
    async with opened(new_store()) as store:
        made = await Workbench.with_table(await initialised(store, new_workspace()), THINGS)
        processes = [limited(made) for _ in range(3)]
        work = [each for process in processes for each in (loaded(process, 15), insert(process))]
        outcomes = Counter(await asyncio.gather(*work))
        assert outcomes == {"loaded": 2, "refused": 1, "inserted": 3}
        assert await made.count() == 33
        assert await loaded(processes[0], 8) == "refused"
        assert await loaded(processes[0], 7) == "loaded"


async def partly_inserted(things: Workbench) -> str:
    plan = things.insert_plan(*({"Number": 1} for _ in range(3)))
    try:
        await things.database.insert_partly(things.sql, plan, accepted, things.version)
    except QuotaExceeded:
        return "refused"
    return "inserted"


async def partly_upserted(things: Workbench, first: int) -> str:
    plan = things.upsert_plan(*({"Whole": at, "Number": 1} for at in range(first, first + 3)))
    try:
        await things.database.upsert_partly(things.sql, plan, accepted, things.version)
    except QuotaExceeded:
        return "refused"
    return "upserted"


def accepted(_written_on: str) -> Steps[Sifted]:
    yield from ()
    return Sifted(range(3), ())


async def test_partial_writes_together_never_exceed_a_small_quota(new_store: Callable[[], str]) -> None:
    async with opened(new_store()) as store:
        keyed = {**THINGS, "indexes": [{"name": "key", "isUnique": True, "columns": [{"name": "Whole"}]}]}
        made = await Workbench.with_table(await initialised(store, new_workspace()), keyed)
        processes = [limited(made) for _ in range(3)]
        inserts = [partly_inserted(each) for _ in range(4) for each in processes]
        upserts = [partly_upserted(each, 10 * at) for at, each in enumerate(processes * 3)]
        outcomes = Counter(await asyncio.gather(*inserts, *upserts))
        assert outcomes["refused"] == 8
        assert await made.count() == 39


async def test_a_load_of_stored_rows_needs_no_room(new_store: Callable[[], str]) -> None:
    async with opened(new_store()) as store:
        keyed = {**THINGS, "indexes": [{"name": "key", "isUnique": True, "columns": [{"name": "Whole"}]}]}
        made = await Workbench.with_table(await initialised(store, new_workspace()), keyed)
        things = limited(made)
        await things.insert(*({"Whole": at} for at in range(MOST)))
        for more, outcome in ((0, Loaded(0, MOST)), (1, None)):
            plan = things.upsert_plan(*({"Whole": at, "Text": "new"} for at in range(more, MOST + more)))
            load = Load(lambda plan=plan: iter([plan]), MOST, is_upsert=True)
            if outcome is None:
                with pytest.raises(QuotaExceeded):
                    await things.database.load(things.sql, load, things.version)
            else:
                assert await things.database.load(things.sql, load, things.version) == outcome
        assert await made.count() == MOST


async def test_far_from_it_rows_are_hardly_counted(
    new_store: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quotas, "COUNTED_ROWS", 10)
    async with opened(new_store()) as store:
        made = await Workbench.with_table(await initialised(store, new_workspace()), THINGS)
        read, reads = made.database.read, []

        async def counted(script: Script[int]) -> int:
            reads.append(script)
            return await read(script)

        things = limited(made)
        monkeypatch.setattr(made.database, "read", counted)
        monkeypatch.setattr(quotas, "FAR_SECONDS", 1e9)
        for _ in range(10):
            await things.insert({"Number": 1})
        assert len(reads) == 1


def test_a_quota_leaves_no_call_out() -> None:
    assert QuotaDatabase.__abstractmethods__ == frozenset()
    assert issubclass(QuotaDatabase, WorkspaceDatabase)
