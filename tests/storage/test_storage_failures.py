"""A device without space and a store that cannot be written: said as such, and nothing is half done."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import apsw
import asyncpg
import pytest
from workbench import ALL, THINGS, Workbench, initialised, new_workspace, opened, rows_of

from rowkeep.errors.catalogue import SetupError, StorageFull, StorageReadOnly
from rowkeep.sql.dialects import SQLITE
from rowkeep.storage.contract import Store

pytestmark = pytest.mark.anyio

WRITES: dict[str, Callable[[Workbench], Awaitable[Any]]] = {
    "insert": lambda things: things.insert({"Text": "x" * 100_000}),
    "bulk": lambda things: things.insert(*[{"Text": "x" * 100_000}] * 3),
    "update": lambda things: things.update(ALL, {"Text": "x" * 100_000}),
}

CODES = {StorageFull: "53100", StorageReadOnly: "25006"}
"""PostgreSQL's own, as a trigger raises them here."""


@pytest.fixture
async def things(new_store: Callable[[], str]) -> AsyncIterator[Workbench]:
    """A table with a row, in a store of the test's own."""
    async with opened(new_store()) as store:
        things = await Workbench.with_table(await initialised(store, new_workspace()), THINGS)
        await things.insert({"Text": "before"})
        yield things


async def break_writes(things: Workbench, kind: type[StorageFull | StorageReadOnly]) -> None:
    """Have every write fail as it does where there is no space, or where nothing may be written."""
    if things.database.dialect is SQLITE:
        file = await things.database.opener.use()  # type: ignore[attr-defined] # SQLite's own
        connection: apsw.Connection = file.connection
        if kind is StorageFull:
            connection.pragma("max_page_count", connection.pragma("page_count"))
        else:
            connection.pragma("query_only", True)
        return
    namespace = things.database.namespace
    for text in (
        f'CREATE FUNCTION "{namespace}".fail() RETURNS trigger LANGUAGE plpgsql AS '
        f"$$ BEGIN RAISE EXCEPTION USING ERRCODE = '{CODES[kind]}'; END $$",
        f'CREATE TRIGGER fail BEFORE INSERT OR UPDATE ON "{namespace}".things '
        f'EXECUTE FUNCTION "{namespace}".fail()',
    ):
        await rows_of(things.database, text)


@pytest.mark.parametrize("kind", [StorageFull, StorageReadOnly])
@pytest.mark.parametrize("write", WRITES)
async def test_a_write_that_the_device_refuses(
    things: Workbench, kind: type[StorageFull | StorageReadOnly], write: str
) -> None:
    await break_writes(things, kind)
    for _ in range(2):
        with pytest.raises(kind) as caught:
            await WRITES[write](things)
        assert caught.value.status == 503
        assert int(caught.value.headers["Retry-After"]) > 0
        assert await things.column("Text") == ["before"]


@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
async def test_a_database_that_is_read_only(new_store: Callable[[], str]) -> None:
    """As a standby of PostgreSQL is."""
    url = new_store()
    workspace = new_workspace()
    async with opened(url) as store:
        things = await Workbench.with_table(await initialised(store, workspace), THINGS)
        await things.insert({"Text": "before"})
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(
            "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = on', "
            "current_database()); END $$"
        )
    finally:
        await connection.close()
    with pytest.raises(SetupError, match="is read-only: it is a standby, or"):
        await refused_start(url)


async def refused_start(url: str) -> Store:
    async with opened(url) as store:
        return store


WRITE_VERSION = 18
"""The byte of a SQLite file by which it tells older versions of SQLite that they cannot write to it."""


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
async def test_a_store_that_cannot_be_written_is_not_opened(new_store: Callable[[], str]) -> None:
    """The error says so, and what to do, as for a standby of PostgreSQL."""
    url = new_store()
    async with opened(url):
        pass
    catalog = Path(url.removeprefix("sqlite:///")) / "catalog.db"
    with closing(apsw.Connection(str(catalog))) as connection:
        connection.pragma("journal_mode", "delete")
    with catalog.open("r+b") as file:
        file.seek(WRITE_VERSION)
        file.write(b"\3")
    with pytest.raises(SetupError, match=r"is read-only, or a file in it\. .* mount the"):
        async with opened(url):
            raise AssertionError("it was opened")
