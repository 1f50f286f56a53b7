"""The limited log: so many events a minute, and a count of those that were left out."""

from __future__ import annotations

import asyncio
from typing import Any

import structlog
from structlog.testing import capture_logs

from rowkeep.limited_log import SECONDS, LimitedLog


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def run(clock: Clock, keys: list[list[object]]) -> list[Any]:
    """What is logged of these events, a minute each; then what a last report says."""
    structlog.reset_defaults()

    async def write() -> None:
        limited = LimitedLog(of_one_key=2, in_all=3, clock=clock)
        for minute in keys:
            for key in minute:
                limited.warning("refused", key=key, who=key)
            clock.now += SECONDS
        limited.report()

    with capture_logs() as logged:
        asyncio.run(write())
    return [entry["who"] if entry["event"] == "refused" else entry["count"] for entry in logged]


def test_events_of_one_key() -> None:
    assert run(Clock(), [["a"] * 5 + ["b"]]) == ["a", "a", "b", 3]


def test_events_of_all_keys() -> None:
    assert run(Clock(), [list("abcdefg")]) == ["a", "b", "c", 4]


def test_each_minute_begins_with_the_count_of_the_last() -> None:
    assert run(Clock(), [["a"] * 4, ["a"], ["b"]]) == ["a", "a", 2, "a", "b"]


def test_what_is_left_out_at_the_end_is_reported_without_a_further_event() -> None:
    structlog.reset_defaults()

    async def write() -> None:
        loop = asyncio.get_running_loop()
        limited = LimitedLog(of_one_key=1)
        before = loop.time()
        limited.warning("refused", key="a")
        limited.warning("refused", key="a")
        (timer,) = [handle for handle in loop._scheduled if not handle.cancelled()]  # type: ignore[attr-defined] # the loop's own list
        assert SECONDS <= timer.when() - before < SECONDS + 1
        timer._run()

    with capture_logs() as logged:
        asyncio.run(write())
    assert [entry["event"] for entry in logged] == ["refused", "log events suppressed"]
