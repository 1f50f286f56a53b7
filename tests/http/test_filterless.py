"""Updates and deletes without a filter: an empty filter has emptied many a table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from answers import good, problem, records, rows, total
from expressions import EVERYTHING, all_of, any_of, comparison, negated, where

from support.bot import Bot
from support.workspace import PEOPLE, Workspace

TABLE = "/api/public/tables/people"
CALLS = {"PUT": ("PUT", TABLE), "DELETE": ("DELETE", TABLE), "POST delete": ("POST", TABLE + "/delete")}

Call = Callable[[dict[str, Any]], httpx.Response]


def sender(bot: Bot, name: str) -> Call:
    """Sends a body to one of the calls that a filter steers."""
    method, path = CALLS[name]
    data = {"data": {"Gender": "x"}} if method == "PUT" else {}
    return lambda body: bot.request(method, path, json={**body, **data})


@pytest.fixture(scope="module")
def people(shared: Workspace) -> Bot:
    """A table of three rows, which no test may touch."""
    shared.create_table(PEOPLE)
    bot = shared.bot({"people": "rwd"})
    records(bot.bulk("people", [{"Number": i} for i in range(3)]))
    return bot


@pytest.fixture(params=CALLS)
def call(request: pytest.FixtureRequest, people: Bot) -> Call:
    return sender(people, request.param)


def assert_untouched(people: Bot) -> None:
    assert [(row["Number"], row["Gender"]) for row in rows(people.query("people"))] == [
        (i, None) for i in range(3)
    ]


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
def test_no_filter_is_refused(people: Bot, call: Call, body: dict[str, Any]) -> None:
    problem(call(body), 400, "missing_filter")
    assert_untouched(people)


def test_not_in_nothing_is_no_filter(people: Bot, call: Call) -> None:
    problem(call({"query": where("Number", "not in", [])}), 400)
    assert_untouched(people)


def test_in_nothing_finds_nothing(people: Bot, call: Call) -> None:
    answer = good(call({"query": where("Number", "in", [])}))
    assert answer in ({"records": [], "nModified": 0}, {"nDeleted": 0})
    assert_untouched(people)


@pytest.mark.parametrize("value", [False, None, 1, 0, "true", "", [], {}, [True]])
def test_all_must_be_true(people: Bot, call: Call, value: Any) -> None:
    problem(call({"query": {"all": value}}), 400)
    assert_untouched(people)


@pytest.mark.parametrize("key", ["All", "ALL", "a ll", "*"])
def test_all_has_one_spelling(people: Bot, call: Call, key: str) -> None:
    problem(call({"query": {key: True}}), 400)
    assert_untouched(people)


@pytest.mark.parametrize("value", [True, False, None])
def test_all_does_not_go_beside_expressions(people: Bot, call: Call, value: Any) -> None:
    problem(call({"query": {**where("Number", "=", 1), "all": value}}), 400)
    assert_untouched(people)


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
def test_all_does_not_go_inside(people: Bot, call: Call, query: Any) -> None:
    problem(call({"query": query}), 400)
    assert_untouched(people)


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
def test_a_filter_inside_has_expressions(people: Bot, call: Call, inner: Any, operator: str) -> None:
    """An empty one would open everything (readings, 52)."""
    problem(call({"query": {"expressions": [inner], "operator": operator}}), 400)
    expressions = [comparison("Number", "=", 1), inner]
    problem(call({"query": {"expressions": expressions, "operator": operator}}), 400)
    assert_untouched(people)


@pytest.mark.parametrize("name", CALLS)
def test_all_touches_every_row(workspace: Workspace, name: str) -> None:
    workspace.create_table(PEOPLE)
    bot = workspace.bot({"people": "rwd"})
    records(bot.bulk("people", [{"Number": i} for i in range(3)]))
    answer = good(sender(bot, name)({"query": EVERYTHING}))
    assert answer.get("nModified", answer.get("nDeleted")) == 3
    assert total(bot, "people", where("Gender", "is null")) == 0


def test_an_empty_list_is_no_expression(workspace: Workspace) -> None:
    workspace.create_table(PEOPLE)
    bot = workspace.bot({"people": "rwd"})
    query = {"expressions": [], "all": True, "operator": "OR"}
    good(bot.insert("people", {"Number": 1}))
    assert len(records(bot.update("people", query, {"Number": 2}))) == 1
    assert total(bot, "people", query) == 1
    assert good(bot.delete("people", query)) == {"nDeleted": 1}
