"""Unique indexes: which index and which row did not fit, and that nothing of the call was written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from workbench import ALL, Workbench, where

from rowkeep.storage.contract import UniqueConflict, WorkspaceDatabase

pytestmark = pytest.mark.anyio


def column(name: str, kind: str = "string") -> dict[str, Any]:
    return {"name": name, "type": kind}


def index(name: str, *columns: str, unique: bool = True, order: str = "asc") -> dict[str, Any]:
    return {
        "name": name, "isUnique": unique, "columns": [{"name": each, "order": order} for each in columns]
    }  # fmt: skip


PLACES = {
    "name": "places",
    "schemaDef": [
        column("Code"),
        column("Town"),
        column("Street"),
        column("Number", "number"),
        column("Since", "date"),
        column("Open", "boolean"),
        column("xmin", "integer"),
    ],
    "indexes": [
        index("by_street", "Street", unique=False),
        index("by_code", "Code"),
        index("by_address", "Town", "Street", "Number", order="desc"),
        index("by_since", "Since", "Open"),
        index("by_xmin", "xmin"),
    ],
}


@pytest.fixture
async def places(database: WorkspaceDatabase) -> Workbench:
    """A table with several unique indexes, and one that is not."""
    return await Workbench.with_table(database, PLACES)


async def conflict_of(places: Workbench, *rows: dict[str, Any]) -> tuple[str | None, int | None]:
    """The index and the row that an insert fails with, having written nothing."""
    before = await places.select()
    with pytest.raises(UniqueConflict) as caught:
        await places.insert(*rows)
    assert await places.select() == before
    assert caught.value.index is not None
    return caught.value.index.name, caught.value.row


def codes(*texts: str | int) -> list[dict[str, Any]]:
    return [{"Code": str(text)} for text in texts]


@pytest.mark.parametrize(
    ("rows", "row"),
    [
        (codes("taken"), 0),
        (codes("taken", "b", "c"), 0),
        (codes("a", "taken", "c"), 1),
        (codes("a", "b", "taken"), 2),
        (codes("a", "b", "a"), 2),
        (codes("a", "a", "taken"), 1),
        (codes("a", "taken", "a"), 1),
        (codes(*range(3000), "taken"), 3000),
        (codes("taken", *range(3000)), 0),
        (codes(*range(2500), "taken", *range(2500, 3000)), 2500),
        (codes(*range(3000), 1500), 3000),
    ],
    ids=lambda value: f"{len(value)} rows" if isinstance(value, list) else f"row {value}",
)
async def test_the_first_row_that_does_not_fit_is_told(
    places: Workbench, rows: Sequence[dict[str, Any]], row: int
) -> None:
    await places.insert(*codes("taken", "other"))
    assert await conflict_of(places, *rows) == ("by_code", row)


ADDRESS = {"Town": "Bern", "Street": "Gasse", "Number": 7}


@pytest.mark.parametrize(
    ("there", "new", "index_name"),
    [
        ({"Code": "a"}, {"Code": "a"}, "by_code"),
        (ADDRESS, ADDRESS, "by_address"),
        ({"Code": "", **ADDRESS}, {"Code": "a", **ADDRESS}, "by_address"),
        ({"Since": "2020-03-28", "Open": False}, {"Since": "2020-03-28", "Open": False}, "by_since"),
        ({"xmin": 5}, {"xmin": 5}, "by_xmin"),
        ({"Code": ""}, {"Code": ""}, "by_code"),
    ],
    ids=["one", "several", "not the first", "date and boolean", "a name of the engine's", "empty text"],
)
@pytest.mark.parametrize("before", [0, 1, 5])
async def test_the_index_is_told(
    places: Workbench, there: dict[str, Any], new: dict[str, Any], index_name: str, before: int
) -> None:
    await places.insert(there)
    assert await conflict_of(places, *codes(*range(before)), new) == (index_name, before)


@pytest.mark.parametrize(
    "rows",
    [
        [{}, {}, {"Code": None}],
        [{"Town": "Bern", "Street": "Gasse"}] * 3,
        [{"Since": "2020-03-28"}] * 3,
        [{"Open": True}] * 3,
        [{"Street": "Gasse"}] * 3,
    ],
    ids=["all empty", "the last", "the second", "the first", "not unique"],
)
async def test_empty_cells_never_conflict(places: Workbench, rows: list[dict[str, Any]]) -> None:
    await places.insert(*rows)
    await places.insert(rows[0])
    await places.update(ALL, {})
    assert await places.count() == 4


async def test_case_and_code_points_tell_texts_apart(places: Workbench) -> None:
    await places.insert(*codes("a", "A", "a ", " a", "ä", "a\u0308", "\u212b", "\u00c5"))
    assert await conflict_of(places, *codes("x", "ä")) == ("by_code", 1)


async def test_an_update_that_makes_rows_alike(places: Workbench) -> None:
    await places.insert(*codes("a", "b", "c"))
    before = await places.select()
    for query, cells in [(ALL, {"Code": "z"}), (where("Code", "!=", "a"), {"Code": "a"})]:
        with pytest.raises(UniqueConflict) as caught:
            await places.update(query, cells)
        assert caught.value.index is not None
        assert (caught.value.index.name, caught.value.row) == ("by_code", None)
        assert await places.select() == before


async def test_an_update_that_makes_rows_alike_in_several_columns(places: Workbench) -> None:
    await places.insert(ADDRESS, ADDRESS | {"Number": 8}, ADDRESS | {"Number": 9})
    with pytest.raises(UniqueConflict) as caught:
        await places.update(where("Number", ">", 7), {"Number": 7})
    assert caught.value.index is not None
    assert caught.value.index.name == "by_address"
    assert await places.column("Number") == [7, 8, 9]


async def test_an_update_of_a_row_to_what_it_is(places: Workbench) -> None:
    await places.insert(*codes("a", "b"))
    assert (await places.update(where("Code", "=", "a"), {"Code": "a"})).count == 1


async def test_a_value_that_was_deleted_is_free(places: Workbench) -> None:
    await places.insert(*codes("a", "b"))
    await places.delete(where("Code", "=", "a"))
    await places.insert(*codes("a"))
    assert await conflict_of(places, *codes("b")) == ("by_code", 0)


async def test_after_a_conflict_the_next_call_is_as_ever(places: Workbench) -> None:
    await places.insert(*codes("a"))
    for _ in range(3):
        await conflict_of(places, *codes("b", "a"))
        await conflict_of(places, *codes("a"))
    await places.insert(*codes("b", "c"))
    assert await places.column("Code") == ["a", "b", "c"]
