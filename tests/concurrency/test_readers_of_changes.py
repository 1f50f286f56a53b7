"""Readers of a table's changes while many clients write: nothing is skipped or reordered, and a set that is
made of the changes equals the table, also if its reader is killed at any moment."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import pytest
from crowd import Crowd, answered, where

from support.bot import Bot
from support.server import RowkeepServer
from support.workspace import Workspace

STOCK: dict[str, Any] = {
    "name": "stock",
    "history": {"keepDays": 1},
    "schemaDef": [
        {"name": "Code", "type": "integer"},
        {"name": "Amount", "type": "integer"},
        {"name": "Note", "type": "string", "isEncrypted": True},
    ],
}
OWN = ("Code", "Amount", "Note")
CHANGES = "/api/public/tables/stock/changes"
WRITERS = 6
WRITES = 12
CODES = 8
Rows = dict[str, dict[str, Any]]


@pytest.fixture
def stock(workspace: Workspace, servers: Sequence[RowkeepServer]) -> Iterator[Crowd]:
    crowd = Crowd(workspace, servers, STOCK)
    yield crowd
    crowd.leave()


def write(number: int, bot: Bot) -> None:
    """Insert, update and delete rows that the others change too."""
    chance = random.Random(number)
    for turn in range(WRITES):
        code = chance.randrange(CODES)
        what = chance.random()
        if what < 0.5:
            rows = [{"Code": code, "Amount": turn, "Note": f"{number}"}] * chance.randrange(1, 4)
            answered(lambda rows=rows: bot.bulk("stock", rows))
        elif what < 0.85:
            data = {"Amount": number * 100 + turn, "Note": f"{number} {turn}"}
            answered(lambda code=code, data=data: bot.update("stock", where(Code=code), data))
        else:
            answered(lambda code=code: bot.delete("stock", where(Code=code)))


def apply(rows: Rows, change: dict[str, Any]) -> None:
    """Apply a change; changes that were applied before can come again."""
    if change["after"] is None:
        rows.pop(change["_id"], None)
    else:
        rows.setdefault(change["_id"], {}).update(change["after"])


def apply_next(rows: Rows, change: dict[str, Any]) -> None:
    """Apply a change that must be the next one of its row."""
    known = rows.get(change["_id"])
    if change["kind"] == "insert":
        assert known is None, change
    else:
        assert known is not None, change
        assert {name: known[name] for name in change["before"]} == change["before"], change
    apply(rows, change)


def changes(bot: Bot, cursor: str | None, **parameters: Any) -> dict[str, Any]:
    given = parameters | ({} if cursor is None else {"after": cursor})
    found: dict[str, Any] = answered(lambda: bot.request("GET", CHANGES, params=given)).json()
    return found


def read_strictly(bot: Bot, written: Event) -> Rows:
    """A reader that pages through all changes, and waits for more until the writers are done."""
    rows: Rows = {}
    cursor = None
    while True:
        is_last = written.is_set()
        page = changes(bot, cursor, limit=7, wait=0 if is_last else 1)
        for change in page["changes"]:
            apply_next(rows, change)
        cursor = page["nextCursor"]
        if is_last and not page["hasMore"]:
            return rows


def read_as_if_killed(bot: Bot, written: Event) -> Rows:
    """A reader that often ends in the middle of a page, and then begins again at its stored cursor."""
    chance = random.Random(1)
    rows: Rows = {}
    stored = None
    while True:
        is_last = written.is_set()
        page = changes(bot, stored, limit=9)
        found = page["changes"]
        is_killed = chance.random() < 0.4
        for change in found[: chance.randrange(len(found) + 1)] if is_killed else found:
            apply(rows, change)
        if not is_killed:
            stored = page["nextCursor"]
            if is_last and not page["hasMore"]:
                return rows


def read_events(bot: Bot, end: str) -> Rows:
    """A reader of events, until it sees the row that is inserted last."""
    rows: Rows = {}
    headers = {"auth": bot.token(), "Accept": "text/event-stream"}
    with bot.client.stream("GET", CHANGES, headers=headers) as response:
        assert response.status_code == 200
        for line in response.iter_lines():
            if line.startswith("data: "):
                change = json.loads(line.removeprefix("data: "))
                apply_next(rows, change)
                if change["kind"] == "insert" and change["after"]["Note"] == end:
                    return rows
    raise AssertionError("the stream has ended")


def test_what_readers_make_of_the_changes_equals_the_table(stock: Crowd) -> None:
    written = Event()
    *writers, strict, killed, events = stock.bots[: WRITERS + 3]
    with ThreadPoolExecutor(3) as pool:
        readers = [
            pool.submit(read_strictly, strict, written),
            pool.submit(read_as_if_killed, killed, written),
            pool.submit(read_events, events, "the end"),
        ]
        try:
            stock.together(write, WRITERS)
            answered(lambda: writers[0].insert("stock", {"Code": 0, "Note": "the end"}))
        finally:
            written.set()
        made = [each.result() for each in readers]
    found = answered(lambda: writers[0].query("stock", sys_limit=1000)).json()["queryResult"]
    table = {row["_id"]: {name: row[name] for name in OWN} for row in found}
    assert made == [table] * 3
