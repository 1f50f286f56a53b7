"""Values of each column type: what is refused in an insert, a bulk and an update, what is an empty cell."""

from __future__ import annotations

from typing import Any

import pytest
from planner import Planner, good, pointers, problem

from cases.values import BOOLEANS, EMPTY_IS_NULL, HALVES, REFUSED
from support.definitions import TYPED, column, table
from support.expressions import EVERYTHING, where

EACH_REFUSED = [(name, value) for name, values in REFUSED.items() for value in values]


@pytest.fixture(scope="module")
def typed() -> Planner:
    return Planner(TYPED)


@pytest.mark.parametrize(("name", "value"), EACH_REFUSED)
def test_refused(typed: Planner, name: str, value: Any) -> None:
    row = {"Label": "x", name: value}
    problem(typed.insert(row), 422, "invalid_value", f"/data/{name}")
    problem(typed.insert([{}, row]), 422, "invalid_value", f"/data/1/{name}")
    problem(typed.update(EVERYTHING, row), 422, "invalid_value", f"/data/{name}")


@pytest.mark.parametrize("name", REFUSED)
def test_all_that_is_refused_is_listed(typed: Planner, name: str) -> None:
    refusal = problem(typed.insert([{"Label": "x", name: value} for value in REFUSED[name]]), 422)
    assert pointers(refusal) == [f"/data/{at}/{name}" for at in range(len(REFUSED[name]))]
    assert all(name in each.msg for each in refusal.problems)


@pytest.mark.parametrize("value", BOOLEANS)
def test_booleans(typed: Planner, value: bool | str) -> None:
    expected = str(value).lower() == "true"
    assert good(typed.insert({"Flag": value}))["Flag"] is expected
    assert good(typed.update(EVERYTHING, {"Flag": value})) == {"Flag": expected}


@pytest.mark.parametrize("name", ["Text", "Num", "Whole", "Flag", "Moment"])
def test_null_is_an_empty_cell_in_every_type(typed: Planner, name: str) -> None:
    assert good(typed.insert({name: None}))[name] is None
    assert good(typed.update(EVERYTHING, {name: None})) == {name: None}


def test_all_types_in_one_row(typed: Planner) -> None:
    row = {"Label": "", "Text": "x", "Num": -0.5, "Whole": -(2**63), "Flag": False, "Moment": "2020-02-29"}
    answered = good(typed.insert(row))
    assert {name: answered[name] for name in row} == {**row, "Moment": "2020-02-29T00:00:00.000Z"}


def test_a_value_that_came_back_can_be_sent_again(typed: Planner) -> None:
    row = {"Label": "a", "Text": "é😀", "Num": 0.1, "Whole": 2**63 - 1, "Flag": True, "Moment": -1}
    first = good(typed.insert(row))
    own = {name: first[name] for name in row}
    again = good(typed.insert(own))
    assert {name: again[name] for name in row} == own
    assert good(typed.update(EVERYTHING, own)) == own


@pytest.mark.parametrize(("name", "value"), [("Num", {"$inc": 1}), ("Text", {"$append": "x"})])
def test_changes_are_read_in_an_update_and_refused_in_an_insert(
    typed: Planner, name: str, value: dict[str, object]
) -> None:
    assert good(typed.update(EVERYTHING, {name: value})) == {name: next(iter(value.values()))}
    problem(typed.insert({"Label": "x", name: value}), 422, "invalid_value", f"/data/{name}")


@pytest.mark.parametrize("name", EMPTY_IS_NULL)
def test_an_empty_string_is_an_empty_cell(typed: Planner, name: str) -> None:
    row = good(typed.insert({"Label": "", name: ""}))
    assert (row[name], row["Label"]) == (None, "")
    assert [each[name] for each in good(typed.insert([{name: ""}, {name: None}]))["records"]] == [None, None]
    assert good(typed.update(EVERYTHING, {name: ""})) == {name: None}
    for operand, empty, null in (("=", "", None), ("in", [""], [None])):
        plan = good(typed.query({"query": where(name, operand, empty)}))
        assert plan.where == good(typed.query({"query": where(name, operand, null)})).where
    problem(typed.query({"query": where(name, "<", "")}), 400, "invalid_filter")


def test_an_empty_string_in_a_required_column() -> None:
    needy = Planner(table("needy", column("Num", "number", isRequired=True), column("Text", isRequired=True)))
    problem(needy.insert({"Num": "", "Text": ""}), 422, "missing_value", "/data/Num")
    rows = [{"Num": 1, "Text": ""}, {"Num": "", "Text": ""}]
    problem(needy.insert(rows), 422, "missing_value", "/data/1/Num")
    problem(needy.update(EVERYTHING, {"Num": ""}), 422, "missing_value", "/data/Num")
    assert good(needy.update(EVERYTHING, {"Text": ""})) == {"Text": ""}


@pytest.mark.parametrize("half", HALVES)
def test_half_a_surrogate_pair_names_row_and_column(typed: Planner, half: str) -> None:
    rows = r'{"data": [{"Text": "\ud83d\ude00"}, {"Text": HALF}, {"Whole": "x", "Label": HALF}]}'
    refusal = problem(typed.insert_text(rows.replace("HALF", half)), 422, "invalid_value")
    assert pointers(refusal) == ["/data/1/Text", "/data/2/Whole", "/data/2/Label"]
    assert "surrogate" in refusal.msg
    update = '{"query": {"all": true}, "data": {"Text": HALF}}'
    problem(typed.update_text(update.replace("HALF", half)), 422, "invalid_value", "/data/Text")
    query = '{"query": {"expressions": [{"field": "Text", "operand": "=", "value": HALF}]}}'
    problem(typed.query_text(query.replace("HALF", half)), 422, "invalid_value")
