"""Batches that change the same rows in different orders: none is refused, and no change is lost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from crowd import CLIENTS, Crowd, answered

from support.batches import run, update
from support.bot import Bot
from support.server import RowkeepServer
from support.workspace import Workspace, succeeded

ROWS = 20
COUNTERS: dict[str, Any] = {
    "name": "counters",
    "schemaDef": [{"name": "Code", "type": "integer"}, {"name": "Count", "type": "integer"}],
}


@pytest.fixture
def counters(workspace: Workspace, servers: Sequence[RowkeepServer]) -> Iterator[Crowd]:
    crowd = Crowd(workspace, servers, COUNTERS)
    succeeded(crowd.bots[0].bulk("counters", [{"Code": code, "Count": 0} for code in range(ROWS)]))
    yield crowd
    crowd.leave()


def test_no_change_is_lost(counters: Crowd) -> None:
    def count(number: int, bot: Bot) -> None:
        codes = range(ROWS) if number % 2 else reversed(range(ROWS))
        operations = [
            update(
                "counters",
                {"expressions": [{"field": "Code", "operand": "=", "value": code}]},
                {"Count": {"$inc": 1}},
            )
            for code in codes
        ]
        answered(lambda: run(bot, *operations))

    counters.together(count)
    found = succeeded(counters.bots[0].query("counters", sys_limit=ROWS))["queryResult"]
    assert [row["Count"] for row in found] == [CLIENTS] * ROWS
