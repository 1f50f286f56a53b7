"""Writes are repeated after the server was killed: with an idempotency key, each is done once."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from ledger import LEDGER_TABLE

from support import batches as operations
from support.bot import Bot
from support.server import RowkeepServer
from support.workspace import Workspace, succeeded

TABLE = "/api/public/tables/ledger"
CLIENTS = 8
PATIENCE_SECONDS = 60
ANSWERS = 2 * CLIENTS
"""The server is killed after so many."""


@pytest.fixture
def server(new_store: Callable[[], str], tmp_path: Path) -> Iterator[RowkeepServer]:
    """A server on a store of its own, which a test may kill."""
    server = RowkeepServer(new_store(), tmp_path)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def bot(server: RowkeepServer) -> Bot:
    workspace = Workspace(server, "crash")
    workspace.create_table(LEDGER_TABLE)
    return workspace.bot({"ledger": "rwd"})


def row(batch: int, position: int = 0) -> dict[str, Any]:
    return {"Batch": batch, "Position": position, "Value": 1, "Note": "n"}


def connected(server: RowkeepServer, bot: Bot) -> Bot:
    return Bot(server.url, bot.client_id, bot.secret)


def batches(bot: Bot) -> list[int]:
    """The batch of every row."""
    found: list[int] = []
    cursor: dict[str, Any] = {}
    while True:
        page = succeeded(bot.query("ledger", {"fields": ["Batch"]} | cursor, sys_limit=1000))
        found += [each["Batch"] for each in page["queryResult"]]
        if not page["hasMore"]:
            return sorted(found)
        cursor = {"cursor": page["nextCursor"]}


@pytest.mark.parametrize("many", [False, True])
def test_the_server_is_killed_between_commit_and_response(
    server: RowkeepServer, bot: Bot, many: bool
) -> None:
    """A client that does not get the response sends the request again: the rows are there once."""
    path, data = (f"{TABLE}/bulk", [row(1, 0), row(1, 1)]) if many else (TABLE, row(1))
    body = json.dumps({"data": data}).encode()
    headers = {"auth": bot.token(), "Content-Type": "application/json", "Idempotency-Key": "first"}
    place = urlsplit(server.url)
    with socket.create_connection((place.hostname, place.port)) as connection:
        head = [f"POST {path} HTTP/1.1", f"Host: {place.netloc}", f"Content-Length: {len(body)}"]
        head += [f"{name}: {value}" for name, value in headers.items()]
        connection.sendall("\r\n".join(head).encode() + b"\r\n\r\n" + body)
        until = time.monotonic() + PATIENCE_SECONDS
        while not batches(bot):
            assert time.monotonic() < until
        # it is committed, and nobody has read the response
        server.kill()
    server.start()
    again = connected(server, bot).request("POST", path, content=body, headers=headers)
    answer = succeeded(again)
    assert again.headers["Idempotency-Replayed"] == "true"
    records = answer["records"] if many else [answer]
    assert [record["Batch"] for record in records] == [1] * len(records)
    assert batches(connected(server, bot)) == [1] * (2 if many else 1)


PARTIAL_ROWS = 100


def partial_bulk(batch: int) -> dict[str, Any]:
    """A bulk of which one row in ten is bad."""
    rows = [row(batch, at) for at in range(PARTIAL_ROWS)]
    return {
        "mode": "partial",
        "data": [each | {"Value": "x"} if at % 10 == 0 else each for at, each in enumerate(rows)],
    }


class Client(threading.Thread):
    """Inserts one row after the other, or one partial bulk, each under a key, until its connection breaks."""

    def __init__(self, bot: Bot, first: int, is_partial: bool) -> None:
        super().__init__()
        self.bot = bot
        self.is_partial = is_partial
        self.sent = first
        self.answers: dict[int, Any] = {}

    def run(self) -> None:
        try:
            while True:
                self.sent += 1
                self.send(self.bot)
        except httpx.TransportError:
            return

    def send(self, bot: Bot) -> httpx.Response:
        headers = {"Idempotency-Key": f"key {self.sent}"}
        body = partial_bulk(self.sent) if self.is_partial else {"data": row(self.sent)}
        response = bot.request("POST", TABLE, json=body, headers=headers)
        assert response.status_code == (207 if self.is_partial else 200), response.text
        self.answers[self.sent] = response.json()
        return response


def wait_for_answers(clients: Sequence[Client]) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while sum(len(client.answers) for client in clients) < ANSWERS:
        assert time.monotonic() < until
        time.sleep(0.005)


@pytest.mark.parametrize(("is_partial", "rows"), [(False, 1), (True, PARTIAL_ROWS * 9 // 10)])
def test_each_repeated_insert_is_there_once(
    server: RowkeepServer, bot: Bot, request: Any, is_partial: bool, rows: int
) -> None:
    expected: list[int] = []
    for turn in range(int(request.config.getoption("--crash-rounds"))):
        firsts = [(turn * CLIENTS + at) * 1_000_000 for at in range(CLIENTS)]
        clients = [Client(connected(server, bot), first, is_partial) for first in firsts]
        for client in clients:
            client.start()
        wait_for_answers(clients)
        server.kill()
        for client in clients:
            client.join()
        server.start()
        fresh = connected(server, bot)
        for client in clients:
            client.send(fresh)
            before = client.answers[client.sent]
            client.send(fresh)
            assert client.answers[client.sent] == before
            expected += [batch for batch in client.answers for _ in range(rows)]
    assert batches(connected(server, bot)) == sorted(expected)


class BatchClient(Client):
    """The same with a batch of several operations for each number."""

    def send(self, bot: Bot) -> httpx.Response:
        number = self.sent
        response = operations.run(
            bot,
            operations.insert("ledger", row(number)),
            operations.bulk("ledger", row(number, 1), row(number, 2)),
            operations.update(
                "ledger",
                {"expressions": [{"field": "_id", "operand": "=", "value": operations.ref("/0/_id")}]},
                {"Value": 2},
                minAffected=1,
            ),
            headers={"Idempotency-Key": f"key {number}"},
        )
        self.answers[number] = succeeded(response)["results"][0]["_id"]
        return response


def test_a_killed_batch_is_there_as_a_whole_or_not_at_all(server: RowkeepServer, bot: Bot) -> None:
    clients = [BatchClient(connected(server, bot), at * 1_000_000, is_partial=False) for at in range(CLIENTS)]
    for client in clients:
        client.start()
    wait_for_answers(clients)
    server.kill()
    for client in clients:
        client.join()
    server.start()
    fresh = connected(server, bot)
    found = batches(fresh)
    assert all(found.count(number) == 3 for number in set(found))
    assert {number for client in clients for number in client.answers} <= set(found)
    expected: list[int] = []
    for client in clients:
        client.send(fresh)
        expected += list(client.answers) * 3
    assert batches(fresh) == sorted(expected)
    changed = {"expressions": [{"field": "Value", "operand": "=", "value": 2}]}
    assert succeeded(fresh.query("ledger", {"query": changed}))["total"] == len(expected) // 3
