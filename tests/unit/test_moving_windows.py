"""Moving windows and the texts of rate limits."""

from __future__ import annotations

import random
import sys
from bisect import bisect_right

import pytest

from rowkeep.errors.catalogue import SetupError
from rowkeep.model.moving_windows import EXACT, MovingWindow
from rowkeep.rate_limits import parse_rate_limit
from rowkeep.settings import Settings
from rowkeep.storage.rates import memory
from rowkeep.storage.rates.opening import check_rate_storage

MINUTE = 60_000


def test_a_window_moves() -> None:
    window = MovingWindow()
    assert [window.take(at, 2, MINUTE, 1) for at in (0, 30_000, 59_999)] == [True, True, False]
    assert window.start(59_999) == 0
    # the first request leaves the window to the millisecond
    assert [window.take(at, 2, MINUTE, 1) for at in (60_000, 60_001, 89_999, 90_000)] == [
        True, False, False, True,
    ]  # fmt: skip
    assert not window.take(90_000, 2, MINUTE, 3)
    assert window.total == 2


def test_a_clock_that_is_set_back() -> None:
    window = MovingWindow()
    assert window.take(MINUTE, 2, MINUTE, 1)
    assert window.take(0, 2, MINUTE, 1)
    assert not window.take(2 * MINUTE - 1, 2, MINUTE, 1)
    assert window.take(2 * MINUTE, 2, MINUTE, 1)


def since(taken: list[int], moment: float) -> int:
    """How many of these moments, which are in order, are later."""
    return len(taken) - bisect_right(taken, moment)


@pytest.mark.parametrize("limit", [1, EXACT, EXACT + 1, 1000])
def test_never_more_in_any_window_and_hardly_fewer(limit: int) -> None:
    draw = random.Random(limit)
    window, now, taken = MovingWindow(), 10**12, []
    for _ in range(5 * limit + 200):
        now += draw.randrange(1, 2 * MINUTE // limit + 2)
        if window.take(now, limit, MINUTE, 1):
            taken.append(now)
        else:
            # a little longer than the window, at most
            assert since(taken, now - MINUTE * (EXACT + 1) / EXACT - 1) >= limit
        assert since(taken, now - MINUTE) <= limit
        assert len(window.counts) <= EXACT + 2
    assert window.total == sum(count for _, count in window.counts)


@pytest.mark.parametrize(
    ("text", "windows"),
    [
        ("600/minute;18000/hour", [(600, 60, "default"), (18_000, 3600, "hour")]),
        ("18000/hour;600/minute", [(600, 60, "default"), (18_000, 3600, "hour")]),
        ("5 per 10 minutes", [(5, 600, "default")]),
        ("1/second, 9/day", [(1, 1, "default"), (9, 86_400, "day")]),
        ("none", []),
    ],
)
def test_limits(text: str, windows: list[tuple[int, int, str]]) -> None:
    assert [(each.amount, each.seconds, each.name) for each in parse_rate_limit(text).windows] == windows


BAD = [
    "", "x", "600", "600/", "/minute", "600/minutely", "600/minute;", "0/minute", "-1/minute", "1/0 minute",
    "1/minute\n", "1/minute;2/minute", "60/minute;3600/60 seconds", "1000001/minute", "1/2 months", "1/year",
    "1/second;2/minute;3/hour;4/day;5/2 days", "1/minute" + ";" * 100, "9" * 90 + "/day", "1e3/minute",
]  # fmt: skip


@pytest.mark.parametrize("text", BAD)
def test_no_limits(text: str) -> None:
    with pytest.raises(ValueError, match=r"^must |^allows "):
        parse_rate_limit(text)


@pytest.mark.parametrize("text", [each for each in BAD if each])
def test_a_bad_setting_is_named(text: str) -> None:
    with pytest.raises(SetupError, match=r"^ROWKEEP_RATE_LIMIT must "):
        Settings.from_environment({"ROWKEEP_RATE_LIMIT": text})


def test_the_place_to_count() -> None:
    for place in (
        "memory",
        "database",
        "redis://127.0.0.1:6379/0",
        "rediss://:hidden@host",
        "unix:///r.sock",
        "unix:///r.sock?db=0&password=hidden",
    ):
        found = Settings.from_environment({"ROWKEEP_RATE_LIMIT_STORAGE": place})
        assert found.rate_limit_storage == place
        assert "hidden" not in repr(found)
    for place in (
        "Memory",
        "http://127.0.0.1",
        "redis",
        "redis:secret@host",
        "valkey://:secret@host",
        "http://r?password=secret",
    ):
        with pytest.raises(SetupError, match=r"^ROWKEEP_RATE_LIMIT_STORAGE must be") as error:
            Settings.from_environment({"ROWKEEP_RATE_LIMIT_STORAGE": place})
        assert "://:secret" not in str(error.value)
        assert "password=secret" not in str(error.value)


def test_a_redis_that_cannot_be_used_ends_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    check_rate_storage(Settings(rate_limit_storage="database"))
    check_rate_storage(Settings(rate_limit_storage="redis://127.0.0.1:6379/0"))
    with pytest.raises(SetupError, match="is not a valid URL"):
        check_rate_storage(Settings(rate_limit_storage="redis://127.0.0.1:port"))
    monkeypatch.setitem(sys.modules, "redis.asyncio", None)
    with pytest.raises(SetupError, match=r"rowkeep\[redis\]"):
        check_rate_storage(Settings(rate_limit_storage="redis://127.0.0.1:6379/0"))


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "MAX_COUNTERS", 3)
    rates, limit = memory.MemoryRates(), parse_rate_limit("2/hour;3/day")
    assert rates.take("app", "a", limit, 2) == (None, [0, 3600, 1, 86_400])
    for table in "bcab":
        rates.take("app", table, limit, 1)
    # a was used again before there were too many, and c was not
    assert rates.take("app", "d", limit, 1)[1] == [1, 3600, 2, 86_400]
    assert rates.take("app", "a", limit, 1)[0] == limit.windows[0]
    assert rates.take("app", "c", limit, 1)[1] == [1, 3600, 2, 86_400]


@pytest.mark.parametrize("limit", [3, EXACT, EXACT + 1, 1000])
def test_a_window_counts_what_it_contains_whatever_the_clock_does(limit: int) -> None:
    draw = random.Random(limit)
    window, now = MovingWindow(), 10**12
    for _ in range(2000):
        now += draw.choice([0, 0, 1, MINUTE // EXACT, MINUTE // 2, -MINUTE // 3, 2 * MINUTE])
        if draw.random() < 0.1:
            window.expire(now, MINUTE)
        window.take(now, limit, MINUTE, draw.choice([1, 1, 2]))
        assert 0 <= window.total == sum(count for _, count in window.counts) <= limit
        assert all(at > now - MINUTE for at, _ in window.counts)
        assert window.ends == (window.counts[0][0] + MINUTE if window.counts else 0)
