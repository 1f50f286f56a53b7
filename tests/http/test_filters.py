"""Filters as a whole: ``and`` and ``or``, ``not``, nesting, and forms that are refused."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from answers import found, problem, records, total
from expressions import all_of, any_of, comparison, negated, where

from cases.filters import SHAPES, A, B, C, nested_filters, nested_nots
from support.bot import Bot
from support.engines import first_on_each

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


@pytest.mark.parametrize("shape", SHAPES)
def test_nesting_to_depth_16(cube: Bot, shape: Any) -> None:
    assert ids(cube, shape(MAX_DEPTH)) <= ids(cube, {})
    assert ids(cube, nested_filters(MAX_DEPTH)) == ids(cube, all_of(A))
    assert ids(cube, nested_nots(MAX_DEPTH)) == ids(cube, all_of(negated(A)))


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


def test_filters_steer_updates_and_deletes_alike(people: Bot) -> None:
    records(people.bulk("people", [{"Number": i, "Gender": "f" if i % 2 else None} for i in range(20)]))
    query = any_of(
        all_of(comparison("Number", "<", 10), comparison("Gender", "=", "f")), comparison("Number", "=", 12)
    )
    assert total(people, "people", query) == 6
    assert len(records(people.update("people", query, {"Last_Name": "x"}))) == 6
    assert people.delete("people", query).json() == {"nDeleted": 6}
    assert total(people, "people", query) == 0


def test_operators_in_any_case(cube: Bot) -> None:
    same = {"expressions": [A, B], "operator": "oR"}
    assert ids(cube, all_of(A, same)) == ids(cube, all_of(A, any_of(A, B)))


REFUSED: dict[str, tuple[Any, str, str]] = {
    "too deep": (nested_filters(MAX_DEPTH + 1), "invalid_filter", "/query" + "/expressions/0" * MAX_DEPTH),
    "another operator": ({"expressions": [A], "operator": "xor"}, "invalid_filter", "/query/operator"),
    "no list": ({"expressions": A}, "invalid_body", "/query/expressions"),
    "no object": (all_of(A, 5), "invalid_body", "/query/expressions/1"),
    "a comparison alone": (A, "invalid_filter", "/query/field"),
    "mixed": (all_of({**A, "operator": "and"}), "invalid_filter", "/query/expressions/0/operator"),
    "an unknown key": ({**all_of(A), "x": 1}, "unknown_key", "/query/x"),
    "no operand": (all_of({"field": "Num", "value": 1}), "invalid_filter", "/query/expressions/0/operand"),
    "a field that is no string": (all_of({**A, "field": 5}), "invalid_body", "/query/expressions/0/field"),
    "an unknown column": (
        all_of(negated({**A, "field": "Nmu"})),
        "unknown_column",
        "/query/expressions/0/not/field",
    ),
    "a column of the engine": (
        all_of({**A, "field": "ctid"}),
        "unknown_column",
        "/query/expressions/0/field",
    ),
    "an unknown operand": (where("Text", "like", "1"), "unknown_operand", "/query/expressions/0/operand"),
    "an operand that is no string": (where("Text", 5, "1"), "invalid_body", "/query/expressions/0/operand"),
    "thousands": (any_of(*[A] * 20_000), "invalid_filter", f"/query/expressions/{MAX_EXPRESSIONS}"),
}


@first_on_each(("query", "code", "pointer"), REFUSED.values(), ids=REFUSED)
def test_refused(cube: Bot, query: Any, code: str, pointer: str) -> None:
    problem(cube.query("typed", {"query": query}), 400, code, pointer)
