"""Inserting one row: the record that comes back, and bodies that are refused."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from answers import MOMENT, ROW_ID, SYS_ID, SYSTEM_COLUMNS, WRITER, good, problem, rows, total
from definitions import column, table
from expressions import where

from support.bot import Bot
from support.workspace import Workspace

JANE = {"First_Name": "Jane", "Last_Name": "Smith", "Gender": "female", "Number": 263}
OWN_COLUMNS = tuple(JANE)


def test_answers_the_record_with_its_columns_in_order(people: Bot) -> None:
    response = people.insert("people", dict(reversed(JANE.items())))
    answer = good(response)
    assert tuple(answer) == OWN_COLUMNS + SYSTEM_COLUMNS
    assert {name: answer[name] for name in OWN_COLUMNS} == JANE
    assert '"Number":263,' in response.text.replace(" ", "")


def test_system_columns_have_their_forms(people: Bot) -> None:
    answer = good(people.insert("people", JANE))
    assert ROW_ID.fullmatch(answer["_id"])
    assert SYS_ID.fullmatch(answer["sys_Id"])
    assert MOMENT.fullmatch(answer["Created_On"])
    assert answer["Updated_On"] == answer["Created_On"]
    assert WRITER.fullmatch(answer["Created_By"])
    assert answer["Updated_By"] == answer["Created_By"]


def test_created_on_is_the_time_of_the_insert_in_utc(people: Bot) -> None:
    before = datetime.now(UTC) - timedelta(milliseconds=1)
    created = datetime.fromisoformat(good(people.insert("people", JANE))["Created_On"])
    assert before <= created <= datetime.now(UTC)


def test_id_begins_with_the_time_of_the_insert(people: Bot) -> None:
    """An ObjectId's first four bytes are seconds since 1970."""
    answer = good(people.insert("people", JANE))
    seconds = int(answer["_id"][:8], 16)
    assert abs(seconds - datetime.fromisoformat(answer["Created_On"]).timestamp()) < 60


def test_missing_columns_and_null_are_empty_cells(people: Bot) -> None:
    answer = good(people.insert("people", {"First_Name": "Jane", "Gender": None}))
    assert [answer[name] for name in OWN_COLUMNS] == ["Jane", None, None, None]
    assert rows(people.query("people")) == [answer]


def test_a_row_without_columns_is_allowed(people: Bot) -> None:
    answer = good(people.insert("people", {}))
    assert [answer[name] for name in OWN_COLUMNS] == [None] * 4
    assert total(people, "people") == 1


def test_what_was_answered_is_what_is_stored(people: Bot) -> None:
    answer = good(people.insert("people", JANE))
    assert rows(people.query("people")) == [answer]
    assert rows(people.query("people", {"query": where("_id", "=", answer["_id"])})) == [answer]


def test_ids_differ_and_increase(people: Bot) -> None:
    answers = [good(people.insert("people", JANE)) for _ in range(20)]
    ids = [answer["_id"] for answer in answers]
    assert ids == sorted(set(ids))
    assert len({answer["sys_Id"] for answer in answers}) == len(answers)


def test_created_by_is_one_per_app(workspace: Workspace) -> None:
    workspace.create_table(table("a", column("X")))
    workspace.create_table(table("b", column("X")))
    one, two = workspace.bot({"a": "rwd", "b": "rwd"}), workspace.bot({"a": "rwd", "b": "rwd"})
    writers = [good(bot.insert(name, {"X": "x"}))["Created_By"] for bot in (one, two) for name in ("a", "b")]
    assert writers[0] == writers[1]
    assert writers[2] == writers[3]
    assert writers[0] != writers[2]


@pytest.mark.parametrize("prefer", ["return=minimal", "handling=lenient, return=minimal", "Return=minimal"])
def test_minimal_answers_the_count_alone(people: Bot, prefer: str) -> None:
    assert good(people.insert("people", JANE, prefer=prefer)) == {"nInserted": 1}
    assert total(people, "people") == 1


@pytest.mark.parametrize("prefer", ["return=representation", "respond-async", "wait=10", ""])
def test_other_preferences_answer_the_record(people: Bot, prefer: str) -> None:
    assert good(people.insert("people", JANE, prefer=prefer))["First_Name"] == "Jane"


@pytest.mark.parametrize("data", [None, "x"])
def test_data_must_be_an_object_or_an_array(empty_people: Bot, data: Any) -> None:
    response = empty_people.request("POST", "/api/public/tables/people", json={"data": data})
    problem(response, 400, "invalid_body", "/data")
    assert total(empty_people, "people") == 0


def test_missing_data_points_to_where_it_should_stand(empty_people: Bot) -> None:
    problem(empty_people.request("POST", "/api/public/tables/people", json={}), 400, "invalid_body", "/data")


@pytest.mark.parametrize("body", [[JANE], None])
def test_the_body_must_be_an_object(empty_people: Bot, body: Any) -> None:
    headers = {"Content-Type": "application/json"}
    response = empty_people.request(
        "POST", "/api/public/tables/people", content=json.dumps(body), headers=headers
    )
    problem(response, 400, "invalid_body")


@pytest.mark.parametrize("key", ["Data", "dryrun"])
def test_unknown_body_keys_are_errors(empty_people: Bot, key: str) -> None:
    response = empty_people.request("POST", "/api/public/tables/people", json={"data": JANE, key: None})
    problem(response, 400, "unknown_key", f"/{key}")
    assert total(empty_people, "people") == 0


def test_a_pointer_escapes_what_json_pointer_reserves(empty_people: Bot) -> None:
    response = empty_people.request("POST", "/api/public/tables/people", json={"data": JANE, "a/b~c": 1})
    problem(response, 400, "unknown_key", "/a~1b~0c")


@pytest.mark.parametrize("name", ["Fist_Name", "First_Name/x"])
def test_unknown_columns_are_errors(empty_people: Bot, name: str) -> None:
    refusal = problem(empty_people.insert("people", {**JANE, name: "x"}), 400, "unknown_column")
    assert refusal["errors"][0]["pointer"] == "/data/" + name.replace("/", "~1")
    assert total(empty_people, "people") == 0


@pytest.mark.parametrize("name", ["_id", "Created_On"])
def test_system_columns_cannot_be_written(empty_people: Bot, name: str) -> None:
    problem(empty_people.insert("people", {**JANE, name: "x"}), 400, "system_column", f"/data/{name}")
    assert total(empty_people, "people") == 0


@pytest.mark.parametrize("name", ["createdOn"])
def test_names_near_system_columns_cannot_be_written(empty_people: Bot, name: str) -> None:
    problem(empty_people.insert("people", {**JANE, name: None}), 400, "system_column", f"/data/{name}")


def test_all_problems_of_a_row_are_listed(empty_people: Bot) -> None:
    row = {"Fist_Name": "Jane", "Last_Name": 5, "Number": "x", "_id": "x"}
    refusal = problem(empty_people.insert("people", row), 400)
    assert {error["pointer"] for error in refusal["errors"]} == {f"/data/{name}" for name in row}


@pytest.mark.parametrize("parameters", ["sys_limit=1", "x=", "return=minimal", "x"])
def test_query_parameters_are_errors(empty_people: Bot, parameters: str) -> None:
    response = empty_people.request("POST", f"/api/public/tables/people?{parameters}", json={"data": JANE})
    problem(response, 400, "invalid_parameter")
    assert total(empty_people, "people") == 0
