"""Queries: the answer's shape, bodies that find all rows, bodies that are refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from answers import SYSTEM_COLUMNS, good, problem, records, rows
from definitions import TYPED_COLUMNS
from expressions import where

from support.bot import Bot

QUERY = "/api/public/tables/people/query"
OWN_COLUMNS = ("First_Name", "Last_Name", "Gender", "Number")
SYSTEM_TYPES = ("date", "date", "string", "string", "string", "string")


@pytest.fixture
def stored(people: Bot) -> list[dict[str, Any]]:
    return records(people.bulk("people", [{"First_Name": f"Name {i}", "Number": i} for i in range(12)]))


def test_the_answer(people: Bot, stored: list[dict[str, Any]]) -> None:
    answer = good(people.query("people"))
    assert set(answer) == {"hasMore", "total", "metaInfo", "queryResult", "nextCursor"}
    assert answer["hasMore"] is True
    assert answer["total"] == 12
    assert answer["queryResult"] == stored[:10]
    assert all(tuple(row) == OWN_COLUMNS + SYSTEM_COLUMNS for row in answer["queryResult"])


def test_the_answer_of_the_last_page(people: Bot, stored: list[dict[str, Any]]) -> None:
    answer = good(people.query("people", sys_limit=12))
    assert set(answer) == {"hasMore", "total", "metaInfo", "queryResult"}
    assert answer["hasMore"] is False
    assert answer["total"] == 12
    assert answer["queryResult"] == stored


def test_the_answer_of_an_empty_table(people: Bot) -> None:
    answer = good(people.query("people"))
    assert (answer["hasMore"], answer["total"], answer["queryResult"]) == (False, 0, [])
    assert len(answer["metaInfo"]) == 10


def test_meta_info_names_all_columns_with_their_types(typed: Bot) -> None:
    meta = good(typed.query("typed"))["metaInfo"]
    types = ("string", "string", "number", "integer", "boolean", "date", *SYSTEM_TYPES)
    expected = zip(TYPED_COLUMNS + SYSTEM_COLUMNS, types, strict=True)
    assert meta == [{"name": name, "type": kind} for name, kind in expected]


@pytest.mark.parametrize(
    "body", [{}, {"query": {}}, {"query": {"expressions": []}}, {"query": {"operator": "or"}}]
)
def test_a_query_without_a_filter_finds_all_rows(
    people: Bot, stored: list[dict[str, Any]], body: Any
) -> None:
    assert rows(people.request("POST", f"{QUERY}?sys_limit=100", json=body)) == stored


@pytest.mark.parametrize("headers", [{}, {"Content-Type": "application/json"}])
def test_a_query_without_a_body_finds_all_rows(
    people: Bot, stored: list[dict[str, Any]], headers: dict[str, str]
) -> None:
    assert rows(people.request("POST", f"{QUERY}?sys_limit=100", headers=headers)) == stored
    assert rows(people.request("POST", f"{QUERY}?sys_limit=100", content=b"", headers=headers)) == stored


@pytest.mark.parametrize("body", [[], None])
def test_the_body_must_be_an_object(empty_people: Bot, body: Any) -> None:
    content = json.dumps(body)
    response = empty_people.request(
        "POST", QUERY, content=content, headers={"Content-Type": "application/json"}
    )
    problem(response, 400)


@pytest.mark.parametrize("key", ["filter", "sys_limit"])
def test_unknown_body_keys_are_errors(empty_people: Bot, key: str) -> None:
    problem(empty_people.request("POST", QUERY, json={key: 1}), 400, "unknown_key", f"/{key}")


@pytest.mark.parametrize("name", ["limit", "SYS_LIMIT"])
def test_unknown_parameters_are_errors(empty_people: Bot, name: str) -> None:
    problem(empty_people.request("POST", f"{QUERY}?sys_limit=5&{name}=5"), 400, "invalid_parameter")


@pytest.mark.parametrize("query", [[where("Number", "=", 1)]])
def test_the_filter_must_be_an_object(empty_people: Bot, query: Any) -> None:
    problem(empty_people.query("people", {"query": query}), 400)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_other_methods_are_refused(empty_people: Bot, method: str) -> None:
    response = empty_people.request(method, QUERY)
    problem(response, 405, "method_not_allowed")
    assert "POST" in response.headers["allow"]


def test_rows_come_in_id_order(people: Bot) -> None:
    for i in (3, 1, 2):
        good(people.insert("people", {"Number": i}))
    answer = rows(people.query("people"))
    assert [row["Number"] for row in answer] == [3, 1, 2]
    assert [row["_id"] for row in answer] == sorted(row["_id"] for row in answer)


def test_an_update_does_not_move_a_row(people: Bot, stored: list[dict[str, Any]]) -> None:
    good(people.update("people", where("Number", "=", 0), {"First_Name": "longer than before" * 100}))
    assert [row["Number"] for row in rows(people.query("people"))] == list(range(10))


def test_a_write_is_seen_by_the_next_query(people: Bot) -> None:
    for i in range(30):
        good(people.insert("people", {"Number": i}))
        assert good(people.query("people", {"query": where("Number", "=", i)}))["total"] == 1
        assert good(people.query("people"))["total"] == i + 1


def test_total_counts_what_the_filter_finds(people: Bot, stored: list[dict[str, Any]]) -> None:
    answer = good(people.query("people", {"query": where("Number", ">=", 8)}, sys_limit=2))
    assert (answer["total"], answer["hasMore"], len(answer["queryResult"])) == (4, True, 2)


def test_values_come_back_as_json_writes_them(typed: Bot) -> None:
    response = typed.insert(
        "typed",
        {
            "Label": "as sent",
            "Text": 'a "b" \\ / \n',
            "Num": 263,
            "Whole": 2**63 - 1,
            "Flag": True,
            "Moment": 0,
        },
    )
    sent = good(response)
    answer = typed.query("typed", {"query": where("_id", "=", sent["_id"])})
    for text in (response.text, answer.text):
        compact = text.replace(": ", ":")
        assert '"Num":263,' in compact
        assert f'"Whole":{2**63 - 1},' in compact
        assert '"Flag":true,' in compact
        assert '"Moment":"1970-01-01T00:00:00.000Z"' in compact
    assert rows(answer) == [sent]
