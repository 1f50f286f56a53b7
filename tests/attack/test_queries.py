"""Hostile queries and writes of an app that has a grant: nobody else waits, and memory stays bounded."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import httpx
import pytest
from vitals import Vitals

from support.bot import Bot
from support.server import RowkeepServer
from support.workspace import Workspace, succeeded

MEGABYTE = 1024 * 1024
SLOWEST_HEALTH_SECONDS = 2

NOTES: dict[str, Any] = {
    "name": "notes",
    "schemaDef": [{"name": "Text", "type": "string"}, {"name": "Number", "type": "integer"}],
}

Watch = Callable[[RowkeepServer], Vitals]


@pytest.fixture(scope="module")
def usual(new_store: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[RowkeepServer]:
    """A server with the usual limits."""
    yield from serving(RowkeepServer(new_store(), tmp_path_factory.mktemp("usual")))


@pytest.fixture(scope="module")
def small(new_store: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[RowkeepServer]:
    """A server with small limits."""
    limits = {"max_query_seconds": 2, "busy_timeout_seconds": 2, "max_response_bytes": MEGABYTE}
    yield from serving(RowkeepServer(new_store(), tmp_path_factory.mktemp("small"), **limits))


def serving(server: RowkeepServer) -> Iterator[RowkeepServer]:
    server.start()
    yield server
    server.kill()


def new_bot(server: RowkeepServer, name: str | None = None) -> Bot:
    """An app that may do everything with the table ``notes`` of a new workspace."""
    workspace = Workspace(server, name or f"attacked_{uuid4().hex[:8]}")
    workspace.create_table(NOTES)
    return workspace.bot({"notes": "rwd"})


def any_of(operand: str, values: list[str]) -> dict[str, Any]:
    expressions = [{"field": "Text", "operand": operand, "value": value} for value in values]
    return {"expressions": expressions, "operator": "or"}


def refused(response: httpx.Response, status: int, code: str) -> str:
    """The detail of a refusal of this kind."""
    body = response.json()
    assert (response.status_code, body["code"]) == (status, code), response.text[:1000]
    return str(body["detail"])


# time

SLOW = any_of("icontains", [f"nothing {at}" for at in range(200)])
"""A filter that takes many seconds on the rows of ``slow_bot``."""


def slow_bot(server: RowkeepServer, name: str | None = None) -> Bot:
    bot = new_bot(server, name)
    rows = [{"Text": f"{at} " + "Дом в лесу " * 80, "Number": 0} for at in range(20_000)]
    assert bot.bulk("notes", rows, prefer="return=minimal").json() == {"nInserted": len(rows)}
    return bot


@pytest.mark.parametrize("text", ["Дом ", "plain ", "Straße "], ids=["non-ascii", "ascii", "special"])
def test_folding_long_texts_holds_up_nobody(
    usual: RowkeepServer, watch: Watch, scale: int, text: str
) -> None:
    bot = new_bot(usual)
    for _ in range(3):
        succeeded(
            bot.insert(
                "notes", {"Text": text * (4 * MEGABYTE // len(text.encode()))}, prefer="return=minimal"
            )
        )
    vitals = watch(usual)
    # PostgreSQL folds in its own processes, ten times as slowly: less to show, in more time
    patterns = 10 if usual.database_url.startswith("sqlite") else scale
    query = any_of("icontains", [f"nothing {at}" for at in range(patterns)])
    for _ in range(2 * scale):
        assert succeeded(bot.query("notes", {"query": query}))["total"] == 0
    vitals.end()
    assert vitals.failures == []
    assert vitals.slowest_health_seconds < SLOWEST_HEALTH_SECONDS


@pytest.mark.parametrize("operand", ["contains", "icontains"])
def test_looking_for_a_long_text_in_a_long_one(usual: RowkeepServer, watch: Watch, operand: str) -> None:
    """Comparing it at each place would take hours."""
    bot = new_bot(usual)
    succeeded(bot.insert("notes", {"Text": "a" * (2 * MEGABYTE)}, prefer="return=minimal"))
    vitals = watch(usual)
    needle = "a" * MEGABYTE
    assert (
        succeeded(bot.query("notes", {"query": any_of(operand, [needle + "b"]), "fields": ["_id"]}))["total"]
        == 0
    )
    assert (
        succeeded(bot.query("notes", {"query": any_of(operand, [needle]), "fields": ["_id"]}))["total"] == 1
    )
    vitals.end()
    assert vitals.failures == []
    assert vitals.slowest_health_seconds < SLOWEST_HEALTH_SECONDS


def test_what_takes_too_long_is_cancelled(small: RowkeepServer, watch: Watch) -> None:
    bot = slow_bot(small)
    vitals = watch(small)
    negated = {"expressions": [{"not": SLOW}]}
    for call in (
        lambda: bot.query("notes", {"query": SLOW}),
        lambda: bot.update("notes", negated, {"Number": 1}),
        lambda: bot.delete("notes", negated),
    ):
        started = time.monotonic()
        detail = refused(call(), 503, "query_timeout")
        assert "max_query_seconds" in detail
        assert "2 s" in detail
        assert time.monotonic() - started < 10
    vitals.end()
    assert vitals.slowest_health_seconds < SLOWEST_HEALTH_SECONDS
    unchanged = {"expressions": [{"field": "Number", "operand": "=", "value": 0}]}
    assert succeeded(bot.query("notes", {"query": unchanged}))["total"] == 20_000


def test_long_queries_of_some_workspaces_hold_up_no_others(
    small: RowkeepServer, watch: Watch, scale: int
) -> None:
    """Every call is answered in time, those of other workspaces and of administrators with success."""
    slow = [slow_bot(small, f"slow_{at}") for at in range(2)]
    other = new_bot(small, "other")
    vitals = watch(small)
    with ThreadPoolExecutor(24) as clients:
        begun = [clients.submit(bot.query, "notes", {"query": SLOW}) for bot in slow * 12 * scale]
        slowest = 0.0
        while not all(each.done() for each in begun):
            for call in (
                lambda: other.insert("notes", {"Number": 1}),
                lambda: other.query("notes"),
                lambda: small.admin().get("/workspaces/slow_0/tables/notes"),
            ):
                started = time.monotonic()
                succeeded(call())
                slowest = max(slowest, time.monotonic() - started)
        codes = {each.result().json()["code"] for each in begun}
    vitals.end()
    assert codes == {"query_timeout", "busy"}
    assert slowest < 5
    assert vitals.failures == []
    assert vitals.slowest_health_seconds < SLOWEST_HEALTH_SECONDS


def test_queries_end_with_their_client_and_with_the_server(launch: Callable[..., RowkeepServer]) -> None:
    server = launch(max_query_seconds=120, sqlite_readers=1, postgres_workspace_connections=1)
    bot = slow_bot(server)
    endless = any_of("icontains", [f"nothing {at} {'x' * at}" for at in range(200)])
    query = {"query": endless}
    impatient = httpx.Timeout(None, read=1)
    for _ in range(2):
        with pytest.raises(httpx.ReadTimeout):
            bot.request("POST", "/api/public/tables/notes/query", json=query, timeout=impatient)
    # its turn is free again
    assert succeeded(bot.query("notes", {"query": any_of("contains", ["nowhere"])}))["total"] == 0
    with ThreadPoolExecutor(1) as client:
        running = client.submit(bot.query, "notes", query)
        time.sleep(1)
        started = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - started < 20
        refused(running.result(), 503, "shutting_down")


# size


def pages(bot: Bot, path: str, body: dict[str, Any]) -> list[dict[str, Any]]:
    """All pages, by cursor where there are cursors, else by offset."""
    found = [succeeded(bot.request("POST", path, json=body))]
    offset = len(found[0]["queryResult"])
    while found[-1]["hasMore"]:
        cursor = found[-1].get("nextCursor")
        params = None if cursor else {"sys_offset": offset}
        sent = {**body, "cursor": cursor} if cursor else body
        found.append(succeeded(bot.request("POST", path, json=sent, params=params)))
        offset += len(found[-1]["queryResult"])
    return found


@pytest.mark.parametrize(("size", "full"), [(50_000, 20), (250_000, 4)])
def test_a_page_ends_where_it_is_full(small: RowkeepServer, size: int, full: int) -> None:
    """So many rows fit. On SQLite, the smaller ones are read on the event loop."""
    bot = new_bot(small)
    count = 2 * full + 2
    rows = [{"Text": "x" * size, "Number": at} for at in range(count)]
    succeeded(bot.bulk("notes", rows, prefer="return=minimal"))
    path = f"/api/public/tables/notes/query?sys_limit={count}"
    by_number = {"sort": [{"field": "Number", "order": "desc"}]}
    for body, numbers in (({}, list(range(count))), (by_number, list(reversed(range(count))))):
        found = pages(bot, path, body)
        assert [len(page["queryResult"]) for page in found] == [full, full, 2]
        assert [page["total"] for page in found] == [count] * 3
        assert [record["Number"] for page in found for record in page["queryResult"]] == numbers
    only = succeeded(bot.query("notes", {"fields": ["Number"]}, sys_limit=count))
    assert [len(only["queryResult"]), only["hasMore"]] == [count, False]


def test_a_page_of_a_view_ends_where_it_is_full(small: RowkeepServer) -> None:
    name = f"views_{uuid4().hex[:8]}"
    bot = new_bot(small, name)
    workspace = Workspace(small, name)
    for at in range(6):
        succeeded(
            bot.insert("notes", {"Text": str(at) * (400 * 1024), "Number": at}, prefer="return=minimal")
        )
    for name, columns in (("with_ids", ["notes.Text", "notes._id"]), ("without", ["notes.Text"])):
        view = {"name": name, "table": "notes", "columns": columns}
        succeeded(workspace.admin.post(f"{workspace.path}/views", json=view))
        grant = f"{workspace.path}/views/{name}/grants/{bot.client_id}"
        succeeded(workspace.admin.put(grant, json={"read": True, "write": False, "delete": False}))
        found = pages(bot, f"/api/public/views/{name}/query", {"sort": [{"field": "Text"}]})
        assert [len(page["queryResult"]) for page in found] == [2, 2, 2]
        assert [record["Text"][0] for page in found for record in page["queryResult"]] == list("012345")


def test_a_record_that_is_too_large(small: RowkeepServer) -> None:
    bot = new_bot(small)
    succeeded(bot.insert("notes", {"Number": 1}))
    succeeded(bot.insert("notes", {"Text": "x" * (2 * MEGABYTE), "Number": 2}, prefer="return=minimal"))
    first = succeeded(bot.query("notes"))
    assert [len(first["queryResult"]), first["hasMore"], first["total"]] == [1, True, 2]
    detail = refused(bot.query("notes", {"cursor": first["nextCursor"]}), 422, "response_too_large")
    assert "max_response_bytes" in detail
    assert '"fields"' in detail
    rest = succeeded(bot.query("notes", {"cursor": first["nextCursor"], "fields": ["Number"]}))
    assert rest["queryResult"] == [{"Number": 2}]


def test_an_update_of_large_records_answers_counts(small: RowkeepServer) -> None:
    bot = new_bot(small)
    for at in range(3):
        succeeded(bot.insert("notes", {"Text": "x" * (500 * 1024), "Number": at}, prefer="return=minimal"))
    one = {"expressions": [{"field": "Number", "operand": "=", "value": 1}]}
    updated = succeeded(bot.update("notes", one, {"Number": 1}))
    assert (updated["nModified"], len(updated["records"][0]["Text"])) == (1, 500 * 1024)
    assert succeeded(bot.update("notes", {"all": True}, {"Number": 5})) == {"nModified": 3}
    assert [
        record["Number"] for record in succeeded(bot.query("notes", {"fields": ["Number"]}))["queryResult"]
    ] == [5] * 3


def test_large_pages_take_bounded_memory(small: RowkeepServer, watch: Watch, scale: int) -> None:
    bot = new_bot(small)
    for _ in range(20):
        rows = [{"Text": "x" * 900_000}] * 5
        succeeded(bot.bulk("notes", rows, prefer="return=minimal"))
    vitals = watch(small)
    for _ in range(5 * scale):
        page = succeeded(bot.query("notes", sys_limit=100))
        assert [len(page["queryResult"]), page["hasMore"], page["total"]] == [1, True, 100]
    vitals.end()
    assert vitals.failures == []
    assert vitals.slowest_health_seconds < SLOWEST_HEALTH_SECONDS
    assert vitals.grown_megabytes < 50
