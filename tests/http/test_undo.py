"""Undo and reads of the past, by apps and administrators (contract, section 12)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from answers import good, problem

from support.bot import Bot
from support.engines import first_on_each
from support.person import Person
from support.server import RowkeepServer
from support.workspace import PEOPLE, Workspace

RECORDED = PEOPLE | {"history": {"keepDays": 30}}
ALL = {"all": True}
UNDO = "/api/public/undo"
IS_NOBODY = {"field": "Number", "operand": "=", "value": -1}


@pytest.fixture
def people(workspace: Workspace) -> Bot:
    """An app of the test's own, with three rows."""
    workspace.create_table(RECORDED)
    bot = workspace.bot({"people": "rwd"})
    good(bot.insert("people", [{"First_Name": name, "Number": at} for at, name in enumerate("abc")]))
    return bot


def rows(bot: Bot, **body: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = good(bot.query("people", body))["queryResult"]
    return found


def operation(response: httpx.Response) -> str:
    good(response)
    return response.headers["Operation-Id"]


def undo(bot: Bot, id_: str, **more: Any) -> httpx.Response:
    return bot.request("POST", UNDO, json={"operation": id_, **more})


def counts(restored: int, changed: int, removed: int) -> dict[str, Any]:
    return {"nRestored": restored, "nChanged": changed, "nRemoved": removed, "conflicts": []}


def named(row: dict[str, Any], id_: str) -> dict[str, Any]:
    return {"table": "people", "_id": row["_id"], "operation": id_}


def test_an_operation_of_the_app_is_undone_and_the_undo_too(people: Bot) -> None:
    before = rows(people)
    deleted = operation(people.delete("people", ALL))
    assert good(undo(people, deleted, dryRun=True)) == counts(3, 0, 0) | {"dryRun": True}
    assert rows(people) == []
    done = undo(people, deleted)
    assert good(done) == counts(3, 0, 0)
    assert rows(people) == before
    assert good(undo(people, deleted)) == counts(0, 0, 0)
    assert good(undo(people, operation(done))) == counts(0, 0, 3)
    assert rows(people) == []


def test_an_undo_that_changes_nothing_can_be_undone(people: Bot, workspace: Workspace) -> None:
    deleted = operation(people.delete("people", ALL))
    good(undo(people, deleted))
    key = {"Idempotency-Key": "again"}
    sent = [people.request("POST", UNDO, json={"operation": deleted}, headers=key) for _ in range(2)]
    later = workspace.admin.post(f"{workspace.path}/undo", json={"since": "9999-01-01T00:00:00Z"})
    for response in (undo(people, deleted), *sent):
        assert good(response) == counts(0, 0, 0)
        assert good(undo(people, operation(response))) == counts(0, 0, 0)
    assert sent[1].headers["Idempotency-Replayed"] == "true"
    of_nothing = workspace.admin.post(f"{workspace.path}/undo", json={"operation": operation(later)})
    assert good(later) == good(of_nothing) == counts(0, 0, 0)
    assert len(rows(people)) == 3


def test_what_only_reads_is_no_operation(people: Bot) -> None:
    read = {"op": "query", "table": "people"}
    write = {"op": "update", "table": "people", "query": {"expressions": [IS_NOBODY]}, "data": {"Number": 1}}
    for operations in ([], [read], [read, read]):
        for headers in ({}, {"Idempotency-Key": f"read-{len(operations)}"}):
            batch = {"json": {"operations": operations}, "headers": headers}
            for response in (people.request("POST", "/api/public/batch", **batch) for _ in range(2)):
                good(response)
                assert "Operation-Id" not in response.headers
            assert ("Idempotency-Replayed" in response.headers) == bool(headers)
    writing = people.request("POST", "/api/public/batch", json={"operations": [read, write]})
    assert good(undo(people, operation(writing))) == counts(0, 0, 0)
    bulk, ndjson = "/api/public/tables/people/bulk", {"Content-Type": "application/x-ndjson"}
    empty = people.request("POST", f"{bulk}?mode=partial", content=b"", headers=ndjson)
    assert good(empty)["nInserted"] == 0
    assert "Operation-Id" not in empty.headers


def test_conflicts(people: Bot) -> None:
    changed = operation(people.update("people", ALL, {"Number": 9}))
    good(
        people.update(
            "people", {"expressions": [{"field": "First_Name", "operand": "=", "value": "a"}]}, {"Number": 8}
        )
    )
    first = rows(people)[0]
    refused = problem(undo(people, changed), 409, "undo_conflict")
    assert refused["conflicts"] == [named(first, changed)]
    assert {"table", "_id", "operation"} <= refused["errors"][0].keys()
    assert [row["Number"] for row in rows(people)] == [8, 9, 9]
    skipped = good(undo(people, changed, conflicts="skip"))
    assert skipped == counts(0, 2, 0) | {"conflicts": [named(first, changed)]}
    assert [row["Number"] for row in rows(people)] == [8, 1, 2]
    good(undo(people, changed, conflicts="force"))
    assert [row["Number"] for row in rows(people)] == [0, 1, 2]


def test_an_undo_under_a_key_is_done_once(people: Bot) -> None:
    deleted = operation(people.delete("people", ALL))
    keyed = {"headers": {"Idempotency-Key": "undo-1"}, "json": {"operation": deleted}}
    first, second = (people.request("POST", UNDO, **keyed) for _ in range(2))
    assert good(first) == good(second) == counts(3, 0, 0)
    assert second.headers["Idempotency-Replayed"] == "true"
    assert first.headers["Operation-Id"] == second.headers["Operation-Id"]


def test_an_undo_under_a_key_is_repeated_only_with_its_rights(people: Bot, workspace: Workspace) -> None:
    changed = operation(people.update("people", ALL, {"Number": 9}))
    inserted = operation(people.insert("people", {"Number": 9}))
    keyed = {"headers": {"Idempotency-Key": "undo-2"}, "json": {"operation": changed}}
    first = people.request("POST", UNDO, **keyed)
    assert good(first) == counts(0, 3, 0)

    for rights in ("r", "wd", "d"):
        workspace.grant(people.client_id, "people", rights)
        refused = problem(people.request("POST", UNDO, **keyed), 403, "forbidden")
        assert "The undo changes rows of people, which needs the right" in refused["detail"]
    workspace.grant(people.client_id, "people", "")
    refused = problem(people.request("POST", UNDO, **keyed), 403, "forbidden")
    assert refused["detail"] == "The undo changes rows of a table that the app cannot use."
    assert "people" not in problem(undo(people, inserted), 403, "forbidden")["detail"]

    workspace.grant(people.client_id, "people", "rw")
    again = people.request("POST", UNDO, **keyed)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.content == first.content
    assert workspace.admin.delete(f"{workspace.path}/tables/people").status_code == 204
    assert people.request("POST", UNDO, **keyed).content == first.content


def test_an_undo_does_not_name_what_the_app_cannot_see(workspace: Workspace) -> None:
    named = {"name": "by_name", "isUnique": True, "columns": [{"name": "Name"}]}
    workspace.create_table(
        {"name": "customers", "schemaDef": [{"name": "Name", "type": "string"}], "indexes": [named]}
    )
    buyer = {"name": "Buyer", "type": "string", "reference": {"table": "customers", "column": "Name"}}
    workspace.create_table({"name": "orders", "schemaDef": [buyer], "history": {"keepDays": 30}})
    customers = f"{workspace.path}/data/tables/customers"
    good(workspace.admin.post(customers, json={"data": {"Name": "Ann"}}))
    bot = workspace.bot({"orders": "rwd"})
    good(bot.insert("orders", {"Buyer": "Ann"}))
    deleted = operation(bot.delete("orders", ALL))
    good(workspace.admin.request("DELETE", customers, json={"query": ALL}))
    response = undo(bot, deleted)
    refusal = problem(response, 409, "reference_violation")["detail"]
    assert refusal.endswith("to a row that does not exist. Nothing was undone; restore that row first.")
    assert "customers" not in response.text
    good(workspace.admin.post(customers, json={"data": {"Name": "Ann"}}))
    assert good(undo(bot, deleted)) == counts(1, 0, 0)


def test_what_is_refused(people: Bot, workspace: Workspace) -> None:
    inserted = operation(people.insert("people", {"Number": 5}))
    deleted = operation(
        people.delete("people", {"expressions": [{"field": "Number", "operand": "=", "value": 5}]})
    )
    other = workspace.bot({"people": "rwd"})
    problem(undo(other, deleted), 404, "no_such_operation")
    problem(undo(people, "0" * 24), 404, "no_such_operation")
    assert '"x"' in problem(undo(people, "x"), 400, "invalid_body")["detail"]
    problem(people.request("POST", UNDO, json={}), 400)
    problem(people.request("POST", UNDO, json={"operation": deleted, "app": "x"}), 400, "unknown_key")
    problem(undo(people, deleted, conflicts="ask"), 400)
    workspace.grant(people.client_id, "people", "rw")
    assert good(undo(people, deleted)) == counts(1, 0, 0)
    problem(undo(people, inserted), 403, "forbidden")
    admin = f"{workspace.path}/undo"
    problem(workspace.admin.post(admin, json={}), 400, "invalid_body")
    problem(workspace.admin.post(admin, json={"app": "helpdesk"}), 400, "invalid_body")
    problem(workspace.admin.post(admin, json={"tables": ["nobody"]}), 404, "no_such_table")
    workspace.create_table(PEOPLE | {"name": "plain"})
    problem(workspace.admin.post(admin, json={"tables": ["plain"]}), 409, "history_off")
    problem(workspace.admin.get(admin), 405)
    problem(people.request("POST", "/api/public/undo/x", json={}), 404)


def test_an_administrator_undoes_what_an_app_did_since_a_time(people: Bot, workspace: Workspace) -> None:
    before = rows(people)
    other = workspace.bot({"people": "rwd"})
    since = rows(people)[0]["Updated_On"]
    moment = good(other.insert("people", {"Number": 7}))["Created_On"]
    good(
        people.update(
            "people", {"expressions": [{"field": "Number", "operand": "=", "value": 1}]}, {"Gender": "x"}
        )
    )
    good(people.delete("people", {"expressions": [{"field": "Number", "operand": "=", "value": 2}]}))
    body = {"app": people.client_id, "tables": ["People"], "since": moment}
    done = workspace.admin.post(f"{workspace.path}/undo", json=body)
    assert good(done) == counts(1, 1, 0)
    now = rows(people)
    assert now[2] == before[2]
    assert [row["Number"] for row in now] == [0, 1, 2, 7]
    assert now[1]["Gender"] is None
    entries = good(workspace.admin.get("/audit", params={"action": "rows.undo", "workspace": workspace.name}))
    assert entries["entries"][0]["details"]["since"] == moment
    again = workspace.admin.post(f"{workspace.path}/undo", json={"operation": operation(done)})
    assert good(again) == counts(0, 1, 1)
    late = {"since": since, "until": since}
    problem(workspace.admin.post(f"{workspace.path}/undo", json=late), 400, "invalid_body")
    own = workspace.admin.post(f"{workspace.path}/data/undo", json={"operation": operation(again)})
    assert good(own) == counts(1, 1, 0)


def test_a_user_undoes_nothing_in_tables_that_must_stay_hidden(
    people: Bot, workspace: Workspace, server: RowkeepServer
) -> None:
    note = {"name": "Note", "type": "string"}
    workspace.create_table({"name": "notes", "schemaDef": [note], "history": {"keepDays": 30}})
    workspace.admin.put(f"{workspace.path}/tables/notes/grants/{people.client_id}", json={"write": True})
    ada = Person(server, name="Ada")
    share = f"{workspace.path}/tables/people/shares/{ada.id}"
    good(workspace.admin.put(share, json={"right": "edit"}))

    def undone(**body: Any) -> httpx.Response:
        return ada.http.post(f"{workspace.path}/undo", json=body)

    by_app = {"app": people.client_id, "dryRun": True}
    seen = good(undone(**by_app))
    hidden = operation(people.insert("notes", {"Note": "secret"}))
    assert good(undone(**by_app)) == seen == counts(0, 0, 3) | {"dryRun": True}, "the same as before"
    problem(undone(operation=hidden), 404, "no_such_operation")
    problem(undone(operation=hidden, tables=["people"], dryRun=True), 404, "no_such_operation")
    both = [{"op": "insert", "table": name, "data": {}} for name in ("people", "notes")]
    mixed = operation(people.request("POST", "/api/public/batch", json={"operations": both}))
    assert good(undone(operation=mixed)) == counts(0, 0, 1)
    assert good(workspace.admin.post(f"{workspace.path}/undo", json={"operation": mixed})) == counts(0, 0, 1)
    of_nothing = operation(undone(operation=mixed))
    assert good(undone(operation=of_nothing)) == counts(0, 0, 0), "an operation of one's own is known"
    assert good(workspace.admin.put(share, json={"right": "read"}))
    assert "people" in problem(undone(**by_app), 403, "forbidden")["detail"]
    ada.http.close()


def test_a_row_that_does_not_fit_is_named(workspace: Workspace) -> None:
    index = {"name": "ByName", "isUnique": True, "columns": [{"name": "First_Name"}]}
    workspace.create_table(RECORDED | {"indexes": [index]})
    refer = {"table": "people", "column": "First_Name"}
    child = {"name": "Person", "type": "string", "reference": refer}
    workspace.create_table({"name": "notes", "schemaDef": [child]})
    bot = workspace.bot({"people": "rwd", "notes": "rwd"})
    inserted = operation(bot.insert("people", {"First_Name": "a"}))
    note = good(bot.insert("notes", {"Person": "a"}))
    row = rows(bot)[0]
    refused = problem(undo(bot, inserted), 409, "still_referenced")["detail"]
    assert row["_id"] in refused or note["_id"] in refused
    assert "people" in refused
    good(bot.delete("notes", ALL))
    deleted = operation(bot.delete("people", ALL))
    good(bot.insert("people", {"First_Name": "a"}))
    refused = problem(undo(bot, deleted), 409, "unique_violation")["detail"]
    assert row["_id"] in refused
    assert "ByName" in refused


def test_the_past(people: Bot, workspace: Workspace) -> None:
    before = rows(people)
    moment = before[0]["Updated_On"]
    good(people.update("people", ALL, {"Number": 9}))
    good(people.delete("people", {"expressions": [{"field": "First_Name", "operand": "=", "value": "b"}]}))
    assert rows(people, asOf=moment) == before
    body = {
        "asOf": moment,
        "query": {"expressions": [{"field": "Number", "operand": ">", "value": 0}]},
        "sort": [{"field": "Number", "order": "desc"}],
        "fields": ["Number"],
    }
    page = good(people.query("people", body, sys_limit=1))
    assert (page["total"], page["queryResult"]) == (2, [{"Number": 2}])
    more = good(people.query("people", body | {"cursor": page["nextCursor"]}))
    assert more["queryResult"] == [{"Number": 1}]
    now = {name: each for name, each in body.items() if name != "asOf"}
    problem(people.query("people", now | {"cursor": page["nextCursor"]}), 400, "invalid_cursor")
    path = "/api/public/tables/people/query"
    lines = people.request(
        "POST", path, json={"asOf": moment, "fields": ["Number"]}, headers={"Accept": "text/csv"}
    )
    assert lines.text.split() == ["Number", "0", "1", "2"]
    in_batch = {"operations": [{"op": "query", "table": "people", "asOf": moment}]}
    problem(people.request("POST", "/api/public/batch", json=in_batch), 400, "invalid_body")


@first_on_each(
    ("as_of", "status", "code"),
    [
        ("2999-01-01T00:00:00Z", 400, "invalid_body"),
        ("yesterday", 400, "invalid_body"),
        ("2001-01-01", 410, "history_expired"),
    ],
)
def test_a_moment_that_cannot_be_read(people: Bot, as_of: str, status: int, code: str) -> None:
    problem(people.query("people", {"asOf": as_of}), status, code)


def test_only_tables_with_a_history_have_a_past(workspace: Workspace, made: Callable[..., Bot]) -> None:
    bot = made(PEOPLE)
    view = {"name": "adults", "table": "people", "columns": ["people.First_Name"]}
    assert workspace.admin.post(f"{workspace.path}/views", json=view).status_code == 201
    body = {"asOf": "2020-01-01T00:00:00Z"}
    problem(bot.query("people", body), 409, "history_off")
    path = f"{workspace.path}/data/views/adults/query"
    problem(workspace.admin.post(path, json=body), 400, "invalid_body")


def test_rows_of_an_older_definition(workspace: Workspace) -> None:
    """Columns were renamed, dropped, added and converted since."""
    columns = [{"name": name, "type": "string"} for name in ("Name", "Size", "Dropped")]
    things = {"name": "things", "schemaDef": columns, "history": {"keepDays": 1}}
    workspace.create_table(things)
    bot = workspace.bot({"things": "rwd"})
    good(bot.insert("things", [{"Name": "a", "Size": "7", "Dropped": "x"}, {"Name": "b", "Size": "large"}]))
    deleted = operation(bot.delete("things", ALL))
    good(bot.insert("things", {"Name": "c", "Size": "9", "Dropped": "y"}))
    changed = operation(bot.update("things", ALL, {"Name": "d", "Size": "1", "Dropped": "z"}))
    columns = [
        {"name": "Label", "type": "string", "renamedFrom": "Name"},
        {"name": "Size", "type": "integer"},
        {"name": "Added", "type": "string", "default": "new"},
    ]
    path = f"{workspace.path}/tables/things"
    params = {"allowDataLoss": "true"}
    changed_table = workspace.admin.put(path, params=params, json=things | {"schemaDef": columns})
    assert changed_table.status_code == 200, changed_table.text
    assert good(undo(bot, changed)) == counts(0, 1, 0)
    assert good(undo(bot, deleted)) == counts(2, 0, 0)
    found = good(bot.query("things", {"fields": ["Label", "Size", "Added"]}))["queryResult"]
    assert [tuple(row.values()) for row in found] == [("a", 7, "new"), ("b", None, "new"), ("c", 9, "new")]


def test_the_limits_of_writes_hold(people: Bot, workspace: Workspace) -> None:
    changed = operation(people.update("people", ALL, {"Number": 9}))
    app = f"{workspace.path}/apps/{people.client_id}"
    good(workspace.admin.patch(app, json={"maxAffected": 2}))
    refused = problem(undo(people, changed), 409, "affected_out_of_bounds")
    assert refused["errors"][0]["nMatched"] == 3
    good(workspace.admin.patch(app, json={"maxAffected": 3}))
    assert good(undo(people, changed)) == counts(0, 3, 0)
