"""Histories over the whole application, on both engines: the operation of each way to write, and the deletion
of old records."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from installation import Installation, installed
from workbench import rows_of

from rowkeep.http.app import running
from rowkeep.model.ids import wall_clock
from rowkeep.services.history_tasks import HistoryTask, order_operations
from rowkeep.services.retention import RetentionTask
from rowkeep.storage.scripts.history import RecordsOf

pytestmark = pytest.mark.anyio

WORKSPACE = "/api/v1/workspaces/used"
LOGS: dict[str, Any] = {
    "name": "logs",
    "schemaDef": [{"name": "Text", "type": "string"}, {"name": "Number", "type": "integer"}],
    "indexes": [{"name": "by_text", "columns": [{"name": "Text"}], "isUnique": True}],
    "history": {"keepDays": 30},
}
EVERY = {"all": True}


class Api:
    """The application over an installation, called as an administrator."""

    def __init__(self, client: httpx.AsyncClient, store: Installation) -> None:
        self.client = client
        self.store = store

    async def call(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        sent: dict[str, Any] = {"content": body} if isinstance(body, bytes) else {"json": body}
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        response = await self.client.request(method, WORKSPACE + path, headers=names, **sent)
        assert response.is_success, response.text
        return response

    async def write(self, method: str, path: str, body: Any = None, **headers: str) -> str:
        """The id of the operation of a write."""
        return (await self.call(method, f"/data{path}", body, **headers)).headers["operation-id"]

    async def operations(self) -> list[tuple[str, int]]:
        """The operations in their order, with how many records each has."""
        opened = await self.store.catalog.named("used")
        await order_operations(self.store.catalog)
        await opened.database.write(opened.scripts.history.order_operations)
        records = f"@_rowkeep_history_{await self.table_id()}"
        rows = await rows_of(
            opened.database,
            f"SELECT o.id, count(*) FROM @_rowkeep_operations o JOIN {records} h "  # noqa: S608 - our own
            "ON h.op = o.op GROUP BY o.position, o.id ORDER BY o.position",
        )
        return [(row[0], row[1]) for row in rows]

    async def records(self) -> RecordsOf:
        opened = await self.store.catalog.named("used")
        script = partial(opened.scripts.history.records_of, await self.table_id())
        found = await opened.database.read(script)
        assert found is not None
        return found

    async def table_id(self) -> str:
        opened = await self.store.catalog.named("used")
        _, table = await opened.database.read(partial(opened.scripts.tables.find, "logs"))
        assert table is not None
        return table.id


@pytest.fixture
async def api(new_store: Callable[[], str], tmp_path: Path) -> AsyncIterator[Api]:
    async with installed(new_store(), tmp_path) as store, running(store.settings, operator="tests") as app:
        headers = {"Authorization": f"Bearer {store.admin_token}"}
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://rowkeep", headers=headers
        ) as client:
            api = Api(client, store)
            await api.call("POST", "/tables", LOGS)
            yield api


def query(text: str) -> dict[str, Any]:
    return {"query": {"expressions": [{"field": "Text", "operand": "=", "value": text}]}}


async def test_each_way_to_write_is_one_operation(api: Api) -> None:
    logs = "/tables/logs"
    upsert = {"onConflict": {"columns": ["Text"], "action": "update"}}
    lines = b'{"Text":"s1"}\n{"Text":"s2"}\n'
    ndjson = {"content_type": "application/x-ndjson"}
    bad = {"data": [{"Text": "p"}, {"Text": "p"}], "mode": "partial"}
    batch = [
        {"op": "insert", "table": "logs", "data": {"Text": "q"}},
        {"op": "update", "table": "logs", **query("q"), "data": {"Number": 1}},
        {"op": "delete", "table": "logs", **query("q")},
    ]
    writes: tuple[tuple[int, tuple[str, str, Any], dict[str, str]], ...] = (
        (1, ("POST", logs, {"data": {"Text": "a"}}), {}),
        (1, ("POST", logs, {"data": {"Text": "b"}}), {"idempotency_key": "one"}),
        (2, ("POST", f"{logs}/bulk", {"data": [{"Text": "c"}, {"Text": "d"}]}), {}),
        (1, ("POST", f"{logs}/bulk", bad), {}),
        (1, ("POST", logs, {"data": {"Text": "a", "Number": 1}, **upsert}), {}),
        (2, ("POST", f"{logs}/bulk", {"data": [{"Text": "a", "Number": 2}, {"Text": "e"}], **upsert}), {}),
        (2, ("POST", f"{logs}/bulk", lines), ndjson),
        (2, ("POST", f"{logs}/bulk?onConflict=Text&action=update", lines.replace(b"s2", b"t")), ndjson),
        (1, ("POST", f"{logs}/bulk?mode=partial", b'{"Text":"s1"}\n{"Text":"u"}'), ndjson),
        (3, ("POST", "/batch", {"operations": batch}), {}),
        (1, ("PUT", logs, {"data": {"Number": 5}, **query("a")}), {}),
        (1, ("PUT", logs, {"data": {"Number": 6}, **query("a")}), {"idempotency_key": "two"}),
        (1, ("DELETE", logs, query("a")), {}),
        (1, ("POST", f"{logs}/delete", query("b")), {"idempotency_key": "three"}),
    )  # fmt: skip
    done = [(await api.write(*sent, **headers), count) for count, sent, headers in writes]
    assert await api.operations() == done
    assert len({operation for operation, _ in done}) == len(done)
    # a request that is repeated has the operation of the first time
    _, sent, headers = writes[1]
    assert await api.write(*sent, **headers) == done[1][0]


async def test_old_records_are_deleted(api: Api) -> None:
    first = await api.write("POST", "/tables/logs/bulk", {"data": [{"Text": "a"}, {"Text": "b"}]})
    second = await api.write("PUT", "/tables/logs", {"data": {"Number": 5}, **query("a")})
    assert await api.operations() == [(first, 2), (second, 1)]
    now = wall_clock()
    early = HistoryTask(api.store.catalog, lambda: now + timedelta(days=29))
    await early.run()
    assert await api.operations() == [(first, 2), (second, 1)]
    late = HistoryTask(api.store.catalog, lambda: now + timedelta(days=31))
    await late.run()
    assert await api.operations() == []
    records = await api.records()
    assert records.since > now.isoformat()
    assert records.first_position == 2
    third = await api.write("PUT", "/tables/logs", {"data": {"Number": 6}, **query("a")})
    assert await api.operations() == [(third, 1)]


async def test_what_the_retention_deletes_is_recorded(api: Api) -> None:
    await api.write("POST", "/tables/logs", {"data": {"Text": "a"}})
    await api.call("PUT", "/tables/logs", LOGS | {"retention": {"column": "Created_On", "days": 1}})
    now = datetime.now(UTC) + timedelta(days=2)
    await RetentionTask(api.store.catalog, api.store.settings, lambda: now).delete_old_rows()
    assert [count for _, count in await api.operations()] == [1, 1]
    opened = await api.store.catalog.named("used")
    rows = await rows_of(opened.database, "SELECT writer FROM @_rowkeep_operations ORDER BY op DESC")
    assert rows[0][0] == ""


async def test_what_is_recorded_of_a_person_is_erased(api: Api) -> None:
    await api.write("POST", "/tables/logs/bulk", {"data": [{"Text": "jane"}, {"Text": "other"}]})
    await api.write("PUT", "/tables/logs", {"data": {"Number": 1}, **query("jane")})
    await api.write("PUT", "/tables/logs", {"data": {"Number": 2}, "query": EVERY})
    await api.write("DELETE", "/tables/logs", query("jane"))
    before = await api.operations()
    body = {"column": "text", "value": "jane"}
    for dry_run, count in ((True, 3), (False, 3), (False, 0)):
        sent = body | {"dryRun": dry_run}
        done = await api.call("POST", "/tables/logs/history/erase", sent)
        assert done.json() == {"nErased": count}
    assert await api.operations() == before
    opened = await api.store.catalog.named("used")
    cells = await rows_of(opened.database, f"SELECT c1 FROM @_rowkeep_history_{await api.table_id()}")  # noqa: S608
    assert [row[0] for row in cells if row[0] is not None] == ["other"]


async def test_definitions_that_are_refused(api: Api) -> None:
    for history, part in (
        ("30 days", 'got \\"30 days\\"'),
        ({"days": 3}, 'keys \\"days\\"'),
        ({"keepDays": 0}, "got 0"),
        ({"keepDays": True}, "got true"),
        ({"keepDays": 36501}, "1 to 36,500"),
    ):
        response = await api.client.post(f"{WORKSPACE}/tables", json=LOGS | {"name": "x", "history": history})
        assert response.status_code == 400
        assert part in response.text
    steps = await api.call("PUT", "/tables/logs?dryRun=true", LOGS | {"history": {"keepDays": 7}})
    assert [step["step"] for step in steps.json()["steps"]] == ["keep the records of changes for 7 days"]
    steps = await api.call("PUT", "/tables/logs?dryRun=true", {**LOGS, "history": None})
    assert steps.json()["steps"] == [
        {"step": "stop recording changes and delete the history", "rewritesTable": False, "losesData": True}
    ]
