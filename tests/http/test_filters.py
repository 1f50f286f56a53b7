"""Filters as a whole: ``and`` and ``or``, ``not``, nesting, and forms that are refused."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from answers import found, problem, records, total
from expressions import all_of, any_of, comparison, negated, where

from support.bot import Bot

MAX_DEPTH = 16
MAX_EXPRESSIONS = 200


@pytest.fixture(scope="module")
def cube(typed: Bot) -> Bot:
    """27 rows: Num, Whole and Text each empty, low or high, in every combination; only read."""
    cells = product((None, 1), (None, 1), (None, "1"))
    records(typed.bulk("typed", [{"Num": n, "Whole": w, "Text": t} for n, w, t in cells]))
    return typed


def ids(bot: Bot, query: Any) -> set[str]:
    return set(found(bot, "typed", query, "_id"))


A, B, C = comparison("Num", "=", 1), comparison("Whole", "=", 1), comparison("Text", "=", "1")


def test_and_is_the_default(cube: Bot) -> None:
    assert ids(cube, {"expressions": [A, B]}) == ids(cube, all_of(A, B))


def test_and_or_and_not_are_those_of_sets(cube: Bot) -> None:
    everything = ids(cube, {})
    a, b, c = (ids(cube, all_of(expression)) for expression in (A, B, C))
    assert (len(everything), len(a), len(b), len(c)) == (8, 4, 4, 4)
    assert ids(cube, all_of(A, B)) == a & b
    assert ids(cube, any_of(A, B)) == a | b
    assert ids(cube, all_of(A, B, C)) == a & b & c
    assert ids(cube, any_of(A, B, C)) == a | b | c
    assert ids(cube, all_of(negated(A))) == everything - a
    assert ids(cube, any_of(negated(A))) == everything - a
    assert ids(cube, all_of(negated(negated(A)))) == a
    assert ids(cube, all_of(negated(all_of(A, B)))) == everything - (a & b)
    assert ids(cube, all_of(negated(any_of(A, B)))) == everything - (a | b)
    assert ids(cube, any_of(all_of(A, B), C)) == a & b | c
    assert ids(cube, all_of(any_of(A, B), C)) == (a | b) & c
    assert ids(cube, all_of(A, any_of(B, negated(C)))) == a & (b | (everything - c))
    assert ids(cube, any_of(negated(all_of(A, negated(B))), all_of(B, C))) == (everything - (a - b)) | (b & c)


def test_nesting_without_an_operator_is_and(cube: Bot) -> None:
    nested = any_of({"expressions": [A, B]}, {"expressions": [C]})
    assert ids(cube, nested) == ids(cube, any_of(all_of(A, B), C))


def test_one_comparison_many_times(cube: Bot) -> None:
    assert ids(cube, all_of(A, A, A)) == ids(cube, any_of(A, A)) == ids(cube, all_of(A))


def test_a_contradiction_finds_nothing_and_a_tautology_all(cube: Bot) -> None:
    assert ids(cube, all_of(A, negated(A))) == set()
    assert len(ids(cube, any_of(A, negated(A)))) == 8


def nested_filters(depth: int) -> dict[str, Any]:
    """A filter ``depth`` filters deep; the outermost one counts."""
    query = all_of(A)
    for _ in range(depth - 1):
        query = all_of(query)
    return query


def nested_nots(depth: int) -> dict[str, Any]:
    """The outermost filter and ``depth - 1`` times ``not``."""
    expression: dict[str, Any] = A
    for _ in range(depth - 1):
        expression = negated(expression)
    return all_of(expression)


def nested_in_turns(depth: int) -> dict[str, Any]:
    expression: dict[str, Any] = A
    for level in range(depth - 1):
        expression = any_of(expression, B) if level % 2 else negated(expression)
    return all_of(expression)


SHAPES = [nested_filters, nested_nots, nested_in_turns]


@pytest.mark.parametrize("shape", SHAPES)
def test_nesting_to_depth_16(cube: Bot, shape: Any) -> None:
    assert ids(cube, shape(MAX_DEPTH)) <= ids(cube, {})
    assert ids(cube, nested_filters(MAX_DEPTH)) == ids(cube, all_of(A))
    assert ids(cube, nested_nots(MAX_DEPTH)) == ids(cube, all_of(negated(A)))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("depth", [MAX_DEPTH + 1, MAX_DEPTH + 2, 100])
def test_deeper_nesting_is_refused(cube: Bot, shape: Any, depth: int) -> None:
    problem(cube.query("typed", {"query": shape(depth)}), 400)


def test_depth_is_that_of_the_deepest_branch(cube: Bot) -> None:
    query = all_of(*[nested_filters(MAX_DEPTH - 1) for _ in range(5)])
    assert ids(cube, query) == ids(cube, all_of(A))
    problem(cube.query("typed", {"query": all_of(A, nested_filters(MAX_DEPTH))}), 400)


def test_200_comparisons_and_no_more(cube: Bot) -> None:
    numbers = [comparison("Num", "=", i) for i in range(MAX_EXPRESSIONS)]
    assert len(ids(cube, any_of(*numbers))) == 4
    problem(cube.query("typed", {"query": any_of(*numbers, A)}), 400)
    halves = any_of(all_of(*numbers[:100]), negated(any_of(*numbers[100:])))
    assert len(ids(cube, halves)) == 8
    problem(cube.query("typed", {"query": any_of(all_of(*numbers[:100]), any_of(*numbers[99:]))}), 400)


def test_thousands_of_comparisons_do_no_harm(cube: Bot) -> None:
    numbers = [comparison("Num", "=", i) for i in range(20_000)]
    problem(cube.query("typed", {"query": any_of(*numbers)}), 400)


@pytest.mark.parametrize("operator", ["xor", "not", "&&", "", None, 1, True, [], ["and"]])
def test_other_operators_are_refused(cube: Bot, operator: Any) -> None:
    refusal = problem(cube.query("typed", {"query": {"expressions": [A], "operator": operator}}), 400)
    assert refusal["errors"][0]["pointer"] == "/query/operator"
    inner = {"expressions": [A], "operator": operator}
    refusal = problem(cube.query("typed", {"query": all_of(A, inner)}), 400)
    assert refusal["errors"][0]["pointer"] == "/query/expressions/1/operator"


@pytest.mark.parametrize("expressions", [A, "Num = 1", 5, None, True])
def test_expressions_are_a_list(cube: Bot, expressions: Any) -> None:
    refusal = problem(cube.query("typed", {"query": {"expressions": expressions}}), 400)
    assert refusal["errors"][0]["pointer"] == "/query/expressions"


@pytest.mark.parametrize("expression", [None, 5, "Num = 1", [], [A], True, {}])
def test_an_expression_is_an_object_with_members(cube: Bot, expression: Any) -> None:
    refusal = problem(cube.query("typed", {"query": all_of(A, expression)}), 400)
    assert str(refusal["errors"][0]["pointer"]).startswith("/query/expressions/1")


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
def test_the_outermost_filter_has_expressions_and_an_operator_alone(cube: Bot, query: Any) -> None:
    problem(cube.query("typed", {"query": query}), 400)


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
def test_mixed_and_broken_expressions_are_refused(cube: Bot, expression: Any) -> None:
    problem(cube.query("typed", {"query": all_of(expression)}), 400)
    problem(cube.query("typed", {"query": all_of(A, negated(any_of(B, expression)))}), 400)


def test_unknown_keys_are_pointed_to(cube: Bot) -> None:
    problem(cube.query("typed", {"query": {**all_of(A), "x": 1}}), 400, "unknown_key", "/query/x")
    pointer = "/query/expressions/0/ignoreCase"
    problem(cube.query("typed", {"query": all_of({**A, "ignoreCase": True})}), 400, "unknown_key", pointer)


@pytest.mark.parametrize("missing", ["field", "operand", "value"])
def test_what_is_missing_is_pointed_to_where_it_should_stand(cube: Bot, missing: str) -> None:
    broken = {key: value for key, value in A.items() if key != missing}
    refusal = problem(cube.query("typed", {"query": all_of(A, broken)}), 400)
    assert refusal["errors"][0]["pointer"] == f"/query/expressions/1/{missing}"


@pytest.mark.parametrize("field", [None, 5, True, [], ["Num"], {}])
def test_a_field_is_a_string(cube: Bot, field: Any) -> None:
    refusal = problem(cube.query("typed", {"query": all_of({**A, "field": field})}), 400)
    assert refusal["errors"][0]["pointer"] == "/query/expressions/0/field"


@pytest.mark.parametrize(
    "field", ["Nmu", "", "*", "1", "typed.Num", "Num; --", "rowid", "xmin", "ctid", "Num\x00"]
)
def test_unknown_columns_are_errors(cube: Bot, field: str) -> None:
    pointer = "/query/expressions/0/not/expressions/1/field"
    query = all_of(negated(all_of(A, {**A, "field": field})))
    problem(cube.query("typed", {"query": query}), 400, "unknown_column", pointer)


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
def test_other_operands_are_refused(cube: Bot, operand: str) -> None:
    query = where("Text", operand, "1")
    problem(cube.query("typed", {"query": query}), 400, "unknown_operand", "/query/expressions/0/operand")


@pytest.mark.parametrize("operand", [None, 5, True, [], {}])
def test_an_operand_is_a_string(cube: Bot, operand: Any) -> None:
    refusal = problem(cube.query("typed", {"query": where("Text", operand, "1")}), 400)
    assert refusal["errors"][0]["pointer"] == "/query/expressions/0/operand"


def test_filters_steer_updates_and_deletes_alike(people: Bot) -> None:
    records(people.bulk("people", [{"Number": i, "Gender": "f" if i % 2 else None} for i in range(20)]))
    query = any_of(
        all_of(comparison("Number", "<", 10), comparison("Gender", "=", "f")), comparison("Number", "=", 12)
    )
    assert total(people, "people", query) == 6
    assert len(records(people.update("people", query, {"Last_Name": "x"}))) == 6
    assert people.delete("people", query).json() == {"nDeleted": 6}
    assert total(people, "people", query) == 0


@pytest.mark.parametrize("operator", ["AND", "Or", "OR", "aNd"])
def test_operators_in_any_case(cube: Bot, operator: str) -> None:
    same, other = ({"expressions": [A, B], "operator": each} for each in (operator, operator.lower()))
    assert ids(cube, same) == ids(cube, other)
    assert ids(cube, all_of(A, same)) == ids(cube, all_of(A, other))
