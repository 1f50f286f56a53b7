"""Many clients send one request under one idempotency key, to one process and to two: it is done once."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from crowd import CLIENTS

from support.bot import Bot
from support.server import RowkeepServer
from support.workspace import PEOPLE, Workspace, succeeded

TABLE = "/api/public/tables/people"
ROUNDS = 2

WRITES: dict[str, tuple[str, str, Any, int]] = {
    "insert": ("POST", TABLE, {"data": {"Number": 1}}, 1),
    "bulk": ("POST", f"{TABLE}/bulk", {"data": [{"Number": 1}, {"Number": 1}]}, 2),
    "update": ("PUT", TABLE, {"query": {"all": True}, "data": {"Number": 1}}, 0),
    "delete": ("DELETE", TABLE, {"query": {"all": True}}, -1),
}
"""Method, path, body, and how many rows each adds."""


@pytest.mark.parametrize("write", WRITES)
def test_the_same_request_at_once_is_done_once(
    workspace: Workspace, servers: Sequence[RowkeepServer], write: str
) -> None:
    workspace.create_table(PEOPLE)
    app = workspace.bot({"people": "rwd"})
    bots = [Bot(server.url, app.client_id, app.secret) for server in servers]
    method, path, body, added = WRITES[write]
    expected = 0
    for turn in range(ROUNDS):
        succeeded(app.insert("people", {"Number": 7}))
        expected = 0 if added < 0 else expected + 1 + added
        headers = {"Idempotency-Key": f"turn {turn}"}
        with ThreadPoolExecutor(CLIENTS) as pool:
            sent = [
                pool.submit(bots[at % len(bots)].request, method, path, json=body, headers=headers)
                for at in range(CLIENTS)
            ]
            responses = [each.result() for each in sent]
        assert {each.status_code for each in responses} == {200}, responses[0].text
        assert len({each.content for each in responses}) == 1
        assert sum("Idempotency-Replayed" not in each.headers for each in responses) == 1
        assert succeeded(app.query("people"))["total"] == expected
