"""Views over HTTP: what they answer, on rows that are few enough to be read here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from answers import good, problem, rows
from definitions import column, table
from expressions import all_of, comparison, negated, where

from support.bot import Bot
from support.server import RowkeepServer
from support.workspace import Workspace, succeeded

MAX = 2**63 - 1

PEOPLE = [
    {"Name": "Ann", "City": "Bern", "Age": 30, "Score": 1.5, "Since": "2020-01-01", "Boss": None},
    {"Name": "Bob", "City": "Bern", "Age": 40, "Score": 2.25, "Since": "2021-01-01", "Boss": "Ann"},
    {"Name": "Cid", "City": "Rome", "Age": None, "Score": None, "Since": None, "Boss": "Ann"},
    {"Name": "Dan", "City": None, "Age": 20, "Score": 5e-324, "Since": "2019-01-01", "Boss": "Zoe"},
]
ORDERS = [
    {"Who": "Ann", "Count": MAX, "Price": "1.50", "Paid": True},
    {"Who": "Ann", "Count": MAX, "Price": "1.5", "Paid": False},
    {"Who": "Bob", "Count": -3, "Price": "0.10", "Paid": None},
    {"Who": "Eve", "Count": 7, "Price": None, "Paid": True},
    {"Who": None, "Count": None, "Price": "10", "Paid": True},
]


@pytest.fixture(scope="module")
def place(server: RowkeepServer) -> Iterator[Workspace]:
    workspace = Workspace(server, f"views_{uuid4().hex[:12]}")
    workspace.create_table(
        table(
            "people",
            column("Name"),
            column("City"),
            column("Age", "integer"),
            column("Score", "number"),
            column("Since", "date"),
            column("Boss"),
        )
    )
    workspace.create_table(
        table(
            "orders",
            column("Who"),
            column("Count", "integer"),
            column("Price", "decimal"),
            column("Paid", "boolean"),
        )
    )
    bot = workspace.bot({"people": "rwd", "orders": "rwd"})
    good(bot.bulk("people", PEOPLE))
    good(bot.bulk("orders", ORDERS))
    yield workspace
    workspace.delete()


@pytest.fixture(scope="module")
def reader(place: Workspace) -> Bot:
    """An app that may read none of the tables."""
    return place.bot()


JOIN = {"table": "orders", "on": [{"left": "people.Name", "operand": "=", "right": "orders.Who"}]}


class Viewer:
    """Makes a view of each definition, and reads it."""

    def __init__(self, workspace: Workspace, bot: Bot) -> None:
        self.workspace = workspace
        self.bot = bot
        self.path = f"{workspace.path}/views"

    def make(self, **definition: Any) -> str:
        name = definition.pop("name", f"v_{uuid4().hex[:12]}")
        made = succeeded(self.workspace.admin.post(self.path, json={"name": name, **definition}))
        assert made["name"] == name
        grant = f"{self.path}/{name}/grants/{self.bot.client_id}"
        succeeded(self.workspace.admin.put(grant, json={"read": True}))
        return name

    def ask(self, view: str, body: Any = None, **params: Any) -> Any:
        path = f"/api/public/views/{view}/query"
        return self.bot.request("POST", path, params=params, json={} if body is None else body)

    def rows(self, view: str, body: Any = None, **params: Any) -> list[dict[str, Any]]:
        return rows(self.ask(view, body, **params))

    def read(self, **definition: Any) -> list[list[Any]]:
        """The cells of all rows of a view of this definition."""
        return [list(row.values()) for row in self.rows(self.make(**definition), sys_limit=1000)]


@pytest.fixture(scope="module")
def viewer(place: Workspace, reader: Bot) -> Viewer:
    return Viewer(place, reader)


def test_a_view_of_some_columns(viewer: Viewer) -> None:
    name = viewer.make(table="people", columns=["people.Name", {"expr": "people.City", "as": "Town"}])
    answer = good(viewer.ask(name))
    assert answer == {
        "hasMore": False,
        "total": 4,
        "metaInfo": [{"name": "Name", "type": "string"}, {"name": "Town", "type": "string"}],
        "queryResult": [
            {"Name": "Ann", "Town": "Bern"},
            {"Name": "Bob", "Town": "Bern"},
            {"Name": "Cid", "Town": "Rome"},
            {"Name": "Dan", "Town": None},
        ],
    }


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("inner", [["Ann", MAX], ["Ann", MAX], ["Bob", -3]]),
        ("left", [["Ann", MAX], ["Ann", MAX], ["Bob", -3], ["Cid", None], ["Dan", None]]),
        ("right", [[None, None], [None, 7], ["Ann", MAX], ["Ann", MAX], ["Bob", -3]]),
    ],
)
def test_joins_match_no_empty_cells(viewer: Viewer, kind: str, expected: list[Any]) -> None:
    found = viewer.read(
        table="people", joins=[JOIN | {"type": kind}], columns=["people.Name", "orders.Count"]
    )
    assert found == expected


def test_a_table_joined_to_itself(viewer: Viewer) -> None:
    boss = {"table": "people", "as": "boss", "type": "left"}
    on = [{"left": "people.Boss", "operand": "=", "right": "boss.Name"}]
    columns = ["people.Name", {"expr": "boss.Name", "as": "Boss"}, {"expr": "boss.Age", "as": "Boss_Age"}]
    found = viewer.read(table="people", joins=[boss | {"on": on}], columns=columns)
    assert found == [["Ann", None, None], ["Bob", "Ann", 30], ["Cid", "Ann", 30], ["Dan", None, None]]
    older = [
        {"left": "a.Age", "operand": "<", "right": "b.Age"},
        {"left": "b.Name", "operand": "!=", "right": "a.Name"},
    ]
    found = viewer.read(
        table="people",
        **{"as": "a"},
        joins=[{"table": "people", "as": "b", "on": older}],
        columns=["a.Name", {"expr": "b.Name", "as": "Older"}],
    )
    assert found == [["Ann", "Bob"], ["Dan", "Ann"], ["Dan", "Bob"]]


def test_aggregates(viewer: Viewer) -> None:
    columns = [
        "people.City", "count(people._id)", "sum(people.Age)", "avg(people.Age)", "min(people.Since)",
        "max(people.Name)", "sum(people.Score)", "avg(people.Score)", "count(distinct people.City)",
        {"expr": "count(people.Age)", "as": "Ages"},
    ]  # fmt: skip
    name = viewer.make(table="people", columns=columns, groupBy=["people.City"])
    answer = good(viewer.ask(name))
    assert [each["type"] for each in answer["metaInfo"]] == [
        "string", "integer", "decimal", "number", "date", "string", "number", "number", "integer", "integer",
    ]  # fmt: skip
    assert list(answer["queryResult"][0]) == [
        "City", "count_id", "sum_Age", "avg_Age", "min_Since", "max_Name", "sum_Score", "avg_Score",
        "count_distinct_City", "Ages",
    ]  # fmt: skip
    assert [list(row.values()) for row in answer["queryResult"]] == [
        [None, 1, "20", 20, "2019-01-01T00:00:00.000Z", "Dan", 5e-324, 5e-324, 0, 1],
        ["Bern", 2, "70", 35, "2020-01-01T00:00:00.000Z", "Bob", 3.75, 1.875, 1, 2],
        ["Rome", 1, None, None, None, "Cid", None, None, 1, 0],
    ]


def test_sums_are_exact_beyond_what_a_column_holds(viewer: Viewer) -> None:
    columns = [
        "orders.Who", "sum(orders.Count)", "avg(orders.Count)", "sum(orders.Price)", "avg(orders.Price)",
        "min(orders.Price)", "max(orders.Price)", "count(distinct orders.Price)",
    ]  # fmt: skip
    found = viewer.read(table="orders", columns=columns, groupBy=["orders.Who"])
    assert found == [
        [None, None, None, "10", "10", "10", "10", 1],
        ["Ann", str(2 * MAX), float(MAX), "3.00", "1.5", "1.5", "1.5", 1],
        ["Bob", "-3", -3, "0.10", "0.1", "0.1", "0.1", 1],
        ["Eve", "7", 7, None, None, None, None, 0],
    ]
    whole = viewer.read(table="orders", columns=columns[1:])
    assert whole == [[str(2 * MAX + 4), (2 * MAX + 4) / 4, "13.10", "3.275", "0.1", "10", 3]]
    assert viewer.read(table="orders", columns=["orders.Price"], groupBy=["orders.Price"]) == [
        [None], ["0.1"], ["1.5"], ["10"],
    ]  # fmt: skip


def test_filter_having_and_sort(viewer: Viewer) -> None:
    name = viewer.make(
        table="people",
        joins=[JOIN | {"type": "left"}],
        filter={
            "expressions": [
                comparison("people.Age", ">=", "20"),
                negated(comparison("orders.Count", "=", -3)),
            ]
        },
        columns=[
            "people.Name",
            {"expr": "count(orders._id)", "as": "Orders"},
            {"expr": "sum(orders.Price)", "as": "Paid"},
        ],
        groupBy=["people.Name"],
        having=where("Orders", "<", 2),
        sortBy=[{"field": "Paid", "order": "desc"}, {"field": "Name"}],
    )
    assert viewer.rows(name) == [{"Name": "Dan", "Orders": 0, "Paid": None}]
    succeeded(
        viewer.workspace.admin.put(
            f"{viewer.path}/{name}",
            json={
                "name": name,
                "table": "people",
                "joins": [JOIN | {"type": "left"}],
                "columns": ["people.Name", {"expr": "sum(orders.Price)", "as": "Paid"}],
                "groupBy": ["people.Name"],
                "sortBy": [{"field": "Paid", "order": "desc"}],
            },
        )
    )
    assert [list(row.values()) for row in viewer.rows(name)] == [
        ["Ann", "3.00"], ["Bob", "0.10"], ["Cid", None], ["Dan", None],
    ]  # fmt: skip
    query = all_of(comparison("paid", ">", "0.1"), comparison("NAME", "istarts with", "a"))
    assert viewer.rows(name, {"query": query, "fields": ["PAID"]}) == [{"Paid": "3.00"}]
    assert good(viewer.ask(name, {"query": where("Paid", "=", "3")}))["total"] == 1
    problem(
        viewer.ask(name, {"query": where("Sum", "=", 1)}), 400, "unknown_column", "/query/expressions/0/field"
    )


def test_an_empty_string_is_null_where_no_string_can_be(viewer: Viewer) -> None:
    for operand, null in (("=", None), ("!=", None), ("in", [None]), ("not in", [None])):
        sent = "" if null is None else [""]
        found = [
            viewer.read(
                table="people",
                columns=["people.Name"],
                filter=all_of(comparison("people.Age", operand, value)),
            )
            for value in (null, sent)
        ]
        assert found[0] == found[1], operand


def test_pages(viewer: Viewer) -> None:
    told_apart = viewer.make(
        table="people",
        joins=[JOIN | {"type": "left"}],
        columns=["people.City", "people._id", {"expr": "orders._id", "as": "order_id"}, "orders.Paid"],
    )
    everything = viewer.rows(told_apart)
    for sort in ([], [{"field": "Paid", "order": "desc"}], [{"field": "City"}, {"field": "Paid"}]):
        whole = viewer.rows(told_apart, {"sort": sort})
        assert sorted(map(str, whole)) == sorted(map(str, everything))
        found: list[Any] = []
        body: dict[str, Any] = {"sort": sort}
        while True:
            answer = good(viewer.ask(told_apart, body, sys_limit=2))
            found += answer["queryResult"]
            assert answer["total"] == 5
            assert answer["hasMore"] is ("nextCursor" in answer)
            if not answer["hasMore"]:
                break
            body = {"sort": sort, "cursor": answer["nextCursor"]}
        assert found == whole
    alike = viewer.make(table="people", columns=["people.City"])
    answer = good(viewer.ask(alike, sys_limit=3))
    assert answer["hasMore"] is True
    assert "nextCursor" not in answer
    assert viewer.rows(alike, sys_limit=3, sys_offset=3) == [{"City": "Rome"}]
    problem(viewer.ask(alike, {"cursor": "x"}), 400, "invalid_cursor", "/cursor")
    grouped = viewer.make(
        table="people", columns=["people.City", "count(people._id)"], groupBy=["people.City"]
    )
    first = good(viewer.ask(grouped, {"sort": [{"field": "count_id"}]}, sys_limit=2))
    body = {"sort": [{"field": "count_id"}], "cursor": first["nextCursor"]}
    assert [row["City"] for row in first["queryResult"] + viewer.rows(grouped, body)] == [
        None,
        "Rome",
        "Bern",
    ]


def test_a_sum_beyond_doubles_is_refused(viewer: Viewer, place: Workspace) -> None:
    place.create_table(table("large", column("x", "number")))
    bot = place.bot({"large": "rwd"})
    good(bot.bulk("large", [{"x": 1.7e308}, {"x": 1.7e308}]))
    name = viewer.make(table="large", columns=["sum(large.x)"])
    problem(viewer.ask(name), 422, "invalid_value")
    assert viewer.read(table="large", columns=["max(large.x)"]) == [[1.7e308]]
