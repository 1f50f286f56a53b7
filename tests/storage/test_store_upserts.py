"""Upserts in storage: limits of the response, definitions that changed, and times, on both engines alike."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal

import pytest
from workbench import ALL, Workbench, initialised, new_workspace, opened, where

from rowkeep.model.ids import IdSource
from rowkeep.plan.rows.upserts import UpsertLimits, UpsertPlan
from rowkeep.storage.contract import (
    NotStored,
    StaleCatalog,
    UniqueConflict,
    UpsertedRows,
    WorkspaceDatabase,
)

pytestmark = pytest.mark.anyio

NOTES: dict[str, Any] = {
    "name": "notes",
    "schemaDef": [
        {"name": "Code", "type": "string"},
        {"name": "Text", "type": "string", "isRequired": True},
        {"name": "Whole", "type": "integer"},
    ],
    "indexes": [
        {"name": "by_code", "isUnique": True, "columns": [{"name": "Code"}]},
        {"name": "by_whole", "isUnique": True, "columns": [{"name": "Whole"}]},
    ],
}
LIMITS = UpsertLimits(100, 1_000_000, shows_ignored=True, max_cell_bytes=1_000_000)


@pytest.fixture
async def notes(database: WorkspaceDatabase) -> Workbench:
    return await Workbench.with_table(database, NOTES)


def plan_of(
    notes: Workbench,
    *rows: Mapping[str, Any],
    action: Literal["ignore", "update"] = "update",
    limits: UpsertLimits = LIMITS,
) -> UpsertPlan:
    return notes.upsert_plan(*rows, action=action, limits=limits)


async def upsert(notes: Workbench, *rows: Mapping[str, Any], **more: Any) -> UpsertedRows:
    return await notes.database.upsert(notes.sql, plan_of(notes, *rows, **more), notes.version)  # type: ignore[arg-type]


def note(code: str, whole: int | None = None, text: str = "t") -> dict[str, Any]:
    return {"Code": code, "Text": text, "Whole": whole}


@pytest.mark.parametrize("count", [1, 3])
async def test_records_are_those_of_a_query(notes: Workbench, count: int) -> None:
    rows = [note(f"c{at}", at) for at in range(count)]
    for outcome in ("inserted", "updated"):
        done = await upsert(notes, *rows)
        assert done.outcomes == [outcome] * count
        assert done.rows is not None
        assert list(map(tuple, done.rows)) == list(map(tuple, (await notes.select()).rows))
        assert 0 < done.size < 1000 * count
    ignored = await upsert(notes, *rows, action="ignore")
    assert (ignored.inserted, ignored.others, ignored.outcomes) == (0, count, ["ignored"] * count)
    assert list(map(tuple, ignored.rows or ())) == list(map(tuple, (await notes.select()).rows))


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("action", ["update", "ignore"])
async def test_more_than_the_limits_returns_counts(
    notes: Workbench, count: int, action: Literal["ignore", "update"]
) -> None:
    rows = [note(f"c{at}", at, "x" * 1000) for at in range(count)]
    few = UpsertLimits(count - 1, 1_000_000, shows_ignored=True, max_cell_bytes=1_000_000)
    small = UpsertLimits(100, 1000 * count, shows_ignored=True, max_cell_bytes=1_000_000)
    for at, limits in enumerate((few, small)):
        done = await upsert(notes, *rows, action=action, limits=limits)
        assert (done.inserted, done.others) == ((count, 0) if at == 0 else (0, count))
        assert (done.outcomes, done.rows) == (None, None)
    assert await notes.count() == count


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("action", ["update", "ignore"])
async def test_nothing_is_written_with_an_old_version(
    notes: Workbench, count: int, action: Literal["ignore", "update"]
) -> None:
    await upsert(notes, note("c0", text="old"))
    plan = plan_of(notes, *(note(f"c{at}", text="new") for at in range(count)), action=action)
    with pytest.raises(StaleCatalog):
        await notes.database.upsert(notes.sql, plan, notes.version - 1)  # type: ignore[arg-type]
    assert await notes.column("Text") == ["old"]


@pytest.mark.parametrize("alone", [True, False])
@pytest.mark.parametrize("action", ["update", "ignore"])
async def test_what_cannot_be_inserted_is_named(
    notes: Workbench, alone: bool, action: Literal["ignore", "update"]
) -> None:
    await upsert(notes, note("a"))
    rows = [{"Code": "b"}] if alone else [note("c"), {"Code": "a"}, {"Code": "b"}, {"Whole": 1}]
    with pytest.raises(NotStored) as missing:
        await upsert(notes, *rows, action=action)
    assert list(missing.value.places) == ([0] if alone else [2, 3])
    assert await notes.column("Code") == ["a"]


@pytest.mark.parametrize("alone", [True, False])
async def test_a_conflict_names_the_other_index(notes: Workbench, alone: bool) -> None:
    await upsert(notes, note("a", 1), note("b", 2))
    rows = [note("b", 1)] if alone else [note("c", 3), note("b", 1)]
    with pytest.raises(UniqueConflict) as conflict:
        await upsert(notes, *rows)
    assert conflict.value.index is not None
    assert conflict.value.index.name == "by_whole"
    assert conflict.value.row in ((0,) if alone else (None, 1))
    assert await notes.column("Whole") == [1, 2]


async def test_updated_on_is_later_in_the_same_millisecond(url: str) -> None:
    moment = datetime(2024, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC)
    workspace = new_workspace()
    async with opened(url, IdSource(lambda: moment)) as store:
        notes = await Workbench.with_table(await initialised(store, workspace), NOTES)
        await upsert(notes, note("a"), note("b"))
        await upsert(notes, note("a"))
        await upsert(notes, {"Code": "a", "Whole": 1}, note("b"))
        assert await notes.column("Updated_On") == ["2025-01-01T00:00:00.001Z", "2025-01-01T00:00:00.000Z"]
        assert await notes.column("Created_On") == ["2024-12-31T23:59:59.999Z"] * 2
        await store.drop_workspace(workspace)


async def test_many_sets_of_columns(notes: Workbench) -> None:
    """Each row can bring other columns; all are written by the same statements."""
    await notes.insert(*(note(f"c{at}", at, "old") for at in range(64)))
    rows = []
    for at in range(64):
        row: dict[str, Any] = {"Code": f"c{at}"}
        row |= {"Text": "new"} if at % 2 else {}
        row |= {"Whole": 1000 + at} if at % 3 else {}
        rows.append(row)
    done = await upsert(notes, *reversed(rows))
    assert done.others == 64
    assert await notes.column("Text") == ["new" if at % 2 else "old" for at in range(64)]
    assert await notes.column("Whole") == [1000 + at if at % 3 else at for at in range(64)]
    assert await notes.delete(where("Text", "=", "old")) == 32
    assert await notes.delete(ALL) == 32
