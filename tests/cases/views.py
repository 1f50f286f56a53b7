"""Two tables, and definitions of views over them that are refused, with code and pointers."""

from __future__ import annotations

from typing import Any

from support.definitions import column, table
from support.expressions import where

PEOPLE = table(
    "people",
    column("Name"),
    column("City"),
    column("Age", "integer"),
    column("Flag", "boolean"),
    column("Note", "json"),
    column("Secret", isEncrypted=True),
)
ORDERS = table("orders", column("Who"), column("Count", "integer"), column("Price", "decimal"))
ON = {"left": "people.Name", "operand": "=", "right": "orders.Who"}


def view(**parts: Any) -> dict[str, Any]:
    return {"name": "v", "table": "people", "columns": ["people.Name"]} | parts


def join(**parts: Any) -> dict[str, Any]:
    return {"table": "orders", "on": [ON]} | parts


def sums(name: str) -> dict[str, Any]:
    return view(columns=[f"sum(people.{name})"])


WRONG: list[tuple[dict[str, Any], str, list[str]]] = [
    (view(name="v 1"), "invalid_name", ["/name"]),
    (view(description="x" * 101), "invalid_definition", ["/description"]),
    (view(table="People", columns=["People.x"]), "invalid_definition", ["/table"]),
    (view(table="nothing\x00"), "invalid_definition", ["/table", "/columns/0"]),
    (view(table="one", columns=["one.Name"]), "invalid_definition", ["/table"]),
    (
        view(columns=["people.name", "Name", "x.Name", "people.Name.x"]),
        "unknown_column",
        [f"/columns/{at}" for at in range(4)],
    ),
    (view(columns=[]), "invalid_definition", ["/columns"]),
    (
        view(columns=["median(people.Age)", "count(*)", "a b"]),
        "invalid_definition",
        [f"/columns/{at}" for at in range(3)],
    ),
    (view(columns=["sum(distinct people.Age)"]), "invalid_definition", ["/columns/0"]),
    (sums("Name"), "invalid_definition", ["/columns/0"]),
    (sums("Flag"), "invalid_definition", ["/columns/0"]),
    (sums("Secret"), "invalid_definition", ["/columns/0"]),
    (
        view(columns=["max(people.Flag)", "min(people.Note)", "count(distinct people.Secret)"]),
        "invalid_definition",
        [f"/columns/{at}" for at in range(3)],
    ),
    (
        view(columns=["people.Name", {"expr": "people.City", "as": "NAME"}]),
        "duplicate_column",
        ["/columns/1"],
    ),
    (
        view(columns=["people._id", {"expr": "people.City", "as": "_id"}]),
        "invalid_name",
        ["/columns/1/as", "/columns/1"],
    ),
    (view(columns=["people.Name", "count(people.City)"]), "invalid_definition", ["/columns/0"]),
    (
        view(groupBy=["people.City", "people.Note", "people.Secret", "people.City"]),
        "invalid_definition",
        ["/groupBy/1", "/groupBy/2", "/groupBy/3"],
    ),
    (view(joins=[join(type="full", on=[])]), "invalid_definition", ["/joins/0/type", "/joins/0/on"]),
    (view(joins=[join(table="people")]), "invalid_definition", ["/joins/0/as", "/joins/0/on/0/right"]),
    (view(joins=[join(on=[ON | {"operand": "in"}])]), "unknown_operand", ["/joins/0/on/0/operand"]),
    (view(joins=[join(on=[ON | {"right": "people.City"}])]), "invalid_definition", ["/joins/0/on/0"]),
    (view(joins=[join(on=[ON | {"right": "orders.Count"}])]), "invalid_definition", ["/joins/0/on/0"]),
    (
        view(joins=[join(on=[ON | {"left": "people.Secret"}])]),
        "invalid_definition",
        ["/joins/0/on/0/left"],
    ),
    (
        view(
            joins=[
                join(on=[ON | {"left": "later.Name"}]),
                join(**{"as": "later"}, on=[ON | {"right": "later.Who"}]),
            ]
        ),
        "unknown_column",
        ["/joins/0/on/0/left"],
    ),
    (
        view(joins=[join(**{"as": f"o{at}"}, on=[ON | {"right": f"o{at}.Who"}]) for at in range(9)]),
        "invalid_definition",
        ["/joins"],
    ),
    (
        view(
            filter={
                "expressions": [
                    {"field": "people.Age", "operand": "~"},
                    {"field": "Name", "operand": "is null"},
                    {"field": "people.Age", "operand": "=", "value": "x"},
                ]
            }
        ),
        "unknown_operand",
        ["/filter/expressions/0/operand", "/filter/expressions/1/field", "/filter/expressions/2/value"],
    ),
    (view(filter={"expressions": [{"expressions": []}]}), "invalid_filter", ["/filter/expressions/0"]),
    (view(filter=where("people.Secret", "=", "x")), "invalid_definition", ["/filter"]),
    (view(having=where("Name", "=", "x")), "invalid_definition", ["/having"]),
    (
        view(columns=["count(people.Name)"], having=where("people.Name", "=", "x")),
        "unknown_column",
        ["/having/expressions/0/field"],
    ),
    (
        view(columns=["people.Note"], sortBy=[{"field": "Note"}, {"field": "x", "order": "up"}]),
        "invalid_definition",
        ["/sortBy/0", "/sortBy/1/order", "/sortBy/1/field"],
    ),
    (view(filter={"all": False}), "invalid_filter", ["/filter/all"]),
    (view(name=7), "invalid_body", ["/name"]),
    (view(colums=[]), "unknown_key", ["/colums"]),
    (
        view(joins=[join(), join(**{"as": "x y"}, table="gone")], sortBy=[{"field": "nothing"}]),
        "invalid_name",
        ["/joins/1/as", "/joins/1/table", "/joins/1/on/0", "/sortBy/0/field"],
    ),
]
