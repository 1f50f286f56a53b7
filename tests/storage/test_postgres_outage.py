"""PostgreSQL goes away and comes back: callers hear of it, and the store is itself again with no restart."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import pytest
from anyio import create_task_group
from workbench import ALL, THINGS, Workbench, initialised, new_workspace, opened

from rowkeep.errors.catalogue import SetupError, StorageUnavailable
from support.postgres import PostgresServer

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def frail() -> Iterator[PostgresServer]:
    """A PostgreSQL of the module's own, which may be killed."""
    server = PostgresServer(durable=False)
    yield server
    server.stop()


@pytest.fixture
async def things(frail: PostgresServer) -> AsyncIterator[Workbench]:
    """A table there, with a row."""
    async with opened(frail.create_database()) as store:
        things = await Workbench.with_table(await initialised(store, new_workspace()), THINGS)
        await things.insert({"Text": "before"})
        yield things


CALLS: dict[str, Callable[[Workbench], Awaitable[Any]]] = {
    "select": lambda things: things.select(),
    "insert": lambda things: things.insert({"Text": "new"}),
    "bulk": lambda things: things.insert({"Text": "new"}, {"Text": "new"}),
    "update": lambda things: things.update(ALL, {"Text": "new"}),
    "delete": lambda things: things.delete(ALL),
    "read": lambda things: things.database.read(things.scripts.state.version),
    "write": lambda things: things.database.write(things.scripts.state.raise_version),
}


async def test_all_calls_fail_while_it_is_away_and_none_after(
    frail: PostgresServer, things: Workbench
) -> None:
    frail.kill()
    try:
        for call in CALLS.values():
            for _ in range(2):
                with pytest.raises(StorageUnavailable) as caught:
                    await call(things)
                assert caught.value.headers["Retry-After"] == "5"
    finally:
        frail.start()
    assert await things.column("Text") == ["before"]
    await things.insert({"Text": "after"})
    assert await things.column("Text") == ["before", "after"]


async def test_calls_that_run_when_it_goes_away(frail: PostgresServer, things: Workbench) -> None:
    acknowledged: list[str] = []
    failed: list[Exception] = []

    async def insert(name: int) -> None:
        try:
            while True:
                stamp = await things.insert({"Whole": name}, {"Whole": name})
                acknowledged.extend(stamp.ids())
                if len(acknowledged) == 200:
                    frail.kill()
        except StorageUnavailable as error:
            failed.append(error)

    async with create_task_group() as group:
        for name in range(8):
            group.start_soon(insert, name)
    frail.start()
    assert len(failed) == 8
    there = set(await things.column("_id"))
    assert set(acknowledged) <= there
    assert len(there) % 2 == 1  # the row from before, and whole pairs


async def test_connections_that_ended_unused_are_replaced(frail: PostgresServer) -> None:
    async with opened(frail.create_database(), postgres_connections=3) as store:
        things = await Workbench.with_table(await initialised(store, new_workspace()), THINGS)
        for _ in range(3):
            # all connections are in use, and then none
            await asyncio.gather(*(things.select() for _ in range(9)))
            frail.kill()
            with pytest.raises(StorageUnavailable):
                await things.select()
            frail.start()
            # one that has not yet been found to be at its end may still fail, once
            await asyncio.gather(*(things.select() for _ in range(9)), return_exceptions=True)
            await asyncio.gather(*(things.select() for _ in range(9)))


async def test_it_is_away_when_the_store_is_opened(frail: PostgresServer) -> None:
    url = frail.create_database()
    frail.kill()
    try:
        with pytest.raises(StorageUnavailable):
            async with opened(url):
                raise AssertionError("it was opened")
    finally:
        frail.start()
    async with opened(url) as store:
        await store.workspace(new_workspace())


async def test_a_database_that_is_not_there(frail: PostgresServer) -> None:
    with pytest.raises(SetupError, match="nowhere"):
        async with opened(frail.url("nowhere")):
            raise AssertionError("it was opened")


@pytest.mark.parametrize("url", ["postgresql://h:port/db", "postgresql://h/db?sslmode=perhaps"])
async def test_an_address_that_postgresql_does_not_know(url: str) -> None:
    with pytest.raises(SetupError, match="ROWKEEP_DATABASE_URL"):
        async with opened(url):
            raise AssertionError("it was opened")
