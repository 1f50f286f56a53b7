"""Requests that end with their client: those that only read, dry runs and undos, but no other change through
the management API."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, MutableMapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from installation import Installation, installed

from rowkeep.http.app import is_interruptible, running
from rowkeep.services.file_imports.files import _to_its_end
from rowkeep.sql.statements import Statement
from rowkeep.storage.contract import RowSteps
from rowkeep.storage.response_sizes import query_timeout
from rowkeep.storage.scripts.undo import UndoScript

pytestmark = pytest.mark.anyio

TABLE = {
    "name": "notes",
    "schemaDef": [{"name": "Text", "type": "string"}],
    "history": {"keepDays": 30},
}


class Client:
    """An administrator of the workspace ``used``, and the scope of the last request."""

    def __init__(self, app: Any, token: str) -> None:
        self._app = app
        self.scope: MutableMapping[str, Any] = {}
        transport = httpx.ASGITransport(app=self._serve)
        url = "http://test/api/v1/workspaces/used"
        headers = {"Authorization": f"Bearer {token}"}
        self.http = httpx.AsyncClient(transport=transport, base_url=url, headers=headers)

    async def _serve(self, scope: Any, receive: Any, send: Any) -> None:
        self.scope = scope | {"state": {}}
        await self._app(self.scope, receive, send)

    async def call(self, method: str, path: str, body: object = None, **parameters: str) -> httpx.Response:
        response = await self.http.request(method, path, json=body, params=parameters)
        assert response.is_success, response.text
        return response


@asynccontextmanager
async def administrator(store: Installation) -> AsyncIterator[Client]:
    async with running(store.settings) as app:
        client = Client(app, store.admin_token)
        async with client.http:
            await client.call("POST", "/tables", TABLE)
            await client.call("POST", "/data/tables/notes", {"data": {"Text": "kept"}})
            yield client


async def test_only_changes_are_completed_without_their_client(
    new_store: Callable[[], str], tmp_path: Path
) -> None:
    async with installed(new_store(), tmp_path) as store, administrator(store) as client:
        erased = {"column": "Text", "value": "gone"}
        for is_ended, method, path, body, parameters in (
            (True, "GET", "/tables", None, {"sizes": "true"}),
            (True, "PUT", "/tables/notes", TABLE, {"dryRun": "true"}),
            (False, "PUT", "/tables/notes", TABLE, {}),
            (True, "PUT", "/schema", {"tables": [TABLE]}, {"dryRun": "true"}),
            (True, "POST", "/tables/notes/history/erase", erased | {"dryRun": True}, {}),
            (True, "POST", "/undo", {"tables": ["notes"], "dryRun": True}, {}),
            (True, "POST", "/undo", {"tables": ["notes"]}, {}),
            (False, "DELETE", "/tables/notes", None, {}),
        ):
            await client.call(method, path, body, **parameters)
            assert is_interruptible(client.scope) is is_ended, (method, path, parameters)


async def test_an_undo_that_takes_too_long_says_what_to_do(
    new_store: Callable[[], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with installed(new_store(), tmp_path) as store, administrator(store) as client:

        def late(_: UndoScript) -> RowSteps[Any]:
            yield Statement("SELECT 1")
            raise query_timeout(30)

        monkeypatch.setattr(UndoScript, "steps", late)
        refused = await client.http.post("/undo", json={"tables": ["notes"]})
        assert (refused.status_code, refused.json()["code"]) == (503, "query_timeout")
        assert "undo fewer tables or a shorter time" in refused.json()["detail"]


@pytest.mark.parametrize("dry_run", [True, False])
async def test_an_undo_ends_with_its_client(
    new_store: Callable[[], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dry_run: bool
) -> None:
    async with installed(new_store(), tmp_path) as store, administrator(store) as client:
        loop, has_begun = asyncio.get_running_loop(), asyncio.Event()
        undo = UndoScript.steps

        def endless(script: UndoScript) -> RowSteps[Any]:
            yield from undo(script)
            loop.call_soon_threadsafe(has_begun.set)
            while True:
                yield Statement("SELECT 1")

        monkeypatch.setattr(UndoScript, "steps", endless)
        body = {"tables": ["notes"], "dryRun": dry_run}
        undoing = asyncio.ensure_future(client.call("POST", "/undo", body))
        await has_begun.wait()
        assert is_interruptible(client.scope)
        undoing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await undoing
        # the database is free, and nothing was undone
        await client.call("PUT", "/data/tables/notes", {"query": {"all": True}, "data": {"Text": "changed"}})
        found = await client.call("POST", "/data/tables/notes/query", {"fields": ["Text"]})
        assert found.json()["queryResult"] == [{"Text": "changed"}]
        ends: list[tuple[str, str]] = []
        while not ends:
            # it is stored a moment later
            entries = (await client.call("GET", "../../audit", action="rows.undo")).json()["entries"]
            ends = [(each["result"], each["cause"]) for each in entries]
            if dry_run:
                break
        assert ends == ([] if dry_run else [("started", "shutting_down")])


async def test_an_inspection_has_its_turn_until_its_end() -> None:
    """Its thread cannot be stopped."""
    begun, end = threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        end.wait()

    inspecting = asyncio.ensure_future(_to_its_end(work))
    await asyncio.to_thread(begun.wait)
    inspecting.cancel()
    await asyncio.wait({inspecting}, timeout=0.01)
    assert not inspecting.done()
    end.set()
    with pytest.raises(asyncio.CancelledError):
        await inspecting
