"""Lookups on PostgreSQL: those that are there at the same time are sent together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest
from workbench import Workbench, initialised, new_workspace, opened, rows_of, where

from rowkeep.errors.catalogue import Busy
from rowkeep.metrics import REGISTRY
from rowkeep.storage.contract import Selected, StaleCatalog
from rowkeep.storage.postgres.lookups import MAX_TOGETHER
from support.postgres import PostgresServer

pytestmark = pytest.mark.anyio

TEAMS = {
    "name": "lookups",
    "schemaDef": [
        {"name": "Team", "type": "string"},
        {"name": "Number", "type": "integer"},
        {"name": "Text", "type": "string"},
    ],
    "indexes": [
        {"name": "team", "columns": [{"name": "Team"}]},
        {"name": "both", "columns": [{"name": "Number"}, {"name": "Team"}]},
    ],
}
TEAM_SIZES = {f"team {size}": size for size in (1, 2, 5, 9, 10, 11, 30)}


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    server = PostgresServer(durable=False)
    yield server.create_database()
    server.stop()


@asynccontextmanager
async def teams(address: str, **settings: Any) -> AsyncIterator[Workbench]:
    """A table in a store that has one connection, with teams of several sizes."""
    async with opened(address, postgres_connections=1, **settings) as store:
        table = await Workbench.with_table(await initialised(store, new_workspace()), TEAMS)
        rows = [{"Team": team, "Number": at} for team, size in TEAM_SIZES.items() for at in range(size)]
        await table.insert(*rows)
        yield table


@asynccontextmanager
async def locked(address: str, table: Workbench, name: str = "lookups") -> AsyncIterator[None]:
    """Nobody can read the table meanwhile, so the first lookup has the connection and all others wait."""
    holder = await asyncpg.connect(address)
    try:
        async with holder.transaction():
            await holder.execute(f'LOCK TABLE "{table.database.namespace}"."{name}"')
            yield
    finally:
        await holder.close()


async def look_up(table: Workbench, team: str, limit: int = 10) -> Selected:
    return await table.select({"query": where("Team", "=", team)}, limit)


async def started(*calls: Any) -> list[asyncio.Future[Any]]:
    """The calls, which are as far as they can be without a connection."""
    running = [asyncio.ensure_future(call) for call in calls]
    for _ in range(5):
        await asyncio.sleep(0)
    return running


async def runs_of(table: Workbench) -> dict[bool, int]:
    """How often statements for one lookup, and for several (True), ran on the connection."""
    found = await rows_of(
        table.database,
        "SELECT statement LIKE '%WITH ORDINALITY%', generic_plans + custom_plans FROM pg_prepared_statements "
        "WHERE statement LIKE 'SELECT (SELECT%'",
    )
    runs = {False: 0, True: 0}
    for is_several, count in found:
        runs[is_several] += count
    return runs


def waiting() -> float:
    """The metric of those that wait for a connection."""
    return REGISTRY.counted_here("rowkeep_postgres_pool_waiting").get((), 0.0)


async def test_each_gets_its_own_rows(address: str) -> None:
    async with teams(address) as table:
        names = [*TEAM_SIZES, "nobody"] * 4
        pages = await asyncio.gather(*(look_up(table, name) for name in names))
        for name, page in zip(names, pages, strict=True):
            size = TEAM_SIZES.get(name, 0)
            assert page.total == size
            assert [row[1] for row in page.rows] == list(range(min(size, 10)))
            assert (page.next_key is None) is (size <= 10)
        runs = await runs_of(table)
        assert runs[True] >= 1
        assert sum(runs.values()) < len(names)


async def test_so_many_are_sent_together(address: str) -> None:
    async with teams(address) as table:
        async with locked(address, table):
            count = 2 + 2 * MAX_TOGETHER
            running = await started(*(look_up(table, "team 2") for _ in range(count)))
        pages = await asyncio.gather(*running)
        assert [page.total for page in pages] == [2] * count
        # the first one, two full groups, and one that is left
        assert await runs_of(table) == {False: 2, True: 2}


async def test_several_values_and_other_limits(address: str) -> None:
    async with teams(address) as table:
        async with locked(address, table):
            both = [
                table.select({"query": {"expressions": [
                    {"field": "Number", "operand": "=", "value": at},
                    {"field": "Team", "operand": "=", "value": "team 5"},
                ]}}, 10)
                for at in range(7)
            ]  # fmt: skip
            one_of = [
                table.select({"query": where("Team", "in", ["team 1", name])}, 20)
                for name in ("team 2", "team 9", "x")
            ]
            running = await started(look_up(table, "team 1"), *both, *one_of, look_up(table, "team 30", 5))
        _, *pages = await asyncio.gather(*running)
        assert [page.total for page in pages] == [1, 1, 1, 1, 1, 0, 0, 3, 10, 1, 30]
        assert [page.rows[0][1] for page in pages[:5]] == list(range(5))
        assert len(pages[-1].rows) == 5


TYPES: dict[str, list[Any]] = {
    "number": [1.5, 2, -0.25],
    "integer": [2**53, -1, 0],
    "decimal": ["1.10", "-12345678901234567890.5", "0"],
    "boolean": [True, False, True],
    "date": ["2020-03-28T07:02:09.652Z", "0001-01-01T00:00:00.000Z", "9999-12-31T23:59:59.999Z"],
    "string": ["", "é'\"\\", "x" * 500],
}
MANY = {
    "name": "many_types",
    "schemaDef": [{"name": f"A_{kind}", "type": kind} for kind in TYPES],
    "indexes": [{"name": kind, "columns": [{"name": f"A_{kind}"}]} for kind in TYPES],
}


@pytest.mark.parametrize("kind", [*TYPES, "_id"])
async def test_values_of_each_type(address: str, kind: str) -> None:
    async with opened(address, postgres_connections=1) as store:
        table = await Workbench.with_table(await initialised(store, new_workspace()), MANY)
        await table.insert(*({f"A_{each}": values[at] for each, values in TYPES.items()} for at in range(3)))
        rows = (await table.select({"fields": ["_id"]})).rows
        name = "_id" if kind == "_id" else f"A_{kind}"
        values = [row[0] for row in rows] if kind == "_id" else TYPES[kind]
        queries = [{"query": where(name, "=", value), "fields": ["_id"]} for value in values]
        alone = [await table.select(query, 10) for query in queries]
        async with locked(address, table, "many_types"):
            running = await started(
                table.select(queries[0], 10), *(table.select(each, 10) for each in queries)
            )
        _, *together = await asyncio.gather(*running)
        assert together == alone
        for number, page in enumerate(together):
            assert rows[number][0] in [row[0] for row in page.rows]
        assert (await runs_of(table))[True] == 1


async def test_one_that_leaves_does_not_end_the_others(address: str) -> None:
    async with teams(address) as table:
        before = waiting()
        async with locked(address, table):
            first, *running = await started(*(look_up(table, "team 2") for _ in range(5)))
            assert waiting() == before + 4
            for each in (running[0], running[2]):
                each.cancel()
            await asyncio.sleep(0)
        pages = await asyncio.gather(first, *running, return_exceptions=True)
        assert [type(page) for page in pages] == [
            Selected,
            asyncio.CancelledError,
            Selected,
            asyncio.CancelledError,
            Selected,
        ]
        assert await runs_of(table) == {False: 1, True: 1}
        assert waiting() == before


async def test_when_all_leave_their_statement_is_not_sent(address: str) -> None:
    async with teams(address) as table:
        async with locked(address, table):
            first, *running = await started(*(look_up(table, "team 2") for _ in range(5)))
            for each in running:
                each.cancel()
            await asyncio.wait(running)
        assert (await first).total == 2
        assert await runs_of(table) == {False: 1, True: 0}
        assert (await look_up(table, "team 9")).total == 9


async def test_one_that_comes_as_the_last_one_leaves(address: str) -> None:
    async with teams(address) as table:
        async with locked(address, table):
            first, leaving = await started(look_up(table, "team 1"), look_up(table, "team 2"))
            leaving.cancel()
            (late,) = await started(look_up(table, "team 5"))
        assert [page.total for page in await asyncio.gather(first, late)] == [1, 5]


async def test_the_last_one_leaves_as_the_connection_comes(address: str) -> None:
    async with teams(address) as table:
        database: Any = table.database
        assert database._rows.take_at_once()
        (leaving,) = await started(look_up(table, "team 2"))
        database._rows.give_back()
        leaving.cancel()
        (late,) = await started(look_up(table, "team 5"))
        assert (await late).total == 5
        # nothing was sent for the one that left
        assert await runs_of(table) == {False: 1, True: 0}


async def test_filters_that_can_take_long_are_sent_alone(address: str) -> None:
    async with teams(address) as table:
        query = {
            "expressions": [
                *where("Team", "=", "team 5")["expressions"],
                *where("Text", "is null")["expressions"],
            ]
        }
        async with locked(address, table):
            running = await started(*(table.select({"query": query}, 10) for _ in range(4)))
        assert [page.total for page in await asyncio.gather(*running)] == [5] * 4
        assert (await runs_of(table))[True] == 0


async def test_what_cannot_be_sent_fails_alone(address: str) -> None:
    async with teams(address) as table:
        async with locked(address, table):
            names = ["team 1", "team 2", "\ud800", "team 5"]
            running = await started(*(look_up(table, name) for name in names))
        pages = await asyncio.gather(*running, return_exceptions=True)
        assert [getattr(page, "total", type(page)) for page in pages] == [1, 2, asyncpg.DataError, 5]


async def test_all_are_told_what_ends_their_wait(address: str) -> None:
    async with teams(address, busy_timeout_seconds=0.3) as table, locked(address, table):
        results = await asyncio.gather(*(look_up(table, "team 2") for _ in range(12)), return_exceptions=True)
        assert {type(result) for result in results} == {Busy}


async def test_an_outdated_definition_is_noticed(address: str) -> None:
    async with teams(address) as table:
        table.version -= 1
        async with locked(address, table):
            running = await started(*(look_up(table, "team 2") for _ in range(4)))
        results = await asyncio.gather(*running, return_exceptions=True)
        assert {type(result) for result in results} == {StaleCatalog}
