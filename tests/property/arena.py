"""A place where every example of a property test has a table of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any

import httpx
from hypothesis import note

from oracle.filters import Filter, Record
from oracle.strategies import Table
from support.bot import Bot
from support.workspace import Workspace

WHOLE_PAGE = 1000
NUMBERS = count(1)


def good(response: httpx.Response) -> Any:
    """The JSON of an answer that must be 200."""
    assert response.status_code == 200, f"{response.status_code} {response.text[:2000]}"
    return response.json()


@dataclass(frozen=True)
class OpenTable:
    """A table that exists, and an app that may do everything in it."""

    name: str
    bot: Bot

    def insert(self, row: dict[str, Any]) -> Record:
        record: Record = good(self.bot.insert(self.name, row))
        return record

    def bulk(self, rows: list[dict[str, Any]]) -> list[Record]:
        answer = good(self.bot.bulk(self.name, rows))
        assert set(answer) == {"records"}
        return list(answer["records"])

    def page(self, body: dict[str, Any] | None = None, **parameters: int) -> dict[str, Any]:
        answer: dict[str, Any] = good(self.bot.query(self.name, body, **parameters))
        return answer

    def find(self, wish: Filter | None = None) -> list[Record]:
        """All rows that the filter finds, of a table that fits on one page."""
        answer = self.page({} if wish is None else {"query": wish}, sys_limit=WHOLE_PAGE)
        assert answer["hasMore"] is False
        assert answer["total"] == len(answer["queryResult"])
        return list(answer["queryResult"])

    def update(self, wish: Filter, data: dict[str, Any]) -> list[Record]:
        answer = good(self.bot.update(self.name, wish, data))
        assert answer["nModified"] == len(answer["records"])
        return list(answer["records"])

    def delete(self, wish: Filter) -> int:
        answer = good(self.bot.delete(self.name, wish))
        assert set(answer) == {"nDeleted"}
        return int(answer["nDeleted"])


class Arena:
    """A workspace with one app, and a fresh table for whoever asks."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.bot = workspace.bot(grants={})

    @contextmanager
    def table(self, drawn: Table) -> Iterator[OpenTable]:
        """The table, made for real and dropped at the end."""
        name = self.fresh_name()
        with self.defined([drawn.definition(name)]) as (opened,):
            yield opened

    def fresh_name(self) -> str:
        """A name that no table has yet."""
        return f"t{next(NUMBERS)}"

    @contextmanager
    def defined(self, definitions: list[dict[str, Any]]) -> Iterator[list[OpenTable]]:
        """Tables made in this order and dropped in the other, for they may refer to those before them."""
        for definition in definitions:
            self.workspace.create_table(definition)
            self.workspace.grant(self.bot.client_id, definition["name"], "rwd")
        yield [OpenTable(definition["name"], self.bot) for definition in definitions]
        for definition in reversed(definitions):
            self.workspace.drop_table(definition["name"])

    @contextmanager
    def example(self, drawn: Table) -> Iterator[OpenTable]:
        """The same for an example that Hypothesis drew: should it fail, the table is shown."""
        note(f"definition: {json.dumps(drawn.definition('drawn'))}")
        with self.table(drawn) as opened:
            yield opened
