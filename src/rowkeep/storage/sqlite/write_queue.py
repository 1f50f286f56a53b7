"""Write queue: processes that write to one file queue for it in the kernel, first come, first served.

SQLite has no queue: a connection that finds a file locked sleeps and tries again, and meanwhile others take
the lock. So a writer takes a semaphore before it begins a transaction. Waiting costs nothing, and the kernel
passes the semaphore on in the order of arrival, and releases it if a process ends. The semaphore only sets an
order; SQLite's own lock protects the file. So a tool that does not use the semaphore does no harm, and on
systems without such semaphores (macOS, some containers), writers retry as SQLite does.

They are System V semaphores: the only lock of Linux with a queue, a time limit and a release at the end of a
process. All files of one user share a set of them, so that none is ever left unused (``ipcs -s`` shows it).
"""

from __future__ import annotations

import ctypes
import errno
import hashlib
import os
import sys
import time
from functools import cache
from pathlib import Path

import structlog

log = structlog.get_logger(__name__)

SEMAPHORES = 1024
"""The size of a set. Two files that share a semaphore wait for each other, as if they were one."""

IPC_CREAT = 0o1000
IPC_NOWAIT = 0o4000
SEM_UNDO = 0x1000
OWNER_ONLY = 0o600


class _Operation(ctypes.Structure):
    _fields_ = [("number", ctypes.c_ushort), ("change", ctypes.c_short), ("flags", ctypes.c_short)]


class _Timeout(ctypes.Structure):
    _fields_ = [("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long)]


class _Calls:
    """The system calls; those that never wait do not release the interpreter's lock, because getting it back
    takes long."""

    def __init__(self) -> None:
        self.open = ctypes.CDLL(None, use_errno=True).semget
        self.wait = ctypes.CDLL(None, use_errno=True).semtimedop
        self.operate = ctypes.PyDLL(None, use_errno=True).semop


CALLS = _Calls() if sys.platform == "linux" else None


class WriteQueue:
    """The queue of all writers of one file, which must exist."""

    def __init__(self, path: Path) -> None:
        status = path.stat()
        self._owner = status.st_uid
        number = number_of(path)
        # zero is free, the initial value in a new set
        self._take = operations((number, 0, 0), (number, 1, SEM_UNDO))
        self._try = operations((number, 0, IPC_NOWAIT), (number, 1, SEM_UNDO | IPC_NOWAIT))
        self._give = operations((number, -1, SEM_UNDO | IPC_NOWAIT))
        self._set = -1
        self._is_taken = False

    def take(self, seconds: float) -> bool:
        """Wait for our turn; false if it did not come within ``seconds``. True also if there is no queue. In
        any case, call :meth:`give` once the work is done."""
        if CALLS is None:
            return True
        if CALLS.operate(self._set, self._try, len(self._try)) == 0:
            self._is_taken = True
            return True
        deadline = time.monotonic() + seconds
        error = ctypes.get_errno()
        if error in (errno.EINVAL, errno.EIDRM):  # not opened yet, or removed by an administrator
            self._set = open_set(CALLS, self._owner)
            error = errno.EINTR if self._set >= 0 else 0
        while error in (errno.EINTR, errno.EAGAIN):
            left = max(0.0, deadline - time.monotonic())
            timeout = _Timeout(int(left), int(left % 1 * 1e9))
            if CALLS.wait(self._set, self._take, len(self._take), ctypes.byref(timeout)) == 0:
                self._is_taken = True
                return True
            error = ctypes.get_errno()
            if error == errno.EAGAIN:
                return False
        return True

    def give(self) -> None:
        """Pass the turn on to the one that has waited longest."""
        if self._is_taken and CALLS is not None:
            self._is_taken = False
            CALLS.operate(self._set, self._give, len(self._give))


def operations(*each: tuple[int, int, int]) -> ctypes.Array[_Operation]:
    return (_Operation * len(each))(*(_Operation(*one) for one in each))


def number_of(path: Path) -> int:
    """The number of a file's semaphore in a set."""
    status = path.stat()
    return _number(f"{status.st_dev} {status.st_ino}") % SEMAPHORES


def _number(name: str) -> int:
    """A number for a name, the same in every process."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=4).digest()) >> 1


def open_set(calls: _Calls, owner: int, purpose: str = "writers") -> int:
    """The semaphores for the files of one user; -1 if there are none. Only that user creates them: nobody
    else could make them the owner."""
    flags = OWNER_ONLY | (IPC_CREAT if os.geteuid() == owner else 0)
    found: int = calls.open(_number(f"rowkeep {purpose} of {owner}") or 1, SEMAPHORES, flags)
    if found < 0:
        _report(os.strerror(ctypes.get_errno()))
    return found


@cache
def _report(reason: str) -> None:
    log.warning("no queue for writers", reason=reason, action="use SQLite's own retries")
