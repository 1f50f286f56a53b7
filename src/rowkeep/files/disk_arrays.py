"""Disk arrays: arrays of numbers in temporary files, for what does not have to fit into memory."""

from __future__ import annotations

import mmap
from tempfile import TemporaryFile

BYTES = 8


class DiskArray:
    """Numbers, all 0 at first. The operating system keeps in memory what is used; the file is deleted with
    the array."""

    def __init__(self, length: int) -> None:
        with TemporaryFile() as file:
            file.truncate(max(1, length) * BYTES)
            self._view = memoryview(mmap.mmap(file.fileno(), 0)).cast("q")

    def __getitem__(self, at: int) -> int:
        return self._view[at]

    def __setitem__(self, at: int, number: int) -> None:
        self._view[at] = number


class DiskStack:
    """A stack of at most ``length`` numbers."""

    def __init__(self, length: int) -> None:
        self._numbers = DiskArray(length)
        self._height = 0

    def __len__(self) -> int:
        return self._height

    @property
    def top(self) -> int:
        return self._numbers[self._height - 1]

    def push(self, number: int) -> None:
        self._numbers[self._height] = number
        self._height += 1

    def pop(self) -> int:
        self._height -= 1
        return self._numbers[self._height]
