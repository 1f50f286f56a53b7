"""Queries that take very long end with their client, and with the server."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from hostile import any_of, refused, slow_bot

from support import plain
from support.server import RowkeepServer
from support.workspace import succeeded

IN_PROGRESS = re.compile(r"^rowkeep_http_requests_in_progress (\d+)", re.MULTILINE)


def requests_in_progress(server: RowkeepServer) -> int:
    headers = {"Authorization": f"Bearer {server.admin_token}"}
    (found,) = IN_PROGRESS.findall(plain.get(server.url + "/metrics", headers=headers).text)
    return int(found)


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_queries_end_with_their_client_and_with_the_server(launch: Callable[..., RowkeepServer]) -> None:
    server = launch(
        max_query_seconds=120, sqlite_readers=1, postgres_workspace_connections=1, stop_grace_seconds=0.3
    )
    # longer than a server that stops waits for it, on any machine
    bot = slow_bot(server)
    endless = any_of("icontains", [f"nothing {at} {'x' * at}" for at in range(200)])
    query = {"query": endless}
    impatient = httpx.Timeout(None, read=0.3)
    for _ in range(2):
        with pytest.raises(httpx.ReadTimeout):
            bot.request("POST", "/api/public/tables/notes/query", json=query, timeout=impatient)
    # its turn is free again
    assert succeeded(bot.query("notes", {"query": any_of("contains", ["nowhere"])}))["total"] == 0
    with ThreadPoolExecutor(1) as client:
        until(lambda: requests_in_progress(server) == 1)  # the one that asks
        running = client.submit(bot.query, "notes", query)
        until(lambda: requests_in_progress(server) > 1)
        started = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - started < 20
        refused(running.result(), 503, "shutting_down")
