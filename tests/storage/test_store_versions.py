"""The version check: who planned with other definitions or grants than the present ones writes nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import msgspec
import pytest
from anyio.from_thread import BlockingPortal
from workbench import ALL, THINGS, Workbench, initialised, new_workspace, opened, rows_of, where

from rowkeep.model.access import Algorithm, App, Grant, Workspace
from rowkeep.model.definitions.tables import TableBody
from rowkeep.storage.contract import (
    InsertRows,
    Load,
    RowSteps,
    StaleCatalog,
    Store,
    UniqueConflict,
    WorkspaceDatabase,
)

pytestmark = pytest.mark.anyio

CALLS: dict[str, Callable[[Workbench], Awaitable[Any]]] = {
    "select": lambda things: things.select(),
    "a select that finds nothing": lambda things: things.select(offset=1000),
    "a select that does not count": lambda things: things.select({"count": "none"}),
    "insert": lambda things: things.insert({"Text": "new"}),
    "bulk": lambda things: things.insert({"Text": "new"}, {"Text": "new"}),
    "a bulk of no rows": lambda things: things.insert(),
    "update": lambda things: things.update(ALL, {"Text": "new"}),
    "an update that answers counts": lambda things: things.update(ALL, {"Text": "new"}, 0),
    "delete": lambda things: things.delete(ALL),
}
EVERY_CALL = pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)


async def put(things: Workbench) -> None:
    await things.insert(*({"Whole": at} for at in range(5)))


def with_version(things: Workbench, version: int) -> Workbench:
    return Workbench(things.database, things.table, version)


async def renewed(things: Workbench) -> Workbench:
    return with_version(things, await things.database.read(things.scripts.state.version))


@EVERY_CALL
@pytest.mark.parametrize("off_by", [-1, 1])
async def test_another_version_is_refused(
    things: Workbench, call: Callable[[Workbench], Awaitable[Any]], off_by: int
) -> None:
    await put(things)
    before = await things.select()
    with pytest.raises(StaleCatalog):
        await call(with_version(things, things.version + off_by))
    assert await things.select() == before


@EVERY_CALL
async def test_the_present_version_is_not(
    things: Workbench, call: Callable[[Workbench], Awaitable[Any]]
) -> None:
    await put(things)
    await call(things)


async def test_every_change_raises_the_version(things: Workbench) -> None:
    database, scripts = things.database, things.scripts
    app = App(client_id="cs-1", name="bot", algorithm=Algorithm.HS256, created_on="2020-03-28T07:02:09.652Z")
    changes = [
        partial(scripts.access.create_app, app, 1),
        partial(scripts.access.change_app, "cs-1", 1, lambda app: app),
        partial(scripts.access.set_grant, "things", "cs-1", Grant(read=True)),
        partial(scripts.access.set_grant, "things", "cs-1", Grant()),
        partial(scripts.access.delete_app, "cs-1"),
        partial(scripts.tables.drop, "things"),
        partial(scripts.tables.create, msgspec.convert(THINGS, TableBody), "again"),
        scripts.access.delete_all_apps,
    ]
    for number, change in enumerate(changes, start=1):
        await database.write(change)
        assert await database.read(scripts.state.version) == things.version + number


@EVERY_CALL
async def test_what_another_process_changed_is_seen_at_once(
    things: Workbench,
    workspace: Workspace,
    url: str,
    portal: BlockingPortal,
    call: Callable[[Workbench], Awaitable[Any]],
) -> None:
    await put(things)
    before = await things.select()
    with portal.wrap_async_context_manager(opened(url)) as neighbour:
        theirs = portal.call(initialised, neighbour, workspace)
        portal.call(theirs.write, things.scripts.state.raise_version)
        with pytest.raises(StaleCatalog):
            await call(things)
    assert (await (await renewed(things)).select()).rows == before.rows


@EVERY_CALL
async def test_a_table_that_was_dropped(
    things: Workbench, call: Callable[[Workbench], Awaitable[Any]]
) -> None:
    await put(things)
    await call(things)  # so that the connections know the table from before
    await things.database.write(partial(things.scripts.tables.drop, "things"))
    with pytest.raises(StaleCatalog):
        await call(things)


@pytest.mark.parametrize("name", [name for name in CALLS if name != "a bulk of no rows"])
async def test_a_table_that_is_not_there_at_the_present_version(things: Workbench, name: str) -> None:
    await put(things)
    await CALLS[name](things)
    await things.database.write(partial(things.scripts.tables.drop, "things"))
    with pytest.raises(StaleCatalog):
        await CALLS[name](await renewed(things))


async def loaded(things: Workbench, row: dict[str, Any]) -> Any:
    plan = things.insert_plan(row)
    load = Load(lambda: iter([plan]), 1, is_upsert=False)
    return await things.database.load(things.sql, load, things.version)


async def inserted_by_batch(things: Workbench, *rows: dict[str, Any]) -> Any:
    plan = things.insert_plan(*rows)

    def script() -> RowSteps[Any]:
        return (yield InsertRows(things.sql, plan))

    return await things.database.batch(script, things.version)


TYPES = ["string", "number", "integer", "boolean", "date"]
SENT = {"Text": "a", "Number": 1.5, "Whole": 1, "Flag": True, "Day": "2020-03-28"}
BY_COLUMN: list[Callable[[Workbench, str], Awaitable[Any]]] = [
    lambda things, name: things.select({"fields": [name]}),
    lambda things, name: things.select({"query": where(name, "=", SENT[name]), "fields": ["_id"]}),
    lambda things, name: things.select({"query": where(name, "in", [SENT[name]]), "fields": ["_id"]}),
    lambda things, name: things.insert({name: SENT[name]}),
    lambda things, name: things.insert(*[{name: SENT[name]}] * 2),
    lambda things, name: loaded(things, {name: SENT[name]}),
    lambda things, name: inserted_by_batch(things, *[{name: SENT[name]}] * 2),
    lambda things, name: things.update(ALL, {name: SENT[name]}),
    lambda things, name: things.update(where(name, "!=", SENT[name]), {name: SENT[name]}, 0),
    lambda things, name: things.delete(where(name, "=", SENT[name])),
]


@pytest.mark.new_workspace
@pytest.mark.parametrize("moved", [1, 2, 3, 4])
async def test_a_table_that_was_made_anew_with_other_types(things: Workbench, moved: int) -> None:
    """Its columns have their old names, so that only their types tell, also where a connection has prepared
    statements of the former table."""
    await put(things)
    for name in SENT:
        for call in BY_COLUMN:
            await call(things, name)
    await things.database.write(partial(things.scripts.tables.drop, "things"))
    types = TYPES[moved:] + TYPES[:moved]
    columns = [{"name": name, "type": kind} for name, kind in zip(SENT, types, strict=True)]
    made_anew = await Workbench.with_table(things.database, {"name": "things", "schemaDef": columns})
    for name in SENT:
        for call in BY_COLUMN:
            with pytest.raises(StaleCatalog):
                await call(things, name)
    assert await made_anew.count() == 0


@EVERY_CALL
async def test_a_table_without_a_column_that_the_plan_names(
    things: Workbench, call: Callable[[Workbench], Awaitable[Any]]
) -> None:
    """The engine's own refusal, should it come before the check of the version."""
    await put(things)
    await call(things)
    rows = await rows_of(things.database, "SELECT count(*) FROM @things")
    await rows_of(things.database, 'ALTER TABLE @things DROP COLUMN "Text"')
    with pytest.raises(StaleCatalog):
        await call(with_version(things, things.version + 1))
    assert await rows_of(things.database, "SELECT count(*) FROM @things") == rows


UNIQUE = {
    **THINGS,
    "indexes": [{"name": "by_text", "isUnique": True, "columns": [{"name": "Text"}]}],
}


@pytest.mark.parametrize("rows", [1, 3])
async def test_an_outdated_plan_is_refused_as_such_although_its_rows_do_not_fit(
    database: WorkspaceDatabase, rows: int
) -> None:
    """What does not fit may fit the present definition."""
    things = await Workbench.with_table(database, UNIQUE)
    await things.insert({"Text": "taken"})
    await database.write(things.scripts.state.raise_version)
    with pytest.raises(StaleCatalog):
        await things.insert(*[{"Text": "taken"}] * rows)
    with pytest.raises(UniqueConflict):
        await (await renewed(things)).insert(*[{"Text": "taken"}] * rows)


@EVERY_CALL
@pytest.mark.parametrize("dropped_by", ["this process", "another process"])
async def test_a_workspace_that_was_dropped(
    store: Store,
    url: str,
    portal: BlockingPortal,
    call: Callable[[Workbench], Awaitable[Any]],
    dropped_by: str,
) -> None:
    workspace = new_workspace()
    things = await Workbench.with_table(await initialised(store, workspace), THINGS)
    await put(things)
    if dropped_by == "this process":
        await things.database.write(things.scripts.access.delete_all_apps)
        await store.drop_workspace(workspace)
    else:
        with portal.wrap_async_context_manager(opened(url)) as neighbour:
            theirs = portal.call(initialised, neighbour, workspace)
            portal.call(theirs.write, things.scripts.access.delete_all_apps)
            portal.call(neighbour.drop_workspace, workspace)
    with pytest.raises(StaleCatalog):
        await call(things)


async def test_a_workspace_is_dropped_with_all_that_is_in_it(store: Store, url: str) -> None:
    workspace = new_workspace()
    things = await Workbench.with_table(await initialised(store, workspace), THINGS)
    await put(things)
    await store.drop_workspace(workspace)
    await store.drop_workspace(workspace)
    async with opened(url) as other:
        database = await other.workspace(workspace)
        with pytest.raises(StaleCatalog):
            await things.at(database).count()
        await other.drop_workspace(workspace)
