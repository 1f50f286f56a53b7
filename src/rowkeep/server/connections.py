"""Edge: what the connections of one process share: bounds, a clock, and the sweep that enforces time-outs."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import TYPE_CHECKING

import structlog
from uvicorn.server import ServerState

from rowkeep.errors.catalogue import RowkeepError
from rowkeep.http.cors import error_app
from rowkeep.settings import Settings

if TYPE_CHECKING:
    from rowkeep.server.protocol import Protocol

log = structlog.get_logger(__name__)

LOG_SECONDS = 10.0
"""An event that clients can cause at will is logged at most once in this time."""

LINGER_SECONDS = 5.0
"""How long a connection that is being closed still reads, and discards, what its client is sending. Closed at
once, it would be reset, and the client could lose the response that says why."""

MAX_LINGERING = 128
SPARE_DESCRIPTORS = 64
"""What the storage, the logs and connections that are being closed need beside the connections."""


class Edge:
    """The bounds of one process's connections.

    ``now`` is a clock in seconds that only advances while the event loop runs freely: after a pause of the
    process, clients first get a chance to be read from before a time-out counts against them.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.error_app = error_app(settings)
        self.now = 1.0
        self.is_stopping = False
        self.max_connections = affordable_connections(settings.max_connections)
        self.waiting: dict[Protocol, None] = {}
        """Connections between requests, or whose request head is not complete; the longest waiting first."""
        self.lingering: dict[Protocol, None] = {}
        """Connections that are being closed; they do not count."""
        self.sweep_seconds = min(0.5, max(0.05, _shortest_timeout(settings) / 4))
        self._last_tick = 0.0
        self._next_sweep = 0.0
        self._logged: dict[str, tuple[float, int]] = {}

    def warn(self, event: str, **facts: object) -> None:
        """Log an event that clients can cause; further ones of a kind are counted, not logged one by one."""
        last, suppressed = self._logged.get(event, (-LOG_SECONDS, 0))
        if self.now - last < LOG_SECONDS:
            self._logged[event] = last, suppressed + 1
            return
        self._logged[event] = self.now, 0
        if suppressed:
            facts["not_logged"] = suppressed
        log.warning(event, **facts)

    def admit(self, new: Protocol, connections: int) -> bool:
        """Make room for a new connection; False if there is none."""
        if connections - len(self.lingering) <= self.max_connections:
            return True
        self.warn("too many connections", max_connections=self.max_connections)
        for other in self.waiting:
            if other is not new and other.is_all_sent:
                other.abort()
                return True
        return False

    def linger(self, connection: Protocol) -> None:
        self.waiting.pop(connection, None)
        self.lingering[connection] = None
        if len(self.lingering) > MAX_LINGERING:
            next(iter(self.lingering)).abort()

    def forget(self, connection: Protocol) -> None:
        self.waiting.pop(connection, None)
        self.lingering.pop(connection, None)

    def tick(self, state: ServerState) -> None:
        """Called several times a second: advance the clock, and sweep when it is time."""
        time = asyncio.get_running_loop().time()
        self.now += min(time - self._last_tick, 2 * self.sweep_seconds)
        self._last_tick = time
        if self.now >= self._next_sweep:
            self._next_sweep = self.now + self.sweep_seconds
            self._check_descriptors()
            for connection in list(state.connections):
                connection.check(self.now)  # type: ignore[union-attr] # all are ours

    def stop(self, state: ServerState) -> None:
        """Take no more requests; those that run go on."""
        self.is_stopping = True
        for connection in list(state.connections):
            connection.shutdown()

    def cancel(self, state: ServerState, error: RowkeepError) -> None:
        """Cancel what runs; it is answered with this error."""
        for connection in list(state.connections):
            connection.cancel(error)  # type: ignore[union-attr] # all are ours

    def abort(self, state: ServerState) -> None:
        """Close all connections at once, whatever is unsent."""
        for connection in list(state.connections):
            connection.abort()  # type: ignore[union-attr] # all are ours

    def _check_descriptors(self) -> None:
        """The event loop does not report that it had no file descriptor left to accept a connection with."""
        try:
            os.close(os.open(os.devnull, os.O_RDONLY))
        except OSError as error:
            self.warn("cannot accept connections", error=error.strerror)
            for other in list(self.waiting):
                if other.is_all_sent:
                    other.abort()
                    break


def affordable_connections(wanted: int) -> int:
    """How many connections this process can hold open, as far as the system gives it file descriptors."""
    try:
        import resource
    except ImportError:  # a system that has no such limit
        return wanted
    needed = wanted + SPARE_DESCRIPTORS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < needed:
        soft = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return wanted
    possible = max(1, soft - SPARE_DESCRIPTORS)
    log.warning("too few file descriptors", max_connections=possible, limit=soft, needed=needed)
    return possible


def queued_bytes(transport: asyncio.Transport) -> int:
    """How many bytes the system has taken to send and the client has not received yet. Without them, a
    client that reads slowly would seem to read nothing for as long as it takes to empty large buffers."""
    try:
        import fcntl
        import termios

        return int.from_bytes(
            fcntl.ioctl(transport.get_extra_info("socket").fileno(), termios.TIOCOUTQ, bytes(4)),
            sys.byteorder,
        )
    except (ImportError, OSError):  # a system that does not count them
        return 0


def _shortest_timeout(settings: Settings) -> float:
    return min(
        settings.header_timeout_seconds,
        settings.body_timeout_seconds,
        settings.idle_timeout_seconds,
        settings.write_timeout_seconds,
        settings.max_request_seconds,
    )
