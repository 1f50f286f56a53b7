"""Workers: several server processes on one socket. One that dies is replaced, and all end together.

This process loads what a server needs and forks the workers, so that they share its memory. It does nothing
else itself: it has no threads, no event loop and no connections that a worker could inherit.
"""

from __future__ import annotations

import contextlib
import gc
import os
import select
import signal
import socket
import time
from collections.abc import Iterator
from functools import partial
from threading import Thread

import structlog

from rowkeep.cli.children import STOP_SIGNALS, fork
from rowkeep.cli.serving import GRACE_SECONDS, serve_here
from rowkeep.logs import configure_logs
from rowkeep.settings import Settings

MOST_AUTOMATIC = 4
"""How many workers serve at most where their number is not set."""

PAUSE_SECONDS = 1
"""Between a worker's death and its replacement, so that a fault at start is no storm of processes."""

STOP_SECONDS = 2 * GRACE_SECONDS
"""How long a worker may take to stop; then it is killed."""

NOT_STARTED = 3
"""The exit status of a worker that could not start; another would not either."""

log = structlog.get_logger(__name__)


def worker_count(settings: Settings) -> int:
    """How many processes are to serve."""
    return settings.workers or min(MOST_AUTOMATIC, _cores())


def _cores() -> int:
    """The cores that this process may use; a container may have fewer than the machine."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def serve_with_workers(settings: Settings, count: int, sock: socket.socket) -> bool:
    """Serve with so many processes until told to stop; False if one could not start."""
    configure_logs(settings.log_level)
    # the collector of a worker would write to all that it looks at, and so copy it
    gc.collect()
    gc.freeze()
    with Signals() as signals:
        return Workers(settings, count, sock, signals).run()


class Signals:
    """The signals to this process, to be waited for: those to stop, and that a child has ended."""

    def __init__(self) -> None:
        self.stop_requested = False
        self._reader, self._writer = socket.socketpair()

    def __enter__(self) -> Signals:
        for end in (self._reader, self._writer):
            end.setblocking(False)
        signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        for each in STOP_SIGNALS:
            signal.signal(each, self._request_stop)
        signal.signal(signal.SIGCHLD, _ignore)
        return self

    def __exit__(self, *_: object) -> None:
        signal.set_wakeup_fd(-1)
        self.close()

    def close(self) -> None:
        """In a child, which has signals of its own."""
        self._reader.close()
        self._writer.close()

    def wait(self, seconds: float | None) -> None:
        """Until the next signal; at most so long, or without a limit."""
        select.select([self._reader], [], [], seconds)
        with contextlib.suppress(BlockingIOError):
            self._reader.recv(4096)

    def _request_stop(self, _signal: int, _frame: object) -> None:
        self.stop_requested = True


def _ignore(_signal: int, _frame: object) -> None:
    """The signal has done its work when it has ended a wait."""


class Workers:
    """The worker processes of one server."""

    def __init__(self, settings: Settings, count: int, sock: socket.socket, signals: Signals) -> None:
        self._settings = settings
        self._sock = sock
        self._signals = signals
        # a worker reads the end of this pipe when the last one that could write to it is gone: its parent
        self._parent_end, self._parent_has = os.pipe()
        self._pids: set[int] = set()
        self._due = [0.0] * count
        """When the workers that are missing are to be started, on the monotonic clock."""

    def run(self) -> bool:
        """Serve until told to stop; False if a worker could not start."""
        could_start = True
        try:
            while could_start and not self._signals.stop_requested:
                self._start_due()
                self._signals.wait(max(0.0, min(self._due) - time.monotonic()) if self._due else None)
                could_start = NOT_STARTED not in {self._replace(status) for status in self._ended()}
        finally:
            self._stop()
        return could_start

    def _start_due(self) -> None:
        now = time.monotonic()
        due = [at for at in self._due if at <= now]
        self._due = [at for at in self._due if at > now]
        for _ in due:
            self._pids.add(fork(self._work))

    def _replace(self, status: int) -> int:
        """Have a worker that ended with this status replaced, where that helps; the status."""
        if status != NOT_STARTED and not self._signals.stop_requested:
            log.error("worker died", status=status, action="replaced")
        self._due.append(time.monotonic() + PAUSE_SECONDS)
        return status

    def _ended(self) -> Iterator[int]:
        """The exit statuses of the workers that have ended since the last look."""
        for pid in list(self._pids):
            found, status = os.waitpid(pid, os.WNOHANG)
            if found:
                self._pids.discard(pid)
                yield os.waitstatus_to_exitcode(status)

    def _stop(self) -> None:
        """Ask all workers to end, and wait until they have."""
        self._send(signal.SIGTERM)
        give_up = time.monotonic() + STOP_SECONDS
        while self._pids:
            list(self._ended())
            left = give_up - time.monotonic()
            if left <= 0:
                self._send(signal.SIGKILL)
            if self._pids:
                self._signals.wait(max(left, 0.1))

    def _send(self, number: signal.Signals) -> None:
        for pid in self._pids:
            os.kill(pid, number)

    def _work(self) -> int:
        """What a worker does."""
        # Ctrl-C in a terminal is for the parent, which tells the workers when to stop
        os.setpgid(0, 0)
        self._signals.close()
        os.close(self._parent_has)
        Thread(target=partial(_end_with_parent, self._parent_end), name="rowkeep-parent", daemon=True).start()
        return 0 if serve_here(self._settings, self._sock) else NOT_STARTED


def _end_with_parent(pipe: int) -> None:
    """A worker whose parent was killed would go on serving with nobody to stop it."""
    os.read(pipe, 1)
    os.kill(os.getpid(), signal.SIGTERM)
