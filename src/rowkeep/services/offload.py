"""Offload: long work in Python runs in separate threads, so that other requests can continue."""

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
"""Smaller bodies are decoded directly: using a thread would take longer."""

LARGE_CELLS = 50_000
"""The same limit in rows × columns."""

RELEASED_ROWS = 10_000
"""The number of rows that are released at a time."""

THREADS = 2
MAX_WAITING = 64
"""The maximum number of large bodies that wait for a thread; more are refused."""


def _release(lists: Iterable[Sequence[Any]]) -> None:
    for rows in lists:
        if isinstance(rows, list):
            while rows:
                del rows[-RELEASED_ROWS:]


class _Task(Generic[T]):
    """Work for a thread. If it is cancelled before it starts, its memory is freed at once."""

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
        """Run ``work`` in a thread. Raises Busy if too many are waiting, unless ``is_refusable`` is false,
        which is for the response to a committed write."""
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
        """Release rows that are no longer needed, in a thread and in parts: releasing a million of them at
        once would block all requests."""
        self._executor.submit(_release, lists)

    def _done(self, _future: object) -> None:
        self._waiting -= 1

    async def decode(
        self, body: bytes, decoder: msgspec.json.Decoder[Any], *, marks_halves: bool = False
    ) -> Any:
        """Decode a body by its type. Raises what :func:`decode_body` raises, and Busy."""
        if len(body) <= LARGE_BYTES:
            return decode_body(body, decoder, self._max_depth, marks_halves=marks_halves)
        return await self.run(partial(decode_body, body, decoder, self._max_depth, marks_halves=marks_halves))
