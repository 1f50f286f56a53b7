"""Ids: what they carry, and that they increase whatever the clock does."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from rowkeep.model.ids import (
    COUNTER_END,
    ROW_ID,
    SYS_ID,
    IdSource,
    Stamp,
    new_client_id,
    row_id_of,
    writer_of,
)

NOON = datetime(2020, 3, 28, 12, 0, 0, 652_999, tzinfo=UTC)


class Clock:
    """A clock that is put forward and back by hand."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def source(clock: Clock) -> IdSource:
    return IdSource(clock, lambda count: bytes(range(1, count + 1)))


def first(stamp: Stamp) -> str:
    return next(stamp.ids())


def last(stamp: Stamp) -> str:
    """The last id of a stamp, however many it has."""
    return f"{stamp.prefix}{stamp.start + stamp.count - 1:06x}"


def test_an_id_is_an_object_id(source: IdSource) -> None:
    stamp = source.stamp(3)
    seconds = f"{int(NOON.timestamp()):08x}"
    assert list(stamp.ids()) == [f"{seconds}0102030405{at:06x}" for at in range(3)]
    assert all(ROW_ID.fullmatch(row_id) for row_id in stamp.ids())


def test_the_moment_is_cut_to_milliseconds(source: IdSource) -> None:
    assert source.stamp(1).written_on == "2020-03-28T12:00:00.652Z"
    assert source.stamp(1).moment.microsecond == 652_000


def test_two_sources_at_one_moment_give_different_ids() -> None:
    ids = {first(IdSource(lambda: NOON).stamp(1)) for _ in range(100)}
    assert len(ids) == 100


@pytest.mark.parametrize("seconds", [0, 0.001, 0.999, 1, 3600, -0.5, -1, -3600, -(10**8)])
def test_ids_increase_when_the_clock_goes_by(source: IdSource, clock: Clock, seconds: float) -> None:
    stamps = []
    for count in (1, 5, 0, 1, 1000):
        stamps.append(source.stamp(count))
        clock.now += timedelta(seconds=seconds)
    ids = [row_id for stamp in stamps for row_id in stamp.ids()]
    assert all(one < other for one, other in pairwise(ids))


def test_ids_increase_in_every_step_of_a_clock_gone_mad(source: IdSource, clock: Clock) -> None:
    before = ""
    for step in (1, -2, 0, 5, -5, 10, -100, 0, 200, -1, -1, 1):
        clock.now += timedelta(seconds=step)
        stamp = source.stamp(7)
        assert before < first(stamp) < last(stamp)
        before = last(stamp)


def test_a_stamp_of_no_rows(source: IdSource) -> None:
    stamp = source.stamp(0)
    assert list(stamp.ids()) == list(stamp.sys_ids()) == []
    assert first(source.stamp(1)) == f"{stamp.prefix}000000"


def test_the_most_ids_that_a_stamp_has(source: IdSource) -> None:
    stamp = source.stamp(COUNTER_END)
    assert (first(stamp)[-6:], last(stamp)[-6:]) == ("000000", "ffffff")
    assert ROW_ID.fullmatch(last(stamp))


@pytest.mark.parametrize(
    ("counts", "borrowed"),
    [
        ([COUNTER_END, 1], 1),
        ([COUNTER_END - 1, 1], 0),
        ([COUNTER_END - 1, 2], 1),
        ([1, COUNTER_END], 1),
        ([COUNTER_END, COUNTER_END, COUNTER_END], 2),
        ([COUNTER_END, 0], 0),
    ],
)
def test_more_ids_than_a_second_has_are_borrowed_from_the_next(
    source: IdSource, counts: list[int], borrowed: int
) -> None:
    stamps = [source.stamp(count) for count in counts]
    assert all(last(one) < first(other) for one, other in pairwise(stamps) if other.count)
    assert all(len(last(stamp)) == 24 for stamp in stamps if stamp.count)
    assert int(stamps[-1].prefix[:8], 16) == int(NOON.timestamp()) + borrowed
    assert stamps[-1].moment == stamps[0].moment


def test_after_borrowing_the_clock_catches_up(source: IdSource, clock: Clock) -> None:
    stamps = [source.stamp(COUNTER_END) for _ in range(3)]
    for seconds in (1, 1, 1, 1):
        clock.now += timedelta(seconds=seconds)
        stamps.append(source.stamp(10))
    assert all(last(one) < first(other) for one, other in pairwise(stamps))
    assert int(stamps[-1].prefix[:8], 16) == int(clock.now.timestamp())


def test_threads_never_get_the_same(source: IdSource) -> None:
    found: list[str] = []

    def take() -> None:
        for _ in range(500):
            found.extend(source.stamp(3).ids())

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == len(found) == 8 * 500 * 3


def test_sys_ids_carry_the_ids(source: IdSource) -> None:
    stamp = source.stamp(2000)
    pairs = list(zip(stamp.sys_ids(), stamp.ids(), strict=True))
    assert all(row_id_of(sys_id) == row_id for sys_id, row_id in pairs)
    assert [sys_id for sys_id, _ in pairs] == sorted(sys_id for sys_id, _ in pairs)
    assert all(SYS_ID.fullmatch(sys_id) for sys_id, _ in pairs)


@pytest.mark.parametrize(
    "change",
    [
        lambda sys_id: sys_id.upper(),
        lambda sys_id: sys_id[4:],
        lambda sys_id: sys_id + "0",
        lambda sys_id: sys_id.replace("-8", "-4", 1),
        lambda sys_id: sys_id + "\n",
        lambda sys_id: sys_id.replace("000000", "000001"),
        lambda _: "",
    ],
)
def test_no_other_text_is_a_sys_id(source: IdSource, change: Callable[[str], str]) -> None:
    assert row_id_of(change(next(source.stamp(1).sys_ids()))) is None


def test_a_writer_is_always_the_same_for_one_app() -> None:
    one, other = new_client_id(), new_client_id()
    assert writer_of(one) == writer_of(one) != writer_of(other)
