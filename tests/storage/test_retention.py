"""Retention: definitions that have one, and the deletion of old rows, on both engines."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from installation import Installation, installed

from rowkeep.errors.catalogue import Busy
from rowkeep.http.app import running
from rowkeep.services.retention import PERIOD_SECONDS, ROWS_AT_ONCE, RetentionTask

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
WORKSPACE = "/api/v1/workspaces/used"
LOGS = {
    "name": "logs",
    "schemaDef": [{"name": "Text", "type": "string"}, {"name": "Day", "type": "date"}],
    "retention": {"column": "Day", "days": 90},
}


class Api:
    """The application over an installation, called as an administrator."""

    def __init__(self, client: httpx.AsyncClient, store: Installation) -> None:
        self._client = client
        self.now = NOW
        self.catalog = store.catalog
        self.task = RetentionTask(store.catalog, store.settings, lambda: self.now)

    async def call(self, method: str, path: str, body: Any = None, status: int = 200) -> Any:
        response = await self._client.request(method, WORKSPACE + path, json=body)
        assert response.status_code in (status, 201), response.text
        return response.json()

    async def audited(self, action: str) -> Any:
        response = await self._client.get("/api/v1/audit", params={"action": action})
        return response.json()["entries"]

    async def texts(self, table: str = "logs") -> list[str]:
        found = await self.call("POST", f"/data/tables/{table}/query?sys_limit=1000", {})
        return [row["Text"] for row in found["queryResult"]]


@pytest.fixture
async def api(new_store: Callable[[], str], tmp_path: Path) -> AsyncIterator[Api]:
    async with installed(new_store(), tmp_path) as store, running(store.settings, operator="tests") as app:
        headers = {"Authorization": f"Bearer {store.admin_token}"}
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://rowkeep", headers=headers
        ) as client:
            yield Api(client, store)


def day(days: float) -> str:
    """So many days ago."""
    return (NOW - timedelta(days=days)).isoformat().replace("+00:00", "Z")


async def test_old_rows_are_deleted(api: Api) -> None:
    assert (await api.call("POST", "/tables", LOGS))["retention"] == LOGS["retention"]
    rows = [{"Text": "old", "Day": day(90.001)}] * (2 * ROWS_AT_ONCE + 1)
    rows += [{"Text": "new", "Day": day(89.9)}, {"Text": "none"}]
    await api.call("POST", "/data/tables/logs/bulk", {"data": rows})
    await api.task.run()
    assert sorted(await api.texts()) == ["new", "none"]
    # once in a period, by whichever process
    api.now += timedelta(seconds=PERIOD_SECONDS - 1)
    await api.call("PUT", "/tables/logs", LOGS | {"retention": {"column": "Day", "days": 1}})
    await api.task.run()
    assert sorted(await api.texts()) == ["new", "none"]
    api.now += timedelta(seconds=1)
    await api.task.run()
    assert await api.texts() == ["none"]


async def test_a_clock_that_was_wrong_for_a_moment(api: Api) -> None:
    """What it left must not keep all processes from their tasks until the time that it showed."""
    api.now += timedelta(days=365)
    await api.task.run()
    api.now = NOW
    await api.call("POST", "/tables", LOGS)
    await api.call("POST", "/data/tables/logs/bulk", {"data": [{"Text": "old", "Day": day(91)}]})
    await api.task.run()
    assert await api.texts() == []


async def test_what_was_deleted_before_the_database_had_no_time_is_recorded(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    await api.call("POST", "/tables", LOGS)
    rows = [{"Text": "old", "Day": day(91)}] * (ROWS_AT_ONCE + 2)
    await api.call("POST", "/data/tables/logs/bulk", {"data": rows})
    database = (await api.catalog.named("used")).database
    delete = database.delete
    answers = [delete]

    async def once(*given: Any) -> int:
        if not answers:
            raise Busy()
        return await answers.pop()(*given)

    monkeypatch.setattr(database, "delete", once)
    await api.task.run()
    assert await api.texts() == ["old"] * 2
    (entry,) = await api.audited("rows.expire")
    assert entry["details"] == {"deleted": ROWS_AT_ONCE}


async def test_rows_that_others_refer_to_stay(api: Api) -> None:
    index = {"indexes": [{"name": "by_text", "columns": [{"name": "Text"}], "isUnique": True}]}
    await api.call("POST", "/tables", LOGS | index)
    column = {"name": "Text", "type": "string", "reference": {"table": "logs", "column": "Text"}}
    await api.call("POST", "/tables", {"name": "uses", "schemaDef": [column]})
    rows = [{"Text": str(at), "Day": day(200 - at / 10)} for at in range(ROWS_AT_ONCE + 20)]
    await api.call("POST", "/data/tables/logs/bulk", {"data": rows})
    used = [0, 7, ROWS_AT_ONCE - 1, ROWS_AT_ONCE + 10]
    await api.call("POST", "/data/tables/uses/bulk", {"data": [{"Text": str(at)} for at in used]})
    await api.task.delete_old_rows()
    assert sorted(map(int, await api.texts())) == used
    await api.task.delete_old_rows()
    assert len(await api.texts()) == len(used)


async def test_a_system_column_and_a_renamed_column(api: Api) -> None:
    created = {"column": "Created_On", "days": 30}
    await api.call("POST", "/tables", LOGS | {"retention": created})
    await api.call("POST", "/data/tables/logs", {"data": {"Text": "a"}})
    await api.task.delete_old_rows()
    assert await api.texts() == ["a"]
    api.now = datetime.now(UTC) + timedelta(days=31)
    await api.task.delete_old_rows()
    assert await api.texts() == []
    # the column of the definition is found by its id
    await api.call("PUT", "/tables/logs", LOGS)
    renamed = [LOGS["schemaDef"][0], {"name": "At", "type": "date", "renamedFrom": "Day"}]  # type: ignore[index]
    changed = {**LOGS, "schemaDef": renamed, "retention": {"column": "At", "days": 90}}
    steps = await api.call("PUT", "/tables/logs?dryRun=true", changed)
    assert [step["step"] for step in steps["steps"]] == ["rename column Day to At"]
    without = {key: value for key, value in LOGS.items() if key != "retention"}
    steps = await api.call("PUT", "/tables/logs?dryRun=true", without)
    assert [step["step"] for step in steps["steps"]] == ["remove the retention"]
    assert "retention" not in await api.call("PUT", "/tables/logs", without)


REFUSED = (
    ("90 days", "/retention", 'got "90 days"'),
    ({"column": "Day"}, "/retention", 'keys "column"'),
    ({"column": "Day", "days": 1, "hours": 1}, "/retention", '"hours"'),
    ({"column": "Nowhere", "days": 1}, "/retention/column", '"Nowhere"'),
    ({"column": "Text", "days": 1}, "/retention/column", "of type string"),
    ({"column": "Day", "days": 0}, "/retention/days", "got 0"),
    ({"column": "Day", "days": True}, "/retention/days", "got true"),
    ({"column": "Day", "days": 1.5}, "/retention/days", "got 1.5"),
    ({"column": ["Day"], "days": 36501}, "/retention/column", "an array"),
)


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
async def test_definitions_that_are_refused(api: Api) -> None:
    for retention, where, part in REFUSED:
        refused = await api.call("POST", "/tables", LOGS | {"retention": retention}, 400)
        assert refused["code"] == "invalid_definition"
        assert refused["errors"][0]["pointer"] == where, refused
        assert part in refused["errors"][0]["msg"], refused
