"""Grants: each call needs exactly the rights of the contract's table, no more and no fewer."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations

import httpx
import pytest
from answers import good, problem
from expressions import EVERYTHING, where

from support import plain
from support.bot import Bot
from support.engines import first_on_each
from support.workspace import PEOPLE, Workspace

Call = Callable[[Bot, str], httpx.Response]

CALLS: dict[str, tuple[str, Call]] = {
    "insert": ("w", lambda bot, table: bot.insert(table, {"Number": 1})),
    "insert minimal": ("w", lambda bot, table: bot.insert(table, {"Number": 1}, prefer="return=minimal")),
    "insert array": ("w", lambda bot, table: bot.insert(table, [{"Number": 1}, {"Number": 2}])),
    "bulk": ("w", lambda bot, table: bot.bulk(table, [{"Number": 1}])),
    "bulk of nothing": ("w", lambda bot, table: bot.bulk(table, [])),
    "update": ("rw", lambda bot, table: bot.update(table, where("Number", "=", 0), {"Number": 0})),
    "update minimal": (
        "rw",
        lambda bot, t: bot.update(t, EVERYTHING, {"Number": 0}, prefer="return=minimal"),
    ),
    "delete": ("rd", lambda bot, table: bot.delete(table, where("Number", "=", 9))),
    "delete by POST": (
        "rd",
        lambda bot, table: bot.request(
            "POST", f"/api/public/tables/{table}/delete", json={"query": where("Number", "=", 9)}
        ),
    ),
    "query": ("r", lambda bot, table: bot.query(table)),
    "query with filter": ("r", lambda bot, table: bot.query(table, {"query": where("Number", "=", 0)})),
}
RIGHTS = ["".join(rights) for size in range(4) for rights in combinations("rwd", size)]


@pytest.fixture(scope="module")
def bots(shared: Workspace) -> dict[str, Bot]:
    """For each set of rights an app with these on the table people."""
    shared.create_table(PEOPLE)
    shared.create_table({**PEOPLE, "name": "others"})
    return {rights: shared.bot({"people": rights, "others": "rwd"}) for rights in RIGHTS}


@first_on_each("name", list(CALLS))
@pytest.mark.parametrize("rights", RIGHTS)
def test_each_call_with_each_set_of_rights(bots: dict[str, Bot], rights: str, name: str) -> None:
    needed, call = CALLS[name]
    before = good(bots["rwd"].query("people"))["total"]
    response = call(bots[rights], "people")
    if set(needed) <= set(rights):
        good(response)
    else:
        problem(response, 403, "forbidden")
        assert good(bots["rwd"].query("people"))["total"] == before


@first_on_each("name", CALLS)
def test_a_table_that_is_not_there_is_404_before_403(bots: dict[str, Bot], name: str) -> None:
    for rights in ("", "rwd"):
        problem(CALLS[name][1](bots[rights], "nosuch"), 404, "no_such_table")


@first_on_each("name", CALLS)
def test_no_grant_on_this_table(bots: dict[str, Bot], name: str) -> None:
    """Grants on another table do not count here; one without any grant reads the same answer."""
    problem(CALLS[name][1](bots[""], "people"), 403, "forbidden")
    good(CALLS[name][1](bots[""], "others"))


@first_on_each("method_path", ["POST ", "POST /bulk", "PUT ", "DELETE ", "POST /delete", "POST /query"])
def test_403_comes_before_parameters_and_body(bots: dict[str, Bot], method_path: str) -> None:
    method, path = method_path.split(" ")
    url = f"/api/public/tables/people{path}"
    bot = bots[""]
    problem(bot.request(method, url, params={"x": "1"}), 403, "forbidden")
    problem(bot.request(method, url, content=b"{"), 403, "forbidden")
    problem(bot.request(method, url, content=b"x", headers={"Content-Type": "text/plain"}), 403, "forbidden")
    problem(bot.request(method, url, content=b"x", headers={"Content-Encoding": "gzip"}), 403, "forbidden")


def test_the_refusal_names_what_is_missing(bots: dict[str, Bot]) -> None:
    refusal = problem(bots["w"].query("people"), 403, "forbidden")
    assert "read" in refusal["detail"]
    refusal = problem(bots["r"].insert("people", {}), 403, "forbidden")
    assert "write" in refusal["detail"]
    refusal = problem(bots["rw"].delete("people", EVERYTHING), 403, "forbidden")
    assert "delete" in refusal["detail"]


def test_case_of_the_tables_name_opens_nothing(bots: dict[str, Bot]) -> None:
    for name in ("People", "PEOPLE", "p%65ople"):
        problem(bots[""].query(name), 403, "forbidden")
        good(bots["r"].query(name))


def test_a_table_is_no_view(bots: dict[str, Bot]) -> None:
    bot = bots["rwd"]
    problem(bot.request("POST", "/api/public/views/people/query", json={}), 404, "no_such_view")
    problem(bot.request("POST", "/api/public/views/nosuch/query"), 404, "no_such_view")
    problem(plain.post(bot.server_url + "/api/public/views/people/query"), 401, "unauthenticated")


def test_a_grant_holds_from_the_next_request_on(shared: Workspace, bots: dict[str, Bot]) -> None:
    bot = shared.bot()
    for rights in ("r", "", "w", "rw", "d", "rd", ""):
        shared.grant(bot.client_id, "people", rights)
        for needed, call in CALLS.values():
            expected = 200 if set(needed) <= set(rights) else 403
            assert call(bot, "people").status_code == expected
