"""Workers: how many a server has, how they are started, and what they share.

Each worker has its own listening socket, and the system distributes new connections evenly between the
sockets; with one shared socket, the fastest worker would get most connections.

This process has loaded all modules when it forks the workers, so that they share its memory. Then it becomes
the supervisor. It has no threads, no event loop and no connections that a worker could inherit.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import signal
import socket
import sys
from collections.abc import Sequence
from functools import partial
from threading import Thread
from typing import NoReturn

import msgspec
import structlog

from rowkeep import __version__
from rowkeep.errors.catalogue import SetupError
from rowkeep.exit_status import end
from rowkeep.logs import configure_logs
from rowkeep.metrics import REGISTRY
from rowkeep.server import supervisor
from rowkeep.server.forks import fork
from rowkeep.server.process import serve_here
from rowkeep.server.supervisor import (
    END_SECONDS,
    NOT_STARTED,
    Place,
    Server,
    Signals,
    Workers,
    listen_too,
    set_inheritable,
)
from rowkeep.settings import Settings

MOST_AUTOMATIC = 4
"""The maximum number of workers if the setting is not set."""

SPREADS = sys.platform == "linux"
"""Whether the system distributes connections between several sockets on one port."""

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
) -> NoReturn:
    """Start ``count`` workers, and become their supervisor. Any of them accepts connections of the
    ``shared`` sockets. The signals of the supervisor must be blocked. Raises SetupError."""
    configure_logs(settings.log_level)
    # otherwise the garbage collector of each worker would write to shared pages, and so copy them
    gc.collect()
    gc.freeze()
    with contextlib.ExitStack() as others:
        sockets = [sock] * count
        if SPREADS:
            sockets[1:] = [others.enter_context(listen_too(sock)) for _ in sockets[1:]]
        first = _FirstWorkers(settings, sockets, shared)
        # the parent of this process may have ignored it: then the exit of a worker would not be known
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        _become_supervisor(first.start())


class _FirstWorkers:
    """The workers that are forked when the server starts."""

    def __init__(
        self, settings: Settings, sockets: Sequence[socket.socket], shared: Sequence[socket.socket]
    ) -> None:
        self._settings = settings
        self._sockets = sockets
        self._shared = shared
        self._memory = REGISTRY.share(len(sockets))
        self._parent_end, self._parent_has = os.pipe()

    def start(self) -> Server:
        """Fork them. The sockets are the supervisor's then."""
        pids = [self._fork(at) for at in range(len(self._sockets))]
        numbers = {each: each.detach() for each in {*self._sockets, *self._shared}}
        return Server(
            pids=pids,
            sockets=[numbers[each] for each in self._sockets],
            shared=[numbers[each] for each in self._shared],
            memory=self._memory,
            pipe=[self._parent_end, self._parent_has],
            layout=_layout(),
            stop_seconds=stop_seconds(self._settings),
        )

    def _fork(self, at: int) -> int:
        try:
            return fork(partial(self._work, at))
        except OSError as error:
            # no free memory or processes: the other workers serve
            log.error("cannot start worker", error=str(error), action="retry")
            return 0

    def _work(self, at: int) -> int:
        """Run the worker for a socket."""
        # Ctrl-C in a terminal is for the parent, which then stops the workers
        os.setpgid(0, 0)
        os.close(self._parent_has)
        sock = self._sockets[at]
        for other in self._sockets:
            if other is not sock:
                other.close()
        _end_with(self._parent_end)
        return 0 if serve_here(self._settings, [sock, *self._shared], at) else NOT_STARTED


def _become_supervisor(server: Server) -> NoReturn:
    """Replace this process by the supervisor, which gets the signals that are blocked here. Stops the workers
    and raises SetupError if that fails."""
    set_inheritable(server.descriptors(), True)
    sys.stdout.flush()
    sys.stderr.flush()
    program = [sys.executable, "-PS", supervisor.__file__, server.text()]
    try:
        os.execv(sys.executable, program)  # noqa: S606 - Rowkeep's own program
    except OSError as error:
        with Signals() as signals:
            Workers(server, signals).stop()
        raise SetupError(f"Cannot run {sys.executable}: {error.strerror}.") from None


def replace_worker(settings: Settings, place: Place) -> bool:
    """Serve in this process in place of a worker that exited; False if the start failed, which is logged.
    Raises SetupError."""
    if place.layout != _layout():
        raise SetupError(
            "A worker cannot be replaced, because another version of Rowkeep was installed after the server "
            "was started. Restart the server."
        )
    set_inheritable(place.descriptors(), False)
    _end_with(place.pipe)
    REGISTRY.share(place.workers, place.memory)
    sockets = [socket.socket(fileno=each) for each in (place.socket, *place.shared)]
    return serve_here(msgspec.structs.replace(settings, workers=place.workers), sockets, place.worker)


def replacement_status(text: str) -> int:
    """Run :func:`replace_worker` with the settings from the environment. Returns the exit status for the
    supervisor."""

    def run() -> None:
        if not replace_worker(Settings.from_environment(os.environ), Place(**json.loads(text))):
            raise SystemExit(NOT_STARTED)

    return NOT_STARTED if end(run) else 0


def _layout() -> str:
    return f"{__version__} {REGISTRY.layout()}"


def _end_with(pipe: int) -> None:
    """End this worker when its parent was killed, because nothing else would stop it. Reading from the pipe
    ends then."""

    def wait() -> None:
        os.read(pipe, 1)
        os.kill(os.getpid(), signal.SIGTERM)

    Thread(target=wait, name="rowkeep-parent", daemon=True).start()
