"""SQLite's writer: transactions that wait are committed together, and each stands or falls alone."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Generator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import apsw
import pytest
from anyio import create_task_group
from workbench import ALL, Workbench, initialised, new_workspace, opened, where

from rowkeep.errors.catalogue import NameTaken
from rowkeep.sql.statements import Statement
from rowkeep.storage.contract import KeyUsed, Row, StaleCatalog, StoredResponse, UniqueConflict, WriteKey
from rowkeep.storage.sqlite.writer import GroupWriter
from support.server import sqlite_url

pytestmark = pytest.mark.anyio

NOTES = {
    "name": "notes",
    "schemaDef": [{"name": "Code", "type": "string"}, {"name": "Whole", "type": "integer"}],
    "indexes": [{"name": "by_code", "isUnique": True, "columns": [{"name": "Code"}]}],
}


class Mishap(Exception):
    """Something that a script of a test raises."""


@pytest.fixture
async def notes(tmp_path: Path) -> AsyncIterator[Workbench]:
    """A table with a unique index, in a store of its own."""
    async with opened(sqlite_url(tmp_path)) as store:
        yield await Workbench.with_table(await initialised(store, new_workspace()), NOTES)


class Gate:
    """Holds the writer in a transaction of its own until it is opened, so that others gather behind it."""

    def __init__(self, notes: Workbench) -> None:
        self._notes = notes
        self._open = threading.Event()
        self._reached = threading.Event()

    async def held(self) -> asyncio.Task[None]:
        task = asyncio.create_task(self._notes.database.write(self._wait))
        await asyncio.to_thread(self._reached.wait)
        return task

    def open(self) -> None:
        self._open.set()

    def _wait(self) -> Generator[Statement, Sequence[Row], None]:
        yield Statement("SELECT 1")
        self._reached.set()
        self._open.wait()


async def together(notes: Workbench, *calls: Callable[[], Any]) -> list[Any]:
    """Make these calls in their order, so that they come into one group; what each gives or raises."""
    gate = Gate(notes)
    holding = await gate.held()
    tasks = []
    for call in calls:
        tasks.append(asyncio.ensure_future(call()))
        await asyncio.sleep(0)  # so that it is in the queue before the next
    gate.open()
    await holding
    return await asyncio.gather(*tasks, return_exceptions=True)


class Commits:
    """Counts what the writer of a file commits and takes back."""

    def __init__(self, notes: Workbench) -> None:
        self.count = 0
        connection: apsw.Connection = notes.database.opener.file.connection  # type: ignore[attr-defined]
        connection.set_commit_hook(self._committed)

    def _committed(self) -> bool:
        self.count += 1
        return False


async def test_who_waits_is_committed_together(notes: Workbench) -> None:
    commits = Commits(notes)
    stamps = await together(notes, *[lambda: notes.insert({"Whole": 1})] * 50)
    assert len({row_id for stamp in stamps for row_id in stamp.ids()}) == 50
    assert await notes.count() == 50
    assert commits.count == 2  # the gate's and the group's


async def test_one_that_fails_leaves_the_others(notes: Workbench) -> None:
    commits = Commits(notes)
    results = await together(
        notes,
        lambda: notes.insert({"Code": "a"}),
        lambda: notes.insert({"Code": "b"}, {"Code": "a"}),
        lambda: notes.insert({"Code": "c"}),
        lambda: notes.update(where("Code", "=", "c"), {"Code": "a"}),
        lambda: Workbench(notes.database, notes.table, notes.version + 1).insert({"Code": "d"}),
        lambda: notes.delete(where("Code", "=", "a")),
        lambda: notes.insert({"Code": "a", "Whole": 2}),
    )
    kinds = [type(result) if isinstance(result, Exception) else None for result in results]
    assert kinds == [None, UniqueConflict, None, UniqueConflict, StaleCatalog, None, None]
    assert (results[1].index.name, results[1].row) == ("by_code", 1)
    assert await notes.column("Code") == ["c", "a"]
    assert await notes.column("Whole") == [None, 2]
    assert commits.count == 2


async def test_inserts_with_keys_are_written_together(
    notes: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They share savepoint and statements; if one of the keys was used before, each is written alone."""
    alone: list[Any] = []
    run_alone = GroupWriter._run

    def run(writer: GroupWriter, job: Any) -> None:
        alone.append(job)
        run_alone(writer, job)

    monkeypatch.setattr(GroupWriter, "_run", run)

    def insert(name: str) -> Any:
        key = WriteKey("st-one", name, 0, 1, lambda stamp: StoredResponse(200, 1, next(stamp.ids()).encode()))
        return notes.database.insert(notes.sql, notes.insert_plan({"Code": name}), notes.version, key)

    commits = Commits(notes)
    stamps = await together(notes, *[partial(insert, f"key {at}") for at in range(50)])
    assert (len(alone), commits.count) == (1, 2)  # the gate's, and then the group's
    assert await notes.count() == 50
    names = ["other 1", "key 7", "other 2", "other 2"]
    results = await together(notes, *[partial(insert, name) for name in names])
    assert (len(alone), commits.count) == (1 + 1 + 4, 4)
    assert [isinstance(result, KeyUsed) for result in results] == [False, True, False, True]
    assert results[1].stored.response.decode() == next(stamps[7].ids())
    assert results[3].stored.response.decode() == next(results[2].ids())
    assert await notes.count() == 52


async def test_of_single_rows_written_together_each_stands_alone(notes: Workbench) -> None:
    commits = Commits(notes)
    codes = ["a", "b", "a", "c", "b", "d"]
    results = await together(notes, *[partial(notes.insert, {"Code": code}) for code in codes])
    failed = [at for at, result in enumerate(results) if isinstance(result, UniqueConflict)]
    assert failed == [2, 4]
    assert {(results[at].index.name, results[at].row) for at in failed} == {("by_code", 0)}
    ids = [next(result.ids()) for at, result in enumerate(results) if at not in failed]
    assert await notes.column("_id") == ids == sorted(set(ids))
    assert await notes.column("Code") == ["a", "b", "c", "d"]
    assert commits.count == 2


@pytest.mark.parametrize(
    "raised", [Mishap(), NameTaken("taken"), ValueError("bad"), KeyError("none")], ids=repr
)
async def test_one_whose_work_raises_leaves_the_others(notes: Workbench, raised: Exception) -> None:
    def script() -> Generator[Statement, Sequence[Row], None]:
        yield notes.statement('UPDATE @notes SET "Whole" = 99')
        raise raised

    results = await together(
        notes,
        lambda: notes.insert({"Code": "a"}),
        lambda: notes.database.write(script),
        lambda: notes.insert({"Code": "b"}),
    )
    assert results[1] is raised
    assert await notes.column("Code") == ["a", "b"]
    assert await notes.column("Whole") == [None, None]


async def test_one_whose_sql_is_wrong_leaves_the_others(notes: Workbench) -> None:
    def script() -> Generator[Statement, Sequence[Row], None]:
        yield notes.statement('UPDATE @notes SET "Whole" = 99')
        yield Statement("SELEKT 1")

    results = await together(
        notes,
        lambda: notes.insert({"Code": "a"}),
        lambda: notes.database.write(script),
        lambda: notes.insert({"Code": "b"}),
    )
    assert isinstance(results[1], apsw.SQLError)
    assert await notes.column("Whole") == [None, None]


async def test_each_sees_what_those_before_it_wrote(notes: Workbench) -> None:
    results = await together(
        notes,
        lambda: notes.insert(*({"Whole": at} for at in range(10))),
        lambda: notes.update(where("Whole", "<", 5), {"Whole": 100}),
        lambda: notes.delete(where("Whole", "=", 100)),
        lambda: notes.delete(ALL),
    )
    assert results[0].count == 10
    assert (results[1].count, results[2], results[3]) == (5, 5, 5)


async def test_a_change_of_definitions_makes_those_behind_it_stale(notes: Workbench) -> None:
    results = await together(
        notes,
        lambda: notes.insert({"Code": "before"}),
        lambda: notes.database.write(notes.scripts.state.raise_version),
        lambda: notes.insert({"Code": "behind"}),
    )
    assert isinstance(results[2], StaleCatalog)
    assert (await notes.database.read(notes.scripts.state.version)) == results[1] == notes.version + 1


async def test_who_goes_away_disturbs_nobody(notes: Workbench) -> None:
    gate = Gate(notes)
    holding = await gate.held()
    gone = asyncio.ensure_future(notes.insert({"Code": "gone"}))
    stays = asyncio.ensure_future(notes.insert({"Code": "stays"}))
    await asyncio.sleep(0)
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    gate.open()
    await holding
    await stays
    assert await notes.column("Code") == ["stays"]


async def test_more_than_one_group(notes: Workbench) -> None:
    commits = Commits(notes)
    results = await together(notes, *[lambda: notes.insert({})] * 600)
    assert not [result for result in results if isinstance(result, Exception)]
    assert await notes.count() == 600
    assert commits.count < 10


async def test_many_writers_at_once(notes: Workbench) -> None:
    async def write(name: int) -> None:
        for at in range(20):
            await notes.insert({"Code": f"{name} {at}", "Whole": name})
            assert (await notes.update(where("Code", "=", f"{name} {at}"), {"Whole": -name})).count == 1
            with pytest.raises(UniqueConflict):
                await notes.insert({"Code": f"{name} {at}"})

    async with create_task_group() as group:
        for name in range(1, 17):
            group.start_soon(write, name)
    assert sorted(await notes.column("Whole")) == sorted(-name for name in range(1, 17) for _ in range(20))
