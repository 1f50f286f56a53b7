"""Quotas: the rows of a table and the bytes of a workspace (contract, section 10)."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import httpx
import pytest
from answers import good, problem

from support.bot import Bot
from support.server import RowkeepServer
from support.workspace import PEOPLE, Workspace

ROWS = 5
BYTES = 4_000_000
KEYED = {
    "name": "people",
    "schemaDef": PEOPLE["schemaDef"],
    "indexes": [{"name": "key", "isUnique": True, "columns": [{"name": "Number"}]}],
}
BY_NUMBER = {"columns": ["Number"], "action": "update"}


@pytest.fixture(scope="module")
def small(new_store: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[RowkeepServer]:
    """A server with quotas, and several workers."""
    directory = tmp_path_factory.mktemp("quotas")
    quotas = {"max_rows_per_table": ROWS, "max_workspace_bytes": BYTES}
    server = RowkeepServer(new_store(), directory, workers=2, **quotas)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def bot(small: RowkeepServer) -> Iterator[Bot]:
    """An app with a table whose rows have a unique number."""
    workspace = Workspace(small, f"quota_{uuid4().hex[:8]}")
    workspace.create_table(KEYED)
    yield workspace.bot({"people": "rwd"})
    workspace.delete()


def rows(*numbers: int) -> list[dict[str, Any]]:
    return [{"Number": number} for number in numbers]


def refused(response: httpx.Response, quota: str = "max_rows_per_table", limit: int = ROWS) -> dict[str, Any]:
    found = problem(response, 409, "quota_exceeded")
    error = found["errors"][0]
    assert (error["quota"], error["limit"]) == (quota, limit)
    assert quota in error["msg"]
    assert str(limit) in error["msg"]
    return found


def total(bot: Bot) -> int:
    return good(bot.query("people"))["total"]


def post(bot: Bot, body: dict[str, Any], path: str = "tables/people/bulk", **headers: str) -> httpx.Response:
    return bot.request("POST", f"/api/public/{path}", json=body, headers=headers)


def test_every_way_to_insert(bot: Bot) -> None:
    refused(bot.bulk("people", rows(*range(ROWS + 1))))
    assert total(bot) == 0
    good(bot.bulk("people", rows(1, 2, 3, 4)))
    good(bot.insert("people", {"Number": 5}, headers={"Idempotency-Key": "k"}))
    refused(bot.insert("people", {"Number": 6}))
    refused(bot.insert("people", {"Number": 6}, headers={"Idempotency-Key": "other"}))
    good(bot.insert("people", {"Number": 5}, headers={"Idempotency-Key": "k"}))
    refused(post(bot, {"data": rows(6), "mode": "partial"}))
    refused(post(bot, {"data": rows(6), "dryRun": True}))
    # an upsert that only updates needs no room
    changed = [{"Number": 1, "Gender": "f"}, {"Number": 2, "Gender": "m"}]
    good(post(bot, {"data": changed, "onConflict": BY_NUMBER}))
    refused(post(bot, {"data": [*changed, {"Number": 6}], "onConflict": BY_NUMBER}))
    refused(post(bot, {"data": rows(6), "onConflict": BY_NUMBER, "mode": "partial"}))
    # what is violated otherwise is still named
    problem(bot.insert("people", {"Number": 1}), 409, "unique_violation")
    assert total(bot) == ROWS
    assert good(bot.query("people", {"query": {"expressions": [{"field": "Gender", "operand": "is null"}]}}))[
        "total"
    ] == (ROWS - 2)


def test_batches_count_what_they_delete(bot: Bot) -> None:
    good(bot.bulk("people", rows(1, 2, 3, 4, 5)))

    def batch(*operations: dict[str, Any]) -> httpx.Response:
        return post(bot, {"operations": list(operations)}, "batch")

    def insert(number: int) -> dict[str, Any]:
        return {"op": "insert", "table": "people", "data": {"Number": number}}

    one = {"query": {"expressions": [{"field": "Number", "operand": "=", "value": 1}]}}
    delete = {"op": "delete", "table": "people", **one}
    found = refused(batch(insert(6), delete))
    assert found["errors"][0]["pointer"] == "/operations/0"
    good(batch(delete, insert(6)))
    assert refused(batch(delete, insert(7)))["errors"][0]["pointer"] == "/operations/1"
    assert total(bot) == ROWS
    good(bot.delete("people", {"all": True}))
    good(bot.insert("people", {"Number": 1}))


def test_workers_together_do_not_exceed_it(bot: Bot) -> None:
    def insert(number: int) -> int:
        own = Bot(bot.server_url, bot.client_id, bot.secret)
        with own.client:
            return own.insert("people", {"Number": number}).status_code

    with ThreadPoolExecutor(8) as pool:
        assert Counter(pool.map(insert, range(20))) == {200: ROWS, 409: 15}
    assert total(bot) == ROWS


def test_bytes_of_a_workspace(bot: Bot) -> None:
    text = secrets.token_hex(1_500_000)
    good(bot.insert("people", {"Number": 1, "Gender": text}))
    while bot.update("people", {"all": True}, {"Gender": text, "Last_Name": text}).status_code == 200:
        # the size is measured before a write, and not before each if that takes long
        text = text[::-1]
    quota = ("max_workspace_bytes", BYTES)
    refused(bot.insert("people", {"Number": 3}), *quota)
    refused(bot.update("people", {"all": True}, {"First_Name": "a"}), *quota)
    refused(post(bot, {"data": rows(3), "mode": "partial"}), *quota)
    operations = [
        {"op": "query", "table": "people"},
        {"op": "insert", "table": "people", "data": {"Number": 3}},
    ]
    found = refused(post(bot, {"operations": operations}, "batch"), *quota)
    assert found["errors"][0]["pointer"] == "/operations/1"
    # under a key, what a batch reads would be stored
    good(post(bot, {"operations": operations[:1]}, "batch"))
    refused(post(bot, {"operations": operations[:1]}, "batch", **{"idempotency-key": "read"}), *quota)
    good(bot.delete("people", {"all": True}))


def test_an_undo_needs_room_for_the_rows_that_it_restores(small: RowkeepServer) -> None:
    workspace = Workspace(small, f"quota_{uuid4().hex[:8]}")
    workspace.create_table(KEYED | {"history": {"keepDays": 1}})
    bot = workspace.bot({"people": "rwd"})
    good(bot.bulk("people", rows(1, 2, 3, 4)))
    deleted = bot.delete("people", {"all": True}).headers["Operation-Id"]
    inserted = bot.bulk("people", rows(5, 6)).headers["Operation-Id"]
    refused(post(bot, {"operation": deleted}, "undo"))
    assert total(bot) == 2
    assert good(post(bot, {"operation": inserted}, "undo"))["nRemoved"] == 2
    assert good(post(bot, {"operation": deleted}, "undo"))["nRestored"] == 4
    good(bot.insert("people", {"Number": 7}))
    refused(bot.insert("people", {"Number": 8}))
    workspace.delete()
