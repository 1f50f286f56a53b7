"""Hostile batches of an app that has a grant: time, memory and other clients' requests stay within bounds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from vitals import Vitals

from rowkeep.codec.batch_bodies import MAX_OPERATIONS
from support import batches
from support.bot import Bot
from support.server import RowkeepServer
from support.workspace import Workspace

MEGABYTE = 1024 * 1024
SLOWEST_HEALTH_SECONDS = 2
MOST_MEGABYTES = 400

NOTES: dict[str, Any] = {
    "name": "notes",
    "schemaDef": [
        {"name": "Text", "type": "string"},
        {"name": "Number", "type": "integer"},
        {"name": "Doc", "type": "json"},
    ],
}
ROWS = 2000


def bot_of(server: RowkeepServer) -> Bot:
    workspace = Workspace(server, f"attacked_{uuid4().hex[:8]}")
    workspace.create_table(NOTES)
    bot = workspace.bot({"notes": "rwd"})
    rows = [{"Text": f"{at} " + "x" * 500, "Number": at} for at in range(ROWS)]
    assert bot.bulk("notes", rows, prefer="return=minimal").status_code == 200
    return bot


def comparisons(count: int, start: int) -> dict[str, Any]:
    names = ("=", "<", "<=", ">", ">=")
    parts = [
        {"field": "Number", "operand": names[(start + at) % len(names)], "value": start + at}
        for at in range(count)
    ]
    return {"expressions": parts, "operator": "or"}


def many_queries(most: int) -> list[Any]:
    return [batches.query("notes", limit=1000)] * most


def many_large_filters(most: int) -> list[Any]:
    return [batches.query("notes", query=comparisons(4, at), limit=1) for at in range(most)]


def many_values(most: int) -> list[Any]:
    values = list(range(500))
    return [
        batches.delete("notes", {"expressions": [{"field": "Number", "operand": "in", "value": values}]})
    ] * most


def amplified(most: int) -> list[Any]:
    """Few bytes that stand for very many."""
    large = batches.insert("notes", {"Text": "x" * MEGABYTE})
    return [large, batches.bulk("notes", *[{"Text": batches.ref("/0/Text")}] * (100 * most))]


def many_references(most: int) -> list[Any]:
    """Each of them looks into a large document."""
    large = batches.insert("notes", {"Doc": [{"a": at} for at in range(60 * most)]})
    each = [{"Number": batches.ref(f"/0/Doc/{at}/a")} for at in range(50 * most)]
    return [large, batches.bulk("notes", *each)]


def deep_pointers(most: int) -> list[Any]:
    first = batches.insert("notes", {"Doc": 1})
    return [first, *[batches.insert("notes", {"Number": batches.ref("/0/Doc" + "/0" * 3000)})] * (most - 1)]


Kinds = dict[str, tuple[Callable[[int], list[Any]], int, str]]
HOSTILE: Kinds = {
    "queries of many rows": (many_queries, 422, "response_too_large"),
    "large filters": (many_large_filters, 200, ""),
    "filters with many values": (many_values, 200, ""),
}
HOSTILE_REFERENCES: Kinds = {
    "references to a large value": (amplified, 422, "invalid_result_reference"),
    "references into a large document": (many_references, 422, "invalid_result_reference"),
    "deep pointers": (deep_pointers, 422, "invalid_result_reference"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_batches(
    launch: Callable[..., RowkeepServer],
    watch: Callable[[RowkeepServer], Vitals],
    scale: int,
    kind: str,
) -> None:
    most, most_bytes = (100, 8 * MEGABYTE) if scale == 1 else (MAX_OPERATIONS, None)
    attack(launch(max_response_bytes=most_bytes), watch, most, *HOSTILE[kind])


@pytest.mark.parametrize("kind", HOSTILE_REFERENCES)
def test_hostile_references(
    launch_on_sqlite: Callable[..., RowkeepServer],
    watch: Callable[[RowkeepServer], Vitals],
    scale: int,
    kind: str,
) -> None:
    most = 100 if scale == 1 else MAX_OPERATIONS
    attack(launch_on_sqlite(), watch, most, *HOSTILE_REFERENCES[kind])


def attack(
    server: RowkeepServer,
    watch: Callable[[RowkeepServer], Vitals],
    most: int,
    make: Callable[[int], list[Any]],
    status: int,
    code: str,
) -> None:
    bot = bot_of(server)
    vitals = watch(server)
    response = batches.run(bot, *make(most))
    vitals.end()
    assert response.status_code == status, response.text[:1000]
    assert status == 200 or response.json()["code"] == code, response.text[:1000]
    assert vitals.failures == []
    assert vitals.slowest_health_seconds < SLOWEST_HEALTH_SECONDS
    assert vitals.grown_megabytes < MOST_MEGABYTES
    left = bot.query("notes", {"query": {"expressions": [{"field": "Doc", "operand": "is not null"}]}})
    assert left.json()["total"] == 0
