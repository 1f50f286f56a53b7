"""What ends on PostgreSQL: queries that take too long, calls that were cancelled, and waits of all kinds."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any

import asyncpg
import psutil
import pytest
from workbench import ALL, THINGS, Workbench, initialised, new_workspace, opened, rows_of, where

from rowkeep.errors.catalogue import Busy, QueryTimeout, ShuttingDown, StorageUnavailable
from rowkeep.storage.contract import Store
from rowkeep.storage.postgres.connections import connect
from support.postgres import PostgresServer

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """A PostgreSQL of the module's own, which may be paused."""
    server = PostgresServer(durable=False)
    yield server
    server.stop()


@pytest.fixture
def address(server: PostgresServer) -> str:
    return server.create_database()


async def new_table(store: Store) -> Workbench:
    return await Workbench.with_table(await initialised(store, new_workspace()), THINGS)


@asynccontextmanager
async def locked(address: str, things: Workbench) -> AsyncIterator[asyncpg.Connection]:
    """Nobody can read the table meanwhile: each query of it is a long one. Gives a connection that sees what
    runs; the one with the lock would see it as it was when its transaction began."""
    observer = await asyncpg.connect(address)
    holder = await asyncpg.connect(address)
    transaction = holder.transaction()
    await transaction.start()
    try:
        await holder.execute(f'LOCK TABLE "{things.database.namespace}"."things"')
        yield observer
    finally:
        await observer.close()
        await transaction.rollback()
        await holder.close()


RUNNING = (
    "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'rowkeep' AND state = 'active' "
    "AND datname = current_database() AND query LIKE '%things%'"
)


async def until_running(observer: asyncpg.Connection, count: int) -> None:
    async with asyncio.timeout(60):
        while await observer.fetchval(RUNNING) != count:  # noqa: ASYNC110 - PostgreSQL has no event for it
            await asyncio.sleep(0.01)


async def test_a_query_that_takes_too_long_is_cancelled(address: str) -> None:
    async with opened(address, max_query_seconds=0.2) as store:
        things = await new_table(store)
        async with locked(address, things) as observer:
            for call in (
                things.select,
                lambda: things.update(ALL, {"Text": "x"}),
                lambda: things.delete(ALL),
            ):
                with pytest.raises(QueryTimeout, match=r"0\.2 s \(the setting max_query_seconds\)") as caught:
                    await call()
                assert caught.value.headers["Retry-After"]
            await until_running(observer, 0)
        assert await things.count() == 0


async def test_an_insert_that_waits_has_the_longer_wait(address: str) -> None:
    async with opened(address, max_query_seconds=0.1, busy_timeout_seconds=0.3) as store:
        things = await new_table(store)
        async with locked(address, things):
            for rows in ([{}], [{}, {}]):
                with pytest.raises(Busy):
                    await things.insert(*rows)


STUBBORN = (
    'CREATE FUNCTION "{0}".stubborn() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN FOR at IN 1..200 '
    "LOOP BEGIN PERFORM pg_sleep(0.1); EXCEPTION WHEN query_canceled THEN NULL; END; END LOOP; "
    "RETURN NEW; END $$; "
    'CREATE TRIGGER stubborn BEFORE INSERT ON "{0}".things EXECUTE FUNCTION "{0}".stubborn()'
)
"""Inserts that do not end when they are cancelled, as on a node that does not answer."""


async def test_an_insert_that_cannot_be_cancelled_loses_its_connection(address: str) -> None:
    async with opened(address, max_query_seconds=0.2, postgres_connections=1) as store:
        things = await new_table(store)
        other = await new_table(store)
        connection = await asyncpg.connect(address)
        try:
            await connection.execute(STUBBORN.format(things.database.namespace))
        finally:
            await connection.close()
        started = time.monotonic()
        with pytest.raises(StorageUnavailable):
            await things.insert({})
        assert time.monotonic() - started < 30
        await other.insert({})


async def test_a_cancelled_call_is_cancelled_in_the_database(address: str) -> None:
    async with opened(address, postgres_connections=1) as store:
        things = await new_table(store)
        async with locked(address, things) as observer:
            calls = (things.select, lambda: things.update(ALL, {"Text": "x"}), lambda: things.insert({}, {}))
            for call in calls:
                running = asyncio.ensure_future(call())
                await until_running(observer, 1)
                running.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await running
                await until_running(observer, 0)
        # the only connection serves on
        assert await things.count() == 0


SLEEPING = (
    'CREATE FUNCTION "{0}".sleeping() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(600); '
    "RETURN NEW; END $$; "
    'CREATE TRIGGER sleeping BEFORE INSERT ON "{0}".things EXECUTE FUNCTION "{0}".sleeping()'
)
"""PostgreSQL reads nothing of what is inserted, so after some of it nothing more can be sent."""

LOSE = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep' "
    "AND datname = current_database()"
)


@contextmanager
def nothing_reported() -> Iterator[None]:
    """The driver leaves a future of its own with the error of a lost connection, which the event loop would
    report when it is collected."""
    loop = asyncio.get_running_loop()
    before = loop.get_exception_handler()
    reported: list[dict[str, Any]] = []
    loop.set_exception_handler(lambda _loop, context: reported.append(context))
    try:
        yield
        gc.collect()
    finally:
        loop.set_exception_handler(before)
    assert reported == []


@pytest.mark.parametrize("sends", ["copy", "executemany"])
async def test_a_connection_that_is_lost_while_more_must_be_sent(address: str, sends: str) -> None:
    """The driver by itself would wait until it can send the rest: forever."""
    with nothing_reported():
        await serve_after_a_loss(address, sends)


async def serve_after_a_loss(address: str, sends: str) -> None:
    async with opened(address, postgres_connections=1) as store:
        things = await new_table(store)
        namespace = things.database.namespace
        observer = await asyncpg.connect(address)
        try:
            await observer.execute(SLEEPING.format(namespace))
            await lose_while_sending(things, address, observer, sends)
            await observer.execute(f'DROP TRIGGER sleeping ON "{namespace}".things')
        finally:
            await observer.close()
        await things.insert({"Text": "after"})
        assert await things.column("Text") == ["after"]


async def lose_while_sending(things: Any, address: str, observer: asyncpg.Connection, sends: str) -> None:
    rows = ({"Text": "x" * 4000} for _ in range(1000))
    other = await connect(address, 10, 0, {})
    try:
        sending: asyncio.Future[Any]
        if sends == "copy":
            sending = asyncio.ensure_future(things.insert(*rows))
        else:
            text = f'INSERT INTO "{things.database.namespace}".things ("Text") VALUES ($1)'  # noqa: S608 - its own
            sending = asyncio.ensure_future(other.executemany(text, ((row["Text"],) for row in rows)))
        async with asyncio.timeout(60):
            while not await observer.fetch(LOSE):  # noqa: ASYNC110 - PostgreSQL has no event for it
                await asyncio.sleep(0.01)
        with pytest.raises(StorageUnavailable if sends == "copy" else asyncpg.PostgresConnectionError):
            await sending
    finally:
        await other.close()


WRITTEN = 'SELECT "Text" FROM "{0}".things'


async def test_a_call_that_is_cancelled_as_its_transaction_begins_leaves_none_open(
    address: str, monkeypatch: Any
) -> None:
    """What is written next would be in that transaction: it would be refused, or never committed."""

    async def arrives_too_late(**_: Any) -> None:
        """PostgreSQL is asked to cancel what it has just done."""

    monkeypatch.setattr(asyncpg.connect_utils, "_cancel", arrives_too_late)
    async with opened(address, postgres_connections=1) as store:
        things = await new_table(store)
        observer = await asyncpg.connect(address)
        try:
            for begins in (lambda: things.insert({}, {}), lambda: rows_of(things.database, "SELECT 1")):
                running = asyncio.ensure_future(begins())
                await asyncio.sleep(0)  # PostgreSQL has been sent BEGIN, and has not answered yet
                running.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await running
                await things.insert({"Text": "next"})
            written = await observer.fetch(WRITTEN.format(things.database.namespace))
            assert [row["Text"] for row in written] == ["next", "next"]
        finally:
            await observer.close()


async def test_one_workspace_leaves_connections_to_others(address: str) -> None:
    async with opened(address, busy_timeout_seconds=5) as store:
        crowded, other = await new_table(store), await new_table(store)
        async with locked(address, crowded) as observer:
            running = [asyncio.ensure_future(crowded.select()) for _ in range(14)]
            await until_running(observer, 6)
            async with asyncio.timeout(60):
                assert await other.count() == 0
                assert await crowded.database.read(crowded.scripts.state.version)
                await other.database.write(other.scripts.state.raise_version)
            await until_running(observer, 6)
        assert all(page.total == 0 for page in await asyncio.gather(*running))


async def test_a_wait_for_a_turn_ends(address: str) -> None:
    async with opened(address, busy_timeout_seconds=0.3, postgres_connections=1) as store:
        things = await new_table(store)
        holder = await asyncpg.connect(address)
        async with holder.transaction():
            await holder.execute(f'LOCK TABLE "{things.database.namespace}"."things"')
            results = await asyncio.gather(*(things.select() for _ in range(20)), return_exceptions=True)
        await holder.close()
        assert {type(result) for result in results} == {Busy}


async def test_closing_ends_what_runs(address: str) -> None:
    async with opened(address) as store:
        things = await new_table(store)
        async with locked(address, things) as observer:
            running = [asyncio.ensure_future(things.select()) for _ in range(9)]
            await until_running(observer, 6)
            started = time.monotonic()
            await store.close()
            assert time.monotonic() - started < 30
            for each in running:
                with pytest.raises(ShuttingDown):
                    await each
            await until_running(observer, 0)


async def test_sixty_updates_of_all_rows_at_once(address: str) -> None:
    async with opened(address) as store:
        things = await new_table(store)
        await things.insert(*({"Whole": at} for at in range(500)))
        sorts: list[dict[str, Any]] = [ALL, where("Whole", ">=", 0), where("Number", "is null")]
        changed = await asyncio.gather(
            *(things.update(sorts[at % 3], {"Text": f"text {at}"}) for at in range(60)),
            return_exceptions=True,
        )
        assert [each for each in changed if isinstance(each, Exception)] == []
        assert {each.count for each in changed if not isinstance(each, BaseException)} == {500}
        assert len(set(await things.column("Text"))) == 1


async def test_an_update_that_waited_sees_the_row_as_it_is(address: str) -> None:
    async with opened(address) as store:
        things = await new_table(store)
        await things.insert({"Text": "open"}, {"Text": "open"})
        takers = [things.update(where("Text", "=", "open"), {"Text": f"by {at}"}) for at in range(8)]
        counts = [each.count for each in await asyncio.gather(*takers)]
        assert sorted(counts) == [0] * 7 + [2]


async def test_a_paused_postgresql(server: PostgresServer, address: str, monkeypatch: Any) -> None:
    assert server._process is not None
    postmaster = psutil.Process(server._process.pid)
    store = None
    try:
        async with opened(address, busy_timeout_seconds=3) as store:
            things = await new_table(store)
            for name in ("TICK_SECONDS", "PATIENCE_SECONDS", "PROBE_SECONDS"):
                monkeypatch.setattr(f"rowkeep.storage.postgres.cancellation.{name}", 0.2)
            paused = [postmaster, *postmaster.children()]
            for each in paused:
                each.suspend()
            started = time.monotonic()
            calls = (
                things.select(),
                things.insert({}),
                things.insert({}, {}),
                things.update(ALL, {"Text": "x"}),
                things.database.write(things.scripts.state.raise_version),
                store.catalog.read(things.scripts.state.version),
            )
            results = await asyncio.gather(*calls, return_exceptions=True)
            assert {type(each) for each in results} <= {StorageUnavailable, Busy}, results
            assert time.monotonic() - started < 30
            started = time.monotonic()
            running = asyncio.ensure_future(things.select())
            await asyncio.sleep(0)
        with suppress(StorageUnavailable, ShuttingDown, Busy):
            await running
        assert time.monotonic() - started < 30
    finally:
        for each in [postmaster, *postmaster.children()]:
            each.resume()
        monkeypatch.undo()
    async with opened(address) as store:
        assert await store.catalog.read(things.scripts.state.version)


async def test_numbers_are_read_exactly_whatever_the_database_sets(address: str) -> None:
    observer = await asyncpg.connect(address)
    name = await observer.fetchval("SELECT current_database()")
    await observer.execute(f'ALTER DATABASE "{name}" SET extra_float_digits = 0')
    await observer.close()
    async with opened(address) as store:
        things = await new_table(store)
        await things.insert({"Number": 0.1 + 0.2})
        assert await things.column("Number") == [0.1 + 0.2]
