"""Insert, update and delete: all rows or none, on disk when they return, ids in order."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from workbench import ALL, THINGS, WRITER, Workbench, initialised, opened, where

from rowkeep.model.access import Workspace
from rowkeep.model.ids import IdSource
from rowkeep.model.values.scalars import MAX_EXACT, MAX_INTEGER, MIN_INTEGER

pytestmark = pytest.mark.anyio

FIELDS = ["Text", "Number", "Whole", "Flag", "Day"]
EMPTY = dict.fromkeys(FIELDS)

EDGES: dict[str, list[Any]] = {
    "Text": [
        "",
        " ",
        "Jane",
        "ŝ😀",
        "%_",
        "'\"\\",
        "\u0001\n\t",
        "x" * 100_000,
        "\U0010ffff",
        "\ue000",
        None,
    ],
    "Number": [0, 263, -1, 0.1, 1e300, -1e300, 5e-324, MAX_EXACT, -MAX_EXACT, 2.0**53, 1e22, 1.5, None],
    "Whole": [0, MAX_INTEGER, MIN_INTEGER, MAX_EXACT + 1, -1, None],
    "Flag": [True, False, None],
    "Day": [
        "0001-01-01T00:00:00.000Z",
        "1969-12-31T23:59:59.999Z",
        "2020-03-28T07:02:09.652Z",
        "9999-12-31T23:59:59.999Z",
        None,
    ],
}
"""For each type, values at the edges of what it holds, in their canonical form."""


def same(value: Any, other: Any) -> bool:
    """Equal, and of the same type: 263 is not 263.0, nor 1 true."""
    return value == other and type(value) is type(other)


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("in_bulk", [True, False], ids=["in bulk", "one by one"])
async def test_values_come_back_as_they_went(things: Workbench, field: str, in_bulk: bool) -> None:
    rows = [{field: value} for value in EDGES[field]]
    for run in [rows] if in_bulk else [[row] for row in rows]:
        await things.insert(*run)
    found = await things.column(field)
    assert len(found) == len(rows)
    assert [(a, b) for a, b in zip(EDGES[field], found, strict=True) if not same(a, b)] == []


@pytest.mark.parametrize("field", FIELDS)
async def test_values_are_updated_as_they_are_inserted(things: Workbench, field: str) -> None:
    await things.insert({})
    at = FIELDS.index(field)
    for value in EDGES[field]:
        updated = await things.update(ALL, {field: value})
        assert updated.rows is not None
        assert same(updated.rows[0][at], value)
        assert same((await things.column(field))[0], value)


@pytest.mark.parametrize("field", FIELDS)
async def test_values_are_found_by_equality(things: Workbench, field: str) -> None:
    await things.insert(*({field: value} for value in EDGES[field]))
    for value in EDGES[field]:
        found = await things.column(field, {"query": where(field, "=", value)})
        assert len(found) == 1
        assert same(found[0], value)


async def test_ids_belong_to_the_rows_in_their_order(things: Workbench) -> None:
    stamp = await things.insert(*({"Whole": at} for at in range(2000)))
    ids = list(stamp.ids())
    assert ids == sorted(set(ids))
    assert await things.column("_id", {"sort": [{"field": "Whole"}]}) == ids[:1000]
    assert await things.column("sys_Id", {"sort": [{"field": "Whole"}]}) == list(stamp.sys_ids())[:1000]


async def test_ids_of_later_calls_are_greater(things: Workbench) -> None:
    stamps = [await things.insert(*[{}] * count) for count in (1, 2, 1, 1000, 1)]
    ids = [row_id for stamp in stamps for row_id in stamp.ids()]
    assert ids == sorted(set(ids))
    assert await things.column("_id", {"sort": [{"field": "_id"}]}) == ids[:1000]


async def test_system_columns_are_those_of_the_stamp(things: Workbench) -> None:
    stamp = await things.insert({"Text": "a"}, {"Text": "b"})
    selected = await things.select()
    system = [stamp.written_on, stamp.written_on, WRITER, WRITER]
    ids = zip(stamp.sys_ids(), stamp.ids(), strict=True)
    assert [list(row[5:]) for row in selected.rows] == [[*system, *pair] for pair in ids]


async def test_a_bulk_of_no_rows_writes_nothing(things: Workbench) -> None:
    stamp = await things.insert()
    assert stamp.count == 0
    assert list(stamp.ids()) == list(stamp.sys_ids()) == []
    assert await things.count() == 0


async def test_what_was_written_is_there_for_whoever_opens_the_store_next(
    things: Workbench, workspace: Workspace, url: str
) -> None:
    await things.insert({"Text": "one"})
    await things.insert({"Text": "two"}, {"Text": "three"})
    await things.update(where("Text", "=", "two"), {"Text": "2"})
    await things.delete(where("Text", "=", "one"))
    async with opened(url) as store:
        assert await things.at(await store.workspace(workspace)).column("Text") == ["2", "three"]


async def test_update_answers_the_records_by_id(things: Workbench) -> None:
    stamp = await things.insert(*({"Whole": -at, "Flag": at % 2 == 0} for at in range(50)))
    updated = await things.update(where("Flag", "=", True), {"Text": "even"})
    assert updated.count == 25
    assert updated.rows is not None
    assert [row[-1] for row in updated.rows] == list(stamp.ids())[::2]
    assert {row[0] for row in updated.rows} == {"even"}
    assert all(row[3] is True for row in updated.rows)
    assert await things.column("Whole", {"query": where("Text", "=", "even")}) == list(range(0, -50, -2))


async def test_update_that_matches_nothing(things: Workbench) -> None:
    await things.insert({"Text": "a"})
    updated = await things.update(where("Text", "=", "b"), {"Text": "c"})
    assert updated.count == 0
    assert not updated.rows


async def test_update_of_no_cells_touches_the_rows(things: Workbench) -> None:
    stamp = await things.insert({"Text": "a"})
    updated = await things.update(ALL, {})
    assert updated.count == 1
    assert updated.rows is not None
    record = updated.rows[0]
    assert record[0] == "a"
    assert record[5] >= stamp.written_on == record[6]


@pytest.mark.parametrize(
    ("max_records", "answers"), [(0, False), (1, False), (9, False), (10, True), (11, True)]
)
async def test_update_of_more_rows_than_are_answered(
    things: Workbench, max_records: int, answers: bool
) -> None:
    await things.insert(*({"Whole": at} for at in range(20)))
    updated = await things.update(where("Whole", "<", 10), {"Text": "low"}, max_records)
    assert updated.count == 10
    assert (updated.rows is not None) == answers
    assert updated.rows is None or len(updated.rows) == 10
    assert await things.column("Whole", {"query": where("Text", "=", "low")}) == list(range(10))


async def test_delete_gives_the_number_of_rows(things: Workbench) -> None:
    await things.insert(*({"Whole": at} for at in range(20)))
    assert await things.delete(where("Whole", "<", 5)) == 5
    assert await things.delete(where("Whole", "<", 5)) == 0
    assert await things.column("Whole") == list(range(5, 20))
    assert await things.delete(ALL) == 15
    assert await things.count() == 0


class Clock:
    """A clock that shows one given moment after another, and then stands still."""

    def __init__(self, *moments: datetime) -> None:
        self._moments = list(moments)

    def __call__(self) -> datetime:
        return self._moments.pop(0) if len(self._moments) > 1 else self._moments[0]


EARLY = datetime(2020, 3, 28, 7, 2, 9, 652_999, tzinfo=UTC)
LATE = datetime(2021, 1, 1, tzinfo=UTC)


async def test_a_clock_that_goes_backward_and_stands_still(url: str, workspace: Workspace) -> None:
    async with opened(url, IdSource(Clock(LATE, EARLY))) as store:
        things = await Workbench.with_table(await initialised(store, workspace), THINGS)
        stamps = [await things.insert({}), await things.insert({}), await things.insert({}, {})]
        ids = [row_id for stamp in stamps for row_id in stamp.ids()]
        assert ids == sorted(set(ids)) == await things.column("_id")
        times = ["2021-01-01T00:00:00.000Z", *["2020-03-28T07:02:09.652Z"] * 3]
        assert await things.column("Created_On") == await things.column("Updated_On") == times


async def test_an_update_keeps_when_a_row_was_made(url: str, workspace: Workspace) -> None:
    async with opened(url, IdSource(Clock(EARLY, LATE))) as store:
        things = await Workbench.with_table(await initialised(store, workspace), THINGS)
        await things.insert({})
        await things.update(ALL, {"Text": "a"})
        assert await things.column("Created_On") == ["2020-03-28T07:02:09.652Z"]
        assert await things.column("Updated_On") == ["2021-01-01T00:00:00.000Z"]
