"""More tables than a connection keeps statements of: each table's requests find it as they left it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import suppress

import asyncpg
import pytest
from anyio import create_task_group
from workbench import opened, tables_of, where

from rowkeep.settings import Settings
from rowkeep.storage import table_groups
from rowkeep.storage.contract import Store
from rowkeep.storage.postgres.pool import Call, Pool
from support.postgres import PostgresServer

pytestmark = pytest.mark.anyio

CONNECTIONS = 3
TABLES = 11
CLIENTS = 8
STEPS = 40


@pytest.fixture(autouse=True)
def small_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_groups, "TABLES_EACH", 2)


@pytest.fixture
async def small(new_store: Callable[[], str], anyio_backend: object) -> AsyncIterator[Store]:
    async with opened(new_store(), postgres_connections=CONNECTIONS) as store:
        yield store


async def test_each_is_found_as_it_was_left(small: Store) -> None:
    tables = await tables_of(small, TABLES)

    async def visit(client: int) -> None:
        for step in range(STEPS):
            at = (step * (client + 1) + client) % TABLES
            mine = f"{client} {step}"
            await tables[at].insert({"Text": mine, "Whole": at})
            assert (await tables[at].update(where("Text", "=", mine), {"Number": client})).count == 1
            assert await tables[at].column("Whole", {"query": where("Text", "=", mine)}) == [at]

    async with create_task_group() as group:
        for client in range(CLIENTS):
            group.start_soon(visit, client)
    for at, each in enumerate(tables):
        assert set(await each.column("Whole")) == {at}
    assert sum([await each.count() for each in tables]) == CLIENTS * STEPS


async def test_whoever_gives_up_leaves_its_connection(small: Store) -> None:
    tables = await tables_of(small, TABLES)
    chance = random.Random(7)
    for _ in range(STEPS):
        # more than there are connections, and most for one table, so that some wait for it
        running = [
            asyncio.ensure_future(tables[chance.choice([0, 0, 0, at])].select()) for at in range(CLIENTS)
        ]
        for _ in range(chance.randrange(6)):
            await asyncio.sleep(0)
        for each in running[::2]:
            each.cancel()
        for each in running:
            with suppress(asyncio.CancelledError):
                await each
    async with create_task_group() as group:
        for at in range(TABLES):
            group.start_soon(tables[at].select)


async def test_one_table_may_have_all_connections(postgres: PostgresServer, anyio_backend: object) -> None:
    url = postgres.create_database()
    pool = Pool(url, Settings(database_url=url, postgres_connections=CONNECTIONS))
    lane = pool.turns.catalog
    await pool.open()
    holder = await asyncpg.connect(url)
    try:
        for at in range(TABLES):
            assert await pool.fetch(Call(lane, f"table {at}"), "SELECT $1::int", [at]) == [(at,)]
        await holder.execute("SELECT pg_advisory_lock(1)")
        wanted = "SELECT pg_advisory_xact_lock_shared(1)::text"
        running = [
            asyncio.ensure_future(pool.fetch(Call(lane, "table 0"), wanted, [])) for _ in range(CONNECTIONS)
        ]
        waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        while await holder.fetchval(waiting) < CONNECTIONS:  # noqa: ASYNC110 - PostgreSQL has no event for it
            await asyncio.sleep(0.005)
        await holder.execute("SELECT pg_advisory_unlock(1)")
        assert len([await each for each in running]) == CONNECTIONS
    finally:
        await holder.close()
        await pool.close()


async def test_where_postgresql_gives_no_more_connections(anyio_backend: object) -> None:
    server = PostgresServer(durable=False)
    url = server.create_database()
    pool = Pool(url, Settings(database_url=url, postgres_connections=CONNECTIONS))
    lane = pool.turns.catalog
    others = []
    try:
        await pool.open()
        assert await pool.fetch(Call(lane, "table 0"), "SELECT 1", []) == [(1,)]
        with suppress(asyncpg.TooManyConnectionsError):
            while True:
                others.append(await asyncpg.connect(url))
        assert others
        for _ in range(2):
            for at in range(TABLES):
                assert await pool.fetch(Call(lane, f"table {at}"), "SELECT $1::int", [at]) == [(at,)]
    finally:
        for each in others:
            await each.close()
        await pool.close()
        server.stop()
