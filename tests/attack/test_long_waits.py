"""What once held up all other requests for long: large rows and pages, and many queries at once."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from vitals import Vitals

from support.bot import Bot
from support.server import RowkeepServer
from support.workspace import Workspace, succeeded

MEGABYTE = 1024 * 1024
LONGEST_WAIT_SECONDS = 2.0
"""For /healthz, on a machine that runs other tests too."""

MAX_ROW_BYTES = 8 * MEGABYTE
LEAST_WRITTEN = 5
MAX_WAL_BYTES = 100 * MEGABYTE
"""A write-ahead log is emptied when no query needs it any more; beyond 64 MB it is also cut off."""

NOTES: dict[str, Any] = {
    "name": "notes",
    "schemaDef": [{"name": "Text", "type": "string"}, {"name": "Number", "type": "integer"}],
}
TABLE = "/api/public/tables/notes"
JSON = {"Content-Type": "application/json"}

Launch = Callable[..., RowkeepServer]
Watch = Callable[[RowkeepServer], Vitals]


def new_bot(server: RowkeepServer) -> Bot:
    workspace = Workspace(server, f"held_up_{uuid4().hex[:8]}")
    workspace.create_table(NOTES)
    return workspace.bot({"notes": "rwd"})


def refused(response: httpx.Response) -> tuple[str, str | None]:
    """Message and pointer of a refusal of what is too large."""
    body = response.json()
    assert (response.status_code, body["code"]) == (413, "body_too_large"), response.text[:500]
    error = body["errors"][0]
    return error["msg"], error.get("pointer")


def any_of(values: list[str]) -> dict[str, Any]:
    expressions = [{"field": "Text", "operand": "icontains", "value": value} for value in values]
    return {"expressions": expressions, "operator": "or"}


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_rows_that_are_too_large_to_decode_at_once(launch: Launch, watch: Watch) -> None:
    server = launch()
    bot = new_bot(server)
    text = "x" * (12 * MEGABYTE)
    escaped = b"\\n" * (6 * MEGABYTE)
    vitals = watch(server)
    for path, content, where in (
        (TABLE, json.dumps({"data": {"Text": text}}).encode(), "/data"),
        (TABLE, b'{"data":{"Text":"%b"}}' % escaped, "/data"),
        (TABLE, b'{"data":{"%b":1}}' % text.encode(), "/data"),
        (f"{TABLE}/bulk", json.dumps({"data": [{"Number": 1}, {"Text": text}]}).encode(), "/data/1"),
        (f"{TABLE}/bulk", json.dumps({"data": [{}] * 99_999 + [{"Text": text}]}).encode(), "/data/99999"),
        (f"{TABLE}/bulk", b'{ "data": [{"Text":"%b"}]%b}' % (escaped, b" " * 1000), "/data/0"),
        (f"{TABLE}/query", json.dumps({"query": any_of([text])}).encode(), None),
    ):
        message, pointer = refused(bot.request("POST", path, content=content, headers=JSON))
        assert pointer == where
        assert str(MAX_ROW_BYTES) in message
        assert "max_row_bytes" in message
    refused(bot.update("notes", {"all": True}, {"Text": text}))
    refused(bot.delete("notes", any_of([text])))
    vitals.end()
    assert vitals.failures == []
    assert vitals.slowest_health_seconds < LONGEST_WAIT_SECONDS
    assert bot.query("notes").json()["total"] == 0


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_the_largest_row_that_is_allowed(launch: Launch, watch: Watch) -> None:
    most = 3 * MEGABYTE
    server = launch(max_row_bytes=most)
    bot = new_bot(server)
    vitals = watch(server)
    text = "x" * (most - len(b'{"Text":""}'))
    rows = [{"Text": text}] * 5
    content = json.dumps({"data": rows}, separators=(",", ":")).encode()
    written = succeeded(bot.request("POST", f"{TABLE}/bulk", content=content, headers=JSON))
    assert [len(record["Text"]) for record in written["records"]] == [len(text)] * 5
    longer = content.replace(b'"}]}', b'x"}]}')
    assert refused(bot.request("POST", f"{TABLE}/bulk", content=longer, headers=JSON))[1] == "/data/4"
    page = succeeded(bot.query("notes"))
    assert ([record["Text"] for record in page["queryResult"]], page["total"]) == ([text] * 5, 5)
    vitals.end()
    assert vitals.slowest_health_seconds < LONGEST_WAIT_SECONDS


def test_large_pages_hold_up_nobody(launch: Launch, watch: Watch, scale: int) -> None:
    server = launch()
    bot = new_bot(server)
    for first in range(0, 100, 20):
        rows = [{"Text": "x" * 120_000, "Number": first + at} for at in range(20)]
        succeeded(bot.bulk("notes", rows, prefer="return=minimal"))
    vitals = watch(server)
    for _ in range(scale):
        page = succeeded(bot.query("notes", sys_limit=100))
        assert [record["Number"] for record in page["queryResult"]] == list(range(100))
        assert {len(record["Text"]) for record in page["queryResult"]} == {120_000}
        assert (page["total"], page["hasMore"]) == (100, False)
        few = succeeded(bot.query("notes", {"fields": ["Text"]}, sys_limit=50))
        again = succeeded(bot.query("notes", {"fields": ["Text"], "cursor": few["nextCursor"]}, sys_limit=50))
        assert [len(few["queryResult"]), len(again["queryResult"]), again["hasMore"]] == [50, 50, False]
    updated = succeeded(bot.update("notes", {"all": True}, {"Number": 7}))
    assert (updated["nModified"], len(updated["records"])) == (100, 100)
    vitals.end()
    assert vitals.failures == []
    assert vitals.slowest_health_seconds < LONGEST_WAIT_SECONDS


def test_many_queries_that_ignore_case(launch: Launch, watch: Watch, scale: int) -> None:
    """They take turns: each one is answered, and nobody waits for all of them."""
    server = launch()
    count = 6 if scale == 1 else 12
    bots = [new_bot(server) for _ in range(count)]
    for at, bot in enumerate(bots):
        rows = [{"Text": f"Straße {row} " * 40, "Number": row} for row in range(100 if scale == 1 else 200)]
        rows.append({"Text": "ÄÖÜ " * (5_000 if scale == 1 else 50_000) + f"Haus {at}", "Number": -1})
        succeeded(bot.bulk("notes", rows, prefer="return=minimal"))
    vitals = watch(server)
    with ThreadPoolExecutor(2 * count) as clients:
        for _ in range(scale):
            searched = [any_of([*map(str, range(1000, 1010)), f"hAUS {at}"]) for at in range(count)]
            found = clients.map(
                lambda bot, query: bot.query("notes", {"query": query}), bots * 2, searched * 2
            )
            answers = [response.json() for response in found]
            assert {answer.get("code") for answer in answers} <= {None, "busy", "query_timeout"}
            totals = [answer["total"] for answer in answers if "total" in answer]
            assert totals
            assert set(totals) == {1}
    vitals.end()
    assert vitals.failures == []
    assert vitals.slowest_health_seconds < LONGEST_WAIT_SECONDS


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_abandoned_queries_do_not_let_the_log_grow(launch: Launch, scale: int) -> None:
    """While a query runs, nothing of the write-ahead log can be used again."""
    server = launch(max_query_seconds=5)
    bot = new_bot(server)
    rows = [{"Text": f"{at} " + "Дом в лесу " * 80, "Number": 0} for at in range(2_000)]
    succeeded(bot.bulk("notes", rows, prefer="return=minimal"))
    slow = {"query": any_of([f"nothing {at}" for at in range(200)])}
    stop = threading.Event()

    def abandon() -> None:
        client = Bot(server.url, bot.client_id, bot.secret)
        impatient = httpx.Timeout(None, read=0.3)
        while not stop.is_set():
            with pytest.raises(httpx.ReadTimeout):
                client.request("POST", f"{TABLE}/query", json=slow, timeout=impatient)

    directory = Path(server.database_url.removeprefix("sqlite:///"))
    largest = 0
    with ThreadPoolExecutor(4) as clients:
        abandoned = [clients.submit(abandon) for _ in range(4)]
        ends = time.monotonic() + (1 if scale == 1 else min(2 * scale, 36))
        written = 0
        while time.monotonic() < ends or written <= LEAST_WRITTEN:
            succeeded(bot.insert("notes", {"Text": "y" * 100_000, "Number": 1}, prefer="return=minimal"))
            written += 1
            largest = max(largest, *(path.stat().st_size for path in directory.rglob("*.db-wal")))
        stop.set()
        for each in abandoned:
            each.result()
    assert 0 < largest < MAX_WAL_BYTES
    only_written = {"query": {"expressions": [{"field": "Number", "operand": "=", "value": 1}]}}
    assert succeeded(bot.query("notes", {**only_written, "fields": ["Number"]}))["total"] == written
