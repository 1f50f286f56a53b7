"""Turns: processes that write to one file queue for it in the kernel, first come, first served.

SQLite has no queue: who finds a file locked sleeps and tries again, and meanwhile others take the lock. So a
writer takes a semaphore before it begins a transaction. Waiting costs nothing, the kernel passes the
semaphore on in the order of arrival, and takes it back from a process that ends. The semaphore only sets an
order, SQLite's own lock protects the file: a tool that does not know of the semaphore does no harm, and where
there are no such semaphores (macOS, some containers), writers retry as SQLite does.

They are System V semaphores: the only lock of Linux with a queue, a time limit and a release at the end of a
process. All files of one user share a set of them, so that none is ever left over (``ipcs -s`` shows it).
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
"""Of one set. Two files that share a semaphore wait for each other, as if they were one."""

IPC_CREAT = 0o1000
IPC_NOWAIT = 0o4000
SEM_UNDO = 0x1000
OWNER_ONLY = 0o600


class _Operation(ctypes.Structure):
    _fields_ = [("number", ctypes.c_ushort), ("change", ctypes.c_short), ("flags", ctypes.c_short)]


class _Timeout(ctypes.Structure):
    _fields_ = [("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long)]


class _Calls:
    """The system calls; those that never wait keep the interpreter's lock, which takes long to get back."""

    def __init__(self) -> None:
        self.open = ctypes.CDLL(None, use_errno=True).semget
        self.wait = ctypes.CDLL(None, use_errno=True).semtimedop
        self.operate = ctypes.PyDLL(None, use_errno=True).semop


_CALLS = _Calls() if sys.platform == "linux" else None


class WriteQueue:
    """The queue of all that write to one file, which must exist."""

    def __init__(self, path: Path) -> None:
        status = path.stat()
        self._owner = status.st_uid
        number = _number(f"{status.st_dev} {status.st_ino}") % SEMAPHORES
        # zero is free, for that is what a new set begins with
        self._take = _operations((number, 0, 0), (number, 1, SEM_UNDO))
        self._try = _operations((number, 0, IPC_NOWAIT), (number, 1, SEM_UNDO | IPC_NOWAIT))
        self._give = _operations((number, -1, SEM_UNDO | IPC_NOWAIT))
        self._set = -1
        self._is_taken = False

    def take(self, seconds: float) -> bool:
        """Wait until it is our turn; false if it was not within ``seconds``. True also where there is no
        queue. Whatever it is, call :meth:`give` once the work is done."""
        if _CALLS is None:
            return True
        if _CALLS.operate(self._set, self._try, len(self._try)) == 0:
            self._is_taken = True
            return True
        deadline = time.monotonic() + seconds
        error = ctypes.get_errno()
        if error in (errno.EINVAL, errno.EIDRM):  # not opened yet, or removed by an administrator
            self._set = _open_set(_CALLS, self._owner)
            error = errno.EINTR if self._set >= 0 else 0
        while error in (errno.EINTR, errno.EAGAIN):
            left = max(0.0, deadline - time.monotonic())
            timeout = _Timeout(int(left), int(left % 1 * 1e9))
            if _CALLS.wait(self._set, self._take, len(self._take), ctypes.byref(timeout)) == 0:
                self._is_taken = True
                return True
            error = ctypes.get_errno()
            if error == errno.EAGAIN:
                return False
        return True

    def give(self) -> None:
        """Pass the turn on to who has waited longest."""
        if self._is_taken and _CALLS is not None:
            self._is_taken = False
            _CALLS.operate(self._set, self._give, len(self._give))


def _operations(*each: tuple[int, int, int]) -> ctypes.Array[_Operation]:
    return (_Operation * len(each))(*(_Operation(*one) for one in each))


def _number(name: str) -> int:
    """A number for a name, the same in every process."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=4).digest()) >> 1


def _open_set(calls: _Calls, owner: int) -> int:
    """The semaphores for the files of one user; -1 if there are none. Only that user makes them: nobody else
    could give them to them."""
    flags = OWNER_ONLY | (IPC_CREAT if os.geteuid() == owner else 0)
    found: int = calls.open(_number(f"rowkeep writers of {owner}") or 1, SEMAPHORES, flags)
    if found < 0:
        _report(os.strerror(ctypes.get_errno()))
    return found


@cache
def _report(reason: str) -> None:
    log.warning("no queue for writers", reason=reason, action="use SQLite's own retries")
