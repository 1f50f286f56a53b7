"""Offload: what takes long in Python runs in threads of its own, so that other requests go on meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Generic, TypeVar

import msgspec

from rowkeep.codec.json_bodies import decode_body
from rowkeep.errors.catalogue import Busy
from rowkeep.settings import Settings

T = TypeVar("T")

LARGE_BYTES = 256 * 1024
"""A body up to here is decoded at once: a thread would take longer than it saves."""

LARGE_CELLS = 50_000
"""The same of rows × columns."""

RELEASED_ROWS = 10_000
"""How many rows are released at a time."""

THREADS = 2
MAX_WAITING = 64
"""How many large bodies wait for a thread; one more is refused."""


def _release(lists: Iterable[Sequence[Any]]) -> None:
    for rows in lists:
        if isinstance(rows, list):
            while rows:
                del rows[-RELEASED_ROWS:]


class _Task(Generic[T]):
    """Work for a thread. What is dropped before it began is not held until its turn comes."""

    def __init__(self, work: Callable[[], T]) -> None:
        self._work: Callable[[], T] | None = work

    def __call__(self) -> T:
        work = self._work
        if work is None:
            raise asyncio.CancelledError
        return work()

    def drop(self) -> None:
        self._work = None


class Offload:
    """Decodes bodies and encodes responses, the large ones in threads."""

    def __init__(self, settings: Settings) -> None:
        self._max_depth = settings.max_json_depth
        self._executor = ThreadPoolExecutor(THREADS, "rowkeep-large")
        self._waiting = 0

    async def run(self, work: Callable[[], T], *, is_refusable: bool = True) -> T:
        """Do ``work`` in a thread. Raises Busy if too many wait already, unless it must be done: the response
        to what is stored."""
        if is_refusable and self._waiting >= MAX_WAITING:
            raise Busy("Too many large requests are waiting. Nothing was written; try again.")
        self._waiting += 1
        task = _Task(work)
        future = asyncio.get_running_loop().run_in_executor(self._executor, task)
        future.add_done_callback(self._done)
        try:
            return await future
        except asyncio.CancelledError:
            task.drop()
            raise

    def release(self, *lists: Sequence[Any]) -> None:
        """Release rows that nobody needs any more, in a thread and some at a time: to release a million of
        them at once holds up everybody."""
        self._executor.submit(_release, lists)

    def _done(self, _future: object) -> None:
        self._waiting -= 1

    async def decode(
        self, body: bytes, decoder: msgspec.json.Decoder[Any], *, marks_halves: bool = False
    ) -> Any:
        """A body by its type. Raises what :func:`decode_body` raises, and Busy."""
        if len(body) <= LARGE_BYTES:
            return decode_body(body, decoder, self._max_depth, marks_halves=marks_halves)
        return await self.run(partial(decode_body, body, decoder, self._max_depth, marks_halves=marks_halves))
