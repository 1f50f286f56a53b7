"""``rowkeep doctor``: every kind of fault is found on both engines, and a good store has none."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import closing, suppress
from functools import partial
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa
from installation import Installation, installed

from rowkeep.errors.catalogue import NameTaken
from rowkeep.http.app import running
from rowkeep.model.ids import wall_clock
from rowkeep.model.management_requests import WorkspaceBody
from rowkeep.services.doctor import Doctor, Finding
from rowkeep.services.workspaces import Workspaces
from rowkeep.sql.names import index_name, quoted
from rowkeep.sql.statements import statement
from rowkeep.sql.system_tables import CATALOG_NAMESPACE, CatalogTables, workspace_tables
from rowkeep.storage.contract import Database, Steps

pytestmark = pytest.mark.anyio

TABLES = (
    {
        "name": "places",
        "schemaDef": [{"name": "Code", "type": "string", "isRequired": True}],
        "indexes": [{"name": "by_code", "columns": [{"name": "Code"}], "isUnique": True}],
    },
    {
        "name": "people",
        "schemaDef": [
            {"name": "Name", "type": "string"},
            {"name": "Secret", "type": "string", "isEncrypted": True},
            {"name": "Place", "type": "string", "reference": {"table": "places", "column": "Code"}},
            {"name": "Self", "type": "string", "reference": {"table": "people", "column": "sys_Id"}},
            {"name": "Amount", "type": "decimal"},
            {"name": "oid", "type": "json"},
        ],
        "indexes": [
            {"name": "by_id", "columns": [{"name": "sys_Id"}]},
            {"name": "by_name", "columns": [{"name": "Name", "order": "desc"}, {"name": "Amount"}]},
        ],
    },
)


async def set_up(store: Installation) -> None:
    """Two tables with rows, and an app."""
    async with running(store.settings, operator="tests") as app:
        client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://rowkeep")
        workspace = "/api/v1/workspaces/used"
        headers = {"Authorization": f"Bearer {store.admin_token}"}
        for path, body in (
            *(("/tables", table) for table in TABLES),
            ("/apps", {"name": "bot"}),
            ("/data/tables/places", {"data": {"Code": "a"}}),
            ("/data/tables/people", {"data": [{"Name": "Ada", "Secret": "s", "Place": "a"}, {"Name": "B"}]}),
        ):
            response = await client.post(workspace + path, json=body, headers=headers)
            assert response.status_code in (200, 201), response.text
        await client.aclose()


@pytest.fixture
async def store(new_store: Callable[[], str], tmp_path: Path) -> AsyncIterator[Installation]:
    async with installed(new_store(), tmp_path) as installation:
        await set_up(installation)
        yield installation


async def findings(store: Installation, *, reads_rows: bool = True) -> list[Finding]:
    doctor = Doctor(store.catalog, store.settings, reads_rows=reads_rows)
    return [each async for each in doctor.run() if isinstance(each, Finding)]


async def problems(store: Installation) -> list[str]:
    found = await findings(store)
    assert all(each.fix.endswith((".", each.place)) and each.place for each in found)
    return [f"{each.level}: {each.problem}" for each in found]


async def test_workspaces_that_come_and_go_meanwhile_are_no_faults(
    store: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspaces, list_present = Workspaces(store.catalog, wall_clock), store.catalog.store.present

    async def present() -> list[str]:
        with suppress(NameTaken):
            await workspaces.create(WorkspaceBody(name="later"))
            await store.catalog.named("later")
        return await list_present()

    monkeypatch.setattr(store.catalog.store, "present", present)
    found = []
    async for each in Doctor(store.catalog, store.settings, reads_rows=False).run():
        if each == "workspace main":
            await workspaces.delete("unused")
        if isinstance(each, Finding):
            found.append(each)
    assert found == []


def of(database: Database, name: str) -> str:
    """A name of the workspace, for a statement."""
    quote = database.dialect.compiler.identifier_preparer.quote
    prefix = "" if database.namespace is None else f"{quote(quoted(database.namespace))}."
    return prefix + quote(quoted(name))


async def do(database: Database, clause: sa.Executable) -> None:
    def script() -> Steps[None]:
        yield statement(clause, database.dialect)

    await database.write(script)


async def test_a_good_store(store: Installation) -> None:
    parts = [part async for part in Doctor(store.catalog, store.settings).run()]
    assert parts == ["files", "catalog", "workspace main", "workspace unused", "workspace used"]


async def test_indexes_columns_and_tables(store: Installation) -> None:
    database = await store.used()
    opened = await store.catalog.named("used")
    tables = {each.name: each for each in await database.read(partial(opened.scripts.tables.page, "", None))}
    people = tables["people"]
    by_id, by_name = (str(index_name(people, index)) for index in people.indexes)
    await store.run(f"DROP INDEX {of(database, by_id)}", database)
    await store.run(f"DROP INDEX {of(database, by_name)}", database)
    at = by_name if database.namespace is not None else of(database, by_name)
    await store.run(f'CREATE INDEX "{at.strip(chr(34))}" ON {of(database, "people")} ("Name")', database)
    assert await problems(store) == [
        f"warning: The index {by_id} is missing.",
        f"warning: The index {by_name} differs from its definition.",
    ]
    await store.run(f'ALTER TABLE {of(database, "people")} DROP COLUMN "Secret"', database)
    await store.run(f"ALTER TABLE {of(database, 'places')} RENAME TO aside", database)
    found = [each.problem for each in await findings(store, reads_rows=False)]
    assert "The column Secret is missing in the database." in found
    assert "The table is defined, but missing in the database." in found


async def test_foreign_keys(store: Installation) -> None:
    database = await store.used()
    if database.namespace is None:
        await store.write_to_file("PRAGMA foreign_keys = off; DELETE FROM places")
        assert await problems(store) == [
            "error: The database is damaged: 1 rows of table people refer to missing rows of table places."
        ]
        return
    opened = await store.catalog.named("used")
    tables = await database.read(partial(opened.scripts.tables.page, "", None))
    people = next(each for each in tables if each.name == "people")
    place = next(each for each in people.columns if each.name == "Place")
    name = f"_fk_{people.id}_{place.id}"
    await store.run(f'ALTER TABLE {of(database, "people")} DROP CONSTRAINT "{name}"', database)
    assert await problems(store) == [
        "error: The reference of column Place has no foreign key in the database."
    ]


async def test_cells_and_secrets_of_other_keys(store: Installation) -> None:
    database = await store.used()
    system = workspace_tables(database.namespace)
    people = sa.table(quoted("people"), sa.column("Secret", sa.LargeBinary), schema=quoted_or_none(database))
    await do(database, sa.update(people).where(people.c.Secret.is_not(None)).values(Secret=b"x" * 40))
    await do(database, sa.update(system.apps).values(secret=b"x" * 60))
    first, second = await problems(store)
    assert first.startswith("error: 1 encrypted cells of column Secret cannot be decrypted (_id ")
    assert second.startswith("error: The secret of app ")
    quick = await findings(store, reads_rows=False)
    assert [each.problem.split()[1] for each in quick] == ["secret"]


def quoted_or_none(database: Database) -> str | None:
    return None if database.namespace is None else quoted(database.namespace)


async def test_entries_of_missing_things(store: Installation) -> None:
    database = await store.used()
    system = workspace_tables(database.namespace)
    await do(database, sa.insert(system.members).values(user_id="gone", role="viewer"))
    await do(database, sa.insert(system.shares).values(thing_id="lost", user_id="gone", right="read"))
    catalog = store.catalog.store.catalog
    clients = CatalogTables(catalog.namespace and CATALOG_NAMESPACE).clients
    await do(catalog, sa.delete(clients))
    used = await catalog.read(partial(store.catalog.installation.workspace, "used"))
    await do(catalog, sa.insert(clients).values(client_id="cs-lost", workspace_id=used.id))
    found = await problems(store)
    assert found[0].startswith("error: The app cs-")
    assert found[1:] == [
        "warning: The catalog has the client id cs-lost of an app that is missing.",
        "warning: Rights of the deleted user gone remain.",
        "warning: A share is for a table or view that is missing (id lost).",
    ]


async def test_databases_that_are_missing_or_unknown(store: Installation) -> None:
    name = await store.physical("unused")
    if store.settings.database_url.startswith("sqlite"):
        store.file(name).rename(store.file("w99_aside"))
    else:
        await store.run(f'ALTER SCHEMA "{name}" RENAME TO w99_aside')
        await store.run("CREATE SCHEMA rowkeep_restore")
    async with store.opened_again() as again:
        found = await findings(again)
    if not store.settings.database_url.startswith("sqlite"):
        killed = found.pop(0)
        assert (killed.level, killed.place) == ("warning", "schema rowkeep_restore")
        assert killed.fix == "Drop the schema rowkeep_restore with all that it contains."
    assert [(each.level, each.place) for each in found] == [
        ("warning", f"{'file' if 'sqlite' in store.settings.database_url else 'schema'} w99_aside"),
        ("error", "workspace unused"),
    ]


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
async def test_files_that_others_can_read(store: Installation) -> None:
    path = store.file(await store.physical("unused"))
    path.chmod(0o644)
    [found] = await findings(store)
    assert found.place == str(path)
    assert "mode 0644" in found.problem
    assert str(path) in found.fix


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
async def test_pages_that_are_damaged(store: Installation) -> None:
    path = store.file(await store.physical("used"))
    await store.write_to_file("PRAGMA wal_checkpoint(TRUNCATE)")
    with closing(sqlite3.connect(path)) as connection:
        [(size,)] = connection.execute("PRAGMA page_size")
        [page, *_] = connection.execute(
            "SELECT rootpage FROM sqlite_master WHERE name LIKE '\\_ix%' ESCAPE '\\'"
        )
    with path.open("r+b") as file:
        file.seek(size * (page[0] - 1))
        file.write(b"\xff" * 200)
    async with store.opened_again() as again:
        found = await findings(again)
    assert found
    assert all(each.level == "error" and each.place.startswith("workspace used") for each in found)


async def test_a_workspace_of_a_newer_version(store: Installation) -> None:
    """Nothing is wrong with it, so it must be neither restored nor deleted."""
    await store.add_step(await store.used())
    async with store.opened_again() as other:
        (found,) = await findings(other)
    assert (found.level, found.place) == ("error", "workspace used")
    assert "Use that version or a later one." in found.problem
    assert not any(word in found.fix for word in ("Restore", "delete"))
