"""Filters as a whole: nesting and its limits, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from planner import Planner, good, problem

from cases.filters import SHAPES, A, B, nested_filters
from rowkeep.model.filters import MAX_DEPTH, Where
from support.definitions import TYPED
from support.expressions import all_of, any_of, comparison, negated, where

MAX_EXPRESSIONS = 200


@pytest.fixture(scope="module")
def cube() -> Planner:
    return Planner(TYPED)


def planned(cube: Planner, query: Any) -> Where:
    where: Where = good(cube.query({"query": query})).where
    return where


@pytest.mark.parametrize("shape", SHAPES)
def test_nesting_to_depth_16(cube: Planner, shape: Any) -> None:
    good(cube.query({"query": shape(MAX_DEPTH)}))
    one = good(cube.query({"query": nested_filters(MAX_DEPTH)}))
    assert one.where == good(cube.query({"query": all_of(A)})).where


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("depth", [MAX_DEPTH + 1, MAX_DEPTH + 2, 100])
def test_deeper_nesting_is_refused(cube: Planner, shape: Any, depth: int) -> None:
    problem(cube.query({"query": shape(depth)}), 400)


def test_thousands_of_comparisons_do_no_harm(cube: Planner) -> None:
    numbers = [comparison("Num", "=", i) for i in range(20_000)]
    problem(cube.query({"query": any_of(*numbers)}), 400)


@pytest.mark.parametrize("operator", ["xor", "not", "&&", "", None, 1, True, [], ["and"]])
def test_other_operators_are_refused(cube: Planner, operator: Any) -> None:
    refusal = problem(cube.query({"query": {"expressions": [A], "operator": operator}}), 400)
    assert refusal.problems[0].pointer == "/query/operator"
    inner = {"expressions": [A], "operator": operator}
    refusal = problem(cube.query({"query": all_of(A, inner)}), 400)
    assert refusal.problems[0].pointer == "/query/expressions/1/operator"


@pytest.mark.parametrize("expressions", [A, "Num = 1", 5, None, True])
def test_expressions_are_a_list(cube: Planner, expressions: Any) -> None:
    refusal = problem(cube.query({"query": {"expressions": expressions}}), 400)
    assert refusal.problems[0].pointer == "/query/expressions"


@pytest.mark.parametrize("expression", [None, 5, "Num = 1", [], [A], True, {}])
def test_an_expression_is_an_object_with_members(cube: Planner, expression: Any) -> None:
    refusal = problem(cube.query({"query": all_of(A, expression)}), 400)
    assert str(refusal.problems[0].pointer).startswith("/query/expressions/1")


@pytest.mark.parametrize(
    "query",
    [
        A,
        negated(A),
        {"and": [A]},
        {"or": [A]},
        {"expressions": [A], "not": B},
        {"expressions": [A], "limit": 5},
    ],
)
def test_the_outermost_filter_has_expressions_and_an_operator_alone(cube: Planner, query: Any) -> None:
    problem(cube.query({"query": query}), 400)


@pytest.mark.parametrize(
    "expression",
    [
        {**A, "not": B},
        {**A, "expressions": [B]},
        {**A, "operator": "and"},
        {**negated(A), "expressions": [B]},
        {**negated(A), "operator": "and"},
        {**negated(A), "value": 1},
        {**A, "Value": 1},
        {**A, "ignoreCase": True},
        {"not": [A]},
        {"not": None},
        {"not": "Num"},
        {"NOT": A},
        {"field": "Num", "operand": "="},
        {"field": "Num", "value": 1},
        {"operand": "=", "value": 1},
        {"Field": "Num", "operand": "=", "value": 1},
        {"field": "Num", "operator": "=", "value": 1},
    ],
)
def test_mixed_and_broken_expressions_are_refused(cube: Planner, expression: Any) -> None:
    problem(cube.query({"query": all_of(expression)}), 400)
    problem(cube.query({"query": all_of(A, negated(any_of(B, expression)))}), 400)


def test_unknown_keys_are_pointed_to(cube: Planner) -> None:
    problem(cube.query({"query": {**all_of(A), "x": 1}}), 400, "unknown_key", "/query/x")
    pointer = "/query/expressions/0/ignoreCase"
    problem(cube.query({"query": all_of({**A, "ignoreCase": True})}), 400, "unknown_key", pointer)


@pytest.mark.parametrize("missing", ["field", "operand", "value"])
def test_what_is_missing_is_pointed_to_where_it_should_stand(cube: Planner, missing: str) -> None:
    broken = {key: value for key, value in A.items() if key != missing}
    refusal = problem(cube.query({"query": all_of(A, broken)}), 400)
    assert refusal.problems[0].pointer == f"/query/expressions/1/{missing}"


@pytest.mark.parametrize("field", [None, 5, True, [], ["Num"], {}])
def test_a_field_is_a_string(cube: Planner, field: Any) -> None:
    refusal = problem(cube.query({"query": all_of({**A, "field": field})}), 400)
    assert refusal.problems[0].pointer == "/query/expressions/0/field"


@pytest.mark.parametrize(
    "field", ["Nmu", "", "*", "1", "typed.Num", "Num; --", "rowid", "xmin", "ctid", "Num\x00"]
)
def test_unknown_columns_are_errors(cube: Planner, field: str) -> None:
    pointer = "/query/expressions/0/not/expressions/1/field"
    query = all_of(negated(all_of(A, {**A, "field": field})))
    problem(cube.query({"query": query}), 400, "unknown_column", pointer)


@pytest.mark.parametrize(
    "operand",
    [
        "==",
        "<>",
        "IN",
        "In",
        "Contains",
        "like",
        "is  null",
        "is Null",
        "notin",
        "not_in",
        "startswith",
        " =",
        "= ",
        "",
        "istartswith",
        "i contains",
        "icontains ",
        "nin",
        "eq",
        "!",
        "regex",
        "not between",
        "not contains",
        "i=",
    ],
)
def test_other_operands_are_refused(cube: Planner, operand: str) -> None:
    query = where("Text", operand, "1")
    problem(cube.query({"query": query}), 400, "unknown_operand", "/query/expressions/0/operand")


@pytest.mark.parametrize("operand", [None, 5, True, [], {}])
def test_an_operand_is_a_string(cube: Planner, operand: Any) -> None:
    refusal = problem(cube.query({"query": where("Text", operand, "1")}), 400)
    assert refusal.problems[0].pointer == "/query/expressions/0/operand"


@pytest.mark.parametrize("operator", ["AND", "Or", "OR", "aNd"])
def test_operators_in_any_case(cube: Planner, operator: str) -> None:
    same, other = ({"expressions": [A, B], "operator": each} for each in (operator, operator.lower()))
    assert planned(cube, same) == planned(cube, other)
    assert planned(cube, all_of(A, same)) == planned(cube, all_of(A, other))


def test_200_comparisons_and_no_more(cube: Planner) -> None:
    numbers = [comparison("Num", "=", i) for i in range(MAX_EXPRESSIONS)]
    good(cube.query({"query": any_of(*numbers)}))
    problem(cube.query({"query": any_of(*numbers, A)}), 400)
    good(cube.query({"query": any_of(all_of(*numbers[:100]), negated(any_of(*numbers[100:])))}))
    problem(cube.query({"query": any_of(all_of(*numbers[:100]), any_of(*numbers[99:]))}), 400)


def test_depth_is_that_of_the_deepest_branch(cube: Planner) -> None:
    good(cube.query({"query": all_of(*[nested_filters(MAX_DEPTH - 1) for _ in range(5)])}))
    problem(cube.query({"query": all_of(A, nested_filters(MAX_DEPTH))}), 400)
