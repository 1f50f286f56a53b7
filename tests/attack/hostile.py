"""Hostile apps: those that have a grant, and what their requests must be answered."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest
from vitals import Vitals

from support.bot import Bot
from support.server import RowkeepServer
from support.workspace import Workspace

MEGABYTE = 1024 * 1024
SLOWEST_HEALTH_SECONDS = 2

NOTES: dict[str, Any] = {
    "name": "notes",
    "schemaDef": [{"name": "Text", "type": "string"}, {"name": "Number", "type": "integer"}],
}

Watch = Callable[[RowkeepServer], Vitals]


@pytest.fixture(scope="module")
def small(new_store: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[RowkeepServer]:
    """A server with small limits."""
    limits = {"max_query_seconds": 2, "busy_timeout_seconds": 2, "max_response_bytes": MEGABYTE}
    yield from serving(RowkeepServer(new_store(), tmp_path_factory.mktemp("small"), **limits))


def serving(server: RowkeepServer) -> Iterator[RowkeepServer]:
    server.start()
    yield server
    server.kill()


def new_bot(server: RowkeepServer, name: str | None = None) -> Bot:
    """An app that may do everything with the table ``notes`` of a new workspace."""
    workspace = Workspace(server, name or f"attacked_{uuid4().hex[:8]}")
    workspace.create_table(NOTES)
    return workspace.bot({"notes": "rwd"})


def any_of(operand: str, values: list[str]) -> dict[str, Any]:
    expressions = [{"field": "Text", "operand": operand, "value": value} for value in values]
    return {"expressions": expressions, "operator": "or"}


def refused(response: httpx.Response, status: int, code: str) -> str:
    """The detail of a refusal of this kind."""
    body = response.json()
    assert (response.status_code, body["code"]) == (status, code), response.text[:1000]
    return str(body["detail"])


SLOW = any_of("icontains", [f"nothing {at}" for at in range(200)])
"""A filter that takes many seconds on the rows of ``slow_bot``."""


SLOW_ROWS = 2000


def slow_bot(server: RowkeepServer, name: str | None = None) -> Bot:
    """An app with rows that are slow to search."""
    bot = new_bot(server, name)
    rows = [{"Text": f"{at} " + "Дом в лесу " * 80, "Number": 0} for at in range(SLOW_ROWS)]
    assert bot.bulk("notes", rows, prefer="return=minimal").json() == {"nInserted": len(rows)}
    return bot
