"""Updates by filter: what changes, what does not, what comes back."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from answers import MOMENT, SYSTEM_COLUMNS, good, pointers, problem, records, rows, total
from definitions import column, index, table
from expressions import EVERYTHING, all_of, comparison, where

from support.bot import Bot
from support.workspace import Workspace

TABLE = "/api/public/tables/people"
OWN_COLUMNS = ("First_Name", "Last_Name", "Gender", "Number")
PEOPLE = [
    {"First_Name": "Jane", "Last_Name": "Doe", "Gender": "female", "Number": 1},
    {"First_Name": "Mike", "Last_Name": "Doe", "Gender": "male", "Number": 2},
    {"First_Name": "Jane", "Last_Name": "Roe", "Gender": "female", "Number": 3},
    {"First_Name": None, "Last_Name": None, "Gender": None, "Number": None},
]


@pytest.fixture
def stored(people: Bot) -> list[dict[str, Any]]:
    """The records of PEOPLE, in the table people."""
    return records(people.bulk("people", PEOPLE))


def later(bot: Bot, query: Any, data: Any, than: str) -> list[dict[str, Any]]:
    """The records of an update at a later millisecond than that of ``than``."""
    while True:
        changed = records(bot.update("people", query, data))
        if all(record["Updated_On"] > than for record in changed):
            return changed


def test_changes_the_rows_that_the_filter_finds(people: Bot, stored: list[dict[str, Any]]) -> None:
    query = all_of(comparison("First_Name", "=", "Jane"), comparison("Last_Name", "=", "Doe"))
    answer = good(people.update("people", query, {"Last_Name": "Smith", "Number": "3453"}))
    assert set(answer) == {"records", "nModified"}
    assert answer["nModified"] == 1
    (changed,) = answer["records"]
    assert tuple(changed) == OWN_COLUMNS + SYSTEM_COLUMNS
    assert [changed[name] for name in OWN_COLUMNS] == ["Jane", "Smith", "female", 3453]
    assert rows(people.query("people")) == [changed, *stored[1:]]


def test_records_come_in_id_order(people: Bot, stored: list[dict[str, Any]]) -> None:
    changed = records(people.update("people", where("Number", ">", 0), {"Gender": "x"}))
    assert [record["Number"] for record in changed] == [1, 2, 3]
    assert [record["_id"] for record in changed] == sorted(record["_id"] for record in changed)


def test_minimal_answers_the_count_alone(people: Bot, stored: list[dict[str, Any]]) -> None:
    response = people.update(
        "people", where("First_Name", "=", "Jane"), {"Number": 9}, prefer="return=minimal"
    )
    assert good(response) == {"nModified": 2}
    assert [row["Number"] for row in rows(people.query("people"))] == [9, 2, 9, None]


def test_no_row_found(people: Bot, stored: list[dict[str, Any]]) -> None:
    query = where("First_Name", "=", "Nobody")
    assert good(people.update("people", query, {"Number": 9})) == {"records": [], "nModified": 0}
    assert good(people.update("people", query, {"Number": 9}, prefer="return=minimal")) == {"nModified": 0}
    assert rows(people.query("people")) == stored


def test_touches_updated_on_and_keeps_created(people: Bot, stored: list[dict[str, Any]]) -> None:
    (changed,) = later(people, where("Number", "=", 1), {"Gender": "x"}, stored[0]["Updated_On"])
    assert MOMENT.fullmatch(changed["Updated_On"])
    for kept in ("_id", "sys_Id", "Created_On", "Created_By", "Updated_By"):
        assert changed[kept] == stored[0][kept]


def test_rows_that_hold_the_value_already_count_and_are_touched(
    people: Bot, stored: list[dict[str, Any]]
) -> None:
    (changed,) = later(people, where("Number", "=", 1), {"Number": 1}, stored[0]["Updated_On"])
    assert {name: changed[name] for name in OWN_COLUMNS} == PEOPLE[0]


def test_data_without_columns_touches_the_rows(people: Bot, stored: list[dict[str, Any]]) -> None:
    changed = later(people, EVERYTHING, {}, stored[0]["Updated_On"])
    assert len(changed) == 4
    own = [{name: record[name] for name in OWN_COLUMNS} for record in changed]
    assert own == PEOPLE


def test_all_rows_of_an_update_bear_one_time(people: Bot, stored: list[dict[str, Any]]) -> None:
    changed = records(people.update("people", EVERYTHING, {"Gender": "x"}))
    assert len({record["Updated_On"] for record in changed}) == 1
    assert datetime.fromisoformat(changed[0]["Updated_On"]) >= datetime.fromisoformat(
        changed[0]["Created_On"]
    )


def test_updated_by_is_the_app_that_updates(workspace: Workspace) -> None:
    workspace.create_table(table("people", column("Number", "number")))
    one, two = workspace.bot({"people": "rwd"}), workspace.bot({"people": "rw"})
    (first,) = records(one.bulk("people", [{"Number": 1}]))
    (changed,) = records(two.update("people", where("Number", "=", 1), {"Number": 2}))
    assert changed["Created_By"] == first["Created_By"]
    assert changed["Updated_By"] != first["Updated_By"]
    assert changed["Updated_By"] == good(two.insert("people", {}))["Created_By"]


def test_null_empties_a_cell(people: Bot, stored: list[dict[str, Any]]) -> None:
    (changed,) = records(people.update("people", where("Number", "=", 1), {"Number": None, "Gender": None}))
    assert [changed[name] for name in OWN_COLUMNS] == ["Jane", "Doe", None, None]


def test_the_columns_of_the_filter_may_change(people: Bot, stored: list[dict[str, Any]]) -> None:
    assert good(people.update("people", where("Number", "<", 100), {"Number": 1}))["nModified"] == 3
    assert good(people.update("people", where("Number", "=", None), {"Number": 0}))["nModified"] == 1


def test_near_names_in_data(people: Bot, stored: list[dict[str, Any]]) -> None:
    (changed,) = records(
        people.update("people", where("number", "=", 1), {"first name": "J", "LASTNAME": "D"})
    )
    assert [changed[name] for name in OWN_COLUMNS] == ["J", "D", "female", 1]


def test_an_update_finds_by_id(people: Bot, stored: list[dict[str, Any]]) -> None:
    for name in ("_id", "sys_Id"):
        (changed,) = records(people.update("people", where(name, "=", stored[2][name]), {"Gender": name}))
        assert changed["_id"] == stored[2]["_id"]
        assert changed["Gender"] == name


@pytest.mark.parametrize("name", ["_id", "Updated_By"])
def test_system_columns_cannot_be_written(people: Bot, stored: list[dict[str, Any]], name: str) -> None:
    data = {"Gender": "x", name: stored[0][name]}
    problem(people.update("people", EVERYTHING, data), 400, "system_column", f"/data/{name}")
    assert rows(people.query("people")) == stored


def test_all_problems_of_the_data_are_listed(people: Bot, stored: list[dict[str, Any]]) -> None:
    data = {"Fist_Name": "x", "Number": "many", "Gender": 5}
    refusal = problem(people.update("people", EVERYTHING, data), 400, "unknown_column", "/data/Fist_Name")
    assert set(pointers(refusal)) == {f"/data/{name}" for name in data}
    assert rows(people.query("people")) == stored


def test_a_bad_value_is_refused_though_no_row_is_found(people: Bot) -> None:
    problem(
        people.update("people", where("Number", "=", 1), {"Number": "x"}),
        422,
        "invalid_value",
        "/data/Number",
    )


@pytest.mark.parametrize("data", [None, [{}]])
def test_data_must_be_an_object(people: Bot, stored: list[dict[str, Any]], data: Any) -> None:
    response = people.request("PUT", TABLE, json={"query": EVERYTHING, "data": data})
    problem(response, 400, "invalid_body", "/data")
    assert rows(people.query("people")) == stored


def test_missing_data_points_to_where_it_should_stand(people: Bot) -> None:
    problem(people.request("PUT", TABLE, json={"query": EVERYTHING}), 400, "invalid_body", "/data")


def test_unknown_body_keys_are_errors(people: Bot, stored: list[dict[str, Any]]) -> None:
    response = people.request("PUT", TABLE, json={"query": EVERYTHING, "data": {}, "fields": None})
    problem(response, 400, "unknown_key", "/fields")
    assert rows(people.query("people")) == stored


def test_many_rows(people: Bot) -> None:
    records(people.bulk("people", [{"Number": i} for i in range(3000)]))
    answer = good(people.update("people", where("Number", ">=", 1000), {"Gender": "x"}))
    assert answer["nModified"] == 2000
    assert [record["Number"] for record in answer["records"]] == list(range(1000, 3000))
    assert total(people, "people", where("Gender", "=", "x")) == 2000


@pytest.fixture
def codes(workspace: Workspace) -> Bot:
    """A table with a required, unique Code, holding the rows a, b, c."""
    columns = column("Code", isRequired=True), column("Note", default="new"), column("Tag", maxLength=3)
    workspace.create_table(table("codes", *columns, indexes=(index("by_code", "Code", unique=True),)))
    bot = workspace.bot({"codes": "rwd"})
    records(bot.bulk("codes", [{"Code": code, "Note": code} for code in "abc"]))
    return bot


def test_a_unique_key_that_another_row_holds_is_refused(codes: Bot) -> None:
    before = rows(codes.query("codes"))
    refusal = problem(codes.update("codes", where("Code", "=", "a"), {"Code": "b"}), 409, "unique_violation")
    assert str(pointers(refusal)[0]).startswith("/data")
    assert rows(codes.query("codes")) == before


def test_one_unique_key_for_many_rows_changes_none_of_them(codes: Bot) -> None:
    before = rows(codes.query("codes"))
    problem(codes.update("codes", EVERYTHING, {"Code": "z", "Note": "z"}), 409, "unique_violation")
    assert rows(codes.query("codes")) == before


def test_a_row_may_keep_its_unique_key(codes: Bot) -> None:
    assert good(codes.update("codes", where("Code", "=", "a"), {"Code": "a"}))["nModified"] == 1


def test_a_required_column_cannot_be_emptied(codes: Bot) -> None:
    problem(codes.update("codes", EVERYTHING, {"Code": None}), 422, "missing_value", "/data/Code")
    assert total(codes, "codes", where("Code", "is null")) == 0


def test_defaults_do_not_come_back_in_an_update(codes: Bot) -> None:
    (changed,) = records(codes.update("codes", where("Code", "=", "a"), {"Tag": "x"}))
    assert (changed["Note"], changed["Tag"]) == ("a", "x")
    (changed,) = records(codes.update("codes", where("Code", "=", "a"), {"Note": None}))
    assert changed["Note"] is None


def test_max_length_holds_in_an_update(codes: Bot) -> None:
    problem(codes.update("codes", EVERYTHING, {"Tag": "four"}), 422, "invalid_value", "/data/Tag")
    assert good(codes.update("codes", EVERYTHING, {"Tag": "thr"}))["nModified"] == 3
