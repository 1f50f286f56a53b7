"""Workers: several server processes on one port. One that dies is replaced, and all end together.

Each worker has a listening socket of its own, over which the system spreads new connections evenly: of one
that they share, whoever is quickest would take most. This process keeps all of them open, so connections that
a worker had not accepted when it died wait for its replacement. To stop, it closes them first: a new
connection is then refused at once, and not accepted by the system and reset later.

This process also loads what a server needs and forks the workers, so that they share its memory. It does
nothing else itself: it has no threads, no event loop and no connections that a worker could inherit.
"""

from __future__ import annotations

import contextlib
import gc
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Iterator, Sequence
from functools import partial
from threading import Thread

import structlog

from rowkeep.logs import configure_logs
from rowkeep.server.forks import STOP_SIGNALS, fork
from rowkeep.server.process import GRACE_SECONDS, listen_too, serve_here
from rowkeep.settings import Settings

MOST_AUTOMATIC = 4
"""How many workers serve at most where their number is not set."""

SPREADS = sys.platform == "linux"
"""Whether the system spreads connections over several sockets of one port."""

PAUSE_SECONDS = 1
"""Between the starts of a worker and its replacement, so that a fault at start is no storm of processes."""

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
    with Signals() as signals, contextlib.ExitStack() as others:
        sockets = [sock] * count
        if SPREADS:
            sockets[1:] = [others.enter_context(listen_too(sock)) for _ in sockets[1:]]
        return Workers(settings, sockets, signals).run()


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
    """The worker processes of one server, one for each socket."""

    def __init__(self, settings: Settings, sockets: Sequence[socket.socket], signals: Signals) -> None:
        self._settings = settings
        self._signals = signals
        # a worker reads the end of this pipe when the last one that could write to it is gone: its parent
        self._parent_end, self._parent_has = os.pipe()
        self._sockets = list(sockets)
        self._due = dict.fromkeys(range(len(sockets)), 0.0)
        """Of which sockets the workers are missing, and when they may be started, on the monotonic clock."""
        self._replaced: set[int] = set()
        """The sockets whose first worker has served and ended; another may be unable to start for a while."""
        self._running: dict[int, tuple[int, float]] = {}
        """By process id, of which socket a worker is, and when its replacement may be started."""

    def run(self) -> bool:
        """Serve until told to stop; False if a worker could not start."""
        statuses: set[int] = set()
        try:
            while NOT_STARTED not in statuses and not self._signals.stop_requested:
                self._start_due()
                left = max(0.0, min(self._due.values()) - time.monotonic()) if self._due else None
                self._signals.wait(left)
                statuses = set(self._ended())
        finally:
            self._stop()
        return NOT_STARTED not in statuses

    def _start_due(self) -> None:
        now = time.monotonic()
        for at in [at for at, due in self._due.items() if due <= now]:
            try:
                if self._sockets[at].fileno() < 0:
                    self._sockets[at] = listen_too(self._open_sockets()[0])
                pid = fork(partial(self._work, at))
            except OSError as error:
                # no memory or no process left: those that serve go on
                log.error("cannot start worker", error=str(error), action="retry")
                self._due[at] = now + PAUSE_SECONDS
                continue
            del self._due[at]
            self._running[pid] = (at, now + PAUSE_SECONDS)

    def _ended(self) -> Iterator[int]:
        """The exit statuses of the workers that have ended since the last look and are missing now.

        That of a replacement that could not start, while the database is away say, is not among them: it is
        tried again.
        """
        for pid in list(self._running):
            found, wait_status = os.waitpid(pid, os.WNOHANG)
            if not found:
                continue
            at, self._due[at] = self._running.pop(pid)
            status = os.waitstatus_to_exitcode(wait_status)
            if status != NOT_STARTED:
                self._replaced.add(at)
            elif at in self._replaced:
                log.error("worker failed to start", action="retry")
                # new connections go to the other workers
                if SPREADS and len(self._open_sockets()) > 1:
                    self._sockets[at].close()
                continue
            if status != NOT_STARTED and not self._signals.stop_requested:
                log.error("worker exited", status=status, action="replace")
            yield status

    def _open_sockets(self) -> list[socket.socket]:
        return [sock for sock in self._sockets if sock.fileno() >= 0]

    def _stop(self) -> None:
        """Ask all workers to end, and wait until they have."""
        for sock in self._sockets:
            sock.close()
        self._send(signal.SIGTERM)
        give_up = time.monotonic() + STOP_SECONDS
        while self._running:
            list(self._ended())
            left = give_up - time.monotonic()
            if left <= 0:
                self._send(signal.SIGKILL)
            if self._running:
                self._signals.wait(max(left, 0.1))

    def _send(self, number: signal.Signals) -> None:
        for pid in self._running:
            os.kill(pid, number)

    def _work(self, at: int) -> int:
        """What the worker of a socket does."""
        # Ctrl-C in a terminal is for the parent, which tells the workers when to stop
        os.setpgid(0, 0)
        self._signals.close()
        os.close(self._parent_has)
        sock = self._sockets[at]
        for other in self._sockets:
            if other is not sock:
                other.close()
        Thread(target=partial(_end_with_parent, self._parent_end), name="rowkeep-parent", daemon=True).start()
        return 0 if serve_here(self._settings, sock) else NOT_STARTED


def _end_with_parent(pipe: int) -> None:
    """A worker whose parent was killed would go on serving with nobody to stop it."""
    os.read(pipe, 1)
    os.kill(os.getpid(), signal.SIGTERM)
