"""Upserts by many clients at once: one inserts a key, the others update it, and no column is lost."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from crowd import CLIENTS, Crowd, answered

from support.bot import Bot
from support.server import RowkeepServer
from support.workspace import Workspace

COLUMNS = [f"Column_{at}" for at in range(CLIENTS)]
COUNTERS: dict[str, Any] = {
    "name": "counters",
    "schemaDef": [
        {"name": "Code", "type": "string"},
        *({"name": name, "type": "integer"} for name in COLUMNS),
    ],
    "indexes": [{"name": "by_code", "isUnique": True, "columns": [{"name": "Code"}]}],
}
ROUNDS = 3
KEYS = 20


@pytest.fixture
def counters(workspace: Workspace, servers: Sequence[RowkeepServer]) -> Iterator[Crowd]:
    crowd = Crowd(workspace, servers, COUNTERS)
    yield crowd
    crowd.leave()


def upsert(bot: Bot, data: Any, action: str = "update") -> dict[str, Any]:
    body = {"data": data, "onConflict": {"columns": ["Code"], "action": action}}
    answer: dict[str, Any] = answered(
        lambda: bot.request("POST", "/api/public/tables/counters", json=body)
    ).json()
    return answer


def rows_of(bot: Bot) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = answered(lambda: bot.query("counters", sys_limit=1000)).json()["queryResult"]
    return rows


@pytest.mark.parametrize("action", ["update", "ignore"])
def test_one_of_many_inserts(counters: Crowd, action: str) -> None:
    for turn in range(ROUNDS):
        code = f"c{turn}"

        def work(number: int, bot: Bot, code: str = code) -> dict[str, Any]:
            return upsert(bot, {"Code": code, COLUMNS[number]: number}, action)

        answers = counters.together(work)
        outcomes = Counter(answer["outcomes"][0] for answer in answers)
        assert outcomes == {"inserted": 1, "updated" if action == "update" else "ignored": CLIENTS - 1}
    rows = rows_of(counters.bots[0])
    # between several processes, _id increases only to the second
    assert sorted(row["Code"] for row in rows) == [f"c{turn}" for turn in range(ROUNDS)]
    for row in rows:
        values = [row[name] for name in COLUMNS]
        if action == "update":
            assert values == list(range(CLIENTS))
        else:
            assert sum(value is not None for value in values) == 1


def test_bulks_of_the_same_keys_in_any_order(counters: Crowd) -> None:
    def work(number: int, bot: Bot) -> int:
        draw = random.Random(number)
        inserted = 0
        for turn in range(ROUNDS):
            codes = [f"c{at}" for at in range(KEYS * (turn + 1))]
            draw.shuffle(codes)
            data = [{"Code": code, COLUMNS[number]: turn} for code in codes]
            inserted += upsert(bot, data)["outcomes"].count("inserted")
        return inserted

    inserted = counters.together(work)
    rows = rows_of(counters.bots[0])
    assert len(rows) == sum(inserted) == KEYS * ROUNDS
    for row in rows:
        assert [row[name] for name in COLUMNS] == [ROUNDS - 1] * CLIENTS


def test_upserts_while_rows_are_deleted(counters: Crowd) -> None:
    everything = {"all": True}

    def work(number: int, bot: Bot) -> None:
        for turn in range(ROUNDS):
            if number % 8 == 0:
                answered(lambda: bot.delete("counters", everything))
                continue
            data: Any = [{"Code": f"c{at}", COLUMNS[number]: turn} for at in range(5)]
            answer = upsert(bot, data[0] if number % 2 else data, "update" if number % 3 else "ignore")
            for record, outcome in zip(answer["records"], answer["outcomes"], strict=True):
                assert record is not None
                assert outcome == "ignored" or record[COLUMNS[number]] == turn

    counters.together(work)
    codes = [row["Code"] for row in rows_of(counters.bots[0])]
    assert len(codes) == len(set(codes))
