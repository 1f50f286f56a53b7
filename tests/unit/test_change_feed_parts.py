"""The pure parts of the feed of changes: cursors, records, events, the request for events, and the hub."""

from __future__ import annotations

import asyncio
import gc
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowkeep.catalog.workspace import OpenWorkspace
from rowkeep.codec.change_cursors import read_change_cursor, write_change_cursor
from rowkeep.codec.change_events import change_events, end_event, first_event
from rowkeep.codec.change_records import ChangeEncoder, ChangeRecord, RecordedColumns, StoredChange
from rowkeep.errors.catalogue import Busy, InvalidCursor
from rowkeep.http.media_types import wants_events
from rowkeep.model.change_feeds import FeedCursor
from rowkeep.model.history import ChangeKind
from rowkeep.model.tables import Column
from rowkeep.services.change_hub import ChangeHub, Place, SharedReads
from rowkeep.settings import Settings
from rowkeep.sql.change_feed import ChangesSql

BIG = 2**63 - 1
PLACES = st.builds(FeedCursor, st.integers(0, BIG), st.integers(0, BIG))


@given(PLACES)
def test_a_cursor_is_read_as_it_was_written(place: FeedCursor) -> None:
    text = write_change_cursor("t1", place)
    assert read_change_cursor("t1", text) == place
    with pytest.raises(InvalidCursor):
        read_change_cursor("t2", text)


@given(PLACES, st.data())
def test_a_changed_cursor_is_refused(place: FeedCursor, data: st.DataObject) -> None:
    text = write_change_cursor("t1", place)
    at = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.characters(codec="ascii").filter(lambda c: c != text[at]))
    for changed in (text[:at] + other + text[at + 1 :], text[:at], text + other):
        with pytest.raises(InvalidCursor):
            read_change_cursor("t1", changed)


@pytest.mark.parametrize("place", [FeedCursor(0, BIG + 1), FeedCursor(2**64 - 1, 0)])
def test_a_cursor_that_no_database_stores_is_refused(place: FeedCursor) -> None:
    with pytest.raises(InvalidCursor):
        read_change_cursor("t1", write_change_cursor("t1", place))


def stored(kind: ChangeKind, before: tuple[Any, ...], after: tuple[Any, ...]) -> StoredChange:
    on = "2026-01-01T00:00:00.000Z"
    by, at = ("st-2", on) if kind is not ChangeKind.DELETE else (None, None)
    return StoredChange(FeedCursor(1, 2), kind, "5" * 24, "ab", "st-1", on, by, at, before, after)


def encoded(*changes: StoredChange) -> list[ChangeRecord]:
    columns = tuple(Column(id=name, name=name, type="string") for name in ("A", "B", "Old"))
    encoder = ChangeEncoder("t1", RecordedColumns("t", columns), {}, frozenset({"Old"}))
    return encoder.records(changes)


def test_an_update_shows_what_it_changed() -> None:
    nothing = None
    (change,) = encoded(stored(ChangeKind.UPDATE, ("a", nothing, "x"), ("b", nothing, "x")))
    assert (change.before, change.after, change.by) == ({"A": "a"}, {"A": "b"}, "st-2")
    (same,) = encoded(stored(ChangeKind.UPDATE, ("a", nothing, nothing), ("a", nothing, nothing)))
    assert (same.before, same.after) == ({}, {})


def test_a_former_column_is_shown_as_far_as_records_have_it() -> None:
    (gone,) = encoded(stored(ChangeKind.UPDATE, ("a", None, "x"), ("b", None, None)))
    assert (gone.before, gone.after) == ({"A": "a"}, {"A": "b"})
    (changed,) = encoded(stored(ChangeKind.UPDATE, ("a", None, "x"), ("a", None, "y")))
    assert (changed.before, changed.after) == ({"Old": "x"}, {"Old": "y"})
    (deleted,) = encoded(stored(ChangeKind.DELETE, ("a", None, None), (None, None, None)))
    assert (deleted.before, deleted.after, deleted.by) == ({"A": "a", "B": None}, None, "st-1")


def test_events_are_lines_of_text() -> None:
    (change,) = encoded(stored(ChangeKind.INSERT, (None, None, None), ("1\r\n2", None, None)))
    event = change_events([change])
    assert event.startswith(b"id: " + change.id.encode() + b"\ndata: {")
    assert event.endswith(b"\n\n")
    assert event.count(b"\n") == 3
    assert first_event("abc") == b"id: abc\nretry: 2000\n\n"
    assert end_event({"code": "x"}) == b'event: end\ndata: {"code":"x"}\n\n'


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("text/event-stream", True),
        ("text/event-stream, application/json;q=0.5", True),
        ("application/json, text/event-stream", False),
        ("application/json, text/event-stream;q=0.9", False),
        ("*/*", False),
        ("text/event-stream;q=0", False),
        ("", False),
    ],
)
def test_events_are_sent_to_clients_that_prefer_them(accept: str, expected: bool) -> None:
    assert wants_events(accept) is expected


class Fake:
    """A workspace whose database answers what the test says."""

    def __init__(self) -> None:
        self.newest: dict[str, FeedCursor] = {"t1": FeedCursor(1, 1)}
        self.version = 7
        self.looks = 0
        self.looked = asyncio.Event()
        database = SimpleNamespace(read=self.read)
        scripts = SimpleNamespace(changes=SimpleNamespace(moved=lambda *_, **__: None))
        self.workspace = cast(
            "OpenWorkspace",
            SimpleNamespace(
                workspace=SimpleNamespace(id=1, name="main"), database=database, scripts=scripts, newest=None
            ),
        )

    async def read(self, _script: object) -> tuple[int, bool, dict[str, FeedCursor]]:
        self.looks += 1
        self.looked.set()
        return self.version, False, self.newest

    def place(self, ticket: int) -> Place:
        return Place("t1", cast("ChangesSql", None), FeedCursor(1, 1), 7, ticket)


@pytest.fixture
def fake() -> Fake:
    return Fake()


def hub_of(readers: int = 10) -> ChangeHub:
    return ChangeHub(Settings(change_poll_seconds=0.05, max_change_readers=readers))


pytestmark = pytest.mark.anyio
LONG = 600.0
"""Seconds that no test waits."""


async def test_a_write_of_this_process_wakes_readers_at_once(fake: Fake) -> None:
    hub = hub_of()
    ticket = hub.ticket()
    hub.wake(fake.workspace, "t1")
    # before the reader waits
    assert await hub.wait(fake.workspace, fake.place(ticket), LONG)
    waiting = [
        asyncio.ensure_future(hub.wait(fake.workspace, fake.place(hub.ticket()), LONG)) for _ in range(3)
    ]
    await asyncio.sleep(0)
    hub.wake(fake.workspace, "t2")
    await asyncio.sleep(0)
    assert not any(each.done() for each in waiting)
    hub.wake(fake.workspace, "t1")
    assert await asyncio.gather(*waiting) == [True] * 3


async def test_one_look_for_all_readers_finds_what_others_wrote(fake: Fake) -> None:
    hub = hub_of()
    waiting = [asyncio.ensure_future(hub.wait(fake.workspace, fake.place(0), LONG)) for _ in range(100)]
    await fake.looked.wait()
    assert not any(each.done() for each in waiting)
    fake.newest = {"t1": FeedCursor(2, 5)}
    assert await asyncio.gather(*waiting) == [True] * 100
    assert fake.looks < 100


@pytest.mark.parametrize("what", ["version", "table", "stop"])
async def test_readers_are_woken_to_check_their_rights(fake: Fake, what: str) -> None:
    hub = hub_of()
    waiting = asyncio.ensure_future(hub.wait(fake.workspace, fake.place(0), LONG))
    await asyncio.sleep(0)
    if what == "version":
        fake.version = 8
    elif what == "table":
        fake.newest = {}
    else:
        hub.stop()
    assert await waiting


async def test_a_wait_ends_after_its_time(fake: Fake) -> None:
    assert not await hub_of().wait(fake.workspace, fake.place(0), 0.01)


async def test_the_number_of_readers_is_limited(fake: Fake) -> None:
    hub = hub_of(readers=1)
    hub.enter(fake.workspace)
    with pytest.raises(Busy):
        hub.enter(fake.workspace)
    hub.leave(fake.workspace)
    hub.enter(fake.workspace)


async def test_an_error_of_a_read_that_nobody_waits_for_is_not_logged() -> None:
    overlooked: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: overlooked.append(context))
    fails = asyncio.Event()

    async def read() -> None:
        await fails.wait()
        raise Busy()

    reading = asyncio.ensure_future(SharedReads().get("key", read))
    await asyncio.sleep(0)
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)
    fails.set()
    for _ in range(3):
        await asyncio.sleep(0)
    del reading
    gc.collect()
    assert not overlooked


async def test_equal_reads_at_the_same_time_are_one(fake: Fake) -> None:
    shared = SharedReads()
    reads = [shared.get("key", lambda: fake.read(None)) for _ in range(5)]
    results = await asyncio.gather(*reads)
    assert len(results) == 5
    assert fake.looks == 1
    await shared.get("key", lambda: fake.read(None))
    assert fake.looks == 2
