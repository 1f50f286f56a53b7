"""Data keys are replaced while definitions change, on both engines."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from installation import Installation, installed

from rowkeep.crypto.master_key import read_key_file
from rowkeep.errors.catalogue import Busy, NoSuchWorkspace, SetupError
from rowkeep.http.app import running
from rowkeep.model.ids import wall_clock
from rowkeep.model.management_requests import WorkspaceBody
from rowkeep.services import doctor
from rowkeep.services import key_rotation as rotations
from rowkeep.services.key_rotation import DataRotation, MasterRotation
from rowkeep.services.workspaces import Workspaces
from rowkeep.storage.scripts import key_rotation

pytestmark = pytest.mark.anyio

ROWS = [{"Code": f"code {number}", "Secret": f"secret {number}", "Plain": f"{number}"} for number in range(3)]

Call = Callable[..., Awaitable[httpx.Response]]


def definition(name: str, **more: Any) -> dict[str, Any]:
    code, secret = ({"name": each, "type": "string", "isEncrypted": True} for each in ("Code", "Secret"))
    by_code = {"name": "by_code", "isUnique": True, "columns": [{"name": "Code"}]}
    columns = [code, secret, {"name": "Plain", "type": "string"}]
    return {"name": name, "schemaDef": columns, "indexes": [by_code], "history": {"keepDays": 30}} | more


def changed(name: str) -> dict[str, Any] | None:
    """The definition that the table of this name gets while its cells are encrypted again."""
    wanted = definition(name)
    secret, plain = wanted["schemaDef"][1:]
    match name:
        case "dropped":
            wanted["schemaDef"].remove(secret)
        case "decrypted":
            secret["isEncrypted"] = False
        case "encrypted":
            plain["isEncrypted"] = True
        case "renamed":
            secret |= {"name": "Hidden", "renamedFrom": "Secret"}
        case "swapped":
            secret |= {"name": "Plain", "renamedFrom": "Secret"}
            plain |= {"name": "Secret", "renamedFrom": "Plain"}
        case "forgotten":
            del wanted["history"]
        case _:
            return None
    return wanted


def expected(name: str) -> list[dict[str, str]]:
    """Its rows afterwards."""
    names = {"renamed": {"Secret": "Hidden"}, "swapped": {"Secret": "Plain", "Plain": "Secret"}}.get(name, {})
    omitted = {"Secret"} if name == "dropped" else set()
    return [{names.get(each, each): row[each] for each in row if each not in omitted} for row in ROWS]


CHANGES = ["decrypted", "deleted", "dropped", "encrypted", "forgotten", "renamed", "swapped"]


@asynccontextmanager
async def calling(store: Installation) -> AsyncIterator[Call]:
    """Sends requests of an administrator to a workspace."""
    async with running(store.settings) as app:
        transport = httpx.ASGITransport(app=app)
        headers = {"Authorization": f"Bearer {store.admin_token}"}
        async with httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers) as client:

            async def call(
                method: str, path: str, body: object = None, workspace: str = "used", **parameters: str
            ) -> httpx.Response:
                url = f"/api/v1/workspaces/{workspace}{path}"
                response = await client.request(method, url, json=body, params=parameters)
                assert response.is_success, (path, response.text)
                return response

            yield call


async def change(call: Call, name: str) -> None:
    wanted = changed(name)
    if wanted is not None:
        await call("PUT", f"/tables/{name}", wanted, allowDataLoss="true")
    elif name == "deleted":
        await call("DELETE", f"/tables/{name}")


@pytest.fixture(scope="module")
async def store(
    new_store: Callable[[], str], tmp_path_factory: pytest.TempPathFactory, anyio_backend: object
) -> AsyncIterator[Installation]:
    async with installed(new_store(), tmp_path_factory.mktemp("keys")) as store:
        yield store


async def create(call: Call, *names: str) -> None:
    """Create these tables instead of those that were there, with rows that were changed once."""
    await call("PUT", "/schema", {"tables": []}, allowDataLoss="true")
    await call("PUT", "/schema", {"tables": [definition(name) for name in names]})
    operations: list[dict[str, Any]] = []
    for name in names:
        operations.append({"op": "bulk", "table": name, "data": [row | {"Plain": "x"} for row in ROWS]})
        for row in ROWS:
            by_code = {"expressions": [{"field": "Code", "operand": "=", "value": row["Code"]}]}
            data = {"Plain": row["Plain"]}
            operations.append({"op": "update", "table": name, "query": by_code, "data": data})
    await call("POST", "/data/batch", {"operations": operations})


async def test_definitions_change_while_a_data_key_is_replaced(
    store: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_rotation, "BATCH_ROWS", 2)
    async with calling(store) as call:
        await create(call, *CHANGES)
        opened = await store.catalog.named("used")
        before = opened.keys.newest
        waiting = set(CHANGES)
        async for progress in DataRotation(store.catalog, opened).run():
            if progress.what in waiting:
                waiting.remove(progress.what)
                await change(call, progress.what)
        assert not waiting
        await opened.load_keys()
        assert opened.keys.newest == before + 1
        assert not opened.keys.knows([before]), "the old key is deleted"
        for name in (each for each in CHANGES if each != "deleted"):
            rows = (await call("POST", f"/data/tables/{name}/query")).json()["queryResult"]
            wanted = expected(name)
            assert [{each: row[each] for each in wanted[0]} for row in rows] == wanted, name
            if name != "forgotten":
                found = (await call("GET", f"/data/tables/{name}/changes")).json()["changes"]
                assert [each["kind"] for each in found] == ["insert"] * 3 + ["update"] * 3, name


async def test_a_rotation_waits_for_rows_that_others_hold(
    store: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with calling(store) as call:
        await create(call, "held")
    opened = await store.catalog.named("used")
    before, write = opened.keys.newest, opened.database.write
    held = [False] * 2 + [True] * 2

    async def wait(script: Any) -> Any:
        held.append(held.pop(0))
        if held[-1]:
            raise Busy()
        return await write(script)

    monkeypatch.setattr(opened.database, "write", wait)
    monkeypatch.setattr(rotations, "ATTEMPTS", 2)
    with pytest.raises(Busy) as busy:
        _ = [each async for each in DataRotation(store.catalog, opened).run()]
    assert "Nothing was written" not in str(busy.value), "two steps are complete"
    assert "run the same command again" in str(busy.value)
    monkeypatch.setattr(rotations, "ATTEMPTS", 3)
    _ = [each async for each in DataRotation(store.catalog, opened).run()]
    await opened.load_keys()
    assert opened.keys.newest == before + 1
    assert not opened.keys.knows([before]), "the old key is deleted"


async def test_a_rotation_ends_when_a_later_one_has_begun(store: Installation) -> None:
    """Such as a command that was suspended meanwhile: the key of the later one must not be deleted."""
    async with calling(store) as call:
        await create(call, "same", "twin")
        opened = await store.catalog.named("used")
        before = opened.keys.newest
        suspended = DataRotation(store.catalog, opened).run()
        await anext(suspended)
        for later in (1, 2):
            async with store.opened_again() as other:
                # the first of them completes the suspended one
                found = await other.catalog.named("used")
                _ = [each async for each in DataRotation(other.catalog, found).run()]
                await opened.load_keys()
                assert opened.keys.newest == before + later
        with pytest.raises(SetupError, match="Another rotation of these data keys was begun later"):
            _ = [each async for each in suspended]
        await opened.load_keys()
        assert opened.keys.newest == before + 2
        for name in ("same", "twin"):
            rows = (await call("POST", f"/data/tables/{name}/query")).json()["queryResult"]
            assert [{each: row[each] for each in ROWS[0]} for row in rows] == ROWS


async def test_the_master_key_is_replaced_by_one_command_at_a_time(store: Installation) -> None:
    """A second one would write the key file without the key of the first."""
    first = MasterRotation(store.catalog, store.settings).run()
    await anext(first)
    keys = read_key_file(store.settings)
    assert len(keys) == 2
    second = MasterRotation(store.catalog, store.settings)
    with pytest.raises(SetupError, match="Another command is replacing the key"):
        second.prepare()
    with pytest.raises(SetupError, match="Another command is replacing the key"):
        await anext(second.run())
    _ = [each async for each in first]
    assert read_key_file(store.settings) == keys[1:]
    second.prepare()
    assert read_key_file(store.settings)[0] == keys[1]


async def test_a_workspace_is_deleted_while_its_data_key_is_replaced(store: Installation) -> None:
    workspaces = Workspaces(store.catalog, wall_clock)
    await workspaces.create(WorkspaceBody(name="brief"))
    async with calling(store) as call:
        await call("POST", "/tables", definition("same"), workspace="brief")
    opened = await store.catalog.named("brief")
    rotation = DataRotation(store.catalog, opened).run()
    await anext(rotation)
    await workspaces.delete("brief")
    with pytest.raises(NoSuchWorkspace):
        await anext(rotation)


async def test_a_table_that_changes_while_it_is_examined_is_not_damaged(store: Installation) -> None:
    async with calling(store) as call:
        await create(call, "swapped", "deleted")
        opened = await store.catalog.named("used")
        tables = await opened.database.read(lambda: opened.scripts.tables.page("", None))
        for table in tables:
            await change(call, table.name)
        for table in tables:
            assert [each async for each in doctor._sealed_cells("used", opened, table)] == []
