"""Supervisor: starts several workers on one port, replaces those that exit, and stops them together.

Each worker has its own listening socket, and the system distributes new connections evenly between the
sockets; with one shared socket, the fastest worker would get most connections. The supervisor has all sockets
open, so connections that a worker had not accepted when it died wait for its replacement. To stop, it closes
them first: new connections are then refused at once, instead of being accepted by the system and reset later.

The supervisor also loads the server's modules and forks the workers, so that they share its memory. It does
nothing else: it has no threads, no event loop and no connections that a worker could inherit.
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
from rowkeep.metrics import REGISTRY
from rowkeep.server.forks import STOP_SIGNALS, fork
from rowkeep.server.process import listen_too, serve_here
from rowkeep.settings import Settings

MOST_AUTOMATIC = 4
"""The maximum number of workers if the setting is not set."""

SPREADS = sys.platform == "linux"
"""Whether the system distributes connections between several sockets on one port."""

PAUSE_SECONDS = 1
"""The minimum time between the starts of a worker and its replacement, so that an error at the start does not
create processes in a fast loop."""

END_SECONDS = 10
"""How long a worker has to exit after the time that its requests have; then it is killed."""

NOT_STARTED = 3
"""The exit status of a worker that could not start; starting another one would not help."""

log = structlog.get_logger(__name__)


def worker_count(settings: Settings) -> int:
    """The number of worker processes to run."""
    return settings.workers or min(MOST_AUTOMATIC, _cores())


def stop_seconds(settings: Settings) -> float:
    """How long a stop takes at most."""
    return settings.stop_grace_seconds + END_SECONDS


def _cores() -> int:
    """The cores that this process can use; a container can have fewer than the machine."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def serve_with_workers(
    settings: Settings, count: int, sock: socket.socket, shared: Sequence[socket.socket] = ()
) -> bool:
    """Serve with ``count`` processes until a stop is requested; False if one could not start. Connections of
    the ``shared`` sockets are accepted by any of them."""
    configure_logs(settings.log_level)
    # otherwise the garbage collector of each worker would write to shared pages, and so copy them
    gc.collect()
    gc.freeze()
    with Signals() as signals, contextlib.ExitStack() as others:
        sockets = [sock] * count
        if SPREADS:
            sockets[1:] = [others.enter_context(listen_too(sock)) for _ in sockets[1:]]
        return Workers(settings, sockets, signals, shared).run()


class Signals:
    """The signals that this process waits for: those to stop, and that a child has exited."""

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
        """Called in a child, which has its own signal handlers."""
        self._reader.close()
        self._writer.close()

    def wait(self, seconds: float | None) -> None:
        """Wait for the next signal, at most ``seconds``; None means no limit."""
        select.select([self._reader], [], [], seconds)
        with contextlib.suppress(BlockingIOError):
            self._reader.recv(4096)

    def _request_stop(self, _signal: int, _frame: object) -> None:
        self.stop_requested = True


def _ignore(_signal: int, _frame: object) -> None:
    """Do nothing: the signal only has to end a wait."""


class Workers:
    """The worker processes of one server, one for each socket."""

    def __init__(
        self,
        settings: Settings,
        sockets: Sequence[socket.socket],
        signals: Signals,
        shared: Sequence[socket.socket] = (),
    ) -> None:
        """All workers accept connections of the ``shared`` sockets."""
        self._settings = settings
        self._shared = shared
        REGISTRY.share(len(sockets))
        self._signals = signals
        # reading from this pipe ends in a worker when its parent, the only process that could write to it,
        # exits
        self._parent_end, self._parent_has = os.pipe()
        self._sockets = list(sockets)
        self._due = dict.fromkeys(range(len(sockets)), 0.0)
        """The sockets without a worker, and the earliest time to start one, on the monotonic clock."""
        self._replaced: set[int] = set()
        """Sockets whose first worker has served and exited. If its replacement cannot start, that is
        retried."""
        self._running: dict[int, tuple[int, float]] = {}
        """By process id: the socket of the worker, and the earliest time to start its replacement."""

    def run(self) -> bool:
        """Serve until a stop is requested; False if a worker could not start."""
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
                # no free memory or processes: the other workers continue
                log.error("cannot start worker", error=str(error), action="retry")
                self._due[at] = now + PAUSE_SECONDS
                continue
            del self._due[at]
            self._running[pid] = (at, now + PAUSE_SECONDS)

    def _ended(self) -> Iterator[int]:
        """The exit statuses of the workers that have exited since the last call.

        The status of a replacement that could not start (for example, because the database is not available)
        is not included: its start is retried.
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
                # new connections are distributed between the other workers
                if SPREADS and len(self._open_sockets()) > 1:
                    self._sockets[at].close()
                continue
            if status != NOT_STARTED and not self._signals.stop_requested:
                log.error("worker exited", status=status, action="replace")
            yield status

    def _open_sockets(self) -> list[socket.socket]:
        return [sock for sock in self._sockets if sock.fileno() >= 0]

    def _stop(self) -> None:
        """Ask all workers to stop, and wait until they have exited."""
        for sock in (*self._sockets, *self._shared):
            sock.close()
        self._send(signal.SIGTERM)
        give_up = time.monotonic() + stop_seconds(self._settings)
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
        """Run the worker for a socket."""
        # Ctrl-C in a terminal is for the parent, which then stops the workers
        os.setpgid(0, 0)
        self._signals.close()
        os.close(self._parent_has)
        sock = self._sockets[at]
        for other in self._sockets:
            if other is not sock:
                other.close()
        Thread(target=partial(_end_with_parent, self._parent_end), name="rowkeep-parent", daemon=True).start()
        return 0 if serve_here(self._settings, [sock, *self._shared], at) else NOT_STARTED


def _end_with_parent(pipe: int) -> None:
    """End a worker whose parent was killed, because nothing else would stop it."""
    os.read(pipe, 1)
    os.kill(os.getpid(), signal.SIGTERM)
