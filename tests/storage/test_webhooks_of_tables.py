"""Webhooks of tables: what is written over HTTP arrives at a receiver as the history has it, on both
engines."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from installation import installed

from rowkeep.http.app import running
from rowkeep.model.ids import wall_clock
from rowkeep.services.webhooks.recorded_changes import RecordedChanges
from rowkeep.services.webhooks.task import WebhookTask
from support.receiver import Receiver, receiving

pytestmark = pytest.mark.anyio

WORKSPACE = "/api/v1/workspaces/used"
COLUMNS: list[dict[str, Any]] = [
    {"name": "Item", "type": "string"},
    {"name": "Secret", "type": "string", "isEncrypted": True},
]
STOCK: dict[str, Any] = {"name": "stock", "schemaDef": COLUMNS, "history": {"keepDays": 30}}


class Sending:
    """A workspace whose webhooks are sent to a receiver."""

    def __init__(self, client: httpx.AsyncClient, task: WebhookTask, receiver: Receiver) -> None:
        self._client = client
        self._task = task
        self.receiver = receiver

    async def call(self, method: str, path: str, body: object = None) -> httpx.Response:
        response = await self._client.request(method, WORKSPACE + path, json=body)
        assert response.is_success, response.text
        return response

    async def deliver(self) -> None:
        for _ in range(2):
            await self._task.run()
            await self._task.settle()

    async def insert(self, table: str, *items: str) -> None:
        await self.call("POST", f"/data/tables/{table}/bulk", {"data": [{"Item": each} for each in items]})

    @property
    def received(self) -> list[tuple[str, str]]:
        """The type and the item of each message."""
        messages = [each.message for each in self.receiver.requests]
        return [(each["type"], each["data"]["after"]["Item"]) for each in messages]


@asynccontextmanager
async def sending(url: str, directory: Path) -> AsyncIterator[Sending]:
    async with (
        installed(url, directory, webhook_allow_private=True) as store,
        running(store.settings, operator="tests") as app,
        receiving() as receiver,
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app),
            base_url="http://rowkeep",
            headers={"Authorization": f"Bearer {store.admin_token}"},
        ) as client,
    ):
        task = WebhookTask(store.catalog, store.settings, wall_clock, RecordedChanges())
        yield Sending(client, task, receiver)
        await task.stop()


async def test_written_rows_arrive_as_changes(new_store: Callable[[], str], tmp_path: Path) -> None:
    async with sending(new_store(), tmp_path) as used:
        call, deliver, receiver = used.call, used.deliver, used.receiver
        await call("POST", "/tables", STOCK)
        await call("POST", "/data/tables/stock", {"data": {"Item": "before"}})
        made = await call("POST", "/webhooks", {"url": receiver.url(), "tables": ["stock"]})
        rows = [{"Item": f"nut {at}", "Secret": "s"} for at in range(25)]
        await call("POST", "/data/tables/stock/bulk", {"data": rows})
        await deliver()
        chosen = {"query": {"expressions": [{"field": "Item", "operand": "=", "value": "nut 3"}]}}
        await call("PUT", "/data/tables/stock", chosen | {"data": {"Secret": "t"}})
        await call("POST", "/data/tables/stock/delete", chosen)
        await deliver()
        changes = (await call("GET", "/data/tables/stock/changes?limit=100", None)).json()["changes"]
        assert [each.message["data"] for each in receiver.requests] == changes[1:]
        assert receiver.requests[0].message["timestamp"] == changes[1]["on"]
        assert [each.message["type"] for each in receiver.requests[-2:]] == ["stock.update", "stock.delete"]
        assert receiver.requests[-2].message["data"]["after"] == {"Secret": "t"}
        log = (await call("GET", f"/webhooks/{made.json()['id']}/deliveries?state=delivered", None)).json()
        assert [each["id"] for each in log["deliveries"]] == [each.id for each in receiver.requests][::-1]
        # a webhook follows a renamed table, not a new one with the former name
        webhook, sent = f"/webhooks/{made.json()['id']}", len(receiver.requests)
        renamed = STOCK | {"name": "supplies"}
        await call("PUT", "/tables/supplies", renamed | {"renamedFrom": "stock"})
        await call("POST", "/tables", STOCK)
        for name in ("stock", "supplies"):
            await call("POST", f"/data/tables/{name}", {"data": {"Item": "bolt"}})
        await deliver()
        assert [each.message["type"] for each in receiver.requests[sent:]] == ["supplies.insert"]
        assert (await call("GET", webhook, None)).json()["tables"] == ["supplies"]
        # nor one that is created again after it was dropped
        await call("PATCH", webhook, {"tables": ["stock", "supplies"]})
        await call("DELETE", "/tables/stock", None)
        await call("POST", "/tables", STOCK)
        await call("POST", "/data/tables/stock", {"data": {"Item": "bolt"}})
        await deliver()
        assert len(receiver.requests) == sent + 1
        assert (await call("GET", webhook, None)).json()["tables"] == ["supplies"]
        # without a history there is nothing to deliver
        without = {key: value for key, value in renamed.items() if key != "history"}
        await call("PUT", "/tables/supplies?allowDataLoss=true", without)
        await deliver()
        found = (await call("GET", webhook, None)).json()
        assert "has no history" in found["pausedReason"]


async def test_a_renamed_table_keeps_its_webhook_and_a_new_one_gets_none(
    new_store: Callable[[], str], tmp_path: Path
) -> None:
    async with sending(new_store(), tmp_path) as used:
        call = used.call
        await call("POST", "/tables", STOCK)
        hook = (await call("POST", "/webhooks", {"url": used.receiver.url(), "tables": ["stock"]})).json()
        path = f"/webhooks/{hook['id']}"
        await used.insert("stock", "first", "second")
        # with changes that are not sent yet
        await call("PUT", "/tables/goods", STOCK | {"name": "goods", "renamedFrom": "stock"})
        await used.insert("goods", "third")
        await call("POST", "/tables", STOCK)
        await used.insert("stock", "of another table")
        await used.deliver()
        assert used.received == [("goods.insert", each) for each in ("first", "second", "third")]
        assert (await call("GET", path)).json()["tables"] == ["goods"]
        # a column is replaced by one of another type: its values are not those of the former one
        columns = [COLUMNS[0], {"name": "Secret", "type": "integer"}]
        await used.insert("goods", "fourth")
        await call("PUT", "/tables/goods?allowDataLoss=true", STOCK | {"name": "goods", "schemaDef": columns})
        await used.insert("goods", "fifth")
        await used.deliver()
        assert used.received[3:] == [("goods.insert", "fourth"), ("goods.insert", "fifth")]
        await used.insert("goods", "sixth")
        await call("DELETE", "/tables/goods")
        await call("POST", "/tables", STOCK | {"name": "goods"})
        await used.insert("goods", "of a new table")
        await used.deliver()
        found = (await call("GET", path)).json()
        assert (found["tables"], found["nPending"], found["pausedReason"]) == ([], 0, None)
        assert used.received[5:] == []
        # it can be used for the new one
        await call("PATCH", path, {"tables": ["goods"]})
        await used.insert("goods", "seventh")
        await used.deliver()
        assert used.received[5:] == [("goods.insert", "seventh")]
