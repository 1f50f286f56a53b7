"""Pages: ``sys_limit``, ``sys_offset``, ``count``, ``total`` and ``hasMore``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from answers import good, problem, records
from definitions import column, index, table
from expressions import where

from support.bot import Bot
from support.engines import first_on_each
from support.workspace import Workspace

QUERY = "/api/public/tables/pages/query"


@pytest.fixture(scope="module")
def pages(shared: Workspace) -> Iterator[Bot]:
    """A table of 1,005 rows numbered from 0, which all tests of this module only read."""
    shared.create_table(table("pages", column("Number", "number")))
    bot = shared.bot({"pages": "rwd"})
    records(bot.bulk("pages", [{"Number": i} for i in range(1005)]))
    yield bot
    shared.drop_table("pages")


def numbers(answer: dict[str, Any]) -> list[Any]:
    return [row["Number"] for row in answer["queryResult"]]


def test_ten_rows_unless_told(pages: Bot) -> None:
    answer = good(pages.query("pages"))
    assert numbers(answer) == list(range(10))
    assert answer["hasMore"] is True


@pytest.mark.parametrize("limit", [1, 2, 10, 999, 1000])
def test_sys_limit(pages: Bot, limit: int) -> None:
    answer = good(pages.query("pages", sys_limit=limit))
    assert numbers(answer) == list(range(limit))
    assert (answer["hasMore"], answer["total"]) == (True, 1005)


@pytest.mark.parametrize(
    ("offset", "limit", "expected", "has_more"),
    [
        (0, 5, range(5), True),
        (995, 10, range(995, 1005), False),
        (994, 10, range(994, 1004), True),
        (1000, 10, range(1000, 1005), False),
        (1004, 1, range(1004, 1005), False),
        (1005, 10, range(0), False),
        (1006, 10, range(0), False),
        (5, 1000, range(5, 1005), False),
        (4, 1000, range(4, 1004), True),
    ],
)
def test_sys_offset(pages: Bot, offset: int, limit: int, expected: range, has_more: bool) -> None:
    answer = good(pages.query("pages", sys_offset=offset, sys_limit=limit))
    assert numbers(answer) == list(expected)
    assert (answer["hasMore"], answer["total"]) == (has_more, 1005)
    assert ("nextCursor" in answer) is has_more


@pytest.mark.parametrize("offset", [2**31, 2**53, 2**63 - 1])
def test_offsets_far_beyond_the_end_find_nothing(pages: Bot, offset: int) -> None:
    answer = good(pages.query("pages", sys_offset=offset))
    assert (numbers(answer), answer["hasMore"], answer["total"]) == ([], False, 1005)


@pytest.mark.parametrize("offset", [2**63, 10**30, int("9" * 400)])
def test_offsets_beyond_all_counting_do_no_harm(pages: Bot, offset: int) -> None:
    response = pages.query("pages", sys_offset=offset)
    if response.status_code != 200:
        problem(response, 400, "invalid_parameter")
    else:
        assert numbers(good(response)) == []


def test_offset_and_filter(pages: Bot) -> None:
    body = {"query": where("Number", ">=", 1000)}
    answer = good(pages.query("pages", body, sys_offset=2, sys_limit=2))
    assert (numbers(answer), answer["hasMore"], answer["total"]) == ([1002, 1003], True, 5)


def test_count_exact_is_the_default(pages: Bot) -> None:
    assert good(pages.query("pages", {"count": "exact"})) == good(pages.query("pages"))


@pytest.mark.parametrize(("limit", "has_more"), [(5, True), (6, False), (4, True), (1000, False)])
def test_count_none_leaves_the_total_out(pages: Bot, limit: int, has_more: bool) -> None:
    answer = good(pages.query("pages", {"count": "none", "query": where("Number", "<", 6)}, sys_limit=limit))
    assert "total" not in answer
    assert answer["hasMore"] is has_more
    assert ("nextCursor" in answer) is has_more
    assert numbers(answer) == list(range(min(limit, 6)))


def test_offsets_walk_every_row_once(pages: Bot) -> None:
    walked: list[Any] = []
    for offset in range(0, 1100, 100):
        answer = good(pages.query("pages", sys_offset=offset, sys_limit=100))
        assert answer["hasMore"] is (offset + 100 < 1005)
        walked += numbers(answer)
    assert walked == list(range(1005))


@first_on_each(
    "parameters",
    [
        "sys_limit=0",
        "sys_limit=1001",
        "sys_limit=ten",
        "sys_offset=-1",
        "sys_limit=1&sys_limit=2",
        "sys_limit",
    ],
)
def test_refused(pages: Bot, parameters: str) -> None:
    problem(pages.request("POST", f"{QUERY}?{parameters}"), 400, "invalid_parameter")


def test_a_limit_beyond_all_counting_is_told_the_largest(pages: Bot) -> None:
    refused = problem(pages.request("POST", f"{QUERY}?sys_limit={10**20}"), 400, "invalid_parameter")
    assert "from 1 to 9223372036854775807; got" in refused["detail"]


def test_another_count_is_refused(pages: Bot) -> None:
    problem(pages.query("pages", {"count": "EXACT"}), 400, "invalid_body", "/count")


@pytest.fixture(scope="module")
def teams(shared: Workspace) -> Iterator[Bot]:
    """A table with an index on its teams: each is named after the number of its rows."""
    shared.create_table(
        table(
            "teams",
            column("Team"),
            column("Number", "number"),
            column("Text"),
            indexes=(index("team", "Team"),),
        )
    )
    bot = shared.bot({"teams": "rwd"})
    counts = (1, 9, 10, 11, 25)
    records(
        bot.bulk("teams", [{"Team": str(count), "Number": at} for count in counts for at in range(count)])
    )
    yield bot
    shared.drop_table("teams")


# PostgreSQL reads a page of an index in another way after one that did not have all rows
@pytest.mark.parametrize("before", [["10"], ["11"], ["11", *["10"] * 8], ["25", "11", "0"]])
def test_the_rows_that_an_index_finds(teams: Bot, before: list[str]) -> None:
    for team in (0, 1, 9, 10, 11, 25):
        for name in before:
            good(teams.query("teams", {"query": where("Team", "=", name)}))
        found = where("Team", "=", str(team))
        answer = good(teams.query("teams", {"query": found}))
        assert numbers(answer) == list(range(min(team, 10)))
        assert (answer["total"], answer["hasMore"]) == (team, team > 10)
        assert ("nextCursor" in answer) is (team > 10)
        uncounted = good(teams.query("teams", {"query": found, "count": "none"}))
        assert "total" not in uncounted
        assert (numbers(uncounted), uncounted["hasMore"]) == (numbers(answer), answer["hasMore"])
        for page in (answer, uncounted) if team > 10 else ():
            rest = good(teams.query("teams", {"query": found, "cursor": page["nextCursor"]}, sys_limit=100))
            assert numbers(rest) == list(range(10, team))


def test_large_texts_that_an_index_finds(teams: Bot) -> None:
    texts = ["a" * 90_000, None, "b" * 1_200_000, "c" * 700_000]
    rows = [{"Team": "large", "Number": at, "Text": text} for at, text in enumerate(texts)]
    for row in rows:
        good(teams.insert("teams", row))
    for limit in (10, 2, 100):
        answer = good(teams.query("teams", {"query": where("Team", "=", "large")}, sys_limit=limit))
        assert [row["Text"] for row in answer["queryResult"]] == texts[:limit]
        assert (answer["total"], answer["hasMore"]) == (4, limit == 2)
