"""Lookups: those of one workspace that are there at the same time are sent together.

A lookup of a workspace for which nothing else runs is sent at once. Otherwise it joins those for the same
statement that have come in this turn of the event loop, or that wait for a connection; one statement reads
the short pages of all of them. Nobody waits for others to come, and under load a lookup costs PostgreSQL half
and this process three quarters.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from contextvars import Context
from time import monotonic
from typing import Any, TypeAlias

import asyncpg

from rowkeep.errors.catalogue import RowkeepError
from rowkeep.metrics import add_pool_waiting
from rowkeep.sql.pages import SelectSql
from rowkeep.sql.statements import Template
from rowkeep.storage.postgres.pool import NEARLY_WHOLE, Call, Pool

MAX_TOGETHER = 16
"""So many lookups are sent together at most."""

Rows: TypeAlias = list[Any]

Waiting: TypeAlias = tuple[Sequence[Any], "asyncio.Future[Rows | None]"]
"""The parameters of a lookup, and its rows to come; None if it must be sent alone."""


class Lookups:
    """The lookups of one workspace in this process."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._groups: dict[str, _Group] = {}
        """The last group of each statement, until it has ended."""
        self._tasks: set[asyncio.Task[None]] = set()

    def fetch(self, call: Call, sql: SelectSql, parameters: Sequence[Any]) -> Awaitable[Rows]:
        """The rows of a short page. Raises what ``fetch`` of the pool raises."""
        if sql.several is None or call.lane.is_idle():
            return self._pool.fetch(call, sql.page.text, parameters)
        return self._fetch_together(call, sql.page.text, sql.several, parameters)

    async def _fetch_together(
        self, call: Call, text: str, several: Template, parameters: Sequence[Any]
    ) -> Rows:
        group = self._groups.get(text)
        if group is None or not group.is_open():
            group = self._groups[text] = _Group(text, several.text, self._pool.wait_seconds)
            group.task = asyncio.create_task(self._run(group, call, text), context=Context())
            self._tasks.add(group.task)
            group.task.add_done_callback(self._tasks.discard)
        rows = await group.join(parameters)
        return await self._pool.fetch(call, text, parameters) if rows is None else rows

    async def _run(self, group: _Group, call: Call, text: str) -> None:
        try:
            await group.run(self._pool, call)
        finally:
            if self._groups.get(text) is group:
                del self._groups[text]


class _Group:
    """Lookups that wait for one statement: ``one`` is its text for a single lookup. They wait at most
    ``wait_seconds`` for a connection."""

    def __init__(self, one: str, several: str, wait_seconds: float) -> None:
        self._one = one
        self._several = several
        self._waiting: list[Waiting] = []
        self._sent: list[Waiting] = []
        self._is_closed = False
        self._joined_until = monotonic() + wait_seconds * (1 - NEARLY_WHOLE)
        """Who comes later would have too little of the wait left."""
        self._counted = 0
        """How many of those that wait are counted here; the lane counts the first one."""
        self.task: asyncio.Task[None] | None = None

    def is_open(self) -> bool:
        """Whether another lookup can join."""
        if self._is_closed or len(self._waiting) >= MAX_TOGETHER:
            return False
        return monotonic() < self._joined_until

    async def join(self, parameters: Sequence[Any]) -> Rows | None:
        """The rows of a page; None if the lookup must be sent alone."""
        arrival: asyncio.Future[Rows | None] = asyncio.get_running_loop().create_future()
        if self._waiting:
            self._count(1)
        self._waiting.append((parameters, arrival))
        try:
            return await arrival
        except asyncio.CancelledError:
            if not arrival.cancelled():
                arrival.exception()  # seen, if it came at the same time
            if self._counted:
                self._count(-1)
            if self.task is not None and all(each.done() for _, each in self._waiting):
                # who comes before the task has ended begins another group
                self._is_closed = True
                self.task.cancel()
            raise

    async def run(self, pool: Pool, call: Call) -> None:
        """Send the statement when there is a connection, and pass its rows on."""
        try:
            rows = await pool.read_once(self._send, call)
        except RowkeepError as error:
            self._fail(error)
        except Exception as error:
            # the value of one lookup can be the cause
            self._fail(error if len(self._waiting) == 1 else None)
        else:
            self._pass_on(rows)
        finally:
            self._count(-self._counted)
            for _, arrival in self._waiting:
                arrival.cancel()  # where there is no result, because this task was cancelled
            self._waiting.clear()

    def _send(self, connection: asyncpg.Connection) -> Awaitable[Rows]:
        """Also when the statement is sent again."""
        self._is_closed = True
        self._count(-self._counted)
        self._sent = [each for each in self._waiting if not each[1].done()]
        if not self._sent:
            return _nothing()  # the last one has just left, and cancels this task next
        if len(self._sent) == 1:
            alone: Awaitable[Rows] = connection.fetch(self._one, *self._sent[0][0])
            return alone
        arrays = zip(*(parameters for parameters, _ in self._sent), strict=True)
        together: Awaitable[Rows] = connection.fetch(self._several, *map(list, arrays))
        return together

    def _pass_on(self, rows: Rows) -> None:
        if len(self._sent) == 1:
            pages = [rows]
        else:
            pages = [[] for _ in self._sent]
            for row in rows:
                pages[row[-1] - 1].append(row)
        for (_, arrival), page in zip(self._sent, pages, strict=True):
            if not arrival.done():
                arrival.set_result(page)

    def _fail(self, error: Exception | None) -> None:
        """End the waits with an error, or without: then each lookup is sent alone."""
        for _, arrival in self._waiting:
            if arrival.done():
                continue
            if error is None:
                arrival.set_result(None)
            else:
                arrival.set_exception(error)

    def _count(self, number: int) -> None:
        self._counted += number
        add_pool_waiting(float(number))


async def _nothing() -> Rows:
    return []
