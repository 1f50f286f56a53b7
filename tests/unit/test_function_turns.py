"""The turns of threads that run functions for SQLite: first come, first served, and nobody waits for ever."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from rowkeep.storage.sqlite.function_turns import TURN_SECONDS, FunctionTurns


class Stopped(Exception):
    """What a thread that waits raises when it is told to stop."""


def go_on() -> None:
    pass


def thread(work: Callable[[], None]) -> threading.Thread:
    started = threading.Thread(target=work)
    started.start()
    return started


def test_who_has_the_turn_keeps_it_while_nobody_waits() -> None:
    turns = FunctionTurns()
    started = time.monotonic()
    while time.monotonic() < started + 3 * TURN_SECONDS:
        turns.take("one", go_on)
    turns.give("one")
    turns.take("two", go_on)
    turns.give("two")


def test_turns_go_round() -> None:
    turns = FunctionTurns()
    order: list[int] = []
    counts = [0, 0, 0]
    ends = time.monotonic() + 20

    def work(at: int) -> None:
        while time.monotonic() < ends and not (len(order) >= 6 and all(counts)):
            turns.take(at, go_on)
            counts[at] += 1
            if not order or order[-1] != at:
                order.append(at)
        turns.give(at)

    for each in [thread(lambda at=at: work(at)) for at in range(3)]:  # type: ignore[misc]
        each.join(timeout=30)
        assert not each.is_alive()
    assert all(counts)
    assert len(order) >= 6


def test_a_turn_that_is_not_given_back_is_taken() -> None:
    turns = FunctionTurns()
    turns.take("lost", go_on)
    for who in ("one", "two"):
        waiting = thread(lambda who=who: turns.take(who, go_on))  # type: ignore[misc]
        waiting.join(timeout=10)
        assert not waiting.is_alive()


def test_who_is_stopped_leaves_the_queue() -> None:
    turns = FunctionTurns()
    stopped = threading.Event()

    def check() -> None:
        if stopped.is_set():
            raise Stopped

    def wait() -> None:
        turns.take("first", go_on)
        turns._until = time.monotonic() + 60
        stopped.set()
        with pytest.raises(Stopped):
            turns.take("second", check)

    waiting = thread(wait)
    waiting.join(timeout=10)
    assert not waiting.is_alive()
    turns.give("first")
    turns.take("third", go_on)
    turns.give("third")
