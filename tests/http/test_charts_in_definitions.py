"""Shared charts as a part of a workspace's definitions: exported, applied elsewhere, and through changes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from answers import good
from answers import problem as refused

from support.definitions import column, table
from support.person import Person
from support.server import RowkeepServer
from support.workspace import Workspace, succeeded

CITY, PRICE, NOTE = column("City"), column("Price", "decimal"), column("Note", "json")
ORDERS = table("orders", CITY, PRICE, NOTE)
VIEW = {"name": "prices", "table": "orders", "columns": ["orders.City", "orders.Price"]}
QUERY = {"expressions": [{"field": "Price", "operand": ">", "value": 0}]}
PLAIN = {"kind": "bar", "category": "City", "aggregate": "count", "value": None, "query": None, "search": ""}
SUMS = {"table": "orders", "name": "Sums", **PLAIN, "aggregate": "sum", "value": "Price", "query": QUERY}
OF_USER = {key: value for key, value in SUMS.items() if key != "table"}
OF_VIEW = {"view": "prices", "name": "Prices of a view", **PLAIN}
WHOLE = {"tables": [ORDERS], "views": [VIEW], "charts": [SUMS, OF_VIEW]}


def schema(place: Workspace) -> Any:
    return succeeded(place.admin.get(f"{place.path}/schema"))


def put(place: Workspace, body: Any, **parameters: str) -> Any:
    return place.admin.put(f"{place.path}/schema", json=body, params=parameters)


def steps(place: Workspace, body: Any, **parameters: str) -> list[str]:
    """The steps, which are the same in a dry run before."""
    planned = succeeded(put(place, body, **parameters, dryRun="true"))
    assert succeeded(put(place, body, **parameters)) == planned
    return [step["step"] for step in planned["steps"]]


def charts(place: Workspace) -> dict[str, Any]:
    return {each["name"]: each for each in good(place.admin.get(f"{place.path}/charts"))["charts"]}


@pytest.fixture
def place(workspace: Workspace) -> Workspace:
    assert steps(workspace, WHOLE)[-2:] == [
        'create chart "Sums" of table orders',
        'create chart "Prices of a view" of view prices',
    ]
    return workspace


@pytest.fixture
def ada(server: RowkeepServer, place: Workspace) -> Iterator[Person]:
    person = Person(server, name="Ada")
    good(place.admin.put(f"{place.path}/members/{person.id}", json={"role": "viewer"}))
    yield person
    person.http.close()


def test_charts_are_exported_and_applied_elsewhere(server: RowkeepServer, place: Workspace) -> None:
    made = schema(place)
    assert made["charts"] == [SUMS, OF_VIEW]
    other = Workspace(server, f"{place.name}_there")
    steps(other, made)
    assert (schema(other), steps(other, made)) == (made, [])
    # a definition without charts says nothing of them
    for same in ({"charts": None}, {key: made[key] for key in ("tables", "views", "grants")}):
        assert steps(other, same) == []
    before = charts(other)
    changed = SUMS | {"name": "SUMS", "kind": "pie", "category": "city"}
    assert steps(other, {"charts": [changed, SUMS | {"name": "More"}]}) == [
        'delete chart "Prices of a view" of view prices',
        'change chart "SUMS" of table orders',
        'create chart "More" of table orders',
    ]
    after = charts(other)
    assert after.keys() == {"SUMS", "More"}
    assert (after["SUMS"]["id"], after["SUMS"]["category"]) == (before["Sums"]["id"], "City")
    other.delete()


def test_charts_follow_the_definitions_that_come_with_them(place: Workspace) -> None:
    columns = [CITY, column("Cost", "decimal", renamedFrom="Price"), column("Size", "integer")]
    view = VIEW | {"columns": ["sales.City", "sales.Size"], "table": "sales"}
    sums = SUMS | {"table": "sales", "value": "Cost", "query": None}
    sizes = OF_VIEW | {"aggregate": "max", "value": "Size"}
    moved = {"tables": [table("sales", *columns, renamedFrom="orders")], "views": [view]}
    before = charts(place)
    loss = {"allowDataLoss": "true"}
    told = steps(place, moved | {"charts": [sums, sizes]}, **loss)
    assert told[-2:] == [
        'change chart "Sums" of table sales',
        'change chart "Prices of a view" of view prices',
    ]
    assert {name: each["id"] for name, each in charts(place).items()} == {
        name: each["id"] for name, each in before.items()
    }
    # only the names of columns are others: the chart follows, in no step
    again = {"tables": [table("sales", CITY, column("Sum", "decimal", renamedFrom="Cost"), columns[2])]}
    told = steps(place, again | {"charts": [sums | {"value": "Sum"}, sizes]})
    assert told == ["table sales: rename column Cost to Sum"]
    # a column that a chart of the definition needs is missing
    dropped = {"tables": [table("sales", CITY, columns[2])]}
    answer = refused(put(place, dropped | {"charts": [sums | {"value": "Sum"}, sizes]}, **loss), 400)
    assert [(each["code"], each["pointer"]) for each in answer["errors"]] == [
        ("unknown_column", "/charts/0/value")
    ]
    assert len(schema(place)["tables"][0]["schemaDef"]) == 3
    gone = steps(place, {"tables": dropped["tables"], "charts": [sizes]}, **loss)
    assert gone == ["table sales: drop column Sum", 'delete chart "Sums" of table sales']
    assert steps(place, {"tables": [], "views": [], "charts": []}, **loss) == [
        "drop view prices",
        "drop table sales with all its rows",
    ]


def test_a_changed_view_has_what_belonged_to_it(place: Workspace, ada: Person) -> None:
    view, own = f"{place.path}/views/prices", PLAIN | {"name": "Mine"}
    succeeded(place.admin.put(f"{view}/shares/{ada.id}", json={"right": "edit"}))
    shares = good(place.admin.get(f"{view}/shares"))
    made = ada.http.post(f"{view}/charts", json=own).json()
    assert schema(place)["charts"] == [SUMS, OF_VIEW]
    views = [VIEW | {"name": "costs", "renamedFrom": "prices", "columns": ["orders.City"]}]
    assert steps(place, {"views": views}) == ["rename view prices to costs"]
    assert good(place.admin.get(f"{place.path}/views/costs/shares")) == shares
    assert charts(place)["Mine"] == made | {"view": "costs"}
    assert charts(place)["Prices of a view"]["problem"] is None
    assert steps(place, {"views": [VIEW | {"name": "costs"}], "charts": []})[0] == "change view costs"
    assert charts(place).keys() == {"Mine"}


def test_steps_name_charts_that_can_no_longer_be_drawn(place: Workspace, ada: Person) -> None:
    for name in ("Mine", "Also mine"):
        made = ada.http.post(f"{place.path}/tables/orders/charts", json=OF_USER | {"name": name})
        assert made.status_code == 201
    without = table("orders", CITY, NOTE)
    notes = [
        'chart "Sums" of table orders can no longer be drawn',
        "2 private charts of table orders can no longer be drawn",
    ]
    views = [VIEW | {"columns": ["orders.City"]}]
    loss = {"allowDataLoss": "true"}
    good(place.admin.put(f"{place.path}/views/prices", json=views[0]))
    path = f"{place.path}/tables/orders"
    alone = good(place.admin.put(path, json=without, params={"dryRun": "true"}))["steps"]
    assert [each["step"] for each in alone] == ["drop column Price", *notes]
    assert steps(place, {"tables": [without]}, **loss) == ["table orders: drop column Price", *notes]
    # they stay, and can be exported and applied here, but not elsewhere
    broken = schema(place)
    assert (broken["charts"][0], steps(place, broken)) == (SUMS, [])
    refused(put(place, {"charts": [SUMS | {"name": "New"}]}), 400, "unknown_column", "/charts/0/value")
    # unless their columns come back
    assert steps(place, {"tables": [ORDERS], "charts": [SUMS, OF_VIEW]})[-1] == (
        'change chart "Sums" of table orders'
    )
    assert steps(place, {"tables": [without]}, **loss)[1:] == notes[:1]
    assert steps(place, {"charts": [SUMS | {"kind": "number", "category": None, "aggregate": "count",
                                            "value": None, "query": None}]}) == [
        'delete chart "Prices of a view" of view prices',
        'change chart "Sums" of table orders',
    ]  # fmt: skip
    # a chart of a view depends on the types of the table
    of_view = OF_VIEW | {"category": None, "kind": "number"}
    steps(
        place,
        {"tables": [ORDERS], "views": [VIEW], "charts": [of_view | {"aggregate": "max", "value": "Price"}]},
    )
    text = table("orders", CITY, column("Price"), NOTE)
    assert steps(place, {"tables": [text]})[1:] == [
        'chart "Prices of a view" of view prices can no longer be drawn'
    ]
