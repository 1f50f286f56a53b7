"""Dry runs: everything is checked, the response has the counts, and nothing is stored."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from answers import good, problem, records, rows
from definitions import column, index, table
from expressions import EVERYTHING, where

from support.bot import Bot
from support.engines import first_on_each
from support.workspace import Workspace

TABLE = "/api/public/tables/people"
PEOPLE = [{"First_Name": name, "Number": at} for at, name in enumerate("ABCDE", 1)]


@pytest.fixture
def stored(people: Bot) -> list[dict[str, Any]]:
    """The records of PEOPLE, in the table people."""
    return records(people.bulk("people", PEOPLE))


def update(bot: Bot, query: Any, **more: Any) -> httpx.Response:
    headers = more.pop("headers", None)
    body = {"query": query, "data": {"Gender": "x"}, "dryRun": True, **more}
    return bot.request("PUT", TABLE, json=body, headers=headers)


def delete(bot: Bot, query: Any, **more: Any) -> httpx.Response:
    headers = more.pop("headers", None)
    return bot.request("DELETE", TABLE, json={"query": query, "dryRun": True, **more}, headers=headers)


WRITES = pytest.mark.parametrize("write", [update, delete])
COUNTS = {"update": "nModified", "delete": "nDeleted"}


@WRITES
def test_the_response_has_the_count(people: Bot, stored: list[dict[str, Any]], write: Any) -> None:
    answer = good(write(people, where("Number", "<=", 3)))
    assert answer == {COUNTS[write.__name__]: 3, "dryRun": True}
    assert rows(people.query("people")) == stored


@WRITES
def test_one_row_by_its_id(people: Bot, stored: list[dict[str, Any]], write: Any) -> None:
    answer = good(write(people, where("_id", "=", stored[0]["_id"])))
    assert answer == {COUNTS[write.__name__]: 1, "dryRun": True}
    assert rows(people.query("people")) == stored


@WRITES
def test_guards_are_checked(people: Bot, stored: list[dict[str, Any]], write: Any) -> None:
    refusal = problem(write(people, EVERYTHING, maxAffected=4), 409, "affected_out_of_bounds", "/maxAffected")
    assert refusal["errors"][0]["nMatched"] == 5
    assert good(write(people, EVERYTHING, maxAffected=5))["dryRun"] is True
    assert rows(people.query("people")) == stored


@WRITES
def test_false_is_no_dry_run(people: Bot, stored: list[dict[str, Any]], write: Any) -> None:
    assert "dryRun" not in good(write(people, EVERYTHING, dryRun=False))
    assert rows(people.query("people")) != stored


@WRITES
@first_on_each("value", [1, "true", None, []], ids=repr)
def test_it_is_true_or_false(people: Bot, stored: list[dict[str, Any]], write: Any, value: Any) -> None:
    refusal = problem(write(people, EVERYTHING, dryRun=value), 400, "invalid_body", "/dryRun")
    assert "true or false" in refusal["detail"]
    assert rows(people.query("people")) == stored


@WRITES
def test_keys_are_neither_read_nor_stored(people: Bot, stored: list[dict[str, Any]], write: Any) -> None:
    key = {"Idempotency-Key": f"dry run of {write.__name__}"}
    for _ in range(2):
        answer = write(people, EVERYTHING, headers=key)
        assert good(answer)["dryRun"] is True
        assert "idempotency-replayed" not in answer.headers
    real = write(people, EVERYTHING, dryRun=False, headers=key)
    assert "dryRun" not in good(real)
    assert "idempotency-replayed" not in real.headers
    # the key is used now, which a dry run does not notice, whether it succeeds or fails
    after = good(write(people, EVERYTHING, headers=key))
    assert after["dryRun"] is True
    problem(write(people, EVERYTHING, minAffected=9, headers=key), 409, "affected_out_of_bounds")
    problem(write(people, EVERYTHING, headers={"Idempotency-Key": "x" * 256}), 400, "invalid_parameter")


def test_an_update_that_violates_a_unique_index(workspace: Workspace) -> None:
    workspace.create_table(table("people", column("Code"), indexes=(index("by_code", "Code", unique=True),)))
    bot = workspace.bot({"people": "rwd"})
    stored = records(bot.bulk("people", [{"Code": code} for code in "ab"]))
    body = {"query": where("Code", "=", "a"), "data": {"Code": "b"}, "dryRun": True}
    problem(bot.request("PUT", TABLE, json=body), 409, "unique_violation")
    assert rows(bot.query("people")) == stored


def test_references_are_checked(workspace: Workspace) -> None:
    workspace.create_table(table("people", column("Code"), indexes=(index("by_code", "Code", unique=True),)))
    reference = {"table": "people", "column": "Code"}
    workspace.create_table(table("pets", column("Owner", reference=reference)))
    bot = workspace.bot({"people": "rwd", "pets": "rwd"})
    good(bot.bulk("people", [{"Code": code} for code in "ab"]))
    good(bot.bulk("pets", [{"Owner": "a"}]))
    both = rows(bot.query("people")), rows(bot.query("pets"))
    problem(bot.request("DELETE", TABLE, json={"query": EVERYTHING, "dryRun": True}), 409, "still_referenced")
    pets = "/api/public/tables/pets"
    body = {"query": EVERYTHING, "data": {"Owner": "c"}, "dryRun": True}
    problem(bot.request("PUT", pets, json=body), 409, "reference_violation")
    assert good(bot.request("PUT", pets, json=body | {"data": {"Owner": "b"}})) == {
        "nModified": 1, "dryRun": True
    }  # fmt: skip
    assert (rows(bot.query("people")), rows(bot.query("pets"))) == both


# inserts


def insert(bot: Bot, data: Any, call: str = "", **more: Any) -> httpx.Response:
    headers = more.pop("headers", None)
    return bot.request("POST", TABLE + call, json={"data": data, "dryRun": True, **more}, headers=headers)


@pytest.mark.parametrize(
    ("data", "call", "count"),
    [(PEOPLE[0], "", 1), (PEOPLE, "", 5), (PEOPLE, "/bulk", 5), ([], "/bulk", 0), (PEOPLE[:1], "/bulk", 1)],
    ids=["row", "rows", "bulk", "empty", "bulk of one"],
)
def test_an_insert(people: Bot, data: Any, call: str, count: int) -> None:
    assert good(insert(people, data, call)) == {"nInserted": count, "dryRun": True}
    assert rows(people.query("people")) == []


@pytest.mark.parametrize("count", [1, 2, 3000])
def test_an_insert_that_violates_a_unique_index(workspace: Workspace, count: int) -> None:
    workspace.create_table(table("people", column("Code"), indexes=(index("by_code", "Code", unique=True),)))
    bot = workspace.bot({"people": "rwd"})
    stored = records(bot.bulk("people", [{"Code": "a"}]))
    sent = [{"Code": str(at)} for at in range(count - 1)] + [{"Code": "a"}]
    refusal = problem(insert(bot, sent), 409, "unique_violation", f"/data/{count - 1}/Code")
    real = problem(bot.bulk("people", sent), 409, "unique_violation")
    assert refusal == real
    assert rows(bot.query("people")) == stored


def test_rows_of_an_insert_refer_to_each_other(workspace: Workspace) -> None:
    reference = {"table": "people", "column": "Code"}
    columns = (column("Code"), column("Boss", reference=reference))
    workspace.create_table(table("people", *columns, indexes=(index("by_code", "Code", unique=True),)))
    bot = workspace.bot({"people": "rwd"})
    assert good(insert(bot, [{"Code": "a", "Boss": "b"}, {"Code": "b"}]))["nInserted"] == 2
    refused = insert(bot, [{"Code": "a", "Boss": "b"}, {"Code": "c"}])
    problem(refused, 409, "reference_violation", "/data/0/Boss")
    assert rows(bot.query("people")) == []


def test_an_insert_has_no_key(people: Bot) -> None:
    key = {"Idempotency-Key": "dry run of an insert"}
    assert good(insert(people, PEOPLE, headers=key))["dryRun"] is True
    real = insert(people, PEOPLE, dryRun=False, headers=key)
    assert "idempotency-replayed" not in real.headers
    assert good(insert(people, PEOPLE, headers=key))["dryRun"] is True
    problem(insert(people, [{"Number": "x"}], headers=key), 422, "invalid_value")


# upserts


@pytest.mark.parametrize("action", ["ignore", "update"])
@pytest.mark.parametrize("many", [False, True])
def test_an_upsert(workspace: Workspace, action: str, many: bool) -> None:
    columns = (column("Code"), column("Name", isRequired=True))
    workspace.create_table(table("people", *columns, indexes=(index("by_code", "Code", unique=True),)))
    bot = workspace.bot({"people": "rwd"})
    stored = records(bot.bulk("people", [{"Code": "a", "Name": "Ada"}]))
    on_conflict = {"columns": ["Code"], "action": action}
    data = [{"Code": "a", "Name": "x"}, {"Code": "b", "Name": "y"}] if many else {"Code": "a", "Name": "x"}
    counts = {"nInserted": int(many), "nUpdated": 0, "nIgnored": 0, "dryRun": True}
    counts["nUpdated" if action == "update" else "nIgnored"] = 1
    assert good(insert(bot, data, onConflict=on_conflict)) == counts
    missing = [{"Code": "b"}] if many else {"Code": "b"}
    problem(insert(bot, missing, onConflict=on_conflict), 422, "missing_value")
    assert rows(bot.query("people")) == stored
