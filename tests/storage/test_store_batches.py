"""Batches: the operations of a row script as one transaction, on both engines alike."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from workbench import Workbench, initialised, new_workspace, opened, rows_of, scripts_of, where

from rowkeep.errors.catalogue import AffectedOutOfBounds, Busy, QueryTimeout
from rowkeep.storage.contract import (
    BatchKind,
    DeleteRows,
    InsertRows,
    KeyUsed,
    RowScript,
    RowSteps,
    SelectRows,
    StaleCatalog,
    StoredResponse,
    UniqueConflict,
    UpdateRows,
    WriteKey,
)

pytestmark = pytest.mark.anyio

NOTES: dict[str, Any] = {
    "name": "notes",
    "schemaDef": [{"name": "Code", "type": "string"}, {"name": "Whole", "type": "integer"}],
    "indexes": [{"name": "by_code", "isUnique": True, "columns": [{"name": "Code"}]}],
}
READS = BatchKind(only_reads=True)
DRY = BatchKind(dry_run=True)
KINDS = [BatchKind(), BatchKind(is_large=True)]


@pytest.fixture
async def notes(database: Any) -> Workbench:
    return await Workbench.with_table(database, NOTES)


def insert(notes: Workbench, *codes: str) -> InsertRows:
    return InsertRows(notes.sql, notes.insert_plan(*({"Code": code} for code in codes)))


def update(notes: Workbench, query: Any, data: dict[str, Any]) -> UpdateRows:
    return UpdateRows(notes.sql, notes.update_plan(query, data))


def delete(notes: Workbench, query: Any) -> DeleteRows:
    return DeleteRows(notes.sql, notes.delete_plan(query))


def select(notes: Workbench) -> SelectRows:
    return SelectRows(notes.sql, notes.select_plan({"fields": ["Code"], "sort": [{"field": "Code"}]}, 100))


def script(*operations: Any) -> RowScript[list[Any]]:
    """A script of these operations, which returns their results; an exception among them is raised."""

    def steps() -> RowSteps[list[Any]]:
        results = []
        for operation in operations:
            if isinstance(operation, Exception):
                raise operation
            results.append((yield operation))
        return results

    return steps


async def run(notes: Workbench, *operations: Any, **kw: Any) -> list[Any]:
    return await notes.database.batch(script(*operations), notes.version, **kw)


async def codes(notes: Workbench) -> list[str]:
    return [row[0] for row in await rows_of(notes.database, 'SELECT "Code" FROM @notes ORDER BY "Code"')]


@pytest.mark.parametrize("kind", KINDS, ids=str)
async def test_operations_in_their_order(notes: Workbench, kind: BatchKind) -> None:
    one, many, changed, found, gone = await run(
        notes,
        insert(notes, "a"),
        insert(notes, "b", "c"),
        update(notes, where("Code", "=", "a"), {"Code": "z"}),
        select(notes),
        delete(notes, where("Code", "in", ["b", "z"])),
        kind=kind,
    )
    assert [*one.ids(), *many.ids()] == sorted({*one.ids(), *many.ids()})
    assert (changed.count, gone) == (1, 2)
    assert [row[0] for row in found.rows] == ["b", "c", "z"]
    assert await codes(notes) == ["c"]


@pytest.mark.parametrize("kind", KINDS, ids=str)
async def test_a_later_operation_uses_earlier_results(notes: Workbench, kind: BatchKind) -> None:
    def steps() -> RowSteps[int]:
        stamp = yield insert(notes, "a")
        (row_id,) = stamp.ids()
        changed = yield update(notes, where("_id", "=", row_id), {"Code": row_id})
        return int(changed.count)

    assert await notes.database.batch(steps, notes.version, kind) == 1
    ((code, row_id),) = await rows_of(notes.database, 'SELECT "Code", _id FROM @notes')
    assert code == row_id


FAILURES: list[Callable[[Workbench], Any]] = [
    lambda notes: insert(notes, "stored"),
    lambda notes: insert(notes, "x", "stored"),
    lambda notes: update(notes, where("Code", "=", "other"), {"Code": "stored"}),
    lambda _: AffectedOutOfBounds("too many"),
]


@pytest.mark.parametrize("failing", FAILURES)
@pytest.mark.parametrize("position", [0, 1, 2])
async def test_a_failure_undoes_all(notes: Workbench, failing: Any, position: int) -> None:
    await run(notes, insert(notes, "stored", "other"))
    operations: list[Any] = [insert(notes, "a"), delete(notes, where("Code", "=", "other2"))]
    failed = failing(notes)
    operations.insert(position, failed)
    with pytest.raises((UniqueConflict, AffectedOutOfBounds)) as raised:
        await run(notes, *operations)
    if isinstance(raised.value, UniqueConflict):
        assert raised.value.index is not None
        assert raised.value.index.name == "by_code"
        rows = len(failed.plan.rows) if isinstance(failed, InsertRows) else None
        assert raised.value.row == (None if rows is None else rows - 1)
    assert await codes(notes) == ["other", "stored"]
    # the connection can be used again
    await run(notes, insert(notes, "later"))


async def test_statements_can_read(notes: Workbench) -> None:
    text = notes.statement("SELECT count(*) FROM @notes")
    _, rows = await run(notes, insert(notes, "a", "b"), text)
    assert rows[0][0] == 2


async def test_a_dry_run_is_undone(notes: Workbench) -> None:
    stamp, found = await run(notes, insert(notes, "a"), select(notes), kind=DRY)
    assert (stamp.count, [row[0] for row in found.rows]) == (1, ["a"])
    assert await codes(notes) == []
    with pytest.raises(UniqueConflict):
        await run(notes, insert(notes, "a"), insert(notes, "a"), kind=DRY)


async def test_reads_see_one_snapshot(notes: Workbench) -> None:
    await run(notes, insert(notes, "a"))

    def steps(seen: list[list[str]]) -> RowSteps[None]:
        for _ in range(2):
            found = yield select(notes)
            seen.append([row[0] for row in found.rows])
            if len(seen) == 1:
                # in another thread, because this one may be the event loop's
                asyncio.run_coroutine_threadsafe(run(notes, insert(notes, "b")), loop).result()

    loop = asyncio.get_running_loop()
    seen: list[list[str]] = []
    kind = BatchKind(only_reads=True, is_large=True)
    await notes.database.batch(partial(steps, seen), notes.version, kind)
    assert seen == [["a"], ["a"]]
    assert await codes(notes) == ["a", "b"]


@pytest.mark.parametrize("kind", [*KINDS, READS, DRY], ids=str)
async def test_plans_of_an_older_version_are_refused(notes: Workbench, kind: BatchKind) -> None:
    await notes.database.write(scripts_of(notes.database).state.raise_version)
    for operations in ([], [select(notes)], [] if kind.only_reads else [insert(notes, "a")]):
        with pytest.raises(StaleCatalog):
            await run(notes, *operations, kind=kind)
    assert await codes(notes) == []


async def test_a_version_that_is_raised_during_a_batch(notes: Workbench) -> None:
    """On SQLite a batch has the only writer, and the version waits."""
    loop = asyncio.get_running_loop()
    raised = []

    def steps() -> RowSteps[None]:
        yield insert(notes, "a")
        if not raised:
            change = notes.database.write(scripts_of(notes.database).state.raise_version)
            raised.append(asyncio.run_coroutine_threadsafe(change, loop))
            if notes.database.namespace is not None:
                raised[0].result()
        yield insert(notes, "b")

    done = notes.database.batch(steps, notes.version, BatchKind(is_large=True))
    if notes.database.namespace is None:
        await done
        assert await codes(notes) == ["a", "b"]
    else:
        with pytest.raises(StaleCatalog):
            await done
        assert await codes(notes) == []
    await asyncio.wrap_future(raised[0])


def key(name: str = "k") -> WriteKey:
    return WriteKey("st-one", name, 0, 3600, lambda result: StoredResponse(200, 1, b"%d" % len(result)))


@pytest.mark.parametrize("kind", [*KINDS, READS], ids=str)
async def test_the_key_of_a_batch_can_be_used_once(notes: Workbench, kind: BatchKind) -> None:
    operations = [select(notes)] if kind.only_reads else [insert(notes, "a"), insert(notes, "b", "c")]
    with pytest.raises(AffectedOutOfBounds):
        await run(notes, *operations, AffectedOutOfBounds("x"), kind=kind, key=key())
    await run(notes, *operations, kind=kind, key=key())
    with pytest.raises(KeyUsed) as used:
        await run(notes, *operations, kind=kind, key=key())
    assert used.value.stored.response == b"%d" % len(operations)


@pytest.mark.parametrize("kind", [*KINDS, READS], ids=str)
async def test_the_time_of_a_batch_is_limited(url: str, kind: BatchKind) -> None:
    """All of its operations together, and also if no single one takes long."""
    async with opened(url, max_query_seconds=0.5) as store:
        workspace = new_workspace()
        notes = await Workbench.with_table(await initialised(store, workspace), NOTES)

        def endless() -> RowSteps[None]:
            while True:
                yield select(notes)

        with pytest.raises(QueryTimeout):
            await asyncio.wait_for(notes.database.batch(endless, notes.version, kind), 20)
        await run(notes, insert(notes, "a"))
        assert await codes(notes) == ["a"]
        await store.drop_workspace(workspace)


@pytest.mark.parametrize("kind", [*KINDS, READS], ids=str)
async def test_a_cancelled_batch_writes_nothing(notes: Workbench, kind: BatchKind) -> None:
    begun = asyncio.Event()
    loop = asyncio.get_running_loop()

    def endless() -> RowSteps[None]:
        if not kind.only_reads:
            yield insert(notes, "a")
        while True:
            yield select(notes)
            loop.call_soon_threadsafe(begun.set)

    task = asyncio.ensure_future(notes.database.batch(endless, notes.version, kind))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await run(notes, insert(notes, "b"))
    assert await codes(notes) == ["b"]


async def test_batches_that_cross(notes: Workbench) -> None:
    """Each changes the rows of the other one first: on PostgreSQL they deadlock, or cannot be serialised."""
    await run(notes, insert(notes, "a", "b"))

    def increments(first: str, second: str) -> RowSteps[None]:
        for code in (first, second):
            found = yield SelectRows(
                notes.sql, notes.select_plan({"query": where("Code", "=", code), "fields": ["Whole"]}, 1)
            )
            whole = found.rows[0][0] or 0
            yield update(notes, where("Code", "=", code), {"Whole": whole + 1})

    rounds = 10
    batches = [
        notes.database.batch(partial(increments, *order), notes.version)
        for order in (("a", "b"), ("b", "a"))
        for _ in range(rounds)
    ]
    done = await asyncio.gather(*batches, return_exceptions=True)
    failed = [each for each in done if each is not None]
    assert all(isinstance(each, Busy) for each in failed)
    wholes = await rows_of(notes.database, 'SELECT "Whole" FROM @notes')
    assert [row[0] for row in wholes] == [2 * rounds - len(failed)] * 2
    assert len(failed) <= rounds


async def test_a_batch_next_to_single_writes(notes: Workbench) -> None:
    async def single(at: int) -> None:
        await notes.database.insert(notes.sql, notes.insert_plan({"Code": f"s{at}"}), notes.version)

    async def failing(at: int) -> None:
        with pytest.raises(UniqueConflict):
            await run(notes, insert(notes, f"f{at}"), insert(notes, f"x{at}", f"f{at}"))

    work = [single(at) for at in range(100)]
    work += [failing(at) for at in range(20)]
    work += [run(notes, insert(notes, f"b{at}"), insert(notes, f"c{at}", f"d{at}")) for at in range(20)]  # type: ignore[misc]
    await asyncio.gather(*work)
    expected = [f"s{at}" for at in range(100)] + [f"{name}{at}" for name in "bcd" for at in range(20)]
    assert await codes(notes) == sorted(expected)
