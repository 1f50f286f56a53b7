"""Streams of a store: one snapshot, made part by part, and given up whatever ends them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from workbench import THINGS, Workbench, initialised, new_workspace, opened, rows_of, until

from rowkeep.codec.row_lines import NdjsonLines
from rowkeep.errors.catalogue import QueryTimeout, ShuttingDown
from rowkeep.model.data_requests import RowRange
from rowkeep.plan.rows.select import ALL_ROWS
from rowkeep.sql.statements import Template
from rowkeep.storage.contract import Row, RowStream, StaleCatalog
from rowkeep.storage.sqlite import checkpoints
from rowkeep.storage.sqlite.open_streams import OpenStreams
from support.server import sqlite_url

pytestmark = pytest.mark.anyio

ROWS = 3000


async def stream(bench: Workbench, limit: int = ALL_ROWS, **body: Any) -> RowStream:
    plan = bench.stream_plan(body, RowRange(limit))
    encode = NdjsonLines(bench.codec, bench.table.all_columns, None)
    return await bench.database.stream(bench.sql, plan, bench.version, encode)


async def numbers(rows: RowStream) -> list[int]:
    """The rest of a stream."""
    text = b""
    while not rows.is_done:
        text += await rows.part()
    return [json.loads(line)["Number"] for line in text.splitlines()]


@pytest.fixture
async def many(things: Workbench) -> Workbench:
    await things.insert(*({"Number": at, "Text": "x" * 200} for at in range(ROWS)))
    return things


async def test_a_stream_is_one_snapshot(many: Workbench) -> None:
    rows = await stream(many)
    assert not rows.is_at_end
    await many.insert({"Number": -1})
    await rows_of(many.database, "DELETE FROM @things")
    assert await numbers(rows) == list(range(ROWS))
    rows.close()
    rows = await stream(many)
    assert await numbers(rows) == []
    rows.close()


async def test_a_limit_and_a_sort(many: Workbench) -> None:
    rows = await stream(many, 5, sort=[{"field": "Number", "order": "desc"}])
    assert await numbers(rows) == [2999, 2998, 2997, 2996, 2995]
    rows.close()


async def test_an_old_version_is_refused_before_its_rows_are_encoded(many: Workbench) -> None:
    encoded: list[int] = []

    def encode(rows: Sequence[Row]) -> bytes:
        """Cells of another version may be of other types than it expects, or encrypted."""
        encoded.append(len(rows))
        return b""

    plan = many.stream_plan({}, RowRange(ALL_ROWS))
    with pytest.raises(StaleCatalog):
        await many.database.stream(many.sql, plan, many.version + 1, encode)
    assert encoded == []


async def test_a_stream_can_be_closed_at_any_time(many: Workbench) -> None:
    rows = await stream(many)
    rows.close()
    rows.close()
    await until(lambda: not is_open(many))


def is_open(bench: Workbench) -> bool:
    database: Any = bench.database
    if database.namespace is None:
        return bool(database.opener.file.streams.is_running)
    streams = database._pool.streams
    return bool(streams._open or streams._ends)


SLOW = {
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i), 1, 1 FROM n",
    "postgresql": "SELECT pg_sleep(100), 1, 1",
}


def make_slow(bench: Workbench, backend: str) -> None:
    """Whatever a stream is to read, it reads what takes for ever."""
    usual = bench.sql.stream

    def slow(shape: Any, is_limited: bool) -> Any:
        return msgspec.structs.replace(usual(shape, is_limited), rows=Template(SLOW[backend], ()))

    bench.sql.__dict__["stream"] = slow


@pytest.fixture
def slow(things: Workbench, backend: str) -> Workbench:
    make_slow(things, "sqlite" if backend == "sqlite" else "postgresql")
    return things


async def test_a_part_takes_no_longer_than_a_query_may(new_store: Callable[[], str], backend: str) -> None:
    async with opened(new_store(), max_query_seconds=0.2) as store:
        bench = await Workbench.with_table(await initialised(store, new_workspace()), THINGS)
        make_slow(bench, "sqlite" if backend == "sqlite" else "postgresql")
        with pytest.raises(QueryTimeout, match="max_query_seconds"):
            await stream(bench)
        await until(lambda: not is_open(bench))


async def test_a_cancelled_stream_ends_in_the_database(slow: Workbench) -> None:
    opening = asyncio.ensure_future(stream(slow))
    await until(lambda: is_open(slow))
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    await until(lambda: not is_open(slow))


async def test_a_store_that_closes_ends_its_streams(new_store: Callable[[], str]) -> None:
    async with opened(new_store()) as store:
        bench = await Workbench.with_table(await initialised(store, new_workspace()), THINGS)
        make_slow(bench, "sqlite" if bench.database.namespace is None else "postgresql")
        opening = asyncio.ensure_future(stream(bench))
        await until(lambda: is_open(bench))
    with pytest.raises(ShuttingDown):
        await opening


# SQLite's write-ahead log


@pytest.fixture
async def file(tmp_path: Path) -> AsyncIterator[Workbench]:
    async with opened(sqlite_url(tmp_path)) as store:
        bench = await Workbench.with_table(await initialised(store, new_workspace()), THINGS)
        await bench.insert(*({"Number": at, "Text": "x" * 200} for at in range(ROWS)))
        yield bench


async def test_no_writer_waits_for_a_stream(file: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PAGES_OF_A_COPY", "LONG_PAGES", "LIMIT_PAGES", "PAGES_OF_A_RESTART"):
        monkeypatch.setattr(checkpoints, name, 10)
    modes: list[int] = []
    copy = checkpoints.Checkpoints._copy

    def record(self: Any, connection: Any, mode: int) -> None:
        modes.append(mode)
        copy(self, connection, mode)

    monkeypatch.setattr(checkpoints.Checkpoints, "_copy", record)
    found: Any = file.database.opener.file  # type: ignore[attr-defined]
    rows = await stream(file)
    for _ in range(10):
        await file.insert({"Text": "x" * 100_000})
    await until(lambda: not found.checkpoints.is_running)
    assert set(modes) == {checkpoints.apsw.SQLITE_CHECKPOINT_PASSIVE}
    rows.close()
    await until(lambda: not is_open(file))
    await file.insert({"Text": "x" * 100_000})
    await until(lambda: not found.checkpoints.is_running)
    assert len(set(modes)) > 1


def test_other_processes_see_open_streams(tmp_path: Path) -> None:
    path = tmp_path / "file.db"
    path.touch()
    ours, theirs = OpenStreams(path), OpenStreams(path)
    assert not ours.any
    theirs.add()
    theirs.add()
    assert ours.any
    theirs.remove()
    assert ours.any
    theirs.remove()
    assert not ours.any
