"""Definitions of views: what is taken, what is refused and where it points, and what they hold on to."""

from __future__ import annotations

from typing import Any

import pytest
from answers import good, pointers, problem, rows
from expressions import where

from cases.views import ON, ORDERS, PEOPLE, WRONG, join, view
from support.workspace import Workspace, succeeded


@pytest.fixture(scope="module")
def place(shared: Workspace) -> Workspace:
    shared.create_table(PEOPLE)
    shared.create_table(ORDERS)
    succeeded(shared.admin.post(f"{shared.path}/views", json=view(name="one")))
    return shared


def test_the_form_of_a_definition(place: Workspace) -> None:
    path = f"{place.path}/views"
    sent = view(name="whole", joins=[join()], filter=where("people.Age", "in", ["7", None]))
    sent["columns"] = [
        "people.Name",
        {"expr": " count( distinct  orders.Who )", "as": "Whos"},
        {"expr": "max(orders.Price)"},
    ]
    sent |= {
        "groupBy": ["people.Name"],
        "having": where("Whos", ">", "1"),
        "sortBy": [{"field": "max_Price"}],
    }
    whole = succeeded(place.admin.post(path, json=sent))
    assert whole == {
        "name": "whole",
        "description": "",
        "table": "people",
        "as": "",
        "joins": [{"table": "orders", "as": "", "type": "inner", "on": [ON]}],
        "columns": ["people.Name", {"expr": "count(distinct orders.Who)", "as": "Whos"}, "max(orders.Price)"],
        "filter": where("people.Age", "in", [7, None]) | {},
        "groupBy": ["people.Name"],
        "having": where("Whos", ">", 1),
        "sortBy": [{"field": "max_Price", "order": "asc"}],
    }
    assert good(place.admin.get(f"{path}/WHOLE")) == whole
    assert good(place.admin.get(f"{path}/whole/definition")) == whole
    copy = succeeded(place.admin.post(path, json=whole | {"name": "copy"}))
    assert copy == whole | {"name": "copy"}
    unset = {
        "description": None,
        "as": "",
        "joins": {},
        "filter": {},
        "groupBy": "",
        "having": None,
        "sortBy": [],
    }
    bare = succeeded(place.admin.post(path, json=view(name="bare") | unset))
    assert (bare["joins"], bare["filter"], bare["having"]) == ([], {}, {})
    assert [each["name"] for each in good(place.admin.get(path, params={"limit": 2}))["views"]] == [
        "bare",
        "copy",
    ]
    page = good(place.admin.get(path, params={"limit": 2}))
    more = good(place.admin.get(path, params={"cursor": page["nextCursor"]}))
    assert [each["name"] for each in more["views"]] == ["one", "whole"]
    for name in ("bare", "copy", "whole"):
        assert place.admin.delete(f"{path}/{name}").status_code == 204
    problem(place.admin.get(f"{path}/whole"), 404, "no_such_view")


WRONG_HERE = [
    *(each for each in WRONG if each[2][0] in ("/name", "/table", "/joins/0/on/0", "/filter", "/colums")),
    (view(renamedFrom="one"), "invalid_definition", ["/renamedFrom"]),
    WRONG[-1],
]


@pytest.mark.parametrize(("definition", "code", "expected"), WRONG_HERE, ids=str)
def test_what_is_wrong_is_said_at_once(
    place: Workspace, definition: dict[str, Any], code: str, expected: list[str]
) -> None:
    refusal = problem(place.admin.post(f"{place.path}/views", json=definition), 400, code)
    assert pointers(refusal) == expected, refusal


def test_names_are_shared_with_tables(place: Workspace) -> None:
    path = f"{place.path}/views"
    problem(place.admin.post(path, json=view(name="PEOPLE")), 409, "name_taken", "/name")
    problem(place.admin.post(path, json=view(name="ONE")), 409, "name_taken", "/name")
    problem(
        place.admin.post(f"{place.path}/tables", json=PEOPLE | {"name": "One"}), 409, "name_taken", "/name"
    )
    problem(place.admin.put(f"{path}/people", json=view(name="people", renamedFrom="one")), 409, "name_taken")


def test_replacing_and_renaming_keeps_grants(workspace: Workspace) -> None:
    workspace.create_table(PEOPLE)
    path = f"{workspace.path}/views"
    bot = workspace.bot({"people": "w"})
    good(bot.insert("people", {"Name": "Ann", "City": "Bern", "Secret": "s3", "Note": {"a": [1.50, None]}}))
    succeeded(workspace.admin.post(path, json=view()))
    ask = "/api/public/views/{}/query"
    problem(bot.request("POST", ask.format("v")), 403, "forbidden")
    problem(bot.request("POST", ask.format("nothing")), 404, "no_such_view")
    grant = f"{path}/v/grants/{bot.client_id}"
    for right in ("write", "delete"):
        problem(
            workspace.admin.put(grant, json={"read": True, right: True}), 400, "invalid_body", f"/{right}"
        )
    given = good(workspace.admin.put(grant, json={"read": True}))
    app = given["app"]
    assert given == {
        "clientId": bot.client_id,
        "app": app,
        "view": "v",
        "read": True,
        "write": False,
        "delete": False,
    }
    on_table = {
        "clientId": bot.client_id,
        "app": app,
        "table": "people",
        "read": False,
        "write": True,
        "delete": False,
    }
    assert good(workspace.admin.get(f"{path}/v/grants")) == {"grants": [given]}
    assert good(workspace.admin.get(f"{workspace.path}/apps/{bot.client_id}/grants")) == {
        "grants": [on_table, given]
    }
    assert rows(bot.request("POST", ask.format("V"))) == [{"Name": "Ann"}]
    problem(bot.query("people"), 403)
    problem(workspace.admin.put(f"{path}/w", json=view(name="w")), 404, "no_such_view")
    problem(workspace.admin.put(f"{path}/w", json=view()), 400, "invalid_definition", "/name")
    named = {"columns": ["people.Secret", "people.Note"], "renamedFrom": "v", "name": "w"}
    succeeded(workspace.admin.put(f"{path}/w", json=view(**named)))
    problem(bot.request("POST", ask.format("v")), 404, "no_such_view")
    whole = [{"Secret": "s3", "Note": {"a": [1.5, None]}}]
    for query, found in (
        (where("Secret", "=", "s3"), whole),
        (where("Secret", "in", ["x", None]), []),
        (where("secret", "!=", "x"), whole),
        (where("Secret", "is not null"), whole),
        (where("Note", "is null"), []),
    ):
        assert rows(bot.request("POST", ask.format("w"), json={"query": query})) == found
    for query in (where("Secret", "<", "x"), where("Secret", "contains", "x"), where("Note", "=", 1)):
        problem(bot.request("POST", ask.format("w"), json={"query": query}), 400, "invalid_filter")
    problem(bot.request("POST", ask.format("w"), json={"sort": [{"field": "Secret"}]}), 400)
    assert workspace.admin.delete(f"{path}/w").status_code == 204
    assert good(workspace.admin.get(f"{workspace.path}/apps/{bot.client_id}/grants")) == {
        "grants": [on_table]
    }


def test_a_dry_run_of_a_view(place: Workspace) -> None:
    path = f"{place.path}/views"
    sent = view(name="tried", columns=["people.Name", "people.City"])
    succeeded(place.admin.post(path, json=sent))
    chart = {"name": "Cities", "kind": "bar", "category": "City", "aggregate": "count", "shared": True}
    succeeded(place.admin.post(f"{path}/tried/charts", json=chart))
    before = place.admin.get(f"{path}/tried")
    renamed = sent | {"name": "shown", "renamedFrom": "tried"}
    narrow = {"columns": ["people.Name"]}
    broken = 'chart "Cities" of view {} can no longer be drawn'
    for name, body, steps in (
        ("tried", sent, []),
        ("TRIED", sent | {"name": "Tried"}, ["rename view tried to Tried"]),
        ("shown", renamed, ["rename view tried to shown"]),
        ("tried", sent | narrow, ["change view tried", broken.format("tried")]),
        (
            "shown",
            renamed | narrow,
            ["rename view tried to shown", "change view shown", broken.format("shown")],
        ),
    ):
        planned = good(place.admin.put(f"{path}/{name}", json=body, params={"dryRun": "true"}))
        assert planned == {
            "steps": [{"step": step, "rewritesTable": False, "losesData": False} for step in steps]
        }
    for name, body, tag, status, code in (
        ("tried", sent | {"columns": ["people.No"]}, "*", 400, "unknown_column"),
        ("one", renamed | {"name": "one"}, "*", 409, "name_taken"),
        ("none", sent | {"name": "none"}, "*", 404, "no_such_view"),
        ("tried", sent, '"0123"', 412, "definition_changed"),
    ):
        headers, dry = {"If-Match": tag}, {"dryRun": "true"}
        refused = problem(
            place.admin.put(f"{path}/{name}", json=body, params=dry, headers=headers), status, code
        )
        assert refused == problem(place.admin.put(f"{path}/{name}", json=body, headers=headers), status, code)
    after = place.admin.get(f"{path}/tried")
    assert (after.json(), after.headers["etag"]) == (before.json(), before.headers["etag"])


def test_what_a_view_needs_is_not_dropped(workspace: Workspace) -> None:
    workspace.create_table(PEOPLE)
    workspace.create_table(ORDERS)
    path = f"{workspace.path}/views"
    for name in ("a", "b"):
        succeeded(workspace.admin.post(path, json=view(name=name, joins=[join()])))
    refusal = problem(workspace.admin.delete(f"{workspace.path}/tables/orders"), 409, "still_referenced")
    assert "views a, b" in refusal["detail"]
    succeeded(workspace.admin.put(f"{path}/a", json=view(name="a")))
    refusal = problem(workspace.admin.delete(f"{workspace.path}/tables/orders"), 409, "still_referenced")
    assert "view b" in refusal["detail"]
    assert workspace.admin.delete(f"{path}/b").status_code == 204
    workspace.drop_table("orders")
    problem(workspace.admin.delete(f"{workspace.path}/tables/people"), 409, "still_referenced")
