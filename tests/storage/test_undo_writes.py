"""Undo and reads of the past, on each engine: rows come back as they were, or conflicts are found."""

from __future__ import annotations

import random
from collections.abc import Mapping
from functools import partial
from typing import Any

import pytest
from undoing import RECORDED, UNDOER, Undoing, counts, last_operation
from workbench import ALL, Workbench, rows_of, where

from rowkeep.errors.catalogue import NoSuchOperation, UndoConflict
from rowkeep.model.ids import wall_clock
from rowkeep.model.values.scalars import canonical_date
from rowkeep.plan.undo.requests import OnConflict
from rowkeep.sql.history_order import next_millisecond
from rowkeep.storage.contract import ReferenceConflict, UniqueConflict, WorkspaceDatabase
from rowkeep.storage.scripts import undo
from rowkeep.storage.scripts.history import HistoryScripts
from rowkeep.storage.scripts.past import PastScripts

pytestmark = pytest.mark.anyio


@pytest.fixture
async def recorded(database: WorkspaceDatabase) -> Workbench:
    """An empty table with columns of all types, whose changes are recorded."""
    return await Workbench.with_table(database, RECORDED)


async def whole(bench: Workbench) -> list[tuple[Any, ...]]:
    """All rows, whole."""
    return [tuple(row) for row in (await bench.select()).rows]


async def values(bench: Workbench) -> list[tuple[Any, ...]]:
    """The rows without who changed them and when."""
    names = [*(column.name for column in bench.table.columns), "Created_On", "Created_By", "_id"]
    return [tuple(row) for row in (await bench.select({"fields": names})).rows]


FULL = {
    "Text": "a", "Number": 1.5, "Whole": 7, "Flag": True, "Day": "2020-01-02T03:04:05.678Z",
    "Exact": "1.50", "Document": {"a": [1, "x" * 100]}, "Secret": "hidden" * 30,
}  # fmt: skip


async def test_rows_that_were_deleted_come_back_whole(recorded: Workbench) -> None:
    await recorded.insert(FULL, {"Text": "b"})
    before = await whole(recorded)
    assert await recorded.delete(ALL) == 2

    undo = Undoing(recorded)
    done = await undo(operation=await last_operation(recorded))

    assert counts(done) == (2, 0, 0, 0)
    assert await whole(recorded) == before
    assert counts(await undo(operation=undo.last)) == (0, 0, 2, 0)
    assert not await whole(recorded)


async def test_cells_are_set_back_and_other_changes_stay(recorded: Workbench) -> None:
    await recorded.insert(FULL, {"Text": "b"})
    before = await values(recorded)
    change = {
        "Exact": "1.5",
        "Document": [2],
        "Secret": "seen",
        "Number": None,
        "Day": "2021-01-01",
        "Flag": False,
    }
    await recorded.update(ALL, change)
    operation = await last_operation(recorded)
    await recorded.update(where("Text", "=", "b"), {"Whole": 9})

    assert counts(await Undoing(recorded)(operation=operation)) == (0, 2, 0, 0)

    after = await values(recorded)
    assert after[0] == before[0]
    assert after[1][2] == 9
    assert after[1][:2] + after[1][3:] == before[1][:2] + before[1][3:]
    assert set(await recorded.column("Updated_By")) == {UNDOER}


async def test_inserted_rows_are_removed_and_an_undo_is_undone(recorded: Workbench) -> None:
    await recorded.insert(FULL, {"Text": "b"}, {"Text": "c"})
    before = await whole(recorded)
    undo = Undoing(recorded)
    assert counts(await undo(operation=await last_operation(recorded))) == (0, 0, 3, 0)
    assert await recorded.count() == 0
    assert counts(await undo(operation=undo.last)) == (3, 0, 0, 0)
    assert await whole(recorded) == before


async def test_conflicts_fail_or_are_skipped_or_overridden(recorded: Workbench) -> None:
    await recorded.insert({"Text": "a", "Number": 1}, {"Text": "b", "Number": 1})
    await recorded.update(ALL, {"Number": 2})
    operation = await last_operation(recorded)
    await recorded.update(where("Text", "=", "a"), {"Number": 3})
    undo = Undoing(recorded)

    with pytest.raises(UndoConflict) as refused:
        await undo(operation=operation)
    assert await recorded.column("Number") == [3, 2]
    first = (await recorded.column("_id"))[0]
    assert refused.value.members["conflicts"] == [{"table": "things", "_id": first, "operation": operation}]

    done = await undo(operation=operation, on_conflict=OnConflict.SKIP, dry_run=True)
    assert (counts(done), await recorded.column("Number")) == ((0, 1, 0, 1), [3, 2])
    done = await undo(operation=operation, on_conflict=OnConflict.SKIP)
    assert (counts(done), await recorded.column("Number")) == ((0, 1, 0, 1), [3, 1])
    done = await undo(operation=operation, on_conflict=OnConflict.FORCE)
    assert (counts(done), await recorded.column("Number")) == ((0, 1, 0, 1), [1, 1])
    assert counts(await undo(operation=operation)) == (0, 0, 0, 0)


@pytest.mark.new_workspace
async def test_unique_values_that_were_exchanged_are_exchanged_again(recorded: Workbench) -> None:
    await recorded.insert({"Text": "a"}, {"Text": "b"})
    before = await values(recorded)
    since = next_millisecond(await now(recorded))
    await recorded.update(where("Text", "=", "a"), {"Text": "c"})
    await recorded.update(where("Text", "=", "b"), {"Text": "a"})
    await recorded.update(where("Text", "=", "c"), {"Text": "b"})
    await recorded.delete(where("Text", "=", "a"))
    await recorded.insert({"Text": "a"})
    assert counts(await Undoing(recorded)(since=since)) == (1, 1, 1, 0)
    assert await values(recorded) == before


async def test_a_key_that_was_taken_since_is_named(recorded: Workbench) -> None:
    await recorded.insert({"Text": "a"}, {"Text": "b"})
    await recorded.delete(ALL)
    operation = await last_operation(recorded)
    await recorded.insert({"Text": "b"})
    undo = Undoing(recorded)
    with pytest.raises(UniqueConflict) as refused:
        await undo(operation=operation)
    assert refused.value.index is not None
    assert refused.value.index.name == "ByText"
    assert await recorded.column("Text") == ["b"]


@pytest.mark.new_workspace
async def test_parents_and_children_come_and_go_together(database: WorkspaceDatabase) -> None:
    parents = await Workbench.with_table(
        database,
        {
            "name": "parents",
            "schemaDef": [{"name": "Name", "type": "string"}],
            "history": {"keepDays": 1},
            "indexes": [{"name": "n", "isUnique": True, "columns": [{"name": "Name"}]}],
        },
    )
    refer = {"table": "parents", "column": "Name"}
    children = await Workbench.with_table(
        database,
        {
            "name": "children",
            "schemaDef": [{"name": "Parent", "type": "string", "reference": refer}],
            "history": {"keepDays": 1},
        },
    )
    parents = Workbench(database, parents.table, children.version)
    since = next_millisecond(await now(parents))
    await parents.insert({"Name": "a"}, {"Name": "b"})
    await children.insert({"Parent": "a"}, {"Parent": "b"}, {"Parent": "b"})
    between = next_millisecond(await now(parents))
    before = await whole(parents), await whole(children)
    await children.update(where("Parent", "=", "b"), {"Parent": "a"})
    await parents.delete(where("Name", "=", "b"))
    await children.delete(ALL)
    await parents.delete(ALL)
    undo = Undoing(parents)
    assert counts(await undo(since=between)) == (5, 0, 0, 0)
    assert (await whole(parents), await whole(children)) == before
    assert counts(await undo(since=since, until=between)) == (0, 0, 5, 0)
    assert counts(await undo(operation=undo.last)) == (5, 0, 0, 0)
    await parents.insert({"Name": "c"})
    inserted = await last_operation(parents)
    await children.insert({"Parent": "c"})
    with pytest.raises(ReferenceConflict):
        await undo(operation=inserted)


async def test_an_unknown_operation(recorded: Workbench) -> None:
    await recorded.insert({"Text": "a"})
    operation = await last_operation(recorded)
    with pytest.raises(NoSuchOperation):
        await Undoing(recorded)(operation="0" * 24)
    with pytest.raises(NoSuchOperation):
        await Undoing(recorded)(operation=operation, only_own=True)


async def now(bench: Workbench) -> str:
    """A moment after all operations, and before all later ones."""
    scripts = HistoryScripts(bench.database.dialect, bench.database.namespace)
    await bench.database.write(scripts.order_operations)
    # an operation that follows such a moment at once is stamped a millisecond after it
    last = (await rows_of(bench.database, "SELECT max(stamped) FROM @_rowkeep_operations"))[0][0]
    moment = max(canonical_date(wall_clock()), last or "")
    await bench.database.write(partial(scripts.order_operations, moment))
    return moment


async def as_of(
    bench: Workbench, moment: str, body: Mapping[str, Any] | None = None, limit: int = 1000
) -> Any:
    past = PastScripts(bench.scripts.history)
    position = await bench.database.read(partial(past.position, bench.table, moment))
    sql = bench.database.prepare_as_of(bench.table).at(position)
    return await bench.database.select(sql, bench.select_plan(body, limit), bench.version)


async def test_a_table_is_read_as_it_was_and_set_back(
    recorded: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A model: random changes, of which the rows at each moment are noted. Each part of an undo is small, so
    that a row has changes in several."""
    for name, most in (("CHANGES_AT_ONCE", 4), ("ROWS_AT_ONCE", 3), ("KEYS_AT_ONCE", 5)):
        monkeypatch.setattr(undo, name, most)
    random_ = random.Random(7)
    moments: list[tuple[str, list[Any], list[Any]]] = []
    names = iter(f"name {at}" for at in range(1000))
    for _ in range(25):
        await change_something(recorded, random_, names)
        moments.append((await now(recorded), await whole(recorded), await values(recorded)))
    for moment, there, _ in moments:
        past = await as_of(recorded, moment)
        assert [tuple(row) for row in past.rows] == there
        assert past.total == len(there)
    few = {
        "query": where("Number", ">", 2),
        "sort": [{"field": "Number", "order": "desc"}],
        "fields": ["_id"],
    }
    moment, there, _ = moments[12]
    wanted = sorted((row for row in there if (row[1] or 0) > 2), key=lambda row: (-row[1], row[-1]))
    found = await as_of(recorded, moment, few, 3)
    assert [row[0] for row in found.rows] == [row[-1] for row in wanted[:3]]
    assert found.total == len(wanted)

    undoing, newest = Undoing(recorded), moments[-1]
    for moment, _, there in random_.sample(moments, 4):
        done = await undoing(since=next_millisecond(moment))
        assert done.n_conflicts == 0
        assert await values(recorded) == there
        await undoing(operation=undoing.last)
        assert await values(recorded) == newest[2]


async def change_something(bench: Workbench, random_: random.Random, names: Any) -> None:
    kind = random_.random()
    if kind < 0.4:
        await bench.insert(*({"Text": next(names), "Number": random_.randint(0, 5)} for _ in range(3)))
    elif kind < 0.75:
        chosen = where("Number", "=", random_.randint(0, 5))
        await bench.update(
            chosen, {"Number": random_.randint(0, 5), "Secret": random_.choice("ab"), "Exact": "1.0"}
        )
    else:
        await bench.delete(where("Number", "=", random_.randint(0, 5)))
