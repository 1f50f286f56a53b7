"""Updates and deletes without a filter: an empty filter must never mean every row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from planner import Outcome, Planner, body_of, good, problem

from rowkeep.model.filters import EVERYTHING as EVERY_ROW
from support.expressions import EVERYTHING, all_of, any_of, comparison, negated, where
from support.workspace import PEOPLE

Call = Callable[[dict[str, Any]], Outcome]


@pytest.fixture(scope="module")
def people() -> Planner:
    return Planner(PEOPLE)


@pytest.fixture(params=["update", "delete"])
def call(request: pytest.FixtureRequest, people: Planner) -> Call:
    """Plans a body as an update or as a delete."""
    if request.param == "delete":
        return lambda body: people.delete_text(body_of(body))
    return lambda body: people.update_text(body_of({**body, "data": {"Gender": "x"}}))


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"query": {}},
        {"query": {"expressions": []}},
        {"query": {"expressions": [], "operator": "and"}},
        {"query": {"expressions": [], "operator": "or"}},
        {"query": {"operator": "and"}},
        {"query": {"operator": "or"}},
    ],
)
def test_no_filter_is_refused(call: Call, body: dict[str, Any]) -> None:
    problem(call(body), 400, "missing_filter")


def test_not_in_nothing_is_no_filter(call: Call) -> None:
    problem(call({"query": where("Number", "not in", [])}), 400)


@pytest.mark.parametrize("value", [False, None, 1, 0, "true", "", [], {}, [True]])
def test_all_must_be_true(call: Call, value: Any) -> None:
    problem(call({"query": {"all": value}}), 400)


@pytest.mark.parametrize("key", ["All", "ALL", "a ll", "*"])
def test_all_has_one_spelling(call: Call, key: str) -> None:
    problem(call({"query": {key: True}}), 400)


@pytest.mark.parametrize("value", [True, False, None])
def test_all_does_not_go_with_expressions(call: Call, value: Any) -> None:
    problem(call({"query": {**where("Number", "=", 1), "all": value}}), 400)


@pytest.mark.parametrize(
    "query",
    [
        all_of(EVERYTHING),
        any_of(EVERYTHING, comparison("Number", "=", 1)),
        all_of(comparison("Number", "=", 1), EVERYTHING),
        all_of(negated(EVERYTHING)),
        all_of(negated(negated(EVERYTHING))),
        all_of(all_of(EVERYTHING)),
        all_of({**comparison("Number", "=", 1), "all": True}),
    ],
)
def test_all_does_not_go_inside(call: Call, query: Any) -> None:
    problem(call({"query": query}), 400)


@pytest.mark.parametrize(
    "inner",
    [
        {},
        {"expressions": []},
        {"operator": "and"},
        {"not": {}},
        {"not": {"expressions": []}},
        all_of({}),
        [],
        None,
    ],
)
@pytest.mark.parametrize("operator", ["and", "or"])
def test_a_filter_inside_has_expressions(call: Call, inner: Any, operator: str) -> None:
    """An empty one would open everything (readings, 52)."""
    problem(call({"query": {"expressions": [inner], "operator": operator}}), 400)
    expressions = [comparison("Number", "=", 1), inner]
    problem(call({"query": {"expressions": expressions, "operator": operator}}), 400)


def test_in_nothing_finds_nothing(call: Call) -> None:
    assert good(call({"query": where("Number", "in", [])})) is not None


@pytest.mark.parametrize("query", [EVERYTHING, {"expressions": [], "all": True, "operator": "OR"}])
def test_all_means_every_row(people: Planner, query: Any) -> None:
    assert good(people.delete(query)).where == EVERY_ROW
    assert good(people.update(query, {"Number": 2})) == {"Number": 2}
    assert good(people.query({"query": query})).where == EVERY_ROW
