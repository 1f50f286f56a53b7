"""Many clients change the same cells, on one process and on two: no change is lost."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from functools import partial
from typing import Any

from crowd import CLIENTS, Crowd, answered, where

from support.bot import Bot
from support.server import RowkeepServer
from support.workspace import Workspace

COUNTERS: dict[str, Any] = {
    "name": "counters",
    "schemaDef": [
        {"name": "Name", "type": "string"},
        {"name": "Count", "type": "integer"},
        {"name": "Sum", "type": "decimal"},
        {"name": "Half", "type": "number"},
        {"name": "Log", "type": "string"},
    ],
    "indexes": [{"name": "by_name", "columns": [{"name": "Name"}]}],
}
ROUNDS = 6


def test_no_change_is_lost(workspace: Workspace, servers: Sequence[RowkeepServer]) -> None:
    crowd = Crowd(workspace, servers, COUNTERS)
    first = crowd.bots[0]
    rows = answered(lambda: first.bulk("counters", [{"Name": "a"}, {"Name": "a"}, {"Name": "b"}])).json()
    one = where(_id=rows["records"][2]["_id"])

    def change(number: int, bot: Bot) -> list[int]:
        seen = []
        for turn in range(ROUNDS):
            mark = f"{number}.{turn};"
            data = {
                "Count": {"$inc": 1},
                "Sum": {"$inc": "0.10"},
                "Half": {"$inc": 0.5},
                "Log": {"$append": mark},
            }
            # one row by its key, and several by a filter
            query = one if (number + turn) % 2 else where(Name="a")
            answer = answered(partial(bot.update, "counters", query, data)).json()
            assert all(record["Log"].endswith(mark) for record in answer["records"])
            assert len({record["Count"] for record in answer["records"]}) == 1
            seen.append(answer["records"][0]["Count"])
        return seen

    seen = [count for each in crowd.together(change) for count in each]
    found = answered(lambda: first.query("counters")).json()["queryResult"]
    total = CLIENTS * ROUNDS // 2
    for row in found:
        assert (row["Count"], Decimal(row["Sum"]), row["Half"]) == (total, Decimal("0.10") * total, total / 2)
        assert len(set(row["Log"].split(";"))) == total + 1
    # each update returned a count of its own
    assert sorted(seen) == sorted([*range(1, total + 1)] * 2)
    crowd.leave()
