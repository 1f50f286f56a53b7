"""Cursors: walking all rows page by page, while others come and go, and cursors that are refused."""

from __future__ import annotations

from typing import Any

import pytest
from answers import good, problem, records
from definitions import Made
from expressions import all_of, comparison, where

from cases.cursors import DEFINITION, SORTS
from support.bot import Bot
from support.workspace import Workspace


def filled(bot: Bot) -> Bot:
    """50 rows: Number 0 to 49, Group of seven values and empty cells, Name of ties."""
    groups = ["b", "a", None, "B", "é", "😀", "a"]
    data = [{"Name": "x", "Group": groups[i % 7], "Number": i} for i in range(50)]
    records(bot.bulk("things", data))
    return bot


@pytest.fixture(scope="module")
def things(shared: Workspace) -> Bot:
    """The table that the tests of this module only read."""
    return filled(shared.bot_with([DEFINITION]))


@pytest.fixture
def changing(made: Made) -> Bot:
    """One like it, of the test's own."""
    return filled(made(DEFINITION))


def page(bot: Bot, body: dict[str, Any], cursor: str | None, limit: int = 7) -> dict[str, Any]:
    more = {} if cursor is None else {"cursor": cursor}
    return good(bot.query("things", {**body, **more}, sys_limit=limit))


def walk(bot: Bot, body: dict[str, Any], limit: int = 7) -> list[dict[str, Any]]:
    """All rows, page by page, until there is no cursor."""
    walked: list[dict[str, Any]] = []
    cursor = None
    while True:
        answer = page(bot, body, cursor, limit)
        assert answer["hasMore"] is ("nextCursor" in answer)
        walked += answer["queryResult"]
        cursor = answer.get("nextCursor")
        if cursor is None:
            return walked
        assert len(answer["queryResult"]) == limit


@pytest.mark.parametrize("sort", SORTS.values(), ids=SORTS.keys())
@pytest.mark.parametrize("limit", [3, 10, 49, 50])
def test_a_walk_is_the_whole_query(things: Bot, sort: Any, limit: int) -> None:
    body = {"sort": sort} if sort else {}
    assert walk(things, body, limit) == good(things.query("things", body, sys_limit=100))["queryResult"]


def test_a_walk_of_single_rows_is_the_whole_query(things: Bot) -> None:
    for sort in (SORTS["Group down, Number up"], SORTS["ties"]):
        walked = walk(things, {"sort": sort}, 1)
        assert walked == good(things.query("things", {"sort": sort}, sys_limit=100))["queryResult"]


@pytest.mark.parametrize("sort", SORTS.values(), ids=SORTS.keys())
def test_a_walk_through_a_filter(things: Bot, sort: Any) -> None:
    query = all_of(comparison("Number", ">=", 5), comparison("Group", "!=", "B"))
    body = {"query": query, "sort": sort} if sort else {"query": query}
    assert walk(things, body) == good(things.query("things", body, sys_limit=100))["queryResult"]


def test_total_is_of_the_whole_filter_on_every_page(things: Bot) -> None:
    body = {"query": where("Number", "<", 20)}
    cursor = None
    for has_more in (True, True, False):
        answer = page(things, body, cursor)
        assert (answer["total"], answer["hasMore"]) == (20, has_more)
        cursor = answer.get("nextCursor")


def test_count_none_goes_with_a_cursor(things: Bot) -> None:
    first = page(things, {"count": "none"}, None)
    second = page(things, {"count": "none"}, first["nextCursor"])
    assert "total" not in second
    assert [row["Number"] for row in second["queryResult"]] == list(range(7, 14))


def test_a_cursor_from_an_offset_goes_on_from_there(things: Bot) -> None:
    first = good(things.query("things", sys_offset=20, sys_limit=5))
    second = page(things, {}, first["nextCursor"])
    assert [row["Number"] for row in second["queryResult"]] == list(range(25, 32))


def test_limit_and_count_may_change_between_pages(things: Bot) -> None:
    first = page(things, {}, None, 3)
    second = page(things, {"count": "none"}, first["nextCursor"], 20)
    assert [row["Number"] for row in second["queryResult"]] == list(range(3, 23))


def test_the_sorted_column_need_not_be_answered(things: Bot) -> None:
    body = {"sort": SORTS["Group up, Number down"], "fields": ["Name", "sys_Id"]}
    walked = walk(things, body)
    assert all(tuple(row) == ("Name", "sys_Id") for row in walked)
    whole = good(things.query("things", {"sort": body["sort"]}, sys_limit=100))["queryResult"]
    assert [row["sys_Id"] for row in walked] == [row["sys_Id"] for row in whole]


def test_a_cursor_may_be_used_again(things: Bot) -> None:
    cursor = page(things, {}, None)["nextCursor"]
    assert page(things, {}, cursor) == page(things, {}, cursor)


@pytest.mark.parametrize("sort", SORTS.values(), ids=SORTS.keys())
def test_rows_that_stay_come_once_while_others_come_and_go(changing: Bot, sort: Any) -> None:
    """Between pages the row that the cursor stands on goes, rows before and after it too, and others come."""
    body = {"sort": sort} if sort else {}
    staying = {n for n in range(50) if n % 5}
    walked: list[Any] = []
    cursor = None
    while True:
        answer = page(changing, body, cursor, 8)
        walked += [row["Number"] for row in answer["queryResult"]]
        leaving = [n for n in walked[-8:] if n is not None and n not in staying]
        leaving += sorted(set(range(50)) - staying - set(walked))[:1]
        good(changing.delete("things", where("Number", "in", leaving)))
        newcomers = [
            {"Group": group, "Number": -1, "Name": name} for group, name in (("a", "w"), (None, "x"))
        ]
        if len(walked) < 60:
            records(changing.bulk("things", newcomers))
        cursor = answer.get("nextCursor")
        if cursor is None:
            break
    assert sorted(n for n in walked if n in staying) == sorted(staying)


def test_the_row_under_the_cursor_may_go(changing: Bot) -> None:
    for sort in SORTS.values():
        body = {"sort": sort} if sort else {}
        whole = good(changing.query("things", body, sys_limit=100))["queryResult"]
        first = page(changing, body, None, 3)
        good(changing.delete("things", where("_id", "=", first["queryResult"][2]["_id"])))
        assert page(changing, body, first["nextCursor"], 3)["queryResult"] == whole[3:6]


def test_another_table_is_refused(changing: Bot, workspace: Workspace) -> None:
    workspace.create_table({**DEFINITION, "name": "others"})
    other = workspace.bot({"others": "rwd"})
    records(other.bulk("others", [{"Number": i} for i in range(20)]))
    cursor = page(changing, {}, None)["nextCursor"]
    problem(other.query("others", {"cursor": cursor}), 400, "invalid_cursor", "/cursor")


def test_a_table_made_anew_is_another_table(changing: Bot, workspace: Workspace) -> None:
    cursor = page(changing, {}, None)["nextCursor"]
    workspace.drop_table("things")
    workspace.create_table(DEFINITION)
    again = workspace.bot({"things": "rwd"})
    records(again.bulk("things", [{"Number": i} for i in range(20)]))
    problem(again.query("things", {"cursor": cursor}), 400, "invalid_cursor", "/cursor")


def test_a_cursor_of_another_query_is_refused(things: Bot) -> None:
    body = {"query": where("Number", "<", 40), "sort": SORTS["Group up"]}
    cursor = page(things, body, None)["nextCursor"]
    changed = ("A" if cursor[0] != "A" else "B") + cursor[1:]
    for other in (
        {**body, "cursor": changed},
        {**body, "cursor": "x"},
        {**body, "cursor": cursor, "query": where("Number", "<", 41)},
        {**body, "cursor": cursor, "sort": SORTS["Group down"]},
    ):
        problem(things.query("things", other), 400, "invalid_cursor", "/cursor")
    problem(things.query("things", {**body, "cursor": cursor}, sys_offset=5), 400, "invalid_cursor")
    problem(things.query("things", {**body, "cursor": None}), 400, "invalid_body", "/cursor")
