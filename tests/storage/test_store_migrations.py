"""Opening a store: an empty one, a known one, one that others open too, one of a newer version."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from neighbours import open_stores, run_all
from workbench import THINGS, Workbench, definitions_of, initialised, new_workspace, opened, rows_of

from rowkeep.errors.catalogue import SetupError
from rowkeep.model.access import Workspace
from rowkeep.model.ids import IdSource
from rowkeep.settings import Settings
from rowkeep.storage.contract import Database, Store
from rowkeep.storage.migrations import CATALOG_STEPS, WORKSPACE_STEPS
from rowkeep.storage.opening import make_store

pytestmark = pytest.mark.anyio


async def steps_of(database: Database) -> list[int]:
    rows = await rows_of(database, "SELECT step FROM @_rowkeep_steps ORDER BY step")
    return [row[0] for row in rows]


async def test_an_empty_store_gets_every_step(new_store: Callable[[], str]) -> None:
    async with opened(new_store()) as store:
        assert await steps_of(store.catalog) == list(range(1, len(CATALOG_STEPS) + 1))
        database = await store.workspace(new_workspace())
        assert await steps_of(database) == list(range(1, len(WORKSPACE_STEPS) + 1))


async def test_a_workspace_is_made_if_it_is_not_there_yet(store: Store, workspace: Workspace) -> None:
    database = await store.workspace(workspace)
    definitions = definitions_of(database)
    assert await database.read(definitions.version) == 0
    await database.write(lambda: definitions.initialise(b"first"))
    await database.write(lambda: definitions.initialise(b"second"))
    assert await database.read(definitions.version) == 1
    assert await database.read(definitions.data_keys) == {1: b"first"}
    assert await store.workspace(workspace) is database


async def test_a_store_that_is_opened_again_has_what_it_had(new_store: Callable[[], str]) -> None:
    url, workspace = new_store(), new_workspace()
    async with opened(url) as store:
        things = await Workbench.with_table(await initialised(store, workspace), THINGS)
        await things.insert({"Text": "kept"})
        before = await steps_of(store.catalog), await steps_of(things.database)
    for _ in range(2):
        async with opened(url) as store:
            database = await initialised(store, workspace)
            assert (await steps_of(store.catalog), await steps_of(database)) == before
            assert await things.at(database).column("Text") == ["kept"]


def test_several_processes_open_an_empty_store_at_once(new_store: Callable[[], str]) -> None:
    urls = [new_store() for _ in range(6)]
    workspace = new_workspace()
    run_all(open_stores, *[(urls, workspace)] * 3)


async def test_a_store_of_a_newer_version_is_not_opened(new_store: Callable[[], str]) -> None:
    url = new_store()
    async with opened(url) as store:
        await rows_of(store.catalog, "INSERT INTO @_rowkeep_steps VALUES (1000)")
    with pytest.raises(SetupError, match="newer version"):
        async with opened(url):
            raise AssertionError("it was opened")


async def test_a_workspace_of_a_newer_version_is_not_opened(new_store: Callable[[], str]) -> None:
    url, workspace = new_store(), new_workspace()
    async with opened(url) as store:
        database = await store.workspace(workspace)
        await rows_of(database, "INSERT INTO @_rowkeep_steps VALUES (1000)")
    async with opened(url) as store:
        with pytest.raises(SetupError, match="newer version"):
            await store.workspace(workspace)
        # the others are none the worse for it
        assert await steps_of(await store.workspace(new_workspace())) == list(
            range(1, len(WORKSPACE_STEPS) + 1)
        )


@pytest.mark.parametrize(
    "url",
    [
        "",
        "mysql://host/db",
        "sqlite://",
        "sqlite://relative",
        "sqlite:///",
        "PostgreSQL://h/d",
        "data.db",
        "://",
    ],
)
def test_an_address_of_no_backend_is_refused(url: str) -> None:
    with pytest.raises(SetupError, match="ROWKEEP_DATABASE_URL"):
        make_store(Settings(database_url=url), IdSource())
