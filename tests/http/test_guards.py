"""Guards: how many rows an update or delete may affect, limits of apps, and optimistic concurrency."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import httpx
import pytest
from answers import good, problem, records, rows
from definitions import column, index, table
from expressions import EVERYTHING, all_of, comparison, where

from support.bot import Bot
from support.engines import first_on_each
from support.workspace import Workspace

TABLE = "/api/public/tables/people"
PEOPLE = [{"First_Name": name, "Number": at} for at, name in enumerate("ABCDE", 1)]


@pytest.fixture
def stored(people: Bot) -> list[dict[str, Any]]:
    """The records of PEOPLE, in the table people."""
    return records(people.bulk("people", PEOPLE))


def update(bot: Bot, query: Any, **guards: Any) -> httpx.Response:
    body = {"query": query, "data": {"Gender": "x"}, **guards}
    return bot.request("PUT", TABLE, json=body)


def delete(bot: Bot, query: Any, **guards: Any) -> httpx.Response:
    return bot.request("DELETE", TABLE, json={"query": query, **guards})


def delete_by_post(bot: Bot, query: Any, **guards: Any) -> httpx.Response:
    return bot.request("POST", f"{TABLE}/delete", json={"query": query, **guards})


WRITES = pytest.mark.parametrize("write", [update, delete, delete_by_post])
COUNTS = {"update": "nModified", "delete": "nDeleted", "delete_by_post": "nDeleted"}

WITHIN: list[dict[str, Any]] = [
    {"minAffected": 3},
    {"maxAffected": 3},
    {"minAffected": 3, "maxAffected": 3},
    {"minAffected": 0, "maxAffected": 9007199254740991},
]


@WRITES
@pytest.mark.parametrize("guards", WITHIN, ids=str)
def test_within_the_bounds(
    people: Bot, stored: list[dict[str, Any]], write: Any, guards: dict[str, Any]
) -> None:
    assert good(write(people, where("Number", "<=", 3), **guards))[COUNTS[write.__name__]] == 3


OUTSIDE: list[tuple[dict[str, Any], int, str]] = [
    ({"minAffected": 4}, 3, "/minAffected"),
    ({"maxAffected": 2}, 3, "/maxAffected"),
    ({"maxAffected": 0}, 3, "/maxAffected"),
    ({"minAffected": 1, "maxAffected": 2}, 3, "/maxAffected"),
    ({"minAffected": 1}, 0, "/minAffected"),
    ({"maxAffected": 0}, 1, "/maxAffected"),
    ({"minAffected": 2}, 1, "/minAffected"),
]


@WRITES
@pytest.mark.parametrize(("guards", "matched", "pointer"), OUTSIDE)
def test_outside_the_bounds_nothing_happens(
    people: Bot, stored: list[dict[str, Any]], write: Any, guards: dict[str, Any], matched: int, pointer: str
) -> None:
    refusal = problem(
        write(people, where("Number", "<=", matched), **guards), 409, "affected_out_of_bounds", pointer
    )
    assert refusal["errors"][0]["nMatched"] == matched
    assert rows(people.query("people")) == stored


@WRITES
@pytest.mark.parametrize("guards", [{"maxAffected": 0}, {"minAffected": 2}], ids=str)
def test_one_row_by_its_id(
    people: Bot, stored: list[dict[str, Any]], write: Any, guards: dict[str, Any]
) -> None:
    refusal = problem(
        write(people, where("_id", "=", stored[0]["_id"]), **guards), 409, "affected_out_of_bounds"
    )
    assert refusal["errors"][0]["nMatched"] == 1
    assert rows(people.query("people")) == stored


def test_with_counts_only(people: Bot, stored: list[dict[str, Any]]) -> None:
    body = {"query": where("Number", "<=", 3), "data": {"Gender": "x"}, "maxAffected": 2}
    problem(
        people.request("PUT", TABLE, json=body, prefer="return=minimal"),
        409,
        "affected_out_of_bounds",
        "/maxAffected",
    )
    assert rows(people.query("people")) == stored


@WRITES
@pytest.mark.parametrize("value", [-1, 1.5, "1", None, True, [], 9007199254740992], ids=repr)
@first_on_each("name", ["minAffected", "maxAffected"])
def test_bounds_are_whole_numbers(
    people: Bot, stored: list[dict[str, Any]], write: Any, name: str, value: Any
) -> None:
    refusal = problem(write(people, EVERYTHING, **{name: value}), 400, "invalid_body", f"/{name}")
    assert "whole number" in refusal["detail"]
    assert rows(people.query("people")) == stored


@WRITES
def test_a_minimum_above_the_maximum(people: Bot, stored: list[dict[str, Any]], write: Any) -> None:
    refusal = problem(
        write(people, EVERYTHING, minAffected=4, maxAffected=3), 400, "invalid_body", "/minAffected"
    )
    assert "4" in refusal["detail"]
    assert "3" in refusal["detail"]
    assert rows(people.query("people")) == stored


def test_queries_and_inserts_have_no_bounds(people: Bot) -> None:
    problem(people.query("people", {"maxAffected": 1}), 400, "unknown_key", "/maxAffected")
    body = {"data": {}, "maxAffected": 1}
    problem(people.request("POST", TABLE, json=body), 400, "unknown_key", "/maxAffected")


def test_a_unique_index_is_checked_all_the_same(workspace: Workspace) -> None:
    codes = table("people", column("Code"), indexes=(index("by_code", "Code", unique=True),))
    workspace.create_table(codes)
    bot = workspace.bot({"people": "rwd"})
    stored = records(bot.bulk("people", [{"Code": code} for code in "ab"]))
    body = {"query": where("Code", "=", "a"), "data": {"Code": "b"}, "maxAffected": 5}
    problem(bot.request("PUT", TABLE, json=body), 409, "unique_violation")
    assert rows(bot.query("people")) == stored


# the limits of an app


@pytest.fixture(scope="module")
def limited(shared: Workspace) -> dict[str, Any]:
    """An app in the workspace of the module."""
    return shared.app()


def limit(workspace: Workspace, bot: Bot, **limits: Any) -> dict[str, Any]:
    return good(workspace.admin.patch(f"{workspace.path}/apps/{bot.client_id}", json=limits))


@WRITES
def test_the_maximum_of_an_app(
    people: Bot, workspace: Workspace, stored: list[dict[str, Any]], write: Any
) -> None:
    assert limit(workspace, people, maxAffected=3)["maxAffected"] == 3
    for guards in ({}, {"maxAffected": 100}, {"minAffected": 4}):
        refusal = problem(write(people, where("Number", "<=", 4), **guards), 409, "affected_out_of_bounds")
        assert refusal["errors"][0]["nMatched"] == 4
        assert "pointer" not in refusal["errors"][0]
        assert "the app may affect at most 3" in refusal["detail"]
    problem(write(people, where("Number", "<=", 3), maxAffected=2), 409, pointer="/maxAffected")
    assert rows(people.query("people")) == stored
    good(write(people, where("Number", "<=", 3), maxAffected=100))
    limit(workspace, people, maxAffected=None)
    good(write(people, EVERYTHING))


@WRITES
def test_an_app_that_may_not_use_all(
    people: Bot, workspace: Workspace, stored: list[dict[str, Any]], write: Any
) -> None:
    assert limit(workspace, people, allowAll=False)["allowAll"] is False
    refusal = problem(write(people, EVERYTHING), 403, "forbidden", "/query/all")
    assert "allowAll" in refusal["detail"]
    assert rows(people.query("people")) == stored
    good(people.query("people", {}))
    problem(write(people, {"expressions": []}), 400, "missing_filter")
    good(write(people, where("Number", "<=", 3)))
    limit(workspace, people, allowAll=True)
    good(write(people, EVERYTHING))


def test_limits_of_one_app_are_its_own(
    people: Bot, workspace: Workspace, stored: list[dict[str, Any]]
) -> None:
    limit(workspace, people, maxAffected=0, allowAll=False)
    other = workspace.bot({"people": "rwd"})
    assert good(update(other, EVERYTHING))["nModified"] == len(PEOPLE)
    path = f"{workspace.path}/data/tables/people"
    body: dict[str, Any] = {"query": EVERYTHING, "data": {"Gender": "y"}}
    refusal = workspace.admin.put(path, json=body | {"maxAffected": 1})
    assert problem(refusal, 409, "affected_out_of_bounds")["errors"][0]["nMatched"] == len(PEOPLE)
    assert good(workspace.admin.put(path, json=body))["nModified"] == len(PEOPLE)
    # inserts are not limited
    records(people.bulk("people", PEOPLE))


def test_limits_of_a_new_app(workspace: Workspace) -> None:
    path = f"{workspace.path}/apps"
    plain = workspace.admin.post(path, json={"name": "plain"}).json()
    assert (plain["maxAffected"], plain["allowAll"]) == (None, True)
    body = {"name": "limited", "maxAffected": 5, "allowAll": False}
    made = workspace.admin.post(path, json=body).json()
    assert (made["maxAffected"], made["allowAll"]) == (5, False)
    shown = good(workspace.admin.get(f"{path}/{made['clientId']}"))
    assert (shown["maxAffected"], shown["allowAll"]) == (5, False)
    renamed = good(workspace.admin.patch(f"{path}/{made['clientId']}", json={"name": "renamed"}))
    assert (renamed["maxAffected"], renamed["allowAll"]) == (5, False)


@first_on_each(
    "body",
    [
        {"maxAffected": -1},
        {"maxAffected": 1.5},
        {"maxAffected": "5"},
        {"maxAffected": 9007199254740992},
        {"allowAll": None},
        {"allowAll": 0},
    ],
    ids=str,
)
def test_wrong_limits(shared: Workspace, limited: dict[str, Any], body: dict[str, Any]) -> None:
    path = f"{shared.path}/apps"
    pointer = f"/{next(iter(body))}"
    problem(shared.admin.post(path, json={"name": "a", **body}), 400, "invalid_body", pointer)
    problem(shared.admin.patch(f"{path}/{limited['clientId']}", json=body), 400, "invalid_body", pointer)


# optimistic concurrency


def unchanged(row: dict[str, Any]) -> dict[str, Any]:
    """The filter that matches a row as it was read, and only while nobody has changed it."""
    return all_of(comparison("_id", "=", row["_id"]), comparison("Updated_On", "=", row["Updated_On"]))


def test_a_row_that_was_changed_meanwhile(people: Bot, stored: list[dict[str, Any]]) -> None:
    read = stored[0]
    (changed,) = records(update(people, unchanged(read), minAffected=1))
    assert changed["Updated_On"] > read["Updated_On"]
    for write in (update, delete):
        refusal = problem(write(people, unchanged(read), minAffected=1), 409, "affected_out_of_bounds")
        assert refusal["errors"][0]["nMatched"] == 0
    good(delete(people, unchanged(changed), minAffected=1))


def test_updated_on_increases_with_every_update(people: Bot, stored: list[dict[str, Any]]) -> None:
    seen = [stored[0]["Updated_On"]]
    for _ in range(50):
        (row,) = records(update(people, where("_id", "=", stored[0]["_id"])))
        seen.append(row["Updated_On"])
    assert sorted(set(seen)) == seen


def test_of_two_writers_exactly_one_wins(people: Bot) -> None:
    """Each reads a number and writes the next one, if nobody did so before; no increment is lost."""
    rounds, writers = 20, 2
    (row,) = records(people.bulk("people", [{"Number": 0}]))
    barrier = Barrier(writers)

    def increment(number: int) -> list[int]:
        bot = Bot(people.server_url, people.client_id, people.secret)
        statuses = []
        for _ in range(rounds):
            barrier.wait()
            (read,) = rows(bot.query("people", {"query": where("_id", "=", row["_id"])}))
            body = {"query": unchanged(read), "data": {"Number": read["Number"] + 1}, "minAffected": 1}
            barrier.wait()  # both have read the same row
            statuses.append(bot.request("PUT", TABLE, json=body).status_code)
        bot.client.close()
        return statuses

    with ThreadPoolExecutor(writers) as pool:
        one, two = pool.map(increment, range(writers))
    assert [sorted(pair) for pair in zip(one, two, strict=True)] == [[200, 409]] * rounds
    (left,) = rows(people.query("people"))
    assert left["Number"] == rounds


def test_bounds_hold_under_concurrency(people: Bot) -> None:
    """Of several deletes that each want all three rows, one gets them."""
    records(people.bulk("people", [{"Number": 1}] * 3))
    barrier = Barrier(4)

    def take(_: int) -> int:
        bot = Bot(people.server_url, people.client_id, people.secret)
        barrier.wait()
        status = delete(bot, where("Number", "=", 1), minAffected=2, maxAffected=3).status_code
        bot.client.close()
        return status

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(take, range(4))) == [200, 409, 409, 409]
