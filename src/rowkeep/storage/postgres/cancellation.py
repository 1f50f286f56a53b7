"""Watch: what runs on connections, and how it is ended from outside.

PostgreSQL itself cancels a statement after ``max_query_seconds``. If PostgreSQL does not answer at all
(paused, or cut off without a word), nothing would end the wait for it. So a timer looks once a second at what
runs: what is beyond its limit by some seconds loses its connection. Where something runs for long, a
connection of the watch's own asks whether PostgreSQL still answers; if not, all that runs loses its
connection.
"""

from __future__ import annotations

import asyncio
import enum
from contextlib import suppress
from time import monotonic
from typing import Any

import asyncpg
import msgspec
import structlog

from rowkeep.errors.catalogue import ShuttingDown, StorageUnavailable

log = structlog.get_logger(__name__)

TICK_SECONDS = 1.0
PATIENCE_SECONDS = 5.0
"""After so long the watch asks whether PostgreSQL still answers, and so often again."""
PROBE_SECONDS = 3.0
GRACE_SECONDS = 3.0
"""How much longer than its limit a statement may take until it is ended from here."""
CLOSING_SECONDS = 0.5
CLOSING_STEPS = 10


class Fate(enum.Enum):
    """Why something was ended from outside."""

    LOST = "lost"
    CLOSING = "closing"


class Running(msgspec.Struct):
    """One piece of work on a connection, since ``started`` on the clock. ``limit`` is how many seconds it may
    take, if there is a limit."""

    task: asyncio.Task[Any] | None
    started: float
    limit: float | None
    fate: Fate | None = None

    def seconds(self) -> float:
        return monotonic() - self.started

    def end(self, fate: Fate) -> None:
        if self.fate is None and self.task is not None:
            self.fate = fate
            self.task.cancel()

    def reason(self) -> Exception | None:
        """What the cancellation of the work means; None if the task was cancelled by others."""
        if self.fate is None or self.task is None or self.task.uncancel() > 0:
            return None
        return StorageUnavailable() if self.fate is Fate.LOST else ShuttingDown()


class Watch:
    """All that runs on the connections of one pool to this server."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._running: dict[Any, Running] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._probe: asyncio.Task[None] | None = None
        self._next_probe = 0.0

    def start(self, connection: Any, limit: float | None) -> Running:
        running = self._running[connection] = Running(asyncio.current_task(), monotonic(), limit)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(TICK_SECONDS, self._tick)
        return running

    def end(self, connection: Any) -> None:
        del self._running[connection]

    async def close(self) -> None:
        """Wait a moment for what runs, then cancel it."""
        for _ in range(CLOSING_STEPS):
            if not self._running:
                break
            await asyncio.sleep(CLOSING_SECONDS / CLOSING_STEPS)
        for running in self._running.values():
            running.end(Fate.CLOSING)
        # the tasks that were cancelled give their connections back at their next step
        await asyncio.sleep(0)
        if self._timer is not None:
            self._timer.cancel()
        if self._probe is not None:
            self._probe.cancel()

    def _tick(self) -> None:
        self._timer = None
        if not self._running:
            return
        self._timer = asyncio.get_running_loop().call_later(TICK_SECONDS, self._tick)
        overdue = [
            connection
            for connection, running in self._running.items()
            if running.limit is not None and running.seconds() > running.limit + GRACE_SECONDS
        ]
        self._lose(overdue)
        now = monotonic()
        # the first has run the longest
        oldest = next(iter(self._running.values()))
        if now >= self._next_probe and oldest.seconds() > PATIENCE_SECONDS:
            self._next_probe = now + PATIENCE_SECONDS
            self._probe = asyncio.get_running_loop().create_task(self._ask())

    async def _ask(self) -> None:
        waiting = list(self._running.items())
        try:
            async with asyncio.timeout(PROBE_SECONDS):
                connection = await asyncpg.connect(self._url, server_settings={"application_name": "rowkeep"})
                try:
                    await connection.fetchval("SELECT 1")
                finally:
                    connection.terminate()
        except asyncpg.PostgresError:
            return  # it answers, if only that it takes no further connection
        except (OSError, TimeoutError, asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
            log.warning("postgresql does not respond", kind=type(error).__name__, requests=len(waiting))
            self._lose(
                [connection for connection, running in waiting if self._running.get(connection) is running]
            )

    def _lose(self, connections: list[Any]) -> None:
        for connection in connections:
            running = self._running[connection]
            with suppress(asyncpg.InterfaceError):
                # what waits for the server fails at once; nothing is sent to it any more
                connection.terminate()
            running.end(Fate.LOST)
