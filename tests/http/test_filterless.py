"""Updates and deletes without a filter: an empty filter has emptied many a table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from answers import good, problem, records, rows, total
from expressions import EVERYTHING, all_of, any_of, comparison, negated, where

from support.bot import Bot
from support.engines import first_on_each
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


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no query": ({}, "missing_filter"),
    "an empty query": ({"query": {}}, "missing_filter"),
    "no expressions": ({"query": {"expressions": [], "operator": "or"}}, "missing_filter"),
    "not in nothing": ({"query": where("Number", "not in", [])}, "missing_filter"),
    "all is not true": ({"query": {"all": False}}, "invalid_filter"),
    "All": ({"query": {"All": True}}, "unknown_key"),
    "all and expressions": ({"query": {**where("Number", "=", 1), "all": True}}, "invalid_filter"),
    "all inside": ({"query": all_of(comparison("Number", "=", 1), EVERYTHING)}, "invalid_filter"),
    "an empty filter inside": ({"query": any_of({}, comparison("Number", "=", 1))}, "invalid_filter"),
    "not of nothing": ({"query": all_of(negated({}))}, "invalid_filter"),
}


@first_on_each(("body", "code"), REFUSED.values(), ids=REFUSED)
def test_what_could_mean_every_row_is_refused(
    people: Bot, call: Call, body: dict[str, Any], code: str
) -> None:
    problem(call(body), 400, code)
    assert_untouched(people)


def test_in_nothing_finds_nothing(people: Bot, call: Call) -> None:
    answer = good(call({"query": where("Number", "in", [])}))
    assert answer in ({"records": [], "nModified": 0}, {"nDeleted": 0})
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
