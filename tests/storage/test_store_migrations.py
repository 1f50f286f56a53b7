"""Opening a store: an empty one, a known one, one that others open too, one of a newer version."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import msgspec
import pytest
from neighbours import open_stores, run_all
from workbench import THINGS, Workbench, initialised, new_workspace, opened, rows_of, scripts_of

from rowkeep.errors.catalogue import SetupError
from rowkeep.model.access import Workspace
from rowkeep.model.definitions.tables import TableBody
from rowkeep.model.definitions.views import ViewBody
from rowkeep.model.ids import IdSource
from rowkeep.settings import Settings
from rowkeep.storage import known_databases
from rowkeep.storage.contract import Database, Store, UniqueConflict
from rowkeep.storage.migrations import (
    CATALOG_STEPS,
    WORKSPACE_STEPS,
    _key_of_installation,
    _key_of_workspace,
    _recorded_inserts,
)
from rowkeep.storage.opening import make_store
from rowkeep.storage.postgres import store as postgres_store
from rowkeep.storage.scripts.catalog import CatalogScripts
from rowkeep.storage.sqlite import store as sqlite_store

pytestmark = pytest.mark.anyio

KEYS_STEPS = {
    "installation": CATALOG_STEPS.index(_key_of_installation) + 1,
    "_rowkeep_workspace": WORKSPACE_STEPS.index(_key_of_workspace) + 1,
}
"""The steps that add primary keys."""


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
    scripts = scripts_of(database)
    assert await database.read(scripts.state.version) == 0
    await database.write(lambda: scripts.state.initialise(b"first"))
    await database.write(lambda: scripts.state.initialise(b"second"))
    assert await database.read(scripts.state.version) == 1
    assert await database.read(scripts.state.data_keys) == {1: b"first"}
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


FORMER = {
    "sqlite": [
        "CREATE TABLE former AS SELECT {column} FROM {table}",
        "DROP TABLE {table}",
        "CREATE TABLE {table} ({column} {type} NOT NULL)",
        "INSERT INTO {table} SELECT * FROM former",
        "DROP TABLE former",
    ],
    "postgresql": ["ALTER TABLE {table} DROP COLUMN id"],
}
"""What gives a table of one row the form that it had without a primary key."""


@pytest.mark.parametrize("times", [1, 2])
async def test_tables_of_one_row_get_a_primary_key(
    new_store: Callable[[], str], backend: str, times: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, workspace = new_store(), new_workspace()
    async with opened(url) as store:
        things = await Workbench.with_table(await initialised(store, workspace), THINGS)
        await things.insert({"Text": "kept"})
        version = await things.database.read(things.scripts.state.version)
        fingerprint = CatalogScripts(store.catalog.dialect, store.catalog.namespace)
        await store.catalog.write(
            partial(fingerprint.initialise, "a fingerprint", "2020-03-28T07:02:09.652Z")
        )
        for database, table, column, type_ in (
            (store.catalog, "installation", "key_fingerprint", "TEXT"),
            (things.database, "_rowkeep_workspace", "version", "BIGINT"),
        ):
            for text in FORMER["sqlite" if backend == "sqlite" else "postgresql"]:
                await rows_of(database, text.format(table=f"@{table}", column=column, type=type_))
            await rows_of(database, "DELETE FROM @_rowkeep_steps WHERE step >= $1", KEYS_STEPS[table])
    # what later steps make is there already
    for engine in (sqlite_store, postgres_store):
        monkeypatch.setattr(engine, "WORKSPACE_STEPS", WORKSPACE_STEPS[: KEYS_STEPS["_rowkeep_workspace"]])
    monkeypatch.setattr(known_databases, "CATALOG_STEPS", CATALOG_STEPS[: KEYS_STEPS["installation"]])
    for _ in range(times):
        async with opened(url) as store:
            database = await initialised(store, workspace)
            assert await database.read(scripts_of(database).state.version) == version
            assert await store.catalog.read(fingerprint.key_fingerprint) == "a fingerprint"
            assert await rows_of(database, "SELECT id FROM @_rowkeep_workspace") == [(1,)]
            assert await rows_of(store.catalog, "SELECT id FROM @installation") == [(1,)]
            assert await things.at(database).column("Text") == ["kept"]
            with pytest.raises(UniqueConflict):
                await rows_of(database, "INSERT INTO @_rowkeep_workspace (id, version) VALUES (1, 7)")


async def test_definitions_of_the_first_version_are_read_the_same_everywhere(
    store: Store, workspace: Workspace
) -> None:
    """Their indexes had no ids; their places are these."""
    database = await initialised(store, workspace)
    scripts = scripts_of(database)
    indexes = [{"name": name, "columns": [{"name": "Text"}]} for name in ("first", "second", "third")]
    body = msgspec.convert(dict(THINGS) | {"indexes": indexes}, TableBody)
    await database.write(partial(scripts.tables.create, body, "t1"))
    view = msgspec.convert({"name": "all", "table": "things", "columns": ["things.Text"]}, ViewBody)
    await database.write(partial(scripts.views.create, view, "v1"))
    stored = await rows_of(database, "SELECT definition FROM @_rowkeep_tables")
    definition = msgspec.json.decode(stored[0][0])
    for index in definition["indexes"]:
        index.pop("id", None)
    text = msgspec.json.encode(definition).decode()
    await rows_of(database, "UPDATE @_rowkeep_tables SET definition = $1", text)

    _, table = await database.read(partial(scripts.tables.find, "things"))
    assert table is not None
    assert [index.id for index in table.indexes] == [0, 1, 2]
    assert await database.read(partial(scripts.tables.page, "", None)) == [table]
    assert await database.read(partial(scripts.tables.get, "things")) == (table, {})
    assert (await database.read(partial(scripts.views.get, "all")))[1] == {"t1": table}
    assert (await database.read(partial(scripts.views.page, "", None)))[1] == {"t1": table}
    offered = await database.read(partial(scripts.table_list.usable_by, None))
    assert (offered.tables, offered.needed) == ([table], {"t1": table})


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


@pytest.mark.parametrize("is_restored", [False, True], ids=["updated", "restored"])
async def test_changes_from_before_and_after_an_update_are_recorded_once_and_in_order(
    new_store: Callable[[], str], backend: str, is_restored: bool
) -> None:
    """An older version recorded all inserts by the trigger. A restored backup of that version has its system
    tables, but the triggers of this one."""
    url, workspace = new_store(), new_workspace()
    recorded = THINGS | {"history": {"keepDays": 3}}
    async with opened(url) as store:
        things = await Workbench.with_table(await initialised(store, workspace), recorded)
        last = WORKSPACE_STEPS.index(_recorded_inserts) + 1
        await rows_of(things.database, "DELETE FROM @_rowkeep_steps WHERE step >= $1", last)
        await rows_of(things.database, "DROP TABLE @_rowkeep_charts")
        if backend != "sqlite":
            trigger = f'"_rowkeep_history_{things.table.id}_insert"'
            former = (
                f"DROP TRIGGER {trigger} ON @things",
                f"CREATE TRIGGER {trigger} AFTER INSERT ON @things REFERENCING NEW TABLE AS _new_rows "
                f"FOR EACH STATEMENT EXECUTE FUNCTION @_rowkeep_history_{things.table.id}()",
            )
            for text in (
                *(() if is_restored else former),
                "ALTER TABLE @_rowkeep_operations DROP COLUMN only_table, DROP COLUMN only_seq",
                'ALTER TABLE @_rowkeep_operations ALTER COLUMN xid TYPE TEXT COLLATE "default"',
            ):
                await rows_of(things.database, text)
        await things.insert({"Text": "zero"}, {"Text": "former"})
    async with opened(url) as store:
        things = things.at(await initialised(store, workspace))
        await things.insert({"Text": "one"})
        await things.insert({"Text": "two"}, {"Text": "three"})
        await things.insert({"Text": "four"})
        await things.database.write(things.scripts.history.order_operations)
        found = await rows_of(
            things.database,
            f'SELECT o.position, t."Text" FROM @_rowkeep_history_{things.table.id} h '  # noqa: S608
            'JOIN @_rowkeep_operations o ON o.op = h.op JOIN @things t ON t."_id" = h.row_key '
            "ORDER BY o.position, h.seq",
        )
        texts = ("zero", "former", "one", "two", "three", "four")
        assert list(map(tuple, found)) == list(zip((1, 1, 2, 3, 3, 4), texts, strict=True))
