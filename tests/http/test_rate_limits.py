"""Rate limits of apps: what is counted, headers, and refusals (contract, section 10)."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from answers import good, problem
from expressions import where

from support.bot import Bot
from support.tokens import sign
from support.workspace import PEOPLE, Workspace, succeeded

MINUTE = "You've exceeded the per-minute rate limit. Please wait for sometime before retrying."
HOUR = "You've exceeded the hourly rate limit. Please wait for sometime before retrying."


def limited(workspace: Workspace, limit: str | None, *tables: str) -> Bot:
    """An app with a limit, and all rights to these tables."""
    bot = workspace.bot(dict.fromkeys(tables, "rwd"))
    set_limit(workspace, bot, limit)
    return bot


def set_limit(workspace: Workspace, bot: Bot, limit: str | None) -> dict[str, Any]:
    path = f"{workspace.path}/apps/{bot.client_id}"
    return succeeded(workspace.admin.patch(path, json={"rateLimit": limit}))


def left(response: httpx.Response) -> int:
    """How many requests the first window still allows."""
    name, remaining, seconds = response.headers["RateLimit"].split(",")[0].split(";")
    assert name == '"default"'
    assert int(seconds.removeprefix("t=")) >= 1
    return int(remaining.removeprefix("r="))


def refused(response: httpx.Response, message: str) -> None:
    assert problem(response, 429, "rate_limited")["errors"][0]["msg"] == message
    assert 1 <= int(response.headers["Retry-After"]) <= 3600
    assert left(response) >= 0


def test_headers_and_refusals(workspace: Workspace) -> None:
    workspace.create_table(PEOPLE)
    workspace.create_table(PEOPLE | {"name": "others"})
    bot = limited(workspace, "3/minute", "people", "others")
    first = bot.query("people")
    good(first)
    assert first.headers["RateLimit-Policy"] == '"default";q=3;w=60'
    assert first.headers["RateLimit"] == '"default";r=2;t=60'
    # every response of an app with a limit has the headers, whatever became of the request
    assert left(bot.query("people", {"query": where("Nothing", "=", 1)})) == 1
    assert left(bot.insert("people", {"First_Name": "a"})) == 0
    for _ in range(2):
        refused(bot.insert("people", {"First_Name": "b"}), MINUTE)
    # each table counts for itself, and so do requests without a table
    assert left(bot.query("others")) == 2
    assert left(bot.query("missing")) == 2
    assert left(bot.request("GET", "/api/public/tables")) == 1
    # and each app
    assert left(limited(workspace, "3/minute", "people").query("people")) == 2
    assert "RateLimit-Policy" not in workspace.bot({"people": "r"}).query("people").headers
    # a limit is changed or removed from the next request on
    assert set_limit(workspace, bot, "2/hour")["rateLimit"] == "2/hour"
    assert left(bot.query("people")) == 1
    assert left(bot.query("people")) == 0
    refused(bot.query("people"), HOUR)
    assert set_limit(workspace, bot, None)["rateLimit"] is None
    assert "RateLimit" not in bot.query("people").headers


def test_several_windows(workspace: Workspace) -> None:
    workspace.create_table(PEOPLE)
    bot = limited(workspace, "4/hour;2/minute;9/2 days", "people")
    found = bot.query("people").headers
    assert found["RateLimit-Policy"] == '"default";q=2;w=60, "hour";q=4;w=3600, "2-days";q=9;w=172800'
    assert found["RateLimit"] == '"default";r=1;t=60, "hour";r=3;t=3600, "2-days";r=8;t=172800'
    bot.query("people")
    stopped = bot.query("people")
    refused(stopped, MINUTE)
    # what the shorter window refused is not counted in the longer ones
    assert '"hour";r=2;' in stopped.headers["RateLimit"]


def test_refused_tokens_use_up_nothing(workspace: Workspace) -> None:
    workspace.create_table(PEOPLE)
    bot = limited(workspace, "2/minute", "people")
    forged = sign({"appId": bot.client_id}, "x" * 43)
    for _ in range(4):
        response = bot.request("POST", "/api/public/tables/people/query", headers={"auth": forged})
        problem(response, 401, "unauthenticated")
        assert "RateLimit" not in response.headers
    assert left(bot.query("people")) == 1


def test_each_operation_of_a_batch_counts(workspace: Workspace) -> None:
    workspace.create_table(PEOPLE)
    workspace.create_table(PEOPLE | {"name": "others"})
    bot = limited(workspace, "3/minute", "people", "others")

    def batch(*tables: str) -> httpx.Response:
        operations = [{"op": "insert", "table": table, "data": {"Number": 1}} for table in tables]
        return bot.request("POST", "/api/public/batch", json={"operations": operations})

    assert left(batch("people", "others", "people")) == 1
    refused(batch("people", "people"), MINUTE)
    assert left(batch("people")) == 0
    assert left(batch("others")) == 1
    msg = problem(batch(*["others"] * 4), 429, "rate_limited")["errors"][0]["msg"]
    assert msg.startswith("The batch has 4 operations on one table, but the rate limit allows 3")
    assert good(workspace.bot({"people": "r"}).query("people"))["total"] == 3


def test_requests_that_cannot_be_read_count(workspace: Workspace) -> None:
    workspace.create_table(PEOPLE)
    bot = limited(workspace, "3/minute", "people")
    batch, bulk = "/api/public/batch", "/api/public/tables/people/bulk"
    # nobody knows the tables of these batches
    bad = bot.request("POST", batch, content="{")
    problem(bad, 400, "malformed_json")
    assert left(bad) == 2
    assert left(bot.request("POST", batch, json={"operations": [{"op": "no such"}]})) == 1
    assert left(bot.request("GET", "/api/public/tables")) == 0
    refused(bot.request("POST", batch, content="{"), MINUTE)
    csv = {"content-type": "text/csv"}
    options = bot.request("POST", f"{bulk}?mode=none", content="Number\n1\n", headers=csv)
    problem(options, 400, "invalid_parameter")
    assert left(options) == 2
    form = bot.request("POST", bulk, content="Number\n1\n", headers=csv | {"content-encoding": "br"})
    problem(form, 415, "unsupported_media_type")
    assert left(form) == 1


def test_administrators_have_no_limit(workspace: Workspace) -> None:
    workspace.create_table(PEOPLE)
    for _ in range(2):
        response = workspace.admin.post(f"{workspace.path}/data/tables/people/query")
        good(response)
        assert "RateLimit-Policy" not in response.headers


@pytest.mark.parametrize("limit", ["none", ""])
def test_an_app_without_a_limit(workspace: Workspace, limit: str) -> None:
    workspace.create_table(PEOPLE)
    bot = limited(workspace, limit, "people")
    assert "RateLimit-Policy" not in bot.query("people").headers
