"""Rows are not visited in Python: ten rows and a thousand take the same steps, from the body to the answer.

Counted are calls and lines of Python, in every thread, of Rowkeep and of the libraries that it calls. COPY
needs no more of them for a thousand rows than for ten, so none are left out for PostgreSQL. Left out are:

- what hands work from thread to thread (asyncio, concurrent.futures, threading): it varies by who is faster;
- the watch over PostgreSQL's connections, which looks once a second at what runs;
- the tick of SQLite's reader, which counts a thousand of the engine's steps each, up to its budget;
- the look that SQLite's writer takes some times a second at what waits for it;
- the look at a file's place, once a second.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import pytest
from msgspec import structs
from workbench import THINGS, WRITER, Workbench, initialised, new_workspace, opened, where

from rowkeep.codec.rows import encode
from rowkeep.plan.rows.writes import InsertPlan
from rowkeep.storage.sqlite import checkpoints
from rowkeep.storage.sqlite import loop_readers as quick
from rowkeep.storage.sqlite.file_identity import FileIdentity
from rowkeep.storage.sqlite.loop_readers import QuickReader
from rowkeep.storage.sqlite.writer import GroupWriter

pytestmark = pytest.mark.anyio

FEW, MANY = 10, 300
MACHINERY = {"asyncio", "uvloop", "anyio", "concurrent", "threading", __name__}
TIMED = ("rowkeep.storage.postgres.cancellation", "rowkeep.storage.sqlite.checkpoints")
"""What runs by the clock or by the size of a file, not by the request."""
TICKS = {
    QuickReader._tick.__code__,
    GroupWriter._look.__code__,
    FileIdentity.check_now_and_then.__code__,
    FileIdentity.check.__code__,
    FileIdentity._present.__code__,
}

CELLS: dict[str, Callable[[int], Any]] = {
    "Text": lambda at: f"text {at}",
    "Number": lambda at: at if at % 3 else at + 0.5,
    "Whole": lambda at: at,
    "Flag": lambda at: at % 2 == 0,
    "Day": lambda at: f"2020-03-28T07:02:09.{at:03}Z",
}
ROWS: dict[str, Callable[[int], dict[str, Any]]] = {
    **{name: (lambda at, name=name: {name: CELLS[name](at)}) for name in CELLS},
    "all": lambda at: {name: cell(at) for name, cell in CELLS.items()},
    "nulls": lambda at: {name: cell(at) if (at + len(name)) % 2 else None for name, cell in CELLS.items()},
    "no cells": lambda _: {},
    "whole numbers": lambda at: {"Number": at},
    "fractions": lambda at: {"Number": at / 1024 + 0.0001},
}


async def settled() -> None:
    """Wait until every other thread waits for work. The thread that writes sees only after the response that
    nothing more is to do."""
    while any(  # noqa: ASYNC110 - they have no event for it
        _module(frame).startswith("rowkeep.")
        for thread, frame in sys._current_frames().items()
        if thread != threading.get_ident()
    ):
        await asyncio.sleep(0.002)


def _module(frame: FrameType | None) -> str:
    """The module that works in this frame, if it is not the machinery: what it calls is above it."""
    while frame is not None:
        name: str = frame.f_globals.get("__name__", "")
        if name.startswith("rowkeep."):
            return name
        frame = frame.f_back
    return ""


class Steps:
    """Counts Python's steps while it is told to, by the place in the code where they are taken."""

    def __init__(self) -> None:
        self._taken: Counter[str] = Counter()
        self._counts = False

    def trace(self, frame: FrameType, event: str, _argument: object) -> Any:
        module = frame.f_globals.get("__name__", "")
        if module in TIMED:
            return None
        if not self._counts or module.partition(".")[0] in MACHINERY or frame.f_code in TICKS:
            return None
        if event in ("call", "line"):
            self._taken[f"{module}.{frame.f_code.co_qualname} {event}"] += 1
        return self.trace

    @contextmanager
    def counted(self) -> Iterator[Counter[str]]:
        """What is done in the block, and what comes of it in other threads."""
        self._taken = Counter()
        before = sys.gettrace()
        gc.disable()  # whom it calls back is nobody's step
        sys.settrace(self.trace)
        self._counts = True
        try:
            yield self._taken
        finally:
            self._counts = False
            sys.settrace(before)
            gc.enable()


@pytest.fixture(scope="module")
def steps() -> Iterator[Steps]:
    steps = Steps()
    before = threading.gettrace()
    threading.settrace(steps.trace)  # the store's threads start behind this
    yield steps
    threading.settrace(before)  # type: ignore[arg-type]


@pytest.fixture(scope="module", autouse=True)
def no_clock() -> Iterator[None]:
    """Queries stay on the event loop, however slow the machine is and many the rows are, or they would be run
    twice. The WAL is not copied, because a writer would wait for that and try again."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(quick, "BUDGET_SECONDS", 3600.0)
        patch.setattr(quick, "BUDGET_TICKS", 1_000_000)
        patch.setattr(checkpoints, "PAGES_OF_A_COPY", 1_000_000_000)
        patch.setattr(checkpoints, "LIMIT_PAGES", 1_000_000_000)
        yield


@pytest.fixture(scope="module")
async def things(steps: Steps, url: str, anyio_backend: object) -> AsyncIterator[Workbench]:
    async with opened(url) as store:
        workspace = new_workspace()
        yield await Workbench.with_table(await initialised(store, workspace), THINGS)
        await store.drop_workspace(workspace)


async def insert(things: Workbench, body: bytes) -> bytes:
    """A bulk as the service does it, from its body to its answer."""
    rows, many, *_ = things.codec.decode_rows(body)
    stamp = await things.database.insert(things.sql, InsertPlan(rows, WRITER), things.version)
    return things.codec.encode_written(rows, stamp, WRITER, many)


async def query(things: Workbench, body: dict[str, Any], limit: int) -> bytes:
    # a page of any size fits: whether many rows do is looked at in one step
    plan = structs.replace(things.select_plan(body, limit), max_bytes=2**40)
    selected = await things.database.select(things.sql, plan, things.version)
    return things.codec.encode_records(selected.rows, plan.shape.fields)


ROUNDS = 3
"""How often is counted, until two counts are the same: a thread that starts, or a clock, can add a step to
one of them. Steps for each row are in every count."""


async def assert_same_steps(
    steps: Steps, few: Callable[[], Awaitable[Any]], many: Callable[[], Awaitable[Any]]
) -> None:
    differing: dict[str, tuple[int, int]] = {}
    for _ in range(ROUNDS):
        less, more = await steps_of(steps, few), await steps_of(steps, many)
        assert less.total() > 100
        differing = {place: (less[place], more[place]) for place in less | more if less[place] != more[place]}
        if not differing:
            return
    assert differing == {}


async def steps_of(steps: Steps, call: Callable[[], Awaitable[Any]]) -> Counter[str]:
    await call()  # what is compiled once is compiled
    await settled()
    with steps.counted() as taken:
        await call()
        await settled()
    return taken


@pytest.mark.parametrize("rows", ROWS.values(), ids=ROWS)
async def test_a_bulk(things: Workbench, steps: Steps, rows: Callable[[int], dict[str, Any]]) -> None:
    few, many = (encode({"data": [rows(at) for at in range(count)]}) for count in (FEW, MANY))
    await assert_same_steps(steps, lambda: insert(things, few), lambda: insert(things, many))


@pytest.mark.parametrize(
    "body",
    [
        {"fields": ["Flag", "_id"], "count": "none"},
        {"fields": ["Number"], "count": "none", "query": where("Text", "is not null")},
        {"sort": [{"field": "Text"}]},
        {"sort": [{"field": "Day", "order": "desc"}, {"field": "Flag"}], "query": where("Text", "!=", "x")},
        {
            "query": where("Text", "contains", "text"),
            "fields": ["Number", "Day", "Flag"],
            "sort": [{"field": "Whole"}],
        },
    ],
    ids=["at once", "with a filter", "sorted", "by several", "all together"],
)
async def test_a_query(things: Workbench, steps: Steps, body: dict[str, Any]) -> None:
    while await things.count() <= 4 * MANY:
        await things.insert(*(ROWS["all"](at) for at in range(MANY)))
    await assert_same_steps(steps, lambda: query(things, body, FEW), lambda: query(things, body, MANY))


async def test_an_update(things: Workbench, steps: Steps) -> None:
    async def update(count: int) -> bytes:
        updated = await things.update(where("Whole", "<", count), {"Text": "new", "Number": 1.5})
        assert updated.rows is not None
        assert len(updated.rows) == count
        return things.codec.encode_records(updated.rows)

    await things.delete({"all": True})
    await things.insert(*(ROWS["all"](at) for at in range(MANY)))
    await assert_same_steps(steps, lambda: update(FEW), lambda: update(MANY))


async def test_a_delete(things: Workbench, steps: Steps) -> None:
    async def delete(count: int) -> None:
        await things.insert(*[{"Text": "gone"}] * count)
        assert await things.delete(where("Text", "=", "gone")) == count

    await assert_same_steps(steps, lambda: delete(FEW), lambda: delete(MANY))
