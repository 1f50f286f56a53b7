"""Saved charts through the management API: saved, changed, shared and deleted, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from answers import MOMENT, good, problem

from support.person import Person
from support.server import RowkeepServer
from support.workspace import PEOPLE, Workspace

VIEW = {"name": "names", "table": "people", "columns": ["people.Last_Name", "people.Number"]}
QUERY = {"expressions": [{"field": "Number", "operand": ">", "value": 1}]}
BARS = {"name": "Sum by name", "kind": "bar", "category": "Last_Name", "aggregate": "sum", "value": "Number"}
ALL = {"query": QUERY, "search": "a", "shared": True}
MEMBERS = {*BARS, *ALL, *("id", "table", "owner", "canChange", "problem", "createdOn", "updatedOn")}


@pytest.fixture
def place(workspace: Workspace) -> Workspace:
    workspace.create_table(PEOPLE)
    made = workspace.admin.post(f"{workspace.path}/views", json=VIEW)
    assert made.status_code == 201
    return workspace


@pytest.fixture
def ada(server: RowkeepServer, place: Workspace) -> Iterator[Person]:
    person = Person(server, name="Ada")
    good(place.admin.put(f"{place.path}/members/{person.id}", json={"role": "editor"}))
    yield person
    person.http.close()


def save(client: Any, place: Workspace, thing: str = "tables/people", **more: Any) -> dict[str, Any]:
    made = client.post(f"{place.path}/{thing}/charts", json=BARS | more)
    assert made.status_code == 201, made.text
    chart: dict[str, Any] = made.json()
    return chart


def test_a_chart_is_saved_changed_and_deleted(place: Workspace) -> None:
    made = save(place.admin, place, name=" Sum by name ", category="last name", **ALL)
    assert made.keys() == MEMBERS
    assert MOMENT.fullmatch(made["createdOn"])
    assert {key: made[key] for key in (*BARS, *ALL)} == BARS | ALL
    assert (made["table"], made["owner"], made["canChange"], made["problem"]) == ("people", None, True, None)
    path = f"{place.path}/charts/{made['id']}"
    assert good(place.admin.get(path)) == made
    of_view = save(place.admin, place, "views/Names", shared=True, query={"all": True})
    assert (of_view["view"], of_view["query"]) == ("names", None)
    first = good(place.admin.get(f"{place.path}/charts", params={"limit": 1}))
    assert first["charts"] == [made]
    rest = good(place.admin.get(f"{place.path}/charts", params={"cursor": first["nextCursor"]}))
    assert rest["charts"] == good(place.admin.get(f"{place.path}/views/names/charts"))["charts"] == [of_view]
    number = {"name": "Rows", "kind": "number", "category": None, "aggregate": "count", "value": None}
    changed = good(place.admin.patch(path, json=number | {"query": None}))
    assert changed == made | number | {"query": None, "updatedOn": changed["updatedOn"]}
    assert good(place.admin.patch(path, json={"search": ""}))["name"] == "Rows"
    assert place.admin.delete(path).status_code == 204
    for method in ("GET", "PATCH", "DELETE"):
        sent = {} if method == "PATCH" else None
        problem(place.admin.request(method, path, json=sent), 404, "no_such_chart")


REFUSED: tuple[tuple[dict[str, Any], int, str, str], ...] = (
    ({"name": " "}, 422, "invalid_value", "/name"),
    ({"name": "n" * 101}, 422, "invalid_value", "/name"),
    ({"name": "a\u0000"}, 422, "invalid_value", "/name"),
    ({"name": "TAKEN"}, 409, "name_taken", "/name"),
    ({"kind": "donut"}, 400, "invalid_body", "/kind"),
    ({"category": "Town"}, 400, "unknown_column", "/category"),
    ({"category": None}, 422, "invalid_chart", "/category"),
    ({"value": "Gender"}, 422, "invalid_chart", "/value"),
    ({"search": "\u0000"}, 422, "invalid_value", "/search"),
    ({"query": {"expressions": [{"field": "Number", "operand": "near"}]}}, 400, "unknown_operand", "/query"),
    (
        {"query": {"expressions": [{"field": "Gender", "operand": "=", "value": "x" * 65_600}]}},
        *(422, "invalid_chart", "/query"),
    ),
)  # fmt: skip


def test_what_is_refused(place: Workspace) -> None:
    made = save(place.admin, place, shared=True)
    save(place.admin, place, shared=True, name="taken")
    charts, path = f"{place.path}/tables/people/charts", f"{place.path}/charts/{made['id']}"
    for wrong, status, code, pointer in REFUSED:
        body = BARS | {"name": "New", "shared": True} | wrong
        for response in (place.admin.post(charts, json=body), place.admin.patch(path, json=wrong)):
            found = problem(response, status, code)
            assert found["errors"][0]["pointer"].startswith(pointer)
    problem(place.admin.post(charts, json=BARS | {"name": "New"}), 400, "invalid_body", pointer="/shared")
    problem(place.admin.patch(path, json={"shared": False}), 403, "forbidden")
    problem(place.admin.post(charts, json=BARS | {"colour": "red"}), 400, "unknown_key")
    problem(place.admin.post(f"{place.path}/tables/none/charts", json=BARS | {"shared": True}), 404)
    problem(place.admin.get(f"{place.path}/views/none/charts"), 404, "no_such_view")
    assert good(place.admin.get(path)) == made
    assert len(good(place.admin.get(charts))["charts"]) == 2


def test_a_chart_follows_its_table(place: Workspace) -> None:
    made = save(place.admin, place, shared=True, query=QUERY)
    path = f"{place.path}/charts/{made['id']}"
    columns = [
        {"name": "Amount", "renamedFrom": "Number", "type": "number"},
        *(each for each in PEOPLE["schemaDef"] if each["name"] != "Number"),
    ]
    table = {"name": "persons", "renamedFrom": "people", "schemaDef": columns}
    good(place.admin.put(f"{place.path}/tables/persons", json=table))
    renamed = good(place.admin.get(path))
    assert (renamed["table"], renamed["value"], renamed["problem"]) == ("persons", "Amount", None)
    assert renamed["query"]["expressions"][0]["field"] == "Amount"
    place.admin.delete(f"{place.path}/views/names")
    dropped = {"name": "persons", "schemaDef": columns[1:]}
    good(place.admin.put(f"{place.path}/tables/persons?allowDataLoss=true", json=dropped))
    broken = good(place.admin.get(path))
    assert broken["problem"] == 'Table persons no longer has the column "Number".'
    assert broken["value"] == "Number"
    problem(place.admin.patch(path, json={"kind": "pie"}), 400, "unknown_column", pointer="/value")
    assert good(place.admin.patch(path, json={"name": "Broken"}))["problem"] == broken["problem"]
    mended = good(place.admin.patch(path, json={"aggregate": "count", "value": None, "query": None}))
    assert mended["problem"] is None
    place.drop_table("persons")
    problem(place.admin.get(path), 404, "no_such_chart")


def test_private_and_shared_charts_of_users(server: RowkeepServer, place: Workspace, ada: Person) -> None:
    private = save(ada.http, place)
    assert private["owner"] == {"user": ada.id, "name": "Ada"}
    shared = save(ada.http, place, shared=True)
    bob = Person(server, name="Bob")
    good(place.admin.put(f"{place.path}/tables/people/shares/{bob.id}", json={"right": "read"}))
    seen = good(bob.http.get(f"{place.path}/charts"))["charts"]
    assert seen == [shared | {"canChange": False}]
    paths = [f"{place.path}/charts/{each['id']}" for each in (private, shared)]
    for method, sent in (("PATCH", {"name": "Other"}), ("DELETE", None)):
        problem(bob.http.request(method, paths[0], json=sent), 404, "no_such_chart")
        problem(bob.http.request(method, paths[1], json=sent), 403, "forbidden")
    charts = f"{place.path}/tables/people/charts"
    problem(bob.http.post(charts, json=BARS | {"name": "Mine", "shared": True}), 403, "forbidden")
    own = save(bob.http, place)
    problem(bob.http.patch(f"{place.path}/charts/{own['id']}", json={"shared": True}), 403, "forbidden")
    problem(bob.http.get(f"{place.path}/views/names/charts"), 404, "no_such_view")
    assert len(good(place.admin.get(f"{place.path}/charts"))["charts"]) == 3
    assert place.admin.delete(f"{place.path}/tables/people/shares/{bob.id}").status_code == 204
    problem(bob.http.get(f"{place.path}/charts"), 404, "no_such_workspace")
    good(ada.http.patch(paths[1], json={"name": "Ours"}))
    assert place.admin.delete(f"/users/{ada.id}").status_code == 204
    assert good(place.admin.get(paths[1]))["owner"] is None
    problem(place.admin.get(paths[0]), 404, "no_such_chart")
    entries = good(place.admin.get("/audit", params={"action": "chart"}))["entries"]
    actions = {(each["action"], each["target"]) for each in entries if each["workspace"] == place.name}
    assert ("chart.create", f"chart {shared['id']}") in actions
    assert ("chart.change", f"chart {shared['id']}") in actions
    bob.http.close()
