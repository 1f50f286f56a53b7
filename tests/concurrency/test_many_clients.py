"""Many clients at once, on one server process and on two: each request is whole, and all counts agree."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from crowd import CLIENTS, Crowd, answered, where

from support.bot import Bot
from support.server import RowkeepServer
from support.workspace import Workspace

WORK: dict[str, Any] = {
    "name": "work",
    "schemaDef": [
        {"name": "Owner", "type": "integer", "isRequired": True},
        {"name": "Batch", "type": "integer"},
        {"name": "Left", "type": "number"},
        {"name": "Right", "type": "number"},
    ],
    "indexes": [{"name": "by_owner", "columns": [{"name": "Owner"}]}],
}
KEYS: dict[str, Any] = {
    "name": "keys",
    "schemaDef": [
        {"name": "Code", "type": "string", "isRequired": True},
        {"name": "Owner", "type": "integer"},
    ],
    "indexes": [{"name": "by_code", "isUnique": True, "columns": [{"name": "Code"}]}],
}

SHARED = -1
SHARED_ROWS = 40
WRITERS = CLIENTS * 5 // 8
ROUNDS = 5
WRITTEN = 20 * CLIENTS
BULK = 5


@pytest.fixture
def work(workspace: Workspace, servers: Sequence[RowkeepServer]) -> Iterator[Crowd]:
    crowd = Crowd(workspace, servers, WORK)
    yield crowd
    crowd.leave()


@pytest.fixture
def keys(workspace: Workspace, servers: Sequence[RowkeepServer]) -> Iterator[Crowd]:
    crowd = Crowd(workspace, servers, KEYS)
    yield crowd
    crowd.leave()


def found(bot: Bot, wish: dict[str, Any]) -> list[dict[str, Any]]:
    """All rows that a filter finds; what the answer counts must agree with what it holds."""
    answer = answered(lambda: bot.query("work", {"query": wish}, sys_limit=1000)).json()
    assert answer["hasMore"] is False
    assert answer["total"] == len(answer["queryResult"])
    return list(answer["queryResult"])


def set_both(bot: Bot, wish: dict[str, Any], value: float) -> list[dict[str, Any]]:
    """Set both halves of all rows that a filter finds; every record answered must bear the value."""
    answer = answered(lambda: bot.update("work", wish, {"Left": value, "Right": value})).json()
    assert answer["nModified"] == len(answer["records"])
    assert {(record["Left"], record["Right"]) for record in answer["records"]} <= {(value, value)}
    return list(answer["records"])


def write(number: int, bot: Bot) -> int:
    """What a writer does: its own rows grow and change, and so do the rows that all writers share."""
    for batch in range(ROUNDS):
        own = {"Owner": number, "Batch": batch, "Left": batch, "Right": batch}
        record = answered(lambda own=own: bot.insert("work", own)).json()  # type: ignore[misc]
        assert {name: record[name] for name in own} == own
        rows = [own | {"Batch": batch}] * BULK
        assert len(answered(lambda rows=rows: bot.bulk("work", rows)).json()["records"]) == BULK  # type: ignore[misc]
        changed = set_both(bot, where(Owner=number), number * 1000 + batch)
        assert len(changed) == (batch + 1) * (BULK + 1)
        assert len(set_both(bot, where(Owner=SHARED), number * 1000 + batch)) == SHARED_ROWS
    return ROUNDS * (BULK + 1)


def read(number: int, bot: Bot) -> int:
    """What a reader does: whatever it sees, each request is there as a whole or not at all."""
    counts = dict.fromkeys(range(WRITERS), 0)
    for turn in range(ROUNDS * 2):
        shared = found(bot, where(Owner=SHARED))
        assert len(shared) == SHARED_ROWS
        # One update sets both halves of all the shared rows, so a reader never sees two updates mixed
        assert len({half for row in shared for half in (row["Left"], row["Right"])}) == 1
        owner = (number + turn) % WRITERS
        rows = found(bot, where(Owner=owner))
        assert all(row["Left"] == row["Right"] for row in rows)
        assert len(rows) >= counts[owner]
        counts[owner] = len(rows)
        for batch in range(ROUNDS):
            assert sum(row["Batch"] == batch for row in rows) in (0, 1, BULK + 1)
    return 0


def test_writers_and_readers_do_not_disturb_each_other(work: Crowd) -> None:
    bot = work.bots[0]
    shared = [{"Owner": SHARED, "Left": 0, "Right": 0}] * SHARED_ROWS
    answered(lambda: bot.bulk("work", shared))
    inserted = work.together(lambda number, bot: (write if number < WRITERS else read)(number, bot))
    assert answered(lambda: bot.query("work")).json()["total"] == SHARED_ROWS + sum(inserted)
    for owner in range(WRITERS):
        rows = found(bot, where(Owner=owner))
        assert len(rows) == inserted[owner]
        assert {(row["Left"], row["Right"]) for row in rows} == {(owner * 1000 + ROUNDS - 1,) * 2}


def test_an_update_by_what_was_read_is_never_lost(work: Crowd) -> None:
    """Compare and set: of all who raise a counter from what they read, one wins, and no win is lost."""
    counters, tries = 4, 6
    answered(
        lambda: work.bots[0].bulk("work", [{"Owner": n, "Left": 0, "Right": 0} for n in range(counters)])
    )

    def raise_counters(number: int, bot: Bot) -> list[tuple[int, int]]:
        won = []
        for turn in range(tries):
            owner = (number + turn) % counters
            (row,) = found(bot, where(Owner=owner))
            raised = set_both(bot, where(Owner=owner, Left=row["Left"]), row["Left"] + 1)
            won += [(owner, int(record["Left"])) for record in raised]
        return won

    wins = [win for won in work.together(raise_counters) for win in won]
    assert len(wins) == len(set(wins))
    for owner in range(counters):
        (row,) = found(work.bots[0], where(Owner=owner))
        assert sorted(value for each, value in wins if each == owner) == list(range(1, int(row["Left"]) + 1))
        assert row["Left"] == row["Right"]


def test_each_row_is_deleted_by_one(work: Crowd) -> None:
    rows = 300
    answered(lambda: work.bots[0].bulk("work", [{"Owner": 0, "Batch": n} for n in range(rows)]))

    def delete(number: int, bot: Bot) -> int:
        below = {"field": "Batch", "operand": "<", "value": (number + 1) * rows // CLIENTS}
        return int(answered(lambda: bot.delete("work", {"expressions": [below]})).json()["nDeleted"])

    assert sum(work.together(delete)) == rows
    assert found(work.bots[0], {"all": True}) == []


def test_a_unique_key_has_exactly_one_winner(keys: Crowd) -> None:
    """Half the clients send the key alone, half within a bulk, of which then nothing may be stored."""
    contended = [f"key {number}" for number in range(8)]

    def claim(number: int, bot: Bot) -> list[int]:
        return [attempt(number, bot, code) for code in contended]

    def attempt(number: int, bot: Bot, code: str) -> int:
        """How many rows this client stored."""
        rows = [{"Code": code, "Owner": number}]
        if number % 2:
            rows = [{"Code": f"{code} of {number}", "Owner": number}, *rows]
        response = answered(lambda: bot.bulk("keys", rows), 409)
        if response.status_code == 200:
            return len(rows)
        problem = response.json()
        assert problem["code"] == "unique_violation"
        return 0

    stored = keys.together(claim)
    assert all(sum(one[at] > 0 for one in stored) == 1 for at in range(len(contended)))
    answer = answered(lambda: keys.bots[0].query("keys", sys_limit=1000)).json()
    assert answer["total"] == len(answer["queryResult"]) == sum(map(sum, stored))
    codes = [row["Code"] for row in answer["queryResult"]]
    assert len(set(codes)) == len(codes)
    assert set(contended) <= set(codes)


def test_a_unique_key_is_taken_over_by_one_update(keys: Crowd) -> None:
    answered(lambda: keys.bots[0].bulk("keys", [{"Code": f"own {n}", "Owner": n} for n in range(CLIENTS)]))

    def take_over(number: int, bot: Bot) -> int:
        response = answered(lambda: bot.update("keys", where(Owner=number), {"Code": "the one"}), 409)
        assert response.status_code == 200 or response.json()["code"] == "unique_violation"
        return int(response.status_code == 200)

    assert sum(keys.together(take_over)) == 1
    answer = answered(lambda: keys.bots[0].query("keys", sys_limit=1000)).json()
    assert answer["total"] == CLIENTS
    assert sum(row["Code"] == "the one" for row in answer["queryResult"]) == 1


def test_each_process_gets_its_share(work: Crowd, servers: Sequence[RowkeepServer]) -> None:
    """Who writes without a pause leaves others their turn: no process is left far behind."""
    counts = [0] * CLIENTS

    def write(number: int, bot: Bot) -> None:
        while sum(counts) < WRITTEN:
            answered(lambda: bot.insert("work", {"Owner": number}))
            counts[number] += 1

    work.together(write)
    shares = [sum(counts[at :: len(servers)]) / sum(counts) for at in range(len(servers))]
    assert min(shares) >= 1 / (5 * len(servers))
    # and so does each client
    assert min(counts) >= 1
