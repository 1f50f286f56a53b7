"""Undo next to other writers, with quotas, and while a data key is replaced, on each engine."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import msgspec
import pytest
from undoing import RECORDED, Undoing, counts, last_operation
from workbench import ALL, DATA_KEYS, Workbench, opened, rows_of, where

from rowkeep.errors.catalogue import QuotaExceeded, UndoConflict
from rowkeep.model.access import Workspace
from rowkeep.settings import Settings
from rowkeep.sql.key_rotation import RotationSql
from rowkeep.storage.contract import (
    BatchKind,
    RecordedWrite,
    ReferenceConflict,
    RowScript,
    RowSteps,
    UniqueConflict,
    UpdateRows,
    WorkspaceDatabase,
)
from rowkeep.storage.quotas import QuotaDatabase
from rowkeep.storage.scripts.key_rotation import Rotation, reencrypt_with

pytestmark = pytest.mark.anyio

SECONDS = 30
"""More than anything here takes."""

BY_SECRET = [{"name": "BySecret", "isUnique": True, "columns": [{"name": "Secret"}]}]

WAITING = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


@pytest.fixture
async def recorded(database: WorkspaceDatabase) -> Workbench:
    return await Workbench.with_table(database, RECORDED)


@pytest.fixture
async def other(recorded: Workbench, workspace: Workspace, url: str) -> AsyncIterator[Workbench]:
    """The same table, as another process has it open."""
    async with opened(url) as store:
        yield recorded.at(await store.workspace(workspace))


class Pause:
    """Holds a script before its write number ``before``, in its first attempt, until it is continued."""

    def __init__(self, before: int = 1) -> None:
        self._before = before
        self._reached = threading.Event()
        self._continued = threading.Event()

    def __call__(self, script: RowScript[Any]) -> RowScript[Any]:
        def held() -> RowSteps[Any]:
            steps, result, writes = script(), None, 0
            while True:
                try:
                    wanted = steps.send(result)
                except StopIteration as stop:
                    return stop.value
                writes += isinstance(wanted, RecordedWrite | UpdateRows)
                if writes == self._before and not self._reached.is_set():
                    self._reached.set()
                    assert self._continued.wait(SECONDS)
                result = yield wanted

        return held

    async def reached(self) -> None:
        assert await asyncio.to_thread(self._reached.wait, SECONDS)

    def go_on(self) -> None:
        self._continued.set()


async def is_waiting(bench: Workbench) -> None:
    """Until somebody waits for a lock, on an engine with several writers at a time."""
    if not bench.database.dialect.has_concurrent_writers:
        return
    async with asyncio.timeout(SECONDS):
        while not (await rows_of(bench.database, WAITING))[0][0]:  # noqa: ASYNC110 - PostgreSQL has no event
            await asyncio.sleep(0.01)


async def set_twice(bench: Workbench) -> str:
    """Two rows that one operation has changed, the row b after the row a, and by other columns."""
    await bench.insert({"Text": "a", "Number": 1}, {"Text": "b", "Number": 1})
    operation = bench.operation()
    plans = [
        bench.update_plan(where("Text", "=", text), {"Number": 2} | more)
        for text, more in (("a", {}), ("b", {"Exact": "1"}))
    ]
    await bench.database.batch(partial(updates, bench, plans, operation), bench.version)
    return await last_operation(bench)


def updates(bench: Workbench, plans: list[Any], operation: Any = None) -> RowSteps[None]:
    """The steps of a batch of updates, all of one operation."""
    for plan in plans:
        yield UpdateRows(bench.sql, msgspec.structs.replace(plan, operation=operation or plans[0].operation))


async def cells(bench: Workbench) -> list[tuple[Any, ...]]:
    found = await bench.select({"fields": ["Text", "Number", "Whole"]})
    return [tuple(row) for row in found.rows]


async def test_a_row_that_is_changed_during_an_undo_conflicts(recorded: Workbench, other: Workbench) -> None:
    """With one writer at a time, the change comes after the undo."""
    operation = await set_twice(recorded)
    pause = Pause()
    undoing = asyncio.create_task(Undoing(recorded, pause)(operation=operation))
    await pause.reached()
    changing = asyncio.create_task(other.update(where("Text", "=", "a"), {"Number": 5}))
    if recorded.database.dialect.has_concurrent_writers:
        await changing
    pause.go_on()
    await changing
    if recorded.database.dialect.has_concurrent_writers:
        with pytest.raises(UndoConflict):
            await undoing
        assert await cells(recorded) == [("a", 5, None), ("b", 2, None)]
    else:
        assert counts(await undoing) == (0, 2, 0, 0)
        assert await cells(recorded) == [("a", 5, None), ("b", 1, None)]


async def test_a_change_waits_for_an_undo_that_has_written_the_row(
    recorded: Workbench, other: Workbench
) -> None:
    operation = await set_twice(recorded)
    pause = Pause(before=2)
    undoing = asyncio.create_task(Undoing(recorded, pause)(operation=operation))
    await pause.reached()
    changing = asyncio.create_task(other.update(where("Text", "=", "b"), {"Number": 5, "Whole": 6}))
    await is_waiting(recorded)
    pause.go_on()
    assert counts(await undoing) == (0, 2, 0, 0)
    assert (await changing).count == 1
    assert await cells(recorded) == [("a", 1, None), ("b", 5, 6)]


async def test_an_undo_and_a_batch_that_wait_for_each_other_both_succeed(
    recorded: Workbench, other: Workbench
) -> None:
    """The undo writes the row b first, the batch the row a. In the end both changes are there."""
    operation = await set_twice(recorded)
    undo_pause, batch_pause = Pause(before=2), Pause(before=2)
    plans = [other.update_plan(where("Text", "=", text), {"Whole": 7}) for text in "ab"]
    undoing = asyncio.create_task(Undoing(recorded, undo_pause)(operation=operation))
    await undo_pause.reached()
    script = batch_pause(partial(updates, other, plans))
    batch = asyncio.create_task(other.database.batch(script, other.version, BatchKind(is_large=True)))
    if recorded.database.dialect.has_concurrent_writers:
        await batch_pause.reached()
    batch_pause.go_on()
    undo_pause.go_on()
    assert counts(await undoing) == (0, 2, 0, 0)
    await batch
    assert await cells(recorded) == [("a", 1, 7), ("b", 1, 7)]


async def test_one_of_two_gets_a_unique_value(recorded: Workbench, other: Workbench) -> None:
    """A row comes back while another one gets its key."""
    await recorded.insert({"Text": "a"})
    await recorded.delete(ALL)
    pause = Pause()
    undoing = asyncio.create_task(Undoing(recorded, pause)(operation=await last_operation(recorded)))
    await pause.reached()
    inserting = asyncio.create_task(other.insert({"Text": "a"}))
    if recorded.database.dialect.has_concurrent_writers:
        await inserting
    pause.go_on()
    outcomes = await asyncio.gather(undoing, inserting, return_exceptions=True)
    assert [isinstance(each, UniqueConflict) for each in outcomes].count(True) == 1
    assert await recorded.column("Text") == ["a"]


async def test_a_row_gets_a_reference_while_its_insert_is_undone(
    database: WorkspaceDatabase, workspace: Workspace, url: str
) -> None:
    parents = await Workbench.with_table(database, RECORDED)
    column = {"name": "Parent", "type": "string", "reference": {"table": "things", "column": "Text"}}
    children = await Workbench.with_table(database, {"name": "children", "schemaDef": [column]})
    parents = Workbench(database, parents.table, children.version)
    await parents.insert({"Text": "a"})
    pause = Pause()
    async with opened(url) as store:
        elsewhere = children.at(await store.workspace(workspace))
        undoing = asyncio.create_task(Undoing(parents, pause)(operation=await last_operation(parents)))
        await pause.reached()
        inserting = asyncio.create_task(elsewhere.insert({"Parent": "a"}))
        if database.dialect.has_concurrent_writers:
            await inserting
        pause.go_on()
        outcomes = await asyncio.gather(undoing, inserting, return_exceptions=True)
    assert [isinstance(each, ReferenceConflict) for each in outcomes].count(True) == 1
    assert await parents.count() == await children.count()


# quotas


def limited(bench: Workbench, **quotas: int) -> Workbench:
    return bench.at(QuotaDatabase(bench.database, Settings(**quotas)))


async def test_an_undo_does_not_exceed_a_quota_of_rows(recorded: Workbench) -> None:
    few = limited(recorded, max_rows_per_table=3)
    undo = Undoing(few)
    await few.insert({"Text": "a"}, {"Text": "b"}, {"Text": "c"})
    await few.delete(ALL)
    deleted = await last_operation(few)
    await few.insert({"Text": "d"})
    inserted = await last_operation(few)
    for dry_run in (True, False):
        with pytest.raises(QuotaExceeded, match="more than 3 rows"):
            await undo(operation=deleted, dry_run=dry_run)
        assert await few.column("Text") == ["d"]
    # rows that it removes make room
    assert counts(await undo(operation=inserted)) == (0, 0, 1, 0)
    assert counts(await undo(operation=deleted)) == (3, 0, 0, 0)
    with pytest.raises(QuotaExceeded):
        await few.insert({"Text": "e"})
    assert counts(await undo(operation=undo.last)) == (0, 0, 3, 0)
    await few.insert({"Text": "e"})


async def test_an_undo_of_a_full_workspace_only_removes_rows(recorded: Workbench) -> None:
    await recorded.insert({"Text": "a"}, {"Text": "b"})
    inserted = await last_operation(recorded)
    await recorded.update(ALL, {"Number": 1})
    changed = await last_operation(recorded)
    full = Undoing(limited(recorded, max_workspace_bytes=1))
    with pytest.raises(QuotaExceeded, match="max_workspace_bytes"):
        await full(operation=changed)
    await Undoing(recorded)(operation=changed)
    assert counts(await full(operation=inserted)) == (0, 0, 2, 0)


# another data key


class Replacing:
    """Replaces the data key of the columns of one table, step by step."""

    def __init__(self, bench: Workbench) -> None:
        self._database = bench.database
        self._rotation = Rotation(bench.scripts)

    async def begin(self, bench: Workbench) -> Workbench:
        """The table whose new cells have the new key."""
        number = await self._database.write(partial(self._rotation.begin, lambda _: b"a wrapped key"))
        table = await self._database.write(partial(self._rotation.begin_table, bench.table.id, number))
        assert table is not None
        return Workbench(self._database, table, await self._database.read(bench.scripts.state.version))

    async def rows(self, bench: Workbench) -> None:
        """Encrypt the cells of the rows again."""
        dialect, namespace = self._database.dialect, self._database.namespace
        columns = [column for column in bench.table.columns if column.is_encrypted]
        sql = RotationSql.of_rows(bench.table, [each.name for each in columns], dialect, namespace)
        again = {each.name: reencrypt_with(DATA_KEYS, bench.table, each) for each in columns}
        rows = await self._database.read(partial(self._rotation.rows, bench.table, sql, sql.first))
        await self._database.write(partial(self._rotation.reencrypt_rows, sql, again, rows))


async def secrets_of(bench: Workbench) -> list[str | None]:
    """The cells of the encrypted column, which only the new key decrypts."""
    cipher = DATA_KEYS.cipher(bench.table.id, bench.table.columns[-1].id, [2])
    found = (await bench.select({"fields": ["Secret"]})).rows
    return [None if row[0] is None else cipher.open(bytes(row[0])).decode() for row in found]


@pytest.mark.new_workspace
@pytest.mark.parametrize("reencrypts_rows", [True, False])
async def test_encrypted_cells_are_compared_while_a_data_key_is_replaced(
    database: WorkspaceDatabase, reencrypts_rows: bool
) -> None:
    bench = await Workbench.with_table(database, RECORDED)
    await bench.insert({"Text": "a", "Secret": "one"}, {"Text": "b", "Secret": "one"}, {"Text": "c"})
    await bench.update(ALL, {"Secret": "two"})
    changed = await last_operation(bench)
    await bench.delete(where("Text", "=", "b"))
    deleted = await last_operation(bench)
    replacing = Replacing(bench)
    bench = await replacing.begin(bench)
    if reencrypts_rows:
        await replacing.rows(bench)
    await bench.update(where("Text", "=", "c"), {"Secret": "three"})

    undo = Undoing(bench)
    assert counts(await undo(operation=deleted)) == (1, 0, 0, 0)
    with pytest.raises(UndoConflict) as refused:
        await undo(operation=changed)
    assert refused.value.members["conflicts"][0]["_id"] == (await bench.column("_id"))[2]
    await bench.update(where("Text", "=", "c"), {"Secret": "two"})
    assert counts(await undo(operation=changed)) == (0, 3, 0, 0)
    assert await secrets_of(bench) == ["one", "one", None]


@pytest.mark.new_workspace
async def test_encrypted_cells_stay_unique_while_a_data_key_is_replaced(
    database: WorkspaceDatabase,
) -> None:
    bench = await Workbench.with_table(database, RECORDED | {"indexes": BY_SECRET})
    await bench.insert({"Text": "a", "Secret": "one"})
    await bench.update(ALL, {"Secret": "two"})
    changed = await last_operation(bench)
    await bench.insert({"Text": "b", "Secret": "one"})
    bench = await Replacing(bench).begin(bench)
    with pytest.raises(UniqueConflict):
        await Undoing(bench)(operation=changed)
    await bench.delete(where("Text", "=", "b"))
    assert counts(await Undoing(bench)(operation=changed)) == (0, 1, 0, 0)
    assert await secrets_of(bench) == ["one"]
