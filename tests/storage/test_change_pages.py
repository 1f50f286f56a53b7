"""Pages of recorded changes: in the order of commits, nothing twice and nothing missing, bounded in size."""

from __future__ import annotations

import asyncio
import random
import threading
from functools import partial
from typing import Any

import pytest
from workbench import THINGS, Workbench, rows_of, where

from rowkeep.errors.catalogue import HistoryExpired
from rowkeep.model.change_feeds import FeedCursor, FeedEnd, FeedPlace
from rowkeep.model.history import ChangeKind
from rowkeep.model.tables import Column
from rowkeep.sql.change_feed import CELLS, ChangesSql
from rowkeep.storage.contract import BatchKind, InsertRows, RowSteps, StaleCatalog, WorkspaceDatabase
from rowkeep.storage.scripts.changes import UNORDERED, FoundChanges, WantedChanges

pytestmark = pytest.mark.anyio

MANY = 10_000_000
"""More bytes than any page of these tests has."""


@pytest.fixture
async def recorded(database: WorkspaceDatabase) -> Workbench:
    """An empty table whose changes are recorded."""
    return await Workbench.with_table(database, THINGS | {"history": {"keepDays": 30}})


async def page(
    bench: Workbench,
    after: FeedPlace = FeedEnd.OLDEST,
    limit: int = 1000,
    max_bytes: int = MANY,
    row_key: str | None = None,
    version: int | None = None,
) -> FoundChanges:
    database, scripts = bench.database, bench.scripts
    at = bench.version if version is None else version
    wanted = WantedChanges(bench.table.id, at, after, limit, max_bytes, row_key)

    def sql_of(dropped: tuple[Column, ...]) -> ChangesSql:
        return ChangesSql(bench.table, database.dialect, database.namespace, dropped)

    found = await database.read(partial(scripts.changes.page, wanted, sql_of))
    if found is UNORDERED:
        await database.write(scripts.history.order_operations)
        found = await database.read(partial(scripts.changes.page, wanted, sql_of, is_ordered=True))
    return found


def shown(bench: Workbench, found: FoundChanges, name: str = "Number") -> list[tuple[ChangeKind, Any, Any]]:
    """The kind of each change, and a cell before and after it."""
    at = [column.name for column in bench.table.columns].index(name)
    width = len(bench.table.columns)
    return [(ChangeKind(row[2]), row[CELLS + at], row[CELLS + width + at]) for row in found.rows]


async def test_random_changes_are_read_as_a_model_expects(recorded: Workbench) -> None:
    chance = random.Random(15)
    rows: dict[int, int | None] = {}
    expected: list[tuple[ChangeKind, Any, Any]] = []
    for turn in range(40):
        what = chance.random()
        some = chance.sample(sorted(rows), min(len(rows), chance.randrange(3)))
        filter_ = where("Whole", "in", some or [-1])
        if what < 0.4 or not rows:
            new = [len(expected) * 10 + at for at in range(chance.randrange(1, 4))]
            await recorded.insert(*({"Whole": key, "Number": turn} for key in new))
            rows |= dict.fromkeys(new, turn)
            expected += [(ChangeKind.INSERT, None, turn)] * len(new)
        elif what < 0.8:
            value = chance.choice([turn, None, 1])
            await recorded.update(filter_, {"Number": value})
            expected += [(ChangeKind.UPDATE, rows[key], value) for key in some]
            rows |= dict.fromkeys(some, value)
        else:
            await recorded.delete(filter_)
            expected += [(ChangeKind.DELETE, rows.pop(key), None) for key in some]
    place: FeedPlace = FeedEnd.OLDEST
    seen: list[tuple[ChangeKind, Any, Any]] = []
    cursors: list[FeedCursor] = []
    has_more = True
    while has_more:
        found = await page(recorded, place, limit=chance.randrange(1, 8))
        seen += shown(recorded, found)
        cursors += [FeedCursor(*row[:2]) for row in found.rows]
        place, has_more = found.next, found.has_more
    # the rows of one operation are changed in any order
    assert sorted(map(str, seen)) == sorted(map(str, expected))
    assert [kind for kind, _, _ in seen] == [kind for kind, _, _ in expected]
    assert cursors == sorted(set(cursors))
    assert FeedCursor(*(await page(recorded, cursors[4])).rows[0][:2]) == cursors[5]


async def test_a_transaction_that_began_first_and_ends_last_is_not_skipped(recorded: Workbench) -> None:
    begun, ends = threading.Event(), threading.Event()

    def long() -> RowSteps[None]:
        yield InsertRows(recorded.sql, recorded.insert_plan({"Number": 0}))
        begun.set()
        ends.wait()
        yield InsertRows(recorded.sql, recorded.insert_plan({"Number": 99}))

    loop = asyncio.get_running_loop()
    batch = asyncio.ensure_future(recorded.database.batch(long, recorded.version, BatchKind(is_large=True)))
    await loop.run_in_executor(None, begun.wait)
    others = asyncio.gather(*(recorded.insert({"Number": number}) for number in range(1, 6)))
    first = FoundChanges(None)
    if recorded.database.dialect.has_concurrent_writers:
        await others
        first = await page(recorded)
        assert sorted(after for _, _, after in shown(recorded, first)) == [1, 2, 3, 4, 5]
    ends.set()
    await asyncio.gather(batch, others)
    rest = await page(recorded, first.next if first.rows else FeedEnd.OLDEST)
    seen = [after for _, _, after in shown(recorded, first) + shown(recorded, rest)]
    assert sorted(seen) == [0, 1, 2, 3, 4, 5, 99]
    assert seen.index(99) == seen.index(0) + 1


async def test_a_page_is_limited_in_bytes(recorded: Workbench) -> None:
    await recorded.insert(*({"Text": "x" * 1000, "Number": number} for number in range(5)))
    found = await page(recorded, max_bytes=2500)
    assert len(found.rows) == 2
    assert found.has_more
    assert len((await page(recorded, max_bytes=1)).rows) == 1
    assert len((await page(recorded, found.next)).rows) == 3


async def test_the_changes_of_one_row(recorded: Workbench) -> None:
    stamp = await recorded.insert({"Number": 1}, {"Number": 2})
    await recorded.update({"all": True}, {"Number": 3})
    _, second = stamp.ids()
    found = await page(recorded, row_key=second)
    assert shown(recorded, found) == [(ChangeKind.INSERT, None, 2), (ChangeKind.UPDATE, 2, 3)]
    assert shown(recorded, await page(recorded, FeedCursor(*found.rows[0][:2]), row_key=second)) == [
        (ChangeKind.UPDATE, 2, 3)
    ]


async def test_cursors_outside_of_the_records_have_expired(recorded: Workbench) -> None:
    empty = await page(recorded)
    await recorded.insert({"Number": 1}, {"Number": 2})
    found = await page(recorded, empty.next)
    end = found.next
    assert (await page(recorded, FeedEnd.NEWEST)).next == end
    later = FeedCursor(end.position + 1, end.seq)
    with pytest.raises(HistoryExpired):
        await page(recorded, later)
    await rows_of(
        recorded.database,
        f"UPDATE @_rowkeep_histories SET first_position = {end.position}, first_seq = {end.seq - 1}",  # noqa: S608
    )
    with pytest.raises(HistoryExpired):
        await page(recorded, empty.next)
    assert len((await page(recorded, FeedCursor(end.position, end.seq - 1))).rows) == 1
    assert len((await page(recorded)).rows) == 1


async def test_a_page_of_another_version_is_stale(recorded: Workbench) -> None:
    with pytest.raises(StaleCatalog):
        await page(recorded, version=recorded.version + 1)
