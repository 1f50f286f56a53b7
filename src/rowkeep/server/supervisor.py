"""Supervisor: replaces the workers of a server that exit, and stops them together.

It is a program that imports nothing of Rowkeep and runs without installed packages, so it needs only a few
megabytes. The process that loads Rowkeep and forks the workers becomes this program (see ``workers.py``). Its
process id does not change, so the workers are still its children; but the memory that Rowkeep needed there is
free, except for what the workers share. It has no threads, no event loop and no connections.

The supervisor has all listening sockets open, so connections that a worker had not accepted when it died wait
for its replacement: a new process, which loads Rowkeep itself. To stop, it closes the sockets first: new
connections are then refused at once, instead of being accepted by the system and reset later.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Iterator, Sequence

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
HELD_BACK = {*STOP_SIGNALS, signal.SIGCHLD}
"""The signals that the supervisor waits for. They are blocked until it does."""

BACKLOG = 2048

PAUSE_SECONDS = 1
STEADY_SECONDS = 5
"""A worker that runs for a shorter time is replaced after a pause, so that an error at the start does not
create processes in a fast loop."""

END_SECONDS = 10
"""How long a worker has to exit after the time that its requests have; then it is killed."""

NOT_STARTED = 3
"""The exit status of a worker that could not start; starting another one would not help."""

REPLACES = "replaces"
"""The first argument of the server program in a replacement; the second one is its place."""


def stop_signals() -> tuple[signal.Signals, ...]:
    """The signals that stop this process: not SIGHUP if its parent ignores it, as nohup does, so that the
    server continues when its terminal is closed."""
    ignored = signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    return tuple(each for each in STOP_SIGNALS if not (ignored and each == signal.SIGHUP))


class Passed:
    """What a process passes on to the program that it becomes or starts, as JSON. Pipes, sockets and memory
    are numbers of file descriptors."""

    def text(self) -> str:
        return json.dumps(vars(self))


class Server(Passed):
    """A server whose workers were forked."""

    def __init__(
        self,
        *,
        pids: list[int],
        sockets: list[int],
        shared: list[int],
        memory: int,
        pipe: list[int],
        layout: str,
        stop_seconds: float,
    ) -> None:
        self.pids = pids
        """The process of each worker; 0 if it could not be forked."""
        self.sockets = sockets
        """The listening socket of each worker; where the system does not spread connections over several
        sockets, the same one for all."""
        self.shared = shared
        """Sockets whose connections any worker accepts."""
        self.memory = memory
        """The memory of the metrics, which all workers share."""
        self.pipe = pipe
        """Its ends to read from and to write to. Only the supervisor has the second one: reading ends in the
        workers when the supervisor has exited."""
        self.layout = layout
        """What is where in the memory; a program with another layout must not use it."""
        self.stop_seconds = stop_seconds
        """How long a stop takes at most."""

    def descriptors(self) -> list[int]:
        """Those that the process needs which this one becomes."""
        return [*set(self.sockets), *self.shared, self.memory, *self.pipe]


class Place(Passed):
    """What a replacement gets: the number of its worker, and what it has in common with the others."""

    def __init__(
        self,
        *,
        worker: int,
        workers: int,
        socket: int,
        shared: list[int],
        memory: int,
        pipe: int,
        layout: str,
    ) -> None:
        self.worker = worker
        self.workers = workers
        self.socket = socket
        self.shared = shared
        self.memory = memory
        self.pipe = pipe
        self.layout = layout

    def descriptors(self) -> list[int]:
        """Those that the new process needs."""
        return [self.socket, *self.shared, self.memory, self.pipe]


def set_inheritable(descriptors: Sequence[int], inheritable: bool) -> None:
    """Set whether a program that this process becomes or starts has these open too."""
    for each in descriptors:
        os.set_inheritable(each, inheritable)


def listen_too(first: socket.socket) -> socket.socket:
    """Another socket on the same port: the system distributes new connections between all of them."""
    sock = socket.socket(first.family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        sock.bind(first.getsockname())
        sock.listen(BACKLOG)
    except OSError:
        sock.close()
        raise
    return sock


class Signals:
    """The signals that this process waits for: those to stop, and that a child has exited."""

    def __init__(self) -> None:
        self.stop_requested = False
        self._reader, self._writer = socket.socketpair()

    def __enter__(self) -> Signals:
        for end in (self._reader, self._writer):
            end.setblocking(False)
        signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        for each in stop_signals():
            signal.signal(each, self._request_stop)
        signal.signal(signal.SIGCHLD, _ignore)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, HELD_BACK)
        return self

    def __exit__(self, *_: object) -> None:
        signal.set_wakeup_fd(-1)
        self._reader.close()
        self._writer.close()

    def wait(self, seconds: float | None) -> None:
        """Wait for the next signal, at most ``seconds``; None means no limit."""
        if select.select([self._reader], [], [], seconds)[0]:
            self._reader.recv(4096)

    def _request_stop(self, _signal: int, _frame: object) -> None:
        self.stop_requested = True


def _ignore(_signal: int, _frame: object) -> None:
    """Do nothing: the signal only has to end a wait."""


class Workers:
    """The worker processes of a server, one for each socket."""

    def __init__(self, server: Server, signals: Signals) -> None:
        set_inheritable(server.descriptors(), False)
        self._server = server
        self._signals = signals
        opened = {each: socket.socket(fileno=each) for each in {*server.sockets, *server.shared}}
        self._sockets = [opened[each] for each in server.sockets]
        self._shared = [opened[each] for each in server.shared]
        self._spreads = len(set(server.sockets)) > 1
        now = time.monotonic()
        self._running = {pid: (at, now) for at, pid in enumerate(server.pids) if pid}
        """By process id: the number of the worker, and when it was started, on the monotonic clock."""
        self._due = {at: now for at, pid in enumerate(server.pids) if not pid}
        """The workers without a process, and the earliest time to start one."""
        self._replaced: set[int] = set(self._due)
        """Workers whose first process has exited. If its replacement cannot start, that is retried."""
        self._is_stopping = False

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
            self.stop()
        return NOT_STARTED not in statuses

    def _start_due(self) -> None:
        now = time.monotonic()
        for at in [at for at, due in self._due.items() if due <= now]:
            try:
                pid = self._start(at)
            except OSError as error:
                # no free memory or processes: the other workers continue
                _log_error("cannot start worker", error=str(error), action="retry")
                self._due[at] = now + PAUSE_SECONDS
                continue
            del self._due[at]
            self._running[pid] = (at, now)

    def _start(self, at: int) -> int:
        """Start the replacement of a worker. Returns its process id."""
        if self._sockets[at].fileno() < 0:
            self._sockets[at] = listen_too(self._open_sockets()[0])
        server = self._server
        place = Place(
            worker=at,
            workers=len(self._sockets),
            socket=self._sockets[at].fileno(),
            shared=server.shared,
            memory=server.memory,
            pipe=server.pipe[0],
            layout=server.layout,
        )
        arguments = [sys.executable, "-P", "-m", "rowkeep.server", REPLACES, place.text()]
        set_inheritable(place.descriptors(), True)
        try:
            return os.posix_spawn(
                sys.executable,
                arguments,
                os.environ,
                setpgroup=0,  # Ctrl-C in a terminal is for this process, which then stops the workers
                setsigmask=(),
                setsigdef=(*stop_signals(), signal.SIGCHLD),
            )
        finally:
            set_inheritable(place.descriptors(), False)

    def _ended(self) -> Iterator[int]:
        """The exit statuses of the workers that have exited since the last call, until the server stops.

        The status of a replacement that could not start (for example, because the database is not available)
        is not included: its start is retried.
        """
        for pid in list(self._running):
            found, wait_status = os.waitpid(pid, os.WNOHANG)
            if not found:
                continue
            at, started = self._running.pop(pid)
            now = time.monotonic()
            self._due[at] = now if now - started >= STEADY_SECONDS else now + PAUSE_SECONDS
            status = os.waitstatus_to_exitcode(wait_status)
            if self._is_stopping or self._signals.stop_requested:
                continue
            if status != NOT_STARTED:
                self._replaced.add(at)
                _log_error("worker exited", status=status, action="replace")
            elif at in self._replaced:
                _log_error("worker failed to start", action="retry")
                # new connections are distributed between the other workers
                if self._spreads and len(self._open_sockets()) > 1:
                    self._sockets[at].close()
                continue
            yield status

    def _open_sockets(self) -> list[socket.socket]:
        return [sock for sock in self._sockets if sock.fileno() >= 0]

    def stop(self) -> None:
        """Ask all workers to stop, and wait until they have exited."""
        self._is_stopping = True
        for sock in (*self._sockets, *self._shared):
            sock.close()
        self._send(signal.SIGTERM)
        give_up = time.monotonic() + self._server.stop_seconds
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


def _log_error(event: str, **context: object) -> None:
    """Write a line as ``rowkeep.logs`` does, which this program does not load."""
    seconds, nanoseconds = divmod(time.time_ns(), 10**9)
    timestamp = f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{nanoseconds // 1000:06}Z"
    line = {**context, "event": event, "level": "error", "timestamp": timestamp}
    print(json.dumps(line), file=sys.stderr, flush=True)


def main() -> None:
    """Supervise the server in the argument, and exit the process."""
    with Signals() as signals:
        has_started = Workers(Server(**json.loads(sys.argv[1])), signals).run()
    if not has_started:
        print("Error: The server could not start. See the log above.", file=sys.stderr)
    sys.exit(0 if has_started else 1)


if __name__ == "__main__":
    main()
