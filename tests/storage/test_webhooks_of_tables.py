"""Webhooks of tables: what is written over HTTP arrives at a receiver as the history has it, on both
engines."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from installation import installed

from rowkeep.http.app import running
from rowkeep.model.ids import wall_clock
from rowkeep.services.webhooks.recorded_changes import RecordedChanges
from rowkeep.services.webhooks.task import WebhookTask
from support.receiver import receiving

pytestmark = pytest.mark.anyio

WORKSPACE = "/api/v1/workspaces/used"
COLUMNS = [{"name": "Item", "type": "string"}, {"name": "Secret", "type": "string", "isEncrypted": True}]
STOCK = {"name": "stock", "schemaDef": COLUMNS, "history": {"keepDays": 30}}


async def test_written_rows_arrive_as_changes(new_store: Callable[[], str], tmp_path: Path) -> None:
    async with (
        installed(new_store(), tmp_path, webhook_allow_private=True) as store,
        running(store.settings, operator="tests") as app,
        receiving() as receiver,
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app),
            base_url="http://rowkeep",
            headers={"Authorization": f"Bearer {store.admin_token}"},
        ) as client,
    ):

        async def call(method: str, path: str, body: object) -> httpx.Response:
            response = await client.request(method, WORKSPACE + path, json=body)
            assert response.is_success, response.text
            return response

        task = WebhookTask(store.catalog, store.settings, wall_clock, RecordedChanges())

        async def deliver() -> None:
            for _ in range(2):
                await task.run()
                await task.settle()

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
        await task.stop()
