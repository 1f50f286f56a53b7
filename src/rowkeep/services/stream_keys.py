"""Stream keys: whether two rows of a stream have the same key, in constant memory.

The hashes of all keys are sorted in runs, which are in a temporary file if there are several, and the runs
are merged. Only if two hashes are equal, the rows are looked at again.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from heapq import merge
from itertools import pairwise
from typing import IO, Any

from rowkeep.services.staged_rows import remove

RUN_KEYS = 1_000_000
READ_KEYS = 8_192
KEY_BYTES = 8

Key = tuple[Any, ...]


class StreamKeys:
    """The keys of a stream. ``file`` is an empty temporary file for them."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._run: list[int] = []
        self._ends: list[int] = []

    def add(self, keys: Sequence[Key]) -> None:
        """Keys with nulls are equal to none."""
        self._run += map(hash, (key for key in keys if None not in key))
        if len(self._run) >= RUN_KEYS:
            self._write()

    def _write(self) -> None:
        self._run.sort()
        self._file.write(array("q", self._run).tobytes())
        self._ends.append(self._file.tell())
        self._run = []

    def repeated(self, most: int) -> set[int]:
        """The hashes that more than one key has, at most so many."""
        self._run.sort()
        starts = [0, *self._ends]
        runs = [self._stored(start, end) for start, end in zip(starts, self._ends, strict=False)]
        found: set[int] = set()
        for first, second in pairwise(merge(self._run, *runs) if runs else self._run):
            if first == second and len(found) < most:
                found.add(first)
        return found

    def _stored(self, start: int, end: int) -> Iterator[int]:
        for at in range(start, end, READ_KEYS * KEY_BYTES):
            self._file.seek(at)
            yield from array("q", self._file.read(min(READ_KEYS * KEY_BYTES, end - at)))

    def close(self) -> None:
        """Remove the file."""
        remove(self._file)
