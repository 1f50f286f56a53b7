"""The queue of the processes that write to one SQLite file: in order, bounded, and never stuck."""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw
import pytest
from workbench import Workbench, initialised, new_workspace, opened

from rowkeep.errors.catalogue import Busy
from rowkeep.storage.sqlite.write_queue import WriteQueue
from rowkeep.storage.sqlite.writer import MAX_GROUP_SECONDS
from support.server import sqlite_url

ORDER = """
import sys
from pathlib import Path
from rowkeep.storage.sqlite.write_queue import WriteQueue

turns = WriteQueue(Path(sys.argv[1]))
print("waits", flush=True)
assert turns.take(60)
print("has it", flush=True)
with open(sys.argv[2], "a") as order:
    order.write(sys.argv[3] + "\\n")
sys.stdin.readline()
turns.give()
"""

TRANSACTION = """
import sys
import apsw
from pathlib import Path
from rowkeep.storage.sqlite.write_queue import WriteQueue

path = Path(sys.argv[1])
turns = WriteQueue(path)
assert turns.take(60)
connection = apsw.Connection(str(path))
connection.execute("BEGIN IMMEDIATE")
print("has it", flush=True)
sys.stdin.readline()
"""

GETZCNT = 15
"""The number of Linux's operation that counts who waits for a semaphore to be free."""

NOTES = {"name": "notes", "schemaDef": [{"name": "Whole", "type": "integer"}]}


class Neighbour:
    """Another process that takes its turn, and gives it when it is told to."""

    def __init__(self, program: str, *arguments: str | Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", program, *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def says(self, line: str) -> None:
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == f"{line}\n"

    def end(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()


@contextmanager
def neighbour(program: str, *arguments: str | Path) -> Iterator[Neighbour]:
    one = Neighbour(program, *arguments)
    try:
        yield one
    finally:
        one.process.kill()
        one.process.wait()


def until_waiting(turns: WriteQueue, count: int) -> None:
    """Wait until so many processes wait for their turn."""
    semctl = ctypes.CDLL(None).semctl
    while semctl(turns._set, turns._take[0].number, GETZCNT) < count:
        time.sleep(0.005)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "some.db"
    path.touch()
    return path


def test_turns_go_in_the_order_of_arrival(file: Path, tmp_path: Path) -> None:
    order = tmp_path / "order"
    turns = WriteQueue(file)
    assert turns.take(60)
    others = []
    for name in ("first", "second", "third"):
        others.append(Neighbour(ORDER, file, order, name))
        others[-1].says("waits")
        until_waiting(turns, len(others))
    turns.give()
    # who asks again waits behind all others, though nobody has had the turn yet
    for other in others[:-1]:
        other.says("has it")
        assert not turns.take(0)
        other.end()
    others[-1].says("has it")
    others[-1].end()
    assert turns.take(60)
    turns.give()
    assert order.read_text().split() == ["first", "second", "third"]


def test_files_have_queues_of_their_own(file: Path, tmp_path: Path) -> None:
    one = WriteQueue(file)
    assert one.take(0)
    others = []
    for number in range(5):
        other = tmp_path / f"{number}.db"
        other.touch()
        others.append(WriteQueue(other))
    # two files of a thousand share a queue, five that all do are a fault
    assert any(each.take(0) for each in others)
    for each in (one, *others):
        each.give()


def test_a_process_that_is_killed_gives_its_turn_back(file: Path, tmp_path: Path) -> None:
    turns = WriteQueue(file)
    with neighbour(ORDER, file, tmp_path / "order", "killed") as holder:
        holder.says("waits")
        holder.says("has it")
        assert not turns.take(0.05)
        holder.process.kill()
        assert turns.take(60)
        turns.give()


def test_giving_without_having_taken(file: Path) -> None:
    turns, other = WriteQueue(file), WriteQueue(file)
    turns.give()
    assert other.take(0)
    turns.give()
    assert not turns.take(0)
    turns.give()
    other.give()
    other.give()
    assert turns.take(0)
    assert not other.take(0)
    turns.give()


@pytest.fixture
async def notes(tmp_path: Path) -> AsyncIterator[Workbench]:
    """A table in a store of its own, whose writers wait no longer than half a second."""
    async with opened(sqlite_url(tmp_path), busy_timeout_seconds=0.5) as store:
        yield await Workbench.with_table(await initialised(store, new_workspace()), NOTES)


@pytest.mark.anyio
@pytest.mark.parametrize("kind", ["turn and lock", "turn alone"])
async def test_a_stopped_process_holds_nobody_up_for_long(
    notes: Workbench, tmp_path: Path, kind: str
) -> None:
    await notes.insert({"Whole": 1})
    path = file_of(notes)
    program, more = (TRANSACTION, []) if kind == "turn and lock" else (ORDER, [tmp_path / "order", "x"])
    with neighbour(program, path, *more) as holder:
        if more:
            holder.says("waits")
        holder.says("has it")
        os.kill(holder.process.pid, signal.SIGSTOP)
        began = time.monotonic()
        if more:
            # the file itself is free, and that is what counts in the end
            await notes.insert({"Whole": 2})
        else:
            with pytest.raises(Busy):
                await notes.insert({"Whole": 2})
        assert time.monotonic() - began < 20
    await notes.insert({"Whole": 3})
    assert sorted(await notes.column("Whole")) == ([1, 2, 3] if more else [1, 3])


@pytest.mark.anyio
async def test_a_tool_without_a_turn_is_waited_for(notes: Workbench) -> None:
    tool = apsw.Connection(str(file_of(notes)))
    tool.execute("BEGIN IMMEDIATE")
    with pytest.raises(Busy):
        await notes.insert({"Whole": 1})
    tool.execute("ROLLBACK")
    await notes.insert({"Whole": 2})
    assert await notes.column("Whole") == [2]
    tool.close()


@pytest.mark.anyio
async def test_a_group_that_takes_long_is_committed_in_parts(notes: Workbench) -> None:
    """Others get their turn between the jobs of one process that take long."""
    turns = WriteQueue(file_of(notes))
    writer = (await notes.database.opener.use()).writer  # type: ignore[attr-defined] # SQLite's
    tasks = [asyncio.ensure_future(writer.run(_take_long)) for _ in range(6)]
    had = 0
    while not all(task.done() for task in tasks):
        if await asyncio.to_thread(turns.take, 1):
            had += 1
            turns.give()
    await asyncio.gather(*tasks)
    assert had >= 3


def _take_long(_connection: apsw.Connection) -> None:
    time.sleep(2 * MAX_GROUP_SECONDS)


def file_of(notes: Workbench) -> Path:
    path: Path = notes.database.path  # type: ignore[attr-defined] # SQLite's
    return path
