"""Turns: who waits too long is refused on time, and nobody's turn is lost."""

from __future__ import annotations

import asyncio
import time

import pytest

from rowkeep.errors.catalogue import Busy
from rowkeep.storage.postgres.waiting import ConnectionLane, ConnectionTurns

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def turns() -> ConnectionTurns:
    return ConnectionTurns(1, 1)


@pytest.fixture
def lane(turns: ConnectionTurns) -> ConnectionLane:
    """A lane whose only turn is taken."""
    lane = turns.new_workspace()
    assert lane.take_at_once()
    return lane


async def refused_after(lane: ConnectionLane, seconds: float, order: list[float]) -> None:
    """Wait for a turn, which is refused, and not before this time."""
    started = time.monotonic()
    with pytest.raises(Busy):
        await lane.wait(seconds)
    assert time.monotonic() - started > seconds - 0.01
    order.append(seconds)


@pytest.mark.parametrize(
    ("size", "limit", "held"), [(10, 6, 9), (10, 10, 9), (5, 2, 3), (2, 1, 2), (1, 1, 1)]
)
def test_one_workspace_never_holds_more_than_its_part(size: int, limit: int, held: int) -> None:
    turns = ConnectionTurns(size, limit)
    lanes = turns.new_workspace(), turns.new_definitions()
    assert sum(lane.take_at_once() for lane in lanes for _ in range(size)) == held
    others = turns.catalog.take_at_once()
    assert others == (held < size)


def test_two_workspaces_leave_a_turn_to_a_third() -> None:
    turns = ConnectionTurns(10, 6)
    first, second, third = (turns.new_workspace() for _ in range(3))
    assert [sum(lane.take_at_once() for _ in range(10)) for lane in (first, second, third)] == [6, 1, 1]
    first.give_back()
    assert not second.take_at_once()
    first.give_back()
    assert second.take_at_once()


async def test_each_waits_as_long_as_it_may(lane: ConnectionLane) -> None:
    # the first arms the timer; the second must not wait for it, nor the third be ended with the second
    order: list[float] = []
    await asyncio.gather(*(refused_after(lane, seconds, order) for seconds in (0.6, 0.1, 1.2)))
    assert order == [0.1, 0.6, 1.2]
    lane.give_back()
    assert lane.take_at_once()


async def test_no_time_is_no_wait(lane: ConnectionLane) -> None:
    async with asyncio.timeout(10):  # nobody gives a turn back
        await refused_after(lane, -1, [])


async def test_turns_are_given_in_the_order_of_arrival(lane: ConnectionLane) -> None:
    served: list[int] = []

    async def use(number: int) -> None:
        await lane.wait(5)
        served.append(number)
        await asyncio.sleep(0)
        lane.give_back()

    async with asyncio.TaskGroup() as group:
        for number in range(5):
            group.create_task(use(number))
        await asyncio.sleep(0)
        lane.give_back()
    assert served == [0, 1, 2, 3, 4]


async def test_who_is_cancelled_passes_the_turn_on(turns: ConnectionTurns, lane: ConnectionLane) -> None:
    first = asyncio.create_task(lane.wait(5))
    second = asyncio.create_task(lane.wait(5))
    await asyncio.sleep(0)
    lane.give_back()
    # the first has the turn, but was not run yet
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    await asyncio.wait_for(second, 1)
    lane.give_back()
    assert turns.used == 0


async def test_who_is_cancelled_while_it_waits_takes_no_turn(
    turns: ConnectionTurns, lane: ConnectionLane
) -> None:
    waiting = asyncio.create_task(lane.wait(5))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    lane.give_back()
    assert turns.used == 0
    assert not lane.has_waiting()
