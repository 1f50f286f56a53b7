"""Checkpoints of SQLite: not in a commit, and the WAL is bounded all the same."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import apsw
import pytest
from workbench import Workbench, initialised, new_workspace, opened, rows_of, until

from rowkeep.errors.catalogue import StorageUnavailable
from rowkeep.storage.sqlite import checkpoints
from rowkeep.storage.sqlite.checkpoints import PAGE_BYTES, Checkpoints
from support.server import sqlite_url

pytestmark = pytest.mark.anyio

NOTES = {"name": "notes", "schemaDef": [{"name": "Text", "type": "string"}]}
PAGES_OF_A_ROW = 10
ROW = {"Text": "x" * PAGES_OF_A_ROW * PAGE_BYTES}
MOST_PAGES_OF_A_COMMIT = 40
"""Of two rows, with all that SQLite changes around them."""


@pytest.fixture
async def notes(tmp_path: Path) -> AsyncIterator[Workbench]:
    async with opened(sqlite_url(tmp_path)) as store:
        yield await Workbench.with_table(await initialised(store, new_workspace()), NOTES)


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Sets after how many pages something is done."""

    def set_limits(*, copy: int = 10**9, long: int = 10**9, limit: int = 10**9) -> None:
        monkeypatch.setattr(checkpoints, "PAGES_OF_A_COPY", copy)
        monkeypatch.setattr(checkpoints, "LONG_PAGES", long)
        monkeypatch.setattr(checkpoints, "LIMIT_PAGES", limit)
        monkeypatch.setattr(checkpoints, "PAGES_OF_A_RESTART", limit)

    return set_limits


def checkpoints_of(notes: Workbench) -> Checkpoints:
    found: Checkpoints = notes.database.opener.file.checkpoints  # type: ignore[attr-defined]
    return found


def path_of(notes: Workbench) -> Path:
    path: Path = notes.database.path  # type: ignore[attr-defined]
    return path


def wal_pages(notes: Workbench) -> int:
    path = path_of(notes)
    return path.with_name(f"{path.name}-wal").stat().st_size // PAGE_BYTES


async def insert(notes: Workbench, count: int = 1) -> None:
    for _ in range(count):
        await notes.database.insert(notes.sql, notes.insert_plan(ROW), notes.version)


async def test_a_copy_is_made_in_another_thread(
    notes: Workbench, limits: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    limits(copy=2 * PAGES_OF_A_ROW)
    copies: list[tuple[str, int]] = []
    copy = Checkpoints._copy

    def record(self: Checkpoints, connection: Any, mode: int) -> None:
        copies.append((threading.current_thread().name.rpartition("_")[0], mode))
        copy(self, connection, mode)

    monkeypatch.setattr(Checkpoints, "_copy", record)
    await insert(notes, 5)
    await until(lambda: not checkpoints_of(notes).is_running)
    assert set(copies) == {("rowkeep-other", apsw.SQLITE_CHECKPOINT_PASSIVE)}


async def test_a_wal_that_grows_during_each_copy_begins_again(
    notes: Workbench, limits: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    limits(copy=2 * PAGES_OF_A_ROW, long=10 * PAGES_OF_A_ROW)
    loop = asyncio.get_running_loop()
    modes: list[int] = []
    copy = Checkpoints._copy

    def copy_and_write(self: Checkpoints, connection: Any, mode: int) -> None:
        modes.append(mode)
        if mode != apsw.SQLITE_CHECKPOINT_PASSIVE:
            copy(self, connection, mode)
            return
        # with a read of the pages before the last ones, the copy ends where it would if they came during it
        reader = apsw.Connection(str(path_of(notes)))
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM notes").fetchall()
        asyncio.run_coroutine_threadsafe(insert(notes), loop).result()
        copy(self, connection, mode)
        reader.close()

    monkeypatch.setattr(Checkpoints, "_copy", copy_and_write)
    written = 0
    while modes.count(apsw.SQLITE_CHECKPOINT_FULL) < 4:
        await insert(notes, 3)
        written += 3
        await until(lambda: not checkpoints_of(notes).is_running)
    assert wal_pages(notes) <= 20 * PAGES_OF_A_ROW
    count = await rows_of(notes.database, "SELECT count(*) FROM @notes")
    assert count[0][0] >= written


async def test_without_a_thread_the_wal_is_copied_in_a_commit(
    notes: Workbench, limits: Callable[..., None]
) -> None:
    limits(limit=10 * PAGES_OF_A_ROW)
    await asyncio.gather(*(insert(notes, 30) for _ in range(2)))
    assert wal_pages(notes) <= 10 * PAGES_OF_A_ROW + MOST_PAGES_OF_A_COMMIT


async def test_writes_go_on_where_the_copy_fails(notes: Workbench, limits: Callable[..., None]) -> None:
    limits(copy=2 * PAGES_OF_A_ROW, limit=10 * PAGES_OF_A_ROW)
    tries = []

    def fail(seconds: float) -> Any:
        tries.append(seconds)
        raise StorageUnavailable()

    checkpoints_of(notes)._connect = fail
    await insert(notes, 30)
    assert tries
    assert wal_pages(notes) <= 10 * PAGES_OF_A_ROW + MOST_PAGES_OF_A_COMMIT


async def test_who_reads_older_pages_delays_nobody(notes: Workbench, limits: Callable[..., None]) -> None:
    limits(copy=2 * PAGES_OF_A_ROW, long=4 * PAGES_OF_A_ROW)
    await insert(notes)
    reader = apsw.Connection(str(path_of(notes)))
    reader.execute("BEGIN")
    assert reader.execute("SELECT count(*) FROM notes").fetchall() == [(1,)]
    async with asyncio.timeout(60):
        await insert(notes, 20)
    assert wal_pages(notes) > 20 * PAGES_OF_A_ROW  # all of it is needed
    assert reader.execute("SELECT count(*) FROM notes").fetchall() == [(1,)]
    reader.close()
    size = wal_pages(notes)
    await insert(notes, 10)
    await until(lambda: not checkpoints_of(notes).is_running)
    await insert(notes, 10)
    assert wal_pages(notes) <= size + 10 * PAGES_OF_A_ROW + MOST_PAGES_OF_A_COMMIT


def read_without_end(path: Path, seconds: float, stop: threading.Event) -> None:
    """Read for some seconds, again and again."""
    reader = apsw.Connection(str(path))
    while not stop.wait(0.001):
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM notes").fetchall()
        time.sleep(seconds)
        reader.execute("COMMIT")
    reader.close()


async def test_reads_that_overlap_without_end(notes: Workbench, limits: Callable[..., None]) -> None:
    """There is never a moment when nobody needs the WAL, unless writers wait."""
    limits(copy=2 * PAGES_OF_A_ROW, long=4 * PAGES_OF_A_ROW, limit=10 * PAGES_OF_A_ROW)
    await insert(notes)
    stop = threading.Event()
    reads = [asyncio.to_thread(read_without_end, path_of(notes), each, stop) for each in (0.05, 0.06, 0.07)]
    reading = asyncio.gather(*reads)
    largest = 0
    for _ in range(20):
        await insert(notes, 5)
        await until(lambda: not checkpoints_of(notes).is_running)
        largest = max(largest, wal_pages(notes))
    stop.set()
    await reading
    assert largest < 50 * PAGES_OF_A_ROW
