"""SQLite: what takes too long or is no longer wanted is stopped, and nobody waits without end."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
import weakref
from collections.abc import AsyncIterator, Callable, Generator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import apsw
import pytest
from workbench import Workbench, initialised, new_workspace, opened, tables_of, until, where

from rowkeep.errors.catalogue import Busy, QueryTimeout, ShuttingDown
from rowkeep.sql.statements import Statement
from rowkeep.storage.contract import Row, Store
from rowkeep.storage.sqlite.connections import Connection, OverBudget, translated
from rowkeep.storage.sqlite.files import IDLE_NAP_SECONDS, OpenFile
from support.server import sqlite_url

pytestmark = pytest.mark.anyio

NUMBERS = "(WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT later(x) FROM n) SELECT count(*) FROM n)"
"""A number that is never found; the search for it takes no processor time from the tests."""


def later(number: int) -> int:
    time.sleep(0.005)
    return number + 1


SOON_SECONDS = 30
"""What happens at once may take this long on a busy machine."""

NOTES = {
    "name": "notes",
    "schemaDef": [{"name": "Code", "type": "string"}, {"name": "Whole", "type": "integer"}],
}

Open = Callable[..., Any]


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Open]:
    """Opens a store with these settings; it is closed after the test."""
    stores = []

    async def start(**settings: Any) -> tuple[Store, Workbench]:
        stores.append(opened(sqlite_url(tmp_path), **settings))
        store = await stores[-1].__aenter__()
        return store, await Workbench.with_table(await initialised(store, new_workspace()), NOTES)

    yield start
    for store in stores:
        await store.__aexit__(None, None, None)


def file_of(notes: Workbench) -> OpenFile:
    file: OpenFile = notes.database.opener.file  # type: ignore[attr-defined]
    return file


class Endless:
    """Work that never ends by itself: a query, or with ``writes`` an update, which changes a row first."""

    def __init__(self, *, writes: bool = False) -> None:
        self.begun = threading.Event()
        self._writes = writes

    def __call__(self, connection: Connection) -> None:
        if connection.max_cell_bytes is None:
            self.begun.set()
        connection.create_scalar_function("later", later, 1)
        with translated():
            if self._writes:
                connection.execute("""UPDATE notes SET "Code" = 'changed'""").fetchall()
                connection.execute(f'UPDATE notes SET "Whole" = {NUMBERS}').fetchall()  # noqa: S608
            else:
                connection.execute(f"SELECT {NUMBERS}").fetchall()

    async def read(self, notes: Workbench) -> asyncio.Task[None]:
        """Read on ``notes``, as a query of a table does; when this returns, it runs."""
        task = asyncio.ensure_future(file_of(notes).reader.run_in_thread(self, "a table"))
        await asyncio.to_thread(self.begun.wait)
        return task

    async def write(self, notes: Workbench) -> asyncio.Task[None]:
        task = asyncio.ensure_future(file_of(notes).writer.run(self, is_limited=True))
        await asyncio.to_thread(self.begun.wait)
        return task


async def in_time(task: Any) -> Any:
    return await asyncio.wait_for(task, SOON_SECONDS)


async def cancelled(task: asyncio.Task[Any]) -> None:
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await in_time(task)


# readers


async def test_a_query_ends_after_its_time(start: Open) -> None:
    _, notes = await start(max_query_seconds=0.5, sqlite_readers=1)
    for _ in range(3):
        with pytest.raises(QueryTimeout, match=r"than 0.5 s \(the setting max_query_seconds\)"):
            await in_time(await Endless().read(notes))
    assert (await notes.select({})).total == 0


async def test_a_query_that_nobody_waits_for_gives_its_turn_back(start: Open) -> None:
    _, notes = await start(sqlite_readers=1)
    for _ in range(3):
        await cancelled(await Endless().read(notes))


async def test_a_turn_is_given_back_when_its_thread_has_ended(start: Open) -> None:
    _, notes = await start(sqlite_readers=1, busy_timeout_seconds=0.2)
    ended = threading.Event()
    begun = threading.Event()

    def stubborn(connection: Connection) -> None:
        """Heeds no interrupt."""
        if connection.max_cell_bytes is not None:
            raise OverBudget
        begun.set()
        ended.wait()

    task = asyncio.ensure_future(file_of(notes).reader.run_in_thread(stubborn, "a table"))
    await asyncio.to_thread(begun.wait)
    await cancelled(task)
    with pytest.raises(Busy):
        await in_time(file_of(notes).reader.run_in_thread(Endless(), "a table"))
    assert file_of(notes).reader.is_running
    ended.set()
    await cancelled(await Endless().read(notes))


async def test_a_file_that_is_left_is_closed_with_its_store(tmp_path: Path) -> None:
    begun, may_end = threading.Event(), threading.Event()

    def holding(_: Connection) -> None:
        begun.set()
        may_end.wait()

    async with opened(sqlite_url(tmp_path)) as store:
        kept = await Workbench.with_table(await initialised(store, new_workspace()), NOTES)
        workspace = new_workspace()
        left = await Workbench.with_table(await initialised(store, workspace), NOTES)
        open_file = file_of(left)
        loading = asyncio.ensure_future(file_of(kept).loader.run(holding, is_dry_run=False))
        await asyncio.to_thread(begun.wait)
        reading = await Endless().read(left)
        await store.drop_workspace(workspace)
        assert not open_file.is_idle
        closing = asyncio.ensure_future(store.close())
        with pytest.raises(ShuttingDown):
            await in_time(reading)
        # it is idle now, but the store has no threads any more that could close it
        await asyncio.sleep(4 * IDLE_NAP_SECONDS)
        may_end.set()
        await in_time(closing)
        with pytest.raises(ShuttingDown):
            await loading
    with pytest.raises(apsw.ConnectionClosedError):
        open_file.connection.execute("SELECT 1")


async def test_nobody_waits_for_a_turn_without_end(start: Open) -> None:
    _, notes = await start(sqlite_readers=1, busy_timeout_seconds=0.2)
    running = await Endless().read(notes)
    with pytest.raises(Busy, match=r"waited 0.2 s for other long queries \(the setting busy_"):
        await in_time(file_of(notes).reader.run_in_thread(Endless(), "a table"))
    waiting = asyncio.ensure_future(file_of(notes).reader.run_in_thread(Endless(), "a table"))
    await asyncio.sleep(0.05)
    await cancelled(waiting)
    await cancelled(running)
    await cancelled(await Endless().read(notes))


async def test_long_queries_hold_up_no_scripts_and_no_writes_of_anybody(start: Open) -> None:
    store, notes = await start(busy_timeout_seconds=SOON_SECONDS)
    files = [each for _ in range(10) for each in await tables_of(store, 1)]
    running = [
        asyncio.ensure_future(file_of(each).reader.run_in_thread(Endless(), "t")) for each in files * 3
    ]
    await asyncio.sleep(0.5)

    def script() -> Generator[Statement, Sequence[Row], Any]:
        rows = yield Statement(
            "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 100000) "
            "SELECT count(*) FROM n"
        )
        return rows[0][0]

    for each in (notes, *files):
        await in_time(each.insert({"Whole": 1}))
        assert await in_time(each.count()) == 1
        assert await in_time(each.database.read(script)) == 100_000
    assert await in_time(store.catalog.read(script)) == 100_000
    for task in running:
        task.cancel()
    await in_time(asyncio.gather(*running, return_exceptions=True))


# writers


async def together(notes: Workbench, *works: Callable[[], Any]) -> list[Any]:
    """Begin these in one group, after a script that waits for them; what each returns or raises."""
    begun, may_end = threading.Event(), threading.Event()

    def gate(_: Connection) -> None:
        begun.set()
        may_end.wait()

    holding = asyncio.ensure_future(file_of(notes).writer.run(gate))
    await asyncio.to_thread(begun.wait)
    tasks = [asyncio.ensure_future(work()) for work in works]
    await asyncio.sleep(0)
    may_end.set()
    await holding
    return await in_time(asyncio.gather(*tasks, return_exceptions=True))


async def test_an_update_that_takes_too_long_undoes_itself_alone(start: Open) -> None:
    _, notes = await start(max_query_seconds=1)
    await notes.insert({"Code": "first", "Whole": 0})
    endless = partial(file_of(notes).writer.run, Endless(writes=True), is_limited=True)
    results = await together(
        notes,
        partial(notes.insert, {"Code": "a"}),
        partial(notes.update, where("Code", "=", "first"), {"Whole": 7}),
        endless,
        partial(notes.insert, {"Code": "b"}),
        partial(notes.insert, {"Code": "c"}),
        endless,
        partial(notes.insert, {"Code": "d"}),
    )
    kinds = [type(result) for result in results if isinstance(result, Exception)]
    assert kinds == [QueryTimeout, QueryTimeout]
    assert [type(results[at]) for at in (2, 5)] == kinds
    # what was acknowledged is stored, once, in its order
    assert await notes.column("Code") == ["first", "a", "b", "c", "d"]
    assert await notes.column("Whole") == [7, None, None, None, None]
    ids = await notes.column("_id")
    stamps = [results[at] for at in (0, 3, 4, 6)]
    assert ids[1:] == [row_id for stamp in stamps for row_id in stamp.ids()] == sorted(ids[1:])


async def test_an_update_that_nobody_waits_for_undoes_itself_alone(start: Open) -> None:
    _, notes = await start()
    await notes.insert({"Code": "first"})
    for number in range(3):
        running = await Endless(writes=True).write(notes)
        inserted = asyncio.ensure_future(notes.insert({"Code": str(number)}))
        await asyncio.sleep(0.02)
        await cancelled(running)
        await in_time(inserted)
    assert await notes.column("Code") == ["first", "0", "1", "2"]


async def test_inserts_and_scripts_have_no_limit_of_time(start: Open) -> None:
    _, notes = await start(max_query_seconds=0.1)

    def slow(connection: Connection) -> int:
        time.sleep(0.6)
        return len(connection.execute("SELECT 1").fetchall())

    assert await in_time(file_of(notes).writer.run(slow)) == 1


async def test_who_waits_too_long_to_write_is_refused(start: Open) -> None:
    _, notes = await start(busy_timeout_seconds=0.3)
    await notes.insert({"Code": "first"})
    running = await Endless(writes=True).write(notes)
    waiting = [asyncio.ensure_future(notes.insert({"Code": "late"})) for _ in range(3)]
    for each in waiting:
        with pytest.raises(Busy, match=r"waited 0.3 s for other writes \(the setting busy_timeout_seconds\)"):
            await in_time(each)
    assert not running.done()
    await cancelled(running)
    await notes.insert({"Code": "next"})
    assert await notes.column("Code") == ["first", "next"]


async def test_who_leaves_the_queue_writes_nothing(start: Open) -> None:
    _, notes = await start()
    await notes.insert({"Code": "first"})
    running = await Endless(writes=True).write(notes)
    waiting = [asyncio.ensure_future(notes.insert({"Code": str(number)})) for number in range(4)]
    await asyncio.sleep(0)
    await cancelled(waiting[1])
    await cancelled(waiting[2])
    await cancelled(running)
    await in_time(asyncio.gather(waiting[0], waiting[3]))
    assert await notes.column("Code") == ["first", "0", "3"]


async def test_a_load_that_nobody_waits_for_ends_without_a_word(start: Open) -> None:
    """Its error would be logged as one that was overlooked."""
    _, notes = await start()
    await notes.insert({"Code": "first"})
    overlooked: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: overlooked.append(context))
    endless, loader = Endless(writes=True), file_of(notes).loader
    running = asyncio.ensure_future(loader.run(endless, is_dry_run=False))
    await asyncio.to_thread(endless.begun.wait)
    (in_thread,) = map(weakref.ref, loader._running.values())
    await cancelled(running)
    await until(lambda: gc.collect() >= 0 and in_thread() is None)
    assert not overlooked


async def test_who_leaves_during_the_commit_hears_of_it(start: Open) -> None:
    """A commit that has begun is not stopped, and so it would be wrong to say that nothing was written."""
    _, notes = await start()
    commits, may_commit = threading.Event(), threading.Event()

    def hook() -> bool:
        commits.set()
        may_commit.wait()
        return False

    file_of(notes).connection.set_commit_hook(hook)
    inserted = asyncio.ensure_future(notes.insert({"Code": "a"}))
    await asyncio.to_thread(commits.wait)
    inserted.cancel()
    await asyncio.sleep(0.05)
    assert not inserted.done()
    may_commit.set()
    stamp = await in_time(inserted)
    assert await notes.column("_id") == list(stamp.ids())


# the end


async def test_closing_stops_what_runs(tmp_path: Path) -> None:
    async with opened(sqlite_url(tmp_path)) as store:
        workspace = new_workspace()
        notes = await Workbench.with_table(await initialised(store, workspace), NOTES)
        await notes.insert({"Code": "first"})
        tasks = [await Endless().read(notes), await Endless(writes=True).write(notes)]
        tasks += [
            asyncio.ensure_future(file_of(notes).reader.run_in_thread(Endless(), "t")) for _ in range(5)
        ]
        waiting = asyncio.ensure_future(file_of(notes).writer.run(Endless(writes=True), is_limited=True))
        inserted = asyncio.ensure_future(notes.insert({"Code": "second"}))
        await asyncio.sleep(0.05)
        started = time.monotonic()
    assert time.monotonic() - started < SOON_SECONDS
    results = await in_time(asyncio.gather(*tasks, waiting, return_exceptions=True))
    assert {type(result) for result in results} == {ShuttingDown}
    await inserted
    async with opened(sqlite_url(tmp_path)) as store:
        database = await store.workspace(workspace)
        assert await notes.at(database).column("Code") == ["first", "second"]
