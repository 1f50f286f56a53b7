"""Deletes by filter, by DELETE with a body and by its alias."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from answers import good, problem, records, rows, total
from expressions import EVERYTHING, all_of, comparison, negated, where

from support.bot import Bot

TABLE = "/api/public/tables/people"
CALLS = [("DELETE", TABLE), ("POST", TABLE + "/delete")]

Delete = Callable[..., httpx.Response]


@pytest.fixture(params=CALLS, ids=["DELETE", "POST"])
def delete(request: pytest.FixtureRequest, people: Bot) -> Delete:
    """Sends a body to either of the two calls; the table holds rows numbered 0 to 9 and one empty row."""
    records(people.bulk("people", [{"Number": i} for i in range(10)] + [{}]))
    method, path = request.param

    def send(body: Any, **more: Any) -> httpx.Response:
        return people.request(method, path, json=body, **more)

    return send


def numbers(people: Bot) -> list[Any]:
    return [row["Number"] for row in rows(people.query("people", sys_limit=100))]


def test_deletes_the_rows_that_the_filter_finds(people: Bot, delete: Delete) -> None:
    assert good(delete({"query": where("Number", "<", 7)})) == {"nDeleted": 7}
    assert numbers(people) == [7, 8, 9, None]


def test_deletes_empty_cells(people: Bot, delete: Delete) -> None:
    assert good(delete({"query": where("Number", "=", None)})) == {"nDeleted": 1}
    assert numbers(people) == list(range(10))


def test_no_row_found(people: Bot, delete: Delete) -> None:
    assert good(delete({"query": where("Number", ">", 100)})) == {"nDeleted": 0}
    assert total(people, "people") == 11


def test_all_rows(people: Bot, delete: Delete) -> None:
    assert good(delete({"query": EVERYTHING})) == {"nDeleted": 11}
    assert good(delete({"query": EVERYTHING})) == {"nDeleted": 0}
    assert total(people, "people") == 0


def test_nested_filters_and_near_names(people: Bot, delete: Delete) -> None:
    query = all_of(comparison("NUMBER", ">=", "3"), negated(comparison("number", "in", [4, "5"])))
    assert good(delete({"query": query})) == {"nDeleted": 5}
    assert numbers(people) == [0, 1, 2, 4, 5, None]


def test_by_id(people: Bot, delete: Delete) -> None:
    first, second, *_ = rows(people.query("people"))
    assert good(delete({"query": where("_id", "=", first["_id"])})) == {"nDeleted": 1}
    assert good(delete({"query": where("sys_Id", "=", second["sys_Id"])})) == {"nDeleted": 1}
    assert numbers(people) == [*range(2, 10), None]


def test_minimal_makes_no_difference(people: Bot, delete: Delete) -> None:
    response = delete({"query": where("Number", "<", 7)}, headers={"Prefer": "return=minimal"})
    assert good(response) == {"nDeleted": 7}


@pytest.mark.parametrize("key", ["data", "Query"])
def test_unknown_body_keys_are_errors(people: Bot, delete: Delete, key: str) -> None:
    problem(delete({"query": EVERYTHING, key: None}), 400, "unknown_key", f"/{key}")
    assert total(people, "people") == 11


@pytest.mark.parametrize("query", [None, [EVERYTHING]])
def test_query_must_be_an_object(people: Bot, delete: Delete, query: Any) -> None:
    problem(delete({"query": query}), 400)
    assert total(people, "people") == 11


def test_a_bad_filter_deletes_nothing(people: Bot, delete: Delete) -> None:
    expression = "/query/expressions/0"
    problem(delete({"query": where("Nmber", "=", 1)}), 400, "unknown_column", f"{expression}/field")
    problem(delete({"query": where("Number", "like", 1)}), 400, "unknown_operand", f"{expression}/operand")
    problem(delete({"query": where("Number", "=", "x")}), 422, "invalid_value", f"{expression}/value")
    assert total(people, "people") == 11


def test_the_bot_deletes_as_clients_do(people: Bot) -> None:
    records(people.bulk("people", [{"Number": i} for i in range(3)]))
    assert good(people.delete("people", where("Number", "!=", 1))) == {"nDeleted": 2}
    assert numbers(people) == [1]


def test_a_deleted_row_is_found_no_more(people: Bot, delete: Delete) -> None:
    row = rows(people.query("people"))[5]
    assert good(delete({"query": where("_id", "=", row["_id"])})) == {"nDeleted": 1}
    assert rows(people.query("people", {"query": where("_id", "=", row["_id"])})) == []
    assert records(people.update("people", where("_id", "=", row["_id"]), {"Gender": "x"})) == []
    assert good(delete({"query": where("_id", "=", row["_id"])})) == {"nDeleted": 0}
