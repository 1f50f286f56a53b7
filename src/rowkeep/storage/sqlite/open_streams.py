"""Open streams: whether any process streams from a file.

A stream reads one snapshot for as long as its client takes, and until then a part of the WAL cannot be
copied. Checkpoints that wait for readers would let all writers wait for nothing, so they are left out
meanwhile.

Other processes see the number of streams in a System V semaphore, which the kernel corrects if a process
ends. Where there are none, a process only knows its own streams.
"""

from __future__ import annotations

import ctypes
import errno
from pathlib import Path

from rowkeep.storage.sqlite.write_queue import CALLS, IPC_NOWAIT, SEM_UNDO, number_of, open_set, operations

PURPOSE = "streams"


class OpenStreams:
    """The number of streams that read one file, which must exist."""

    def __init__(self, path: Path) -> None:
        self._owner = path.stat().st_uid
        number = number_of(path)
        self._add = operations((number, 1, SEM_UNDO | IPC_NOWAIT))
        self._remove = operations((number, -1, SEM_UNDO | IPC_NOWAIT))
        self._is_zero = operations((number, 0, IPC_NOWAIT))
        self._set = -1
        self._own = 0

    def add(self) -> None:
        """A stream begins."""
        self._own += 1
        if CALLS is not None and self._opened() >= 0:
            CALLS.operate(self._set, self._add, len(self._add))

    def remove(self) -> None:
        """A stream has ended."""
        self._own -= 1
        if CALLS is not None and self._set >= 0:
            CALLS.operate(self._set, self._remove, len(self._remove))

    @property
    def any(self) -> bool:
        """Whether there is a stream, in this process or another one."""
        if self._own > 0:
            return True
        if CALLS is None or self._opened() < 0:
            return False
        is_none = CALLS.operate(self._set, self._is_zero, len(self._is_zero)) == 0
        return not is_none and ctypes.get_errno() == errno.EAGAIN

    def _opened(self) -> int:
        if self._set < 0 and CALLS is not None:
            self._set = open_set(CALLS, self._owner, PURPOSE)
        return self._set
