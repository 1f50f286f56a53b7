"""Connections: the limits and the clock that all connections of a process share, and the sweep that enforces
time-outs."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import TYPE_CHECKING

import structlog
from uvicorn.server import ServerState

from rowkeep.errors.catalogue import RowkeepError
from rowkeep.http.cors import error_app
from rowkeep.http.observation import Observer
from rowkeep.server.heads import KnownHeads
from rowkeep.setting_rules import networks
from rowkeep.settings import Settings

if TYPE_CHECKING:
    from rowkeep.server.protocol import Protocol

log = structlog.get_logger(__name__)

LOG_SECONDS = 10.0
"""Warnings that clients can cause at will are logged at most once in this time."""

LINGER_SECONDS = 5.0
"""How long a connection that is being closed still reads, and discards, what its client sends. If it was
closed at once, the system would reset it, and the client could lose the response."""

MAX_LINGERING = 128
SPARE_DESCRIPTORS = 64
"""File descriptors that are reserved for the storage, the logs and connections that are being closed."""


class Edge:
    """The connections of one process and their limits.

    ``now`` is a clock in seconds that advances only while the event loop is not blocked: after a pause of the
    process, data from clients is read before a time-out can end their connections.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.error_app = Observer(error_app(settings), settings, is_for_errors=True)
        self.trusted_proxies = networks(settings.trusted_proxies)
        self.heads = KnownHeads()
        self.now = 1.0
        self.is_stopping = False
        self.max_connections = affordable_connections(settings.max_connections)
        self.waiting: dict[Protocol, None] = {}
        """Connections that are idle or whose request head is incomplete, in the order in which they started
        to wait."""
        self.lingering: dict[Protocol, None] = {}
        """Connections that are being closed; they do not count towards the limit."""
        self.sweep_seconds = min(0.5, max(0.05, _shortest_timeout(settings) / 4))
        self._last_tick = 0.0
        self._next_sweep = 0.0
        self._logged: dict[str, tuple[float, int]] = {}

    def warn(self, event: str, **facts: object) -> None:
        """Log a warning that clients can cause; repeated ones of the same kind are counted, not logged one by
        one."""
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
        """Called several times a second: advance the clock, and check all connections when a sweep is due."""
        time = asyncio.get_running_loop().time()
        self.now += min(time - self._last_tick, 2 * self.sweep_seconds)
        self._last_tick = time
        if self.now >= self._next_sweep:
            self._next_sweep = self.now + self.sweep_seconds
            self._check_descriptors()
            for connection in list(state.connections):
                connection.check(self.now)  # type: ignore[union-attr] # all are Rowkeep's

    def stop(self, state: ServerState) -> None:
        """Accept no more requests; running requests continue."""
        self.is_stopping = True
        for connection in list(state.connections):
            connection.shutdown()

    def cancel(self, state: ServerState, error: RowkeepError) -> None:
        """Cancel running requests; their response is this error."""
        for connection in list(state.connections):
            connection.cancel(error)  # type: ignore[union-attr] # all are Rowkeep's

    def abort(self, state: ServerState) -> None:
        """Close all connections at once, including those with unsent data."""
        for connection in list(state.connections):
            connection.abort()  # type: ignore[union-attr] # all are Rowkeep's

    def _check_descriptors(self) -> None:
        """Warn if there are no free file descriptors, because the event loop does not report that."""
        try:
            os.close(os.open(os.devnull, os.O_RDONLY))
        except OSError as error:
            self.warn("cannot accept connections", error=error.strerror)
            for other in list(self.waiting):
                if other.is_all_sent:
                    other.abort()
                    break


def affordable_connections(wanted: int) -> int:
    """How many connections this process can have open, limited by the file descriptors that the system
    allows."""
    try:
        import resource
    except ImportError:  # a system without such a limit
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
    """The bytes that the system has accepted but the client has not received yet. They are needed because a
    client that reads slowly would otherwise seem to read nothing until large buffers are empty."""
    try:
        import fcntl
        import termios

        return int.from_bytes(
            fcntl.ioctl(transport.get_extra_info("socket").fileno(), termios.TIOCOUTQ, bytes(4)),
            sys.byteorder,
        )
    except (ImportError, OSError):  # a system without this information
        return 0


def _shortest_timeout(settings: Settings) -> float:
    return min(
        settings.header_timeout_seconds,
        settings.body_timeout_seconds,
        settings.idle_timeout_seconds,
        settings.write_timeout_seconds,
        settings.max_request_seconds,
    )
