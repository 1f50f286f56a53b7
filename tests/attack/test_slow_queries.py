"""Hostile queries and writes of an app that has a grant, which take long: nobody else waits for them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from hostile import (
    MEGABYTE,
    SLOW,
    SLOW_ROWS,
    SLOWEST_HEALTH_SECONDS,
    Watch,
    any_of,
    new_bot,
    refused,
    serving,
    slow_bot,
)
from vitals import PAUSE_SECONDS

from support.bot import Bot
from support.server import RowkeepServer
from support.workspace import succeeded


@pytest.fixture(scope="module")
def usual(new_store: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[RowkeepServer]:
    """A server with the usual limits."""
    yield from serving(RowkeepServer(new_store(), tmp_path_factory.mktemp("usual")))


@pytest.fixture(scope="module")
def hasty(new_store: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[RowkeepServer]:
    """A server on which nothing may take longer than a second."""
    # those that wait are refused before the first ones end: else they would take their turns, too
    limits = {"max_query_seconds": 1, "busy_timeout_seconds": 0.5}
    yield from serving(RowkeepServer(new_store(), tmp_path_factory.mktemp("hasty"), **limits))


@pytest.fixture(scope="module")
def slow(hasty: RowkeepServer) -> list[Bot]:
    """Two of them, of workspaces that only queries of this kind use."""
    return [slow_bot(hasty, f"slow_{at}") for at in range(2)]


@pytest.mark.parametrize("text", ["Дом ", "plain ", "Straße "], ids=["non-ascii", "ascii", "special"])
def test_folding_long_texts_holds_up_nobody(
    usual: RowkeepServer, watch: Watch, scale: int, text: str
) -> None:
    bot = new_bot(usual)
    # PostgreSQL folds in its own processes, ten times as slowly: less to show, in more time
    is_sqlite = usual.database_url.startswith("sqlite")
    for _ in range(1 + is_sqlite if scale == 1 else 3):
        succeeded(
            bot.insert(
                "notes", {"Text": text * (4 * MEGABYTE // len(text.encode()))}, prefer="return=minimal"
            )
        )
    vitals = watch(usual)
    patterns = 10 if is_sqlite else scale
    query = any_of("icontains", [f"nothing {at}" for at in range(patterns)])
    for _ in range(scale):
        assert succeeded(bot.query("notes", {"query": query}))["total"] == 0
    vitals.end()
    assert vitals.failures == []
    assert vitals.slowest_health_seconds < SLOWEST_HEALTH_SECONDS


@pytest.mark.parametrize("operand", ["contains", "icontains"])
def test_looking_for_a_long_text_in_a_long_one(usual: RowkeepServer, watch: Watch, operand: str) -> None:
    """Comparing it at each place would take hours."""
    bot = new_bot(usual)
    succeeded(bot.insert("notes", {"Text": "a" * (2 * MEGABYTE)}, prefer="return=minimal"))
    vitals = watch(usual)
    needle = "a" * MEGABYTE
    assert (
        succeeded(bot.query("notes", {"query": any_of(operand, [needle + "b"]), "fields": ["_id"]}))["total"]
        == 0
    )
    assert (
        succeeded(bot.query("notes", {"query": any_of(operand, [needle]), "fields": ["_id"]}))["total"] == 1
    )
    vitals.end()
    assert vitals.failures == []
    assert vitals.slowest_health_seconds < SLOWEST_HEALTH_SECONDS


@pytest.fixture
def hastier(hasty: RowkeepServer) -> Iterator[RowkeepServer]:
    """Another server of its store, on which nothing may take longer than a fraction of that."""
    yield from serving(RowkeepServer(hasty.database_url, hasty.directory, max_query_seconds=0.3))


def test_what_takes_too_long_is_cancelled(hastier: RowkeepServer, slow: list[Bot], watch: Watch) -> None:
    bot = Bot(hastier.url, slow[0].client_id, slow[0].secret)
    vitals = watch(hastier)
    negated = {"expressions": [{"not": SLOW}]}
    for call in (
        lambda: bot.query("notes", {"query": SLOW}),
        lambda: bot.update("notes", negated, {"Number": 1}),
        lambda: bot.delete("notes", negated),
    ):
        started = time.monotonic()
        detail = refused(call(), 503, "query_timeout")
        assert "max_query_seconds" in detail
        assert "0.3 s" in detail
        assert time.monotonic() - started < 10
    vitals.end()
    assert vitals.slowest_health_seconds < SLOWEST_HEALTH_SECONDS
    unchanged = {"expressions": [{"field": "Number", "operand": "=", "value": 0}]}
    assert succeeded(slow[0].query("notes", {"query": unchanged}))["total"] == SLOW_ROWS


def test_long_queries_of_some_workspaces_hold_up_no_others(
    hasty: RowkeepServer, slow: list[Bot], watch: Watch, scale: int
) -> None:
    """Every call is answered in time, those of other workspaces and of administrators with success."""
    other = new_bot(hasty, "other")
    vitals = watch(hasty)
    with ThreadPoolExecutor(24) as clients:
        begun = [clients.submit(bot.query, "notes", {"query": SLOW}) for bot in slow * 12 * scale]
        slowest = 0.0
        while not all(each.done() for each in begun):
            for call in (
                lambda: other.insert("notes", {"Number": 1}),
                lambda: other.query("notes"),
                lambda: hasty.admin().get("/workspaces/slow_0/tables/notes"),
            ):
                started = time.monotonic()
                succeeded(call())
                slowest = max(slowest, time.monotonic() - started)
            time.sleep(PAUSE_SECONDS)
        codes = {each.result().json()["code"] for each in begun}
    vitals.end()
    assert codes == {"query_timeout", "busy"}
    assert slowest < 5
    assert vitals.failures == []
    assert vitals.slowest_health_seconds < SLOWEST_HEALTH_SECONDS
