"""SQLite's readers: short queries at once, long ones in a thread, so that nobody waits for another's."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Generator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import apsw
import pytest
from anyio import create_task_group
from workbench import THINGS, Workbench, initialised, new_workspace, opened, tables_of, until, where

from rowkeep.sql.statements import Statement
from rowkeep.storage import table_groups
from rowkeep.storage.contract import Row
from rowkeep.storage.sqlite import files, reads
from rowkeep.storage.sqlite import loop_readers as quick
from support.server import sqlite_url

pytestmark = pytest.mark.anyio

ROWS = 20_000
LONG: dict[str, Any] = {"query": where("Text", "icontains", "needle"), "sort": [{"field": "Number"}]}
"""A query that looks at every row: hundreds of times what a short one may take."""


@pytest.fixture(scope="module")
async def crowded(
    tmp_path_factory: pytest.TempPathFactory, anyio_backend: object
) -> AsyncIterator[Workbench]:
    """A table with many rows, some of which a long query finds."""
    async with opened(sqlite_url(tmp_path_factory.mktemp("crowded"))) as store:
        crowded = await Workbench.with_table(await initialised(store, new_workspace()), THINGS)
        await crowded.insert(
            *(
                {"Text": f"hay {'NEEDLE' if at % 1000 == 0 else ''}", "Number": -at, "Flag": at % 2 == 0}
                for at in range(ROWS)
            )
        )
        yield crowded


class Told:
    """A script that tells in which threads it was begun, and that waits at its end."""

    def __init__(self, crowded: Workbench, *texts: str) -> None:
        self._statements = [crowded.statement(text) for text in texts]
        self.begun: list[int] = []
        self.ended = threading.Event()
        self.may_return = threading.Event()

    def __call__(self) -> Generator[Statement, Sequence[Row], list[Any]]:
        self.begun.append(threading.get_ident())
        found = []
        for each in self._statements:
            rows = yield each
            found.append(rows[0][0])
        self.ended.set()
        self.may_return.wait()
        return found


SHORT = "SELECT 7"
LOOKS_AT_ALL = "SELECT count(*) FROM @things WHERE instr(\"Text\", 'NEEDLE') > 0"


async def test_what_is_short_needs_no_thread(crowded: Workbench) -> None:
    told = Told(crowded, SHORT)
    told.may_return.set()
    assert await crowded.database.read(told) == [7]
    assert told.begun == [threading.get_ident()]


async def test_what_is_long_is_begun_anew_in_a_thread(crowded: Workbench) -> None:
    told = Told(crowded, SHORT, LOOKS_AT_ALL, SHORT)
    told.may_return.set()
    assert await crowded.database.read(told) == [7, ROWS // 1000, 7]
    here, there = told.begun
    assert here == threading.get_ident() != there


async def test_others_are_answered_while_it_runs(crowded: Workbench) -> None:
    told = Told(crowded, LOOKS_AT_ALL)
    running = asyncio.ensure_future(crowded.database.read(told))
    await asyncio.to_thread(told.ended.wait)
    for _ in range(20):
        assert len((await crowded.select({"count": "none"}, 10)).rows) == 10
    assert (await crowded.select(LONG)).total == ROWS // 1000
    await crowded.insert({"Text": "a write"})
    await crowded.delete(where("Text", "=", "a write"))
    assert not running.done()
    told.may_return.set()
    assert await running == [ROWS // 1000]


async def test_long_selects_are_answered_as_short_ones_are(crowded: Workbench) -> None:
    selected = await crowded.select(LONG, 15)
    assert [row[1] for row in selected.rows] == list(range(-ROWS + 1000, -5000 + 1, 1000))[:15]
    assert selected.total == ROWS // 1000
    assert selected.next_key == [selected.rows[-1][1], selected.rows[-1][-1]]
    flags = await crowded.select({"query": where("Flag", "!=", False), "fields": ["Flag"]})
    assert set(map(tuple, flags.rows)) == {(True,)}
    assert flags.total == ROWS // 2


async def test_page_and_total_are_of_one_snapshot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A query is not run in a transaction at first, and others can write between its statements."""
    async with opened(sqlite_url(tmp_path)) as store:
        things = await Workbench.with_table(await initialised(store, new_workspace()), THINGS)
        await things.insert(*({"Number": at} for at in range(5)))
        path: Path = things.database.path  # type: ignore[attr-defined] # of SQLite
        page = reads._page
        calls: list[Any] = []

        def page_then_write(*arguments: Any) -> Any:
            calls.append(arguments)
            found = page(*arguments)
            if len(calls) == 1:
                with apsw.Connection(str(path)) as other:
                    other.execute(things.statement('DELETE FROM @things WHERE "Number" = 0').text)
            return found

        monkeypatch.setattr(reads, "_page", page_then_write)
        selected = await things.select({"sort": [{"field": "Number"}], "fields": ["Number"]}, 2)
        assert (list(map(list, selected.rows)), selected.total, len(calls)) == ([[1], [2]], 4, 2)
        # a page that is the last one needs no second statement
        selected = await things.select({"fields": ["Number"]}, 4)
        assert (len(selected.rows), selected.total, len(calls)) == (4, 4, 3)


async def test_many_long_queries_at_once(crowded: Workbench) -> None:
    results: list[int] = []

    async def select() -> None:
        results.append(len((await crowded.select(LONG)).rows))

    async with create_task_group() as group:
        for _ in range(12):
            group.start_soon(select)
    assert results == [ROWS // 1000] * 12


async def test_what_is_stopped_leaves_nothing_open(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here every step is counted, the one that ends a transaction, too, and every query is too long."""
    monkeypatch.setattr(quick, "STEPS_PER_TICK", 1)
    async with opened(sqlite_url(tmp_path_factory.mktemp("stopped"))) as store:
        stopped = await Workbench.with_table(await initialised(store, new_workspace()), THINGS)
        await stopped.insert({"Text": "a"}, {"Text": "b"})
        for _ in range(3):
            assert (await stopped.select({})).total == 2


def times_open(file: Path) -> int:
    """How many connections of this process have a file open."""
    found = 0
    for descriptor in Path("/proc/self/fd").glob("*"):
        with suppress(OSError):
            found += descriptor.readlink() == file
    return found


def is_open(file: Path, times: int) -> bool:
    return times_open(file) == times


def are_closed(paths: list[Path]) -> bool:
    return not any(map(times_open, paths))


def made_at(file: Path) -> int:
    """The number of the workspace that a file is of: they count up."""
    return int(file.name[1:].partition("_")[0])


@pytest.mark.parametrize("spare", [0, 1, 64])
async def test_many_tables_have_several_quick_readers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spare: int
) -> None:
    monkeypatch.setattr(table_groups, "TABLES_EACH", 2)
    monkeypatch.setattr(quick, "MAX_EACH_FILE", 3)
    monkeypatch.setattr(files, "SPARE", spare)
    # a query that is slow because the machine is busy would go on in a thread, with a reader more
    monkeypatch.setattr(quick, "BUDGET_SECONDS", 3600.0)
    async with opened(sqlite_url(tmp_path), sqlite_open_workspaces=1) as store:
        # of the second, whose readers there are only once those of the first, which was closed, are back
        for _ in range(2):
            tables = await tables_of(store, 9)
            *closed, file = sorted((tmp_path / "workspaces").glob("*.db"), key=made_at)
            await until(partial(are_closed, closed))
            before = times_open(file)
            for number in range(3):
                for at, each in enumerate(tables):
                    await each.insert({"Whole": at})
                    assert await each.column("Whole") == [at] * (number + 1)
            wanted = before + min(2, spare)
            await until(partial(is_open, file, wanted))
            for at, each in enumerate(tables):
                assert await each.column("Whole") == [at] * 3
            assert times_open(file) == wanted


async def test_a_reader_sees_what_was_just_written(crowded: Workbench) -> None:
    for at in range(5):
        await crowded.insert({"Text": f"needle {at}"})
        assert (await crowded.select(LONG)).total == ROWS // 1000 + at + 1
    assert await crowded.delete(where("Text", "starts with", "needle")) == 5
    assert (await crowded.select(LONG)).total == ROWS // 1000


async def test_what_is_short_needs_no_thread_among_many_tables(crowded: Workbench) -> None:
    def make_tables() -> Generator[Statement, Sequence[Row], None]:
        for number in range(4_000):
            yield crowded.statement(f"CREATE TABLE @more_{number} (a integer)")

    async def is_here() -> bool:
        told = Told(crowded, "SELECT count(*) FROM (SELECT 1 FROM @things LIMIT 1)")
        told.may_return.set()
        await crowded.database.read(told)
        return told.begun == [threading.get_ident()]

    await crowded.database.write(make_tables)
    # the first queries find that there is more to read of the schema than a query may
    assert not await is_here()
    while not await is_here():  # noqa: ASYNC110 - it is read in a thread that tells nobody
        await asyncio.sleep(0.005)
    assert all([await is_here() for _ in range(5)])
