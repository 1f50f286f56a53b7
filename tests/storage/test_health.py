"""What /readyz looks at: each fault of a store is found, on both engines, and is over when it is mended."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import asyncpg
import pytest
import sqlalchemy as sa
from installation import Installation, installed, steps_of

from rowkeep.crypto.master_key import find_master_keys, new_master_key, write_key_file
from rowkeep.errors.catalogue import NoSuchWorkspace, RowkeepError, StorageUnavailable
from rowkeep.model.ids import wall_clock
from rowkeep.services.health import MIN_SECONDS
from rowkeep.services.workspaces import Workspaces
from rowkeep.sql.statements import statement
from rowkeep.sql.system_tables import workspace_tables
from rowkeep.storage.contract import Steps

pytestmark = pytest.mark.anyio


@pytest.fixture
async def store(new_store: Callable[[], str], tmp_path: Path) -> AsyncIterator[Installation]:
    async with installed(new_store(), tmp_path) as installation:
        yield installation


async def test_a_store_without_faults(store: Installation) -> None:
    assert await store.codes() == []


async def test_missing_databases(store: Installation) -> None:
    name = await store.physical("unused")
    is_file = store.settings.database_url.startswith("sqlite")
    if is_file:
        store.file(name).rename(store.file("aside"))
    else:
        await store.run(f'ALTER SCHEMA "{name}" RENAME TO aside')
    assert await store.codes() == ["storage_missing"]
    if is_file:
        store.file("aside").rename(store.file(name))
    else:
        await store.run(f'ALTER SCHEMA aside RENAME TO "{name}"')
    assert await store.codes() == []


async def test_a_database_with_keys_of_another(store: Installation) -> None:
    database = await store.used()
    keys = workspace_tables(database.namespace).data_keys

    def script() -> Steps[None]:
        yield statement(sa.update(keys).values(wrapped=bytes(60)), database.dialect)

    await database.write(script)
    assert await store.codes() == ["storage_missing"]


async def test_a_database_of_another_version(store: Installation) -> None:
    database = await store.used()
    await store.add_step(database)
    assert await store.codes() == ["not_ready"]
    await store.run(f"DELETE FROM {steps_of(database)} WHERE step > 3", database)  # noqa: S608 - ours
    assert await store.codes() == ["not_ready"]
    await store.add_step(store.catalog.store.catalog)
    assert await store.codes() == ["not_ready", "not_ready"]
    fault = await store.health.fault()
    assert fault is not None
    assert ["Update this server" in problem.msg for problem in fault.problems] == [True, False]


async def test_a_workspace_of_a_newer_version_that_was_not_in_use(store: Installation) -> None:
    """It cannot be opened, which is known from the first request that needs it; the others can be used."""
    async with store.opened_again() as other:
        await store.add_step(await store.used())
        assert await other.codes() == []
        with pytest.raises(StorageUnavailable, match="used belongs to a newer version of Rowkeep") as refused:
            await other.catalog.named("used")
        assert (refused.value.code, refused.value.status) == ("storage_unavailable", 503)
        assert await other.codes() == ["not_ready"]
        await other.catalog.named("unused")
        await Workspaces(other.catalog, wall_clock).delete("used")
        assert await other.codes() == []
        assert await other.physical("unused") in await other.catalog.store.present()
        with pytest.raises(NoSuchWorkspace):
            await other.catalog.named("used")


async def test_a_master_key_that_does_not_fit(store: Installation) -> None:
    """As if the key was rotated, and the new key file is not on this machine."""
    known = await store.catalog.fingerprint()
    await store.use_master_key("another")
    assert await store.codes() == ["not_ready"]
    await store.use_master_key(known)
    assert await store.codes() == []


async def test_a_master_key_that_opens_no_data_keys(store: Installation) -> None:
    """As if the rotation of the master key ended before all workspaces were done, and the old key is lost."""
    write_key_file(store.settings, [new_master_key()])
    keys = find_master_keys(store.settings)
    assert keys is not None
    fingerprint = keys.fingerprints[0]
    await store.use_master_key(fingerprint)
    assert await store.codes() == ["storage_missing"]


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
async def test_a_file_that_is_no_database(store: Installation) -> None:
    store.file(await store.physical("unused")).write_bytes(b"no database at all")
    assert await store.codes() == ["storage_unavailable"]


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
async def test_a_device_that_is_full(new_store: Callable[[], str], tmp_path: Path) -> None:
    async with installed(new_store(), tmp_path, min_free_bytes=1 << 60) as store:
        assert await store.codes() == ["storage_full"]


@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
async def test_a_server_that_became_read_only(store: Installation) -> None:
    connection = await asyncpg.connect(store.settings.database_url)
    try:
        await connection.execute(
            "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = on', "
            "current_database()); END $$"
        )
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    finally:
        await connection.close()
    found: list[str] = []
    for _ in range(20):
        try:
            found = await store.codes()
            break
        except StorageUnavailable:
            # the first statements find closed connections
            continue
    assert found == ["storage_read_only"]


async def test_several_faults_at_once_and_a_result_that_is_shared(store: Installation) -> None:
    database = await store.used()
    await store.add_step(database)
    await store.use_master_key("another")
    assert await store.codes() == ["not_ready", "not_ready"]
    first = await store.health.fault()
    await store.run(f"DELETE FROM {steps_of(database)} WHERE step = 999", database)  # noqa: S608 - ours
    store.seconds += MIN_SECONDS / 2
    assert await store.health.fault() is first
    assert isinstance(first, RowkeepError)
    assert len(first.problems) == 2
    assert await store.codes() == ["not_ready"]
