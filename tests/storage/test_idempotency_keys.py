"""Idempotency keys: stored in the transaction of the write, on both engines alike."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from types import SimpleNamespace
from typing import Any

import apsw
import pytest
from workbench import ALL, Workbench, initialised, new_workspace, opened, rows_of, scripts_of

from rowkeep.errors.catalogue import Busy, IdempotencyInProgress
from rowkeep.services import idempotency
from rowkeep.storage.contract import KeyUsed, StaleCatalog, StoredResponse, UniqueConflict, WriteKey
from rowkeep.storage.postgres.pool import Call

pytestmark = pytest.mark.anyio

NOTES: dict[str, Any] = {
    "name": "notes",
    "schemaDef": [{"name": "Code", "type": "string"}, {"name": "Whole", "type": "integer"}],
    "indexes": [{"name": "by_code", "isUnique": True, "columns": [{"name": "Code"}]}],
}
HOUR = 3600
WRITES = ("insert", "bulk", "update", "delete")

Write = Callable[[WriteKey | None], Awaitable[Any]]


@pytest.fixture
async def notes(database: Any) -> Workbench:
    notes = await Workbench.with_table(database, NOTES)
    await database.insert(notes.sql, notes.insert_plan({"Code": "first"}, {"Code": "second"}), notes.version)
    return notes


def key(name: str = "k", now: int = 0, data_key: int = 1, status: int = 200) -> WriteKey:
    """A key whose response is the result of the write as text."""
    return WriteKey(
        "st-one", name, now, now + HOUR, lambda result: StoredResponse(status, data_key, b"%r" % (result,))
    )


def write_of(notes: Workbench, kind: str, version: int | None = None) -> Write:
    database, sql = notes.database, notes.sql
    at = notes.version if version is None else version
    many = notes.insert_plan({"Code": "a"}, {"Code": "b"})
    return {
        "insert": lambda key: database.insert(sql, notes.insert_plan({"Code": "a"}), at, key),
        "bulk": lambda key: database.insert(sql, many, at, key),
        "update": lambda key: database.update(sql, notes.update_plan(ALL, {"Whole": 5}), at, key),
        "delete": lambda key: database.delete(sql, notes.delete_plan(ALL), at, key),
    }[kind]


async def stored_keys(notes: Workbench) -> list[tuple[Any, ...]]:
    text = "SELECT writer, key, status, data_key, expires FROM @_rowkeep_idempotency_keys ORDER BY key"
    return [tuple(row) for row in await rows_of(notes.database, text)]


async def contents(notes: Workbench) -> list[tuple[Any, ...]]:
    text = 'SELECT "Code", "Whole", "Updated_On" FROM @notes ORDER BY "Code"'
    return [tuple(row) for row in await rows_of(notes.database, text)]


@pytest.mark.parametrize("kind", WRITES)
async def test_the_key_of_a_write_can_be_used_once(notes: Workbench, kind: str) -> None:
    write = write_of(notes, kind)
    result = await write(key(status=207, data_key=3))
    after = await contents(notes)
    assert await stored_keys(notes) == [("st-one", "k", 207, 3, HOUR)]
    with pytest.raises(KeyUsed) as used:
        await write(key())
    assert used.value.stored == StoredResponse(207, 3, b"%r" % (result,))
    assert await contents(notes) == after
    find = scripts_of(notes.database).keys.find
    assert await notes.database.read(lambda: find("st-one", "k", 0)) == used.value.stored
    assert await notes.database.read(lambda: find("st-one", "other", 0)) is None
    assert await notes.database.read(lambda: find("st-one", "k", HOUR)) is None


@pytest.mark.parametrize("kind", WRITES)
async def test_an_expired_key_can_be_used_again(notes: Workbench, kind: str) -> None:
    await write_of(notes, "update")(key())
    await write_of(notes, kind)(key(now=HOUR))
    assert await stored_keys(notes) == [("st-one", "k", 200, 1, 2 * HOUR)]


@pytest.mark.parametrize("kind", WRITES)
async def test_a_write_that_does_not_take_place_stores_no_key(notes: Workbench, kind: str) -> None:
    before = await contents(notes)
    with pytest.raises(StaleCatalog):
        await write_of(notes, kind, notes.version - 1)(key())
    assert (await stored_keys(notes), await contents(notes)) == ([], before)


async def test_a_conflict_stores_no_key(notes: Workbench) -> None:
    database, sql, version = notes.database, notes.sql, notes.version
    with pytest.raises(UniqueConflict) as conflict:
        await database.insert(sql, notes.insert_plan({"Code": "first"}), version, key())
    assert (conflict.value.row, getattr(conflict.value.index, "name", None)) == (0, "by_code")
    with pytest.raises(UniqueConflict) as conflict:
        await database.insert(sql, notes.insert_plan({"Code": "new"}, {"Code": "first"}), version, key())
    assert conflict.value.row == 1
    with pytest.raises(UniqueConflict):
        await database.update(sql, notes.update_plan(ALL, {"Code": "x"}), version, key())
    assert await stored_keys(notes) == []
    assert len(await contents(notes)) == 2


async def test_keys_differ_by_writer(notes: Workbench) -> None:
    write = write_of(notes, "update")
    for writer in ("st-one", "st-two"):
        await write(WriteKey(writer, "k", 0, HOUR, lambda _: StoredResponse(200, 1, b"")))
    scripts = scripts_of(notes.database).keys
    await notes.database.write(lambda: scripts.delete_of("st-one"))
    assert [row[0] for row in await stored_keys(notes)] == ["st-two"]


async def test_expired_keys_are_deleted_a_few_at_a_time(notes: Workbench) -> None:
    write = write_of(notes, "update")
    for at in range(5):
        await write(key(f"k{at}", now=at))
    scripts, database = scripts_of(notes.database).keys, notes.database
    assert not await database.read(lambda: scripts.has_expired(HOUR - 1))
    assert await database.read(lambda: scripts.has_expired(HOUR + 2))
    await database.write(lambda: scripts.delete_expired(HOUR + 2, 2))
    assert [row[1] for row in await stored_keys(notes)] == ["k2", "k3", "k4"]
    await database.write(lambda: scripts.delete_expired(HOUR + 2, 2))
    assert [row[1] for row in await stored_keys(notes)] == ["k3", "k4"]


async def test_a_server_deletes_all_expired_keys(notes: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idempotency, "EXPIRED_AT_ONCE", 2)
    write = write_of(notes, "update")
    for at in range(6):
        await write(key(f"k{at}", now=at))
    workspace = SimpleNamespace(database=notes.database, scripts=scripts_of(notes.database))
    catalog: Any = SimpleNamespace(in_use=lambda: [workspace])
    clock = partial(datetime.fromtimestamp, HOUR + 4, UTC)
    await idempotency.delete_expired_keys(catalog, clock)
    assert [row[1] for row in await stored_keys(notes)] == ["k5"]


async def test_of_equal_keys_at_once_one_writes(notes: Workbench) -> None:
    def insert(at: int) -> Awaitable[Any]:
        plan = notes.insert_plan({"Code": f"code {at}"})
        return notes.database.insert(notes.sql, plan, notes.version, key("same" if at % 2 else f"k{at}"))

    results = await asyncio.gather(*map(insert, range(32)), return_exceptions=True)
    used = [result for result in results if isinstance(result, KeyUsed)]
    assert len(used) == 15
    assert len(await contents(notes)) == 2 + 17
    assert len(await stored_keys(notes)) == 17


@pytest.mark.parametrize("kind", WRITES)
async def test_a_key_that_is_being_used_is_waited_for(url: str, kind: str) -> None:
    async with opened(url, busy_timeout_seconds=0.5) as store:
        notes = await Workbench.with_table(await initialised(store, new_workspace()), NOTES)
        release = asyncio.Event()
        begun = asyncio.Event()
        held = asyncio.create_task(_hold(notes, begun, release))
        await begun.wait()
        waits = asyncio.create_task(write_of(notes, kind)(key("held")))
        with pytest.raises((IdempotencyInProgress, Busy)) as refused:
            await waits
        expected = Busy if store.catalog.namespace is None else IdempotencyInProgress
        assert type(refused.value) is expected
        assert refused.value.headers["Retry-After"] == "1"
        release.set()
        await held
        with pytest.raises(KeyUsed):
            await write_of(notes, kind)(key("held"))


async def _hold(notes: Workbench, begun: asyncio.Event, release: asyncio.Event) -> None:
    """Store a key in a transaction that lasts until it is released."""
    claim = notes.statement(
        "INSERT INTO @_rowkeep_idempotency_keys (writer, key, status, data_key, response, expires) "
        "VALUES ('st-one', 'held', 200, 1, '', 3600)"
    )
    if notes.database.namespace is None:
        file: Any = notes.database
        with apsw.Connection(str(file.path)) as connection:
            connection.execute(claim.text.replace("''", "x''"))
            begun.set()
            await release.wait()
        return
    pool: Any = notes.database

    async def work(connection: Any) -> None:
        await connection.execute(claim.text)
        begun.set()
        await release.wait()

    await pool._pool.transaction(work, Call(pool._rows))
