"""The changes of a table: pages, waiting, the history of one row, and server-sent events."""

from __future__ import annotations

import json
from collections.abc import Iterator
from threading import Thread
from typing import Any

import pytest
from answers import problem

from support.bot import Bot
from support.workspace import Workspace

RECORDED: dict[str, Any] = {
    "name": "stock",
    "history": {"keepDays": 30},
    "schemaDef": [
        {"name": "Item", "type": "string"},
        {"name": "Amount", "type": "integer"},
        {"name": "Secret", "type": "string", "isEncrypted": True},
        {"name": "Facts", "type": "json"},
        {"name": "Open", "type": "boolean"},
        {"name": "Price", "type": "decimal"},
        {"name": "Due", "type": "date"},
    ],
}
CHANGES = "/api/public/tables/stock/changes"
ALL = {"all": True}


@pytest.fixture
def stock(shared: Workspace) -> Iterator[Bot]:
    """An app that may do everything in an empty table whose changes are recorded."""
    shared.create_table(RECORDED)
    yield shared.bot({"stock": "rwd"})
    shared.admin.delete(f"{shared.path}/tables/stock")


def is_item(name: str) -> dict[str, Any]:
    return {"expressions": [{"field": "Item", "operand": "=", "value": name}]}


def page(bot: Bot, path: str = CHANGES, **parameters: Any) -> dict[str, Any]:
    response = bot.request("GET", path, params=parameters)
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


def events(lines: Iterator[str]) -> Iterator[dict[str, str]]:
    """The events of a stream, each by its fields; comments under an empty name."""
    event: dict[str, str] = {}
    for line in lines:
        if line:
            name, _, value = line.partition(":")
            event[name] = f"{event[name]}\n{value[1:]}" if name in event else value[1:]
        elif event:
            yield event
            event = {}


def test_each_kind_of_change_has_the_row_before_and_after_it(stock: Bot) -> None:
    inserted = stock.insert(
        "stock",
        {"Item": "nut", "Amount": 3, "Secret": "x", "Facts": {"a": [1]}, "Open": True, "Price": "1.50",
         "Due": "2026-01-02"},
    )  # fmt: skip
    row = inserted.json()
    updated = stock.update("stock", is_item("nut"), {"Amount": 4, "Secret": "y", "Open": True})
    deleted = stock.delete("stock", ALL)

    found = page(stock)

    insert, update, delete = found["changes"]
    own = {name: row[name] for name in (each["name"] for each in RECORDED["schemaDef"])}
    assert insert["before"] is None
    assert insert["after"] == own
    assert update["before"] == {"Amount": 3, "Secret": "x"}
    assert update["after"] == {"Amount": 4, "Secret": "y"}
    assert delete["before"] == own | {"Amount": 4, "Secret": "y"}
    assert delete["after"] is None
    assert [each["kind"] for each in found["changes"]] == ["insert", "update", "delete"]
    assert {each["_id"] for each in found["changes"]} == {row["_id"]}
    assert {each["by"] for each in found["changes"]} == {row["Updated_By"]}
    assert (insert["on"], update["on"]) == (row["Created_On"], updated.json()["records"][0]["Updated_On"])
    assert delete["on"] >= update["on"]
    assert not found["hasMore"]
    assert found["nextCursor"] == delete["id"]
    assert [each["operation"] for each in found["changes"]] == [
        response.headers["Operation-Id"] for response in (inserted, updated, deleted)
    ]


def test_an_update_of_the_same_values_is_a_change_without_columns(stock: Bot) -> None:
    row = stock.insert("stock", {"Item": "nut", "Facts": {"a": 1}, "Secret": "x"}).json()
    after = page(stock)["nextCursor"]
    stock.update("stock", ALL, {"Item": "nut", "Facts": {"a": 1}, "Secret": "x"})
    (change,) = page(stock, after=after)["changes"]
    assert (change["before"], change["after"]) == ({}, {})
    assert change["on"] > row["Updated_On"]


def test_two_changes_of_a_row_in_a_batch_are_two_changes_of_one_operation(stock: Bot) -> None:
    operations = [
        {"op": "insert", "table": "stock", "data": {"Item": "nut", "Amount": 1}},
        {"op": "update", "table": "stock", "query": is_item("nut"), "data": {"Amount": 2}},
        {"op": "update", "table": "stock", "query": is_item("nut"), "data": {"Amount": None}},
    ]
    response = stock.request("POST", "/api/public/batch", json={"operations": operations})
    assert response.status_code == 200, response.text
    changes = page(stock)["changes"]
    assert [each["after"]["Amount"] for each in changes] == [1, 2, None]
    assert [each["before"] for each in changes[1:]] == [{"Amount": 1}, {"Amount": 2}]
    assert len({each["operation"] for each in changes}) == 1
    assert len({each["id"] for each in changes}) == 3


def test_pages_continue_within_an_operation_and_after_it(stock: Bot) -> None:
    stock.bulk("stock", [{"Amount": number} for number in range(7)])
    stock.update("stock", ALL, {"Open": False})
    seen: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        found = page(stock, limit=3, **cursor)
        seen += found["changes"]
        cursor = {"after": found["nextCursor"]}
        if not found["hasMore"]:
            break
    assert [each["after"].get("Amount") for each in seen[:7]] == list(range(7))
    assert [each["kind"] for each in seen] == ["insert"] * 7 + ["update"] * 7
    assert page(stock)["changes"] == seen
    empty = page(stock, after=seen[-1]["id"])
    assert empty == {"changes": [], "nextCursor": seen[-1]["id"], "hasMore": False}
    assert page(stock, after=seen[9]["id"])["changes"] == seen[10:]


def test_a_reader_can_begin_now(stock: Bot) -> None:
    stock.insert("stock", {"Item": "old"})
    cursor = page(stock, after="now")
    assert cursor["changes"] == []
    stock.insert("stock", {"Item": "new"})
    (change,) = page(stock, after=cursor["nextCursor"])["changes"]
    assert change["after"]["Item"] == "new"


def test_the_history_of_one_row(stock: Bot) -> None:
    rows = stock.bulk("stock", [{"Item": "a"}, {"Item": "b"}]).json()["records"]
    stock.update("stock", ALL, {"Amount": 1})
    stock.update("stock", is_item("b"), {"Amount": 2})
    path = f"/api/public/tables/stock/rows/{rows[1]['_id']}/changes"
    found = page(stock, path)
    assert [each["after"].get("Amount") for each in found["changes"]] == [None, 1, 2]
    first = page(stock, path, limit=2)
    assert first["hasMore"]
    assert page(stock, path, after=first["nextCursor"])["changes"] == found["changes"][2:]
    assert page(stock, path.replace(rows[1]["_id"], "0" * 24))["changes"] == []
    wrong = path.replace(rows[1]["_id"], "x")
    problem(stock.request("GET", wrong), 400, "invalid_parameter")


def test_invalid_requests_are_refused(stock: Bot, shared: Workspace) -> None:
    def refused(status: int, code: str, bot: Bot = stock, path: str = CHANGES, **parameters: Any) -> None:
        problem(bot.request("GET", path, params=parameters), status, code)

    for name, value in (
        ("limit", "0"), ("limit", "1001"), ("limit", "ten"), ("wait", "61"), ("wait", "-1"), ("other", "1"),
    ):  # fmt: skip
        refused(400, "invalid_parameter", **{name: value})
    shared.create_table(RECORDED | {"name": "other"})
    other = shared.bot({"other": "rw"})
    other.insert("other", {"Item": "a"})
    theirs = page(other, "/api/public/tables/other/changes")["nextCursor"]
    for cursor in ("", "x", "é", theirs, theirs[:-1], theirs + "A"):
        refused(400, "invalid_cursor", after=cursor)
    shared.create_table({"name": "plain", "schemaDef": [{"name": "A", "type": "string"}]})
    plain = shared.bot({"plain": "rwd"})
    refused(409, "history_off", plain, "/api/public/tables/plain/changes")
    refused(409, "history_off", plain, f"/api/public/tables/plain/rows/{'0' * 24}/changes")
    refused(404, "no_such_table", path="/api/public/tables/none/changes")
    refused(403, "forbidden", other)
    refused(404, "no_such_endpoint", path="/api/public/tables/stock/rows/x/y/changes")
    problem(stock.request("POST", CHANGES), 405, "method_not_allowed")
    problem(
        stock.request("GET", CHANGES, params={"wait": 5}, headers={"Accept": "text/event-stream"}),
        400,
        "invalid_parameter",
    )


def test_a_request_waits_for_the_next_change(stock: Bot) -> None:
    cursor = page(stock)["nextCursor"]
    assert page(stock, after=cursor, wait=1)["changes"] == []
    found: list[dict[str, Any]] = []
    waiting = Thread(target=lambda: found.append(page(stock, after=cursor, wait=60)))
    waiting.start()
    writer = Bot(stock.server_url, stock.client_id, stock.secret)
    writer.insert("stock", {"Item": "nut"})
    waiting.join()
    assert [each["after"]["Item"] for each in found[0]["changes"]] == ["nut"]


def test_administrators_read_the_same(stock: Bot, shared: Workspace) -> None:
    row = stock.insert("stock", {"Item": "nut"}).json()
    data = f"{shared.path}/data/tables/stock"
    assert shared.admin.get(f"{data}/changes").json() == page(stock)
    of_row = shared.admin.get(f"{data}/rows/{row['_id']}/changes").json()
    assert of_row["changes"] == page(stock)["changes"]


def follow(bot: Bot, **more: Any) -> Any:
    headers = {"auth": bot.token(), "Accept": "text/event-stream"} | more.pop("headers", {})
    return bot.client.stream("GET", CHANGES, headers=headers, **more)


def test_events_follow_the_table_and_resume(stock: Bot) -> None:
    stock.insert("stock", {"Item": "a", "Facts": {"line": "1\n2"}})
    writer = Bot(stock.server_url, stock.client_id, stock.secret)
    with follow(stock) as response:
        assert response.status_code == 200
        assert response.headers["content-type"] == "text/event-stream"
        stream = events(response.iter_lines())
        start = next(stream)
        assert "data" not in start
        first = next(stream)
        writer.insert("stock", {"Item": "b"})
        second = next(stream)
    changes = page(stock)["changes"]
    assert [json.loads(each["data"]) for each in (first, second)] == changes
    assert [each["id"] for each in (first, second)] == [each["id"] for each in changes]
    for resumed in (
        {"headers": {"Last-Event-ID": first["id"]}, "params": {"after": start["id"]}},
        {"params": {"after": first["id"]}},
    ):
        with follow(stock, **resumed) as response:
            stream = events(response.iter_lines())
            assert next(stream)["id"] == first["id"]
            assert next(stream) == second
    problem(stock.request("GET", CHANGES, headers={"Accept": "text/event-stream"}, params={"after": "x"}),
            400, "invalid_cursor")  # fmt: skip


def test_head_does_not_wait_for_changes(stock: Bot) -> None:
    """What would be waited for is not in the response; nor does a stream without events go on."""
    stock.insert("stock", {"Item": "a"})
    cursor = page(stock)["nextCursor"]
    for headers in ({}, {"Accept": "text/event-stream"}):
        parameters = {"after": cursor} if headers else {"after": cursor, "wait": "60"}
        response = stock.request("HEAD", CHANGES, params=parameters, headers=headers)
        assert (response.status_code, response.content) == (200, b"")
        media_type = headers.get("Accept", "application/json")
        assert response.headers["content-type"] == media_type
        assert ("content-length" in response.headers) == (media_type == "application/json")
        refused = stock.request("HEAD", CHANGES, params={"after": "x"}, headers=headers)
        assert refused.status_code == 400
    response = stock.request("HEAD", CHANGES, params={"after": cursor})
    got = stock.request("GET", CHANGES, params={"after": cursor})
    assert response.headers["content-length"] == got.headers["content-length"] == str(len(got.content))


def end_of(stream: Iterator[dict[str, str]]) -> str:
    """The code of the error that a stream ends with."""
    *_, last = stream
    assert last["event"] == "end", last
    code: str = json.loads(last["data"])["code"]
    return code


def test_a_stream_ends_with_the_rights_of_its_reader(stock: Bot, shared: Workspace) -> None:
    with follow(stock) as response:
        stream = events(response.iter_lines())
        next(stream)
        shared.grant(stock.client_id, "stock", "")
        assert end_of(stream) == "forbidden"
    shared.grant(stock.client_id, "stock", "rwd")
    with follow(stock) as response:
        stream = events(response.iter_lines())
        next(stream)
        changed = shared.admin.patch(f"{shared.path}/apps/{stock.client_id}", json={"enabled": False})
        assert changed.status_code == 200, changed.text
        assert end_of(stream) == "unauthenticated"


def test_a_stream_ends_with_its_table(stock: Bot, shared: Workspace) -> None:
    with follow(stock) as response:
        stream = events(response.iter_lines())
        next(stream)
        shared.drop_table("stock")
        assert end_of(stream) in ("no_such_table", "forbidden")


def test_operations_are_listed_by_what_they_changed(workspace: Workspace) -> None:
    workspace.create_table(RECORDED)
    workspace.create_table(RECORDED | {"name": "other"})
    stock = workspace.bot({"stock": "rwd"})
    other = workspace.bot({"other": "rwd", "stock": "rwd"})
    stock.bulk("stock", [{"Item": "a"}, {"Item": "b"}])
    stock.update("stock", is_item("a"), {"Amount": 1})
    operations = [
        {"op": "insert", "table": "other", "data": {"Item": "c"}},
        {"op": "delete", "table": "stock", "query": is_item("b")},
    ]
    batch = other.request("POST", "/api/public/batch", json={"operations": operations})

    def listed(**parameters: Any) -> list[dict[str, Any]]:
        response = workspace.admin.get(f"{workspace.path}/operations", params=parameters)
        assert response.status_code == 200, response.text
        found: list[dict[str, Any]] = response.json()["operations"]
        return found

    def counts(operation: dict[str, Any]) -> list[dict[str, Any]]:
        return [{name: each[name] for name in each if name != "cursor"} for each in operation["tables"]]

    newest, update, bulk = listed()
    for operation, number in ((bulk, 4), (update, 2), (newest, 1)):
        changes = page(stock, after=operation["tables"][-1]["cursor"])["changes"]
        assert (changes[0]["operation"], len(changes)) == (operation["id"], number)
    assert newest["id"] == batch.headers["Operation-Id"]
    assert counts(newest) == [
        {"table": "other", "nInserted": 1, "nChanged": 0, "nDeleted": 0},
        {"table": "stock", "nInserted": 0, "nChanged": 0, "nDeleted": 1},
    ]
    assert counts(update) == [{"table": "stock", "nInserted": 0, "nChanged": 1, "nDeleted": 0}]
    assert counts(bulk) == [{"table": "stock", "nInserted": 2, "nChanged": 0, "nDeleted": 0}]
    assert newest["by"] != update["by"] == bulk["by"]
    assert listed(table="other") == [newest | {"tables": newest["tables"][:1]}]
    assert listed(writer=bulk["by"]) == listed(writer=stock.client_id) == [update, bulk]
    assert listed(since=newest["on"])[0] == newest
    assert bulk in listed(until=newest["on"])
    first = workspace.admin.get(f"{workspace.path}/operations", params={"limit": 2}).json()
    assert first["operations"] == [newest, update]
    assert listed(cursor=first["nextCursor"]) == [bulk]
    for parameters, status, code in (
        ({"since": "soon"}, 400, "invalid_parameter"),
        ({"table": "none"}, 404, "no_such_table"),
        ({"cursor": "x"}, 400, "invalid_cursor"),
        ({"cursor": "eA"}, 400, "invalid_cursor"),
    ):
        problem(workspace.admin.get(f"{workspace.path}/operations", params=parameters), status, code)
