"""Operands: with which columns and values they go, and what is compared in the end."""

from __future__ import annotations

from typing import Any

import pytest
from planner import Planner, good, problem

from cases.operands import CELLS, EVERY, MISFITS, SPELLINGS, STRING_OPERANDS
from support.definitions import TYPED
from support.expressions import where


@pytest.fixture(scope="module")
def typed() -> Planner:
    return Planner(TYPED)


@pytest.mark.parametrize(("name", "value", "places"), SPELLINGS)
def test_values_may_be_written_as_in_rows(typed: Planner, name: str, value: Any, places: list[str]) -> None:
    cell = (places == ["0", "2"]) if name == "Flag" else CELLS[name][int(places[0])]
    written = [("=", value, cell), ("in", [value], [cell])]
    if name != "Flag":
        written.append(("between", [value, value], [cell, cell]))
    for operand, sent, canonical in written:
        plans = [good(typed.query({"query": where(name, operand, each)})) for each in (sent, canonical)]
        assert plans[0].where == plans[1].where
        assert list(map(type, plans[0].where.values)) == list(map(type, plans[1].where.values))


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("operand", ["<", "<=", ">", ">="])
def test_ordering_with_null_is_refused(typed: Planner, name: str, operand: str) -> None:
    problem(typed.query({"query": where(name, operand, None)}), 400)


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("value", [[None, None], ["a", None], [None, "a"]])
def test_between_with_null_is_refused(typed: Planner, name: str, value: list[Any]) -> None:
    value = [CELLS.get(name, [True])[0] if end == "a" else end for end in value]
    problem(typed.query({"query": where(name, "between", value)}), 400)


@pytest.mark.parametrize(
    ("operand", "value"),
    [("<", True), ("<=", True), (">", False), (">=", False), ("between", [False, True])],
)
def test_booleans_have_no_order(typed: Planner, operand: str, value: Any) -> None:
    problem(typed.query({"query": where("Flag", operand, value)}), 400, "invalid_filter")


@pytest.mark.parametrize("name", ["Num", "Whole", "Flag", "Moment", "Created_On", "Updated_On"])
@pytest.mark.parametrize("operand", STRING_OPERANDS)
def test_string_operands_go_with_strings_only(typed: Planner, name: str, operand: str) -> None:
    problem(typed.query({"query": where(name, operand, "1")}), 400, "invalid_filter")


@pytest.mark.parametrize("operand", STRING_OPERANDS)
@pytest.mark.parametrize("value", [None, 1, True, ["a"], {}])
def test_string_operands_take_strings_only(typed: Planner, operand: str, value: Any) -> None:
    problem(typed.query({"query": where("Text", operand, value)}), (400, 422))


@pytest.mark.parametrize("operand", ["is null", "is not null"])
@pytest.mark.parametrize("value", [None, True, False, "", []])
@pytest.mark.parametrize("name", ["Text", "Num"])
def test_null_operands_take_no_value(typed: Planner, operand: str, value: Any, name: str) -> None:
    problem(typed.query({"query": where(name, operand, value)}), 400)


@pytest.mark.parametrize("operand", ["=", "!=", "<", ">=", "in", "not in", "between", *STRING_OPERANDS])
def test_a_missing_value_is_not_null(typed: Planner, operand: str) -> None:
    refusal = problem(typed.query({"query": where("Text", operand)}), 400)
    assert refusal.problems[0].pointer == "/query/expressions/0/value"


@pytest.mark.parametrize("operand", ["in", "not in"])
@pytest.mark.parametrize("value", ["a", 1, None, True, {}, {"0": "a"}])
def test_in_takes_arrays_only(typed: Planner, operand: str, value: Any) -> None:
    problem(typed.query({"query": where("Text", operand, value)}), 400)


@pytest.mark.parametrize("value", ["a", 1, None, [], ["a"], ["a", "b", "c"], {}, {"low": "a", "high": "b"}])
def test_between_takes_two_values(typed: Planner, value: Any) -> None:
    problem(typed.query({"query": where("Text", "between", value)}), 400)


@pytest.mark.parametrize(("name", "value"), MISFITS)
def test_values_that_the_column_cannot_hold(typed: Planner, name: str, value: Any) -> None:
    pointer = "/query/expressions/0/value"
    for operand in ("=", "!=") if name == "Flag" else ("=", "!=", "<", ">="):
        problem(typed.query({"query": where(name, operand, value)}), 422, "invalid_value", pointer)
    for operand in ("in", "not in"):
        response = typed.query({"query": where(name, operand, [None, value])})
        problem(response, 422, "invalid_value", f"{pointer}/1")
    if name != "Flag":
        response = typed.query({"query": where(name, "between", [value, value])})
        problem(response, 422, "invalid_value", f"{pointer}/0")
