"""Readers that wait for changes, in one process: when they end, and what slow ones cost others."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import httpx
import pytest
from installation import installed

from rowkeep.client.local_transport import LocalTransport
from rowkeep.http.app import running
from rowkeep.model.access import Algorithm
from rowkeep.services import changes
from rowkeep.services.change_hub import ChangeHub
from rowkeep.services.tokens import sign_token
from rowkeep.settings import Settings

pytestmark = pytest.mark.anyio

WORKSPACE = "/api/v1/workspaces/used"
CHANGES = "/api/public/tables/stock/changes"
NUMBERS = count(1)
EVENTS = {"Accept": "text/event-stream"}
STOCK = {
    "name": "stock",
    "history": {"keepDays": 30},
    "schemaDef": [{"name": "Text", "type": "string"}, {"name": "Number", "type": "integer"}],
}


class Api:
    """The application over an installation, with a clock that a test can change."""

    client: httpx.AsyncClient

    def __init__(self, settings: Settings, admin_token: str) -> None:
        self.hub = ChangeHub(settings)
        self.late = timedelta()
        self._admin = {"Authorization": f"Bearer {admin_token}"}
        self.app: dict[str, Any] = {}

    def clock(self) -> datetime:
        return datetime.now(UTC) + self.late

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        response = await self.client.request(method, WORKSPACE + path, json=body, headers=self._admin)
        assert response.is_success, response.text
        return response.json() if response.content else None

    async def prepare(self, **of_app: Any) -> None:
        await self.call("POST", "/tables", STOCK)
        self.app = await self.call("POST", "/apps", {"name": f"reader {next(NUMBERS)}"} | of_app)
        rights = {"read": True, "write": True, "delete": True}
        await self.call("PUT", f"/tables/stock/grants/{self.app['clientId']}", rights)

    def token(self, **claims: Any) -> dict[str, str]:
        signed = sign_token(self.app["clientId"], self.app["clientSecret"], Algorithm.HS256, **claims)
        return {"auth": signed}

    async def insert(self, *rows: dict[str, Any]) -> None:
        await self.call("POST", "/data/tables/stock/bulk", {"data": rows})


@pytest.fixture(scope="module")
async def running_api(
    new_store: Callable[[], str], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Api]:
    async with installed(new_store(), tmp_path_factory.mktemp("waiting")) as store:
        made = Api(store.settings, store.admin_token)
        async with running(store.settings, made.clock, operator="tests", hub=made.hub) as app:
            transport = LocalTransport(app)
            async with httpx.AsyncClient(
                transport=transport, base_url="http://rowkeep", timeout=600
            ) as client:
                made.client = client
                yield made


@pytest.fixture
async def api(running_api: Api) -> AsyncIterator[Api]:
    """An app that may do everything in an empty table whose changes are recorded."""
    await running_api.prepare()
    yield running_api
    running_api.late = timedelta()
    running_api.hub.is_stopping = False
    await running_api.call("DELETE", "/tables/stock")


async def test_a_stream_ends_when_its_token_has_expired(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "KEEP_ALIVE_SECONDS", 0.02)
    headers = EVENTS | api.token(exp=int(api.clock().timestamp()) + 60)
    async with api.client.stream("GET", CHANGES, headers=headers) as response:
        parts = response.aiter_bytes()
        assert (await anext(parts)).startswith(b"id: ")
        assert await anext(parts) == b": keep-alive\n\n"
        api.late = timedelta(hours=1)
        rest = b"".join([part async for part in parts])
    assert rest.rpartition(b": keep-alive\n\n")[2].startswith(b"event: end\ndata: {")
    assert b'"code":"unauthenticated"' in rest


async def test_a_token_for_one_request_is_enough_for_a_stream(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "KEEP_ALIVE_SECONDS", 0.02)
    await api.call("PATCH", f"/apps/{api.app['clientId']}", {"requireJti": True})
    token = api.token(exp=int(api.clock().timestamp()) + 60, jti="once")
    async with api.client.stream("GET", CHANGES, headers=EVENTS | token) as response:
        assert response.status_code == 200
        parts = response.aiter_bytes()
        await anext(parts)
        assert await anext(parts) == b": keep-alive\n\n"
        await api.insert({"Number": 1})
        part = b": keep-alive\n\n"
        while part == b": keep-alive\n\n":
            part = await anext(parts)
        assert b'"Number":1' in part
    assert (await api.client.get(CHANGES, headers=token)).status_code == 401


async def test_the_stop_of_the_server_ends_all_that_waits(api: Api) -> None:
    first = (await api.client.get(CHANGES, headers=api.token())).json()["nextCursor"]
    waiting = asyncio.ensure_future(
        api.client.get(CHANGES, params={"wait": 60, "after": first}, headers=api.token())
    )
    async with api.client.stream("GET", CHANGES, headers=EVENTS | api.token()) as response:
        parts = response.aiter_bytes()
        await anext(parts)
        api.hub.stop()
        # it ends, and completely: else the client would raise
        assert [part async for part in parts if part != b": keep-alive\n\n"] == []
    answer = await waiting
    assert (answer.status_code, answer.json()["changes"]) == (200, [])
    refused = await api.client.get(CHANGES, headers=EVENTS | api.token())
    assert (refused.status_code, refused.json()["code"]) == (503, "shutting_down")


async def test_a_reader_that_does_not_read_holds_up_nobody(api: Api) -> None:
    async with api.client.stream("GET", CHANGES, headers=EVENTS | api.token()) as response:
        parts = response.aiter_bytes()
        await anext(parts)
        for start in range(0, 1000, 250):
            await api.insert(*({"Number": at, "Text": "x" * 2000} for at in range(start, start + 250)))
        seen: list[int] = []
        while len(seen) < 1000:
            lines = [line for line in (await anext(parts)).splitlines() if line.startswith(b"data: ")]
            seen += [json.loads(line[6:])["after"]["Number"] for line in lines]
    assert seen == list(range(1000))


async def test_many_readers_are_woken_by_one_write(api: Api) -> None:
    first = (await api.client.get(CHANGES, headers=api.token())).json()["nextCursor"]
    given = {"wait": 60, "after": first}
    waiting = [
        asyncio.ensure_future(api.client.get(CHANGES, params=given, headers=api.token())) for _ in range(50)
    ]
    await api.insert({"Number": 7})
    answers = {(each.status_code, each.content) for each in await asyncio.gather(*waiting)}
    assert len(answers) == 1
    status, content = answers.pop()
    assert (status, json.loads(content)["changes"][0]["after"]["Number"]) == (200, 7)
