"""PostgreSQL goes away and comes back: callers hear of it, and the store is itself again with no restart."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import asyncpg
import pytest
from anyio import create_task_group
from workbench import ALL, THINGS, Workbench, initialised, new_workspace, opened

from rowkeep.errors.catalogue import SetupError, StorageUnavailable
from rowkeep.settings import Settings
from rowkeep.storage.postgres.restores import PostgresTarget
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


async def run(url: str, *statements: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture(scope="module")
def guest(frail: PostgresServer) -> str:
    """A role without rights."""
    asyncio.run(run(frail.url("postgres"), "CREATE ROLE guest LOGIN"))
    return "guest"


def with_role(url: str, role: str) -> str:
    return url.replace("postgres@", f"{role}@")


FOR_NOBODY = "DO $$ BEGIN EXECUTE format('{}', current_database()); END $$"


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("REVOKE CONNECT ON DATABASE %I FROM public", r"refused the connection: .* CONNECT privilege\.$"),
        ("ALTER DATABASE %I SET default_transaction_read_only = on", "is read-only: it is a standby, or"),
        ("SELECT %L", r"permission denied for database .*GRANT CREATE ON DATABASE"),
    ],
    ids=["no right to connect", "read-only", "no right to create schemas"],
)
async def test_a_database_that_cannot_be_used(
    frail: PostgresServer, guest: str, statement: str, message: str
) -> None:
    """The error says what is missing, and what to do."""
    url = frail.create_database()
    await run(url, FOR_NOBODY.format(statement))
    with pytest.raises(SetupError, match=re.compile(message, re.DOTALL)):
        async with opened(with_role(url, guest)):
            raise AssertionError("it was opened")


async def test_a_restore_needs_the_right_to_create_schemas(frail: PostgresServer, guest: str) -> None:
    target = PostgresTarget(Settings(database_url=with_role(frail.create_database(), guest)))
    try:
        with pytest.raises(SetupError, match=r"permission denied .*GRANT CREATE ON DATABASE"):
            await target.begin([])
    finally:
        await target.close()


async def test_an_address_with_a_parameter_that_postgresql_does_not_know(frail: PostgresServer) -> None:
    with pytest.raises(SetupError, match=r'refused the connection: unrecognized .* "shelf"'):
        async with opened(frail.url("postgres") + "&shelf=1"):
            raise AssertionError("it was opened")


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
async def test_a_database_that_is_not_in_utf_8(frail: PostgresServer, encoding: str) -> None:
    await run(
        frail.url("postgres"),
        f"CREATE DATABASE in_{encoding} ENCODING '{encoding}' LOCALE 'C' TEMPLATE template0",
    )
    url = frail.url(f"in_{encoding}".lower())
    with pytest.raises(SetupError, match=rf"has the encoding {encoding}\. .* ENCODING 'UTF8'"):
        async with opened(url):
            raise AssertionError("it was opened")
    target = PostgresTarget(Settings(database_url=url))
    try:
        with pytest.raises(SetupError, match=f"has the encoding {encoding}"):
            await target.begin([])
    finally:
        await target.close()


async def test_a_role_that_lost_its_rights(frail: PostgresServer, guest: str) -> None:
    """What is refused to it is 503, and the log has what PostgreSQL says."""
    url = frail.create_database()
    await run(url, FOR_NOBODY.format(f"ALTER DATABASE %I OWNER TO {guest}"))
    async with opened(with_role(url, guest), postgres_connections=1) as store:
        things = await Workbench.with_table(await initialised(store, new_workspace()), THINGS)
        table = f'"{things.database.namespace}".things'
        await run(url, f"ALTER TABLE {table} OWNER TO postgres")
        for name in ("select", "insert", "bulk", "update", "delete"):
            with pytest.raises(StorageUnavailable):
                await CALLS[name](things)
        await run(url, f"ALTER TABLE {table} OWNER TO {guest}")
        assert await things.count() == 0


@pytest.mark.parametrize("url", ["postgresql://h:port/db", "postgresql://h/db?sslmode=perhaps"])
async def test_an_address_that_postgresql_does_not_know(url: str) -> None:
    with pytest.raises(SetupError, match="ROWKEEP_DATABASE_URL"):
        async with opened(url):
            raise AssertionError("it was opened")
