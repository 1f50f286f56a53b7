"""Streams: all rows of a query from one snapshot, through a cursor on a connection of its own.

Streams take as long as their clients, so they use none of the pool's connections.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from operator import itemgetter
from typing import Any, TypeVar, cast

import asyncpg

from rowkeep.errors.catalogue import ShuttingDown, StorageUnavailable
from rowkeep.plan.rows.select import SelectPlan
from rowkeep.sql.binding import stream_values
from rowkeep.sql.pages import Pages, PostgresPages
from rowkeep.storage.contract import STREAM_PART_BYTES, EncodeRows, RowStream, StaleCatalog
from rowkeep.storage.postgres.connection_groups import DRIVER_FAILURES, DROP_SECONDS
from rowkeep.storage.postgres.driver_errors import translated
from rowkeep.storage.response_sizes import query_timeout

T = TypeVar("T")

ROWS_AT_ONCE = 1000
LARGE_ROWS_AT_ONCE = 100
"""How many rows are in memory at a time, where single ones can have some megabytes."""

NAP_SECONDS = 0.01
GRACE_SECONDS = 3.0
"""How much longer than its limit PostgreSQL may take to cancel a statement; then the connection is closed."""


class Streams:
    """The streams of one process. ``connect`` opens a connection as those of the pool."""

    def __init__(self, connect: Callable[[], Awaitable[Any]], max_seconds: float) -> None:
        self.connect = connect
        self.max_seconds = max_seconds
        self._open: set[PostgresStream] = set()
        self._ends: set[asyncio.Task[None]] = set()
        self._is_closing = False

    async def open(self, sql: Pages, plan: SelectPlan, version: int, encode: EncodeRows) -> PostgresStream:
        """A stream whose first part is made. Raises StaleCatalog, and what its first part raises."""
        if self._is_closing:
            raise ShuttingDown()
        stream = PostgresStream(self, sql, plan, version, encode)
        self._open.add(stream)
        try:
            await stream.prepare()
        except BaseException:
            stream.close()
            raise
        return stream

    def end(self, stream: PostgresStream, connection: Any) -> None:
        """Close the connection of a stream, in the background: what runs on it is cancelled first."""
        self._open.discard(stream)
        if connection is not None:
            task = asyncio.get_running_loop().create_task(_close(connection))
            self._ends.add(task)
            task.add_done_callback(self._ends.discard)

    async def close(self) -> None:
        """Close all streams; some seconds at most."""
        self._is_closing = True
        for stream in list(self._open):
            stream.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(2 * DROP_SECONDS):
                while self._open or self._ends:  # noqa: ASYNC110 - rare, and events would not be simpler
                    await asyncio.sleep(NAP_SECONDS)


async def _close(connection: Any) -> None:
    try:
        await connection.close(timeout=DROP_SECONDS)
    except (asyncpg.PostgresError, *DRIVER_FAILURES):
        with suppress(asyncpg.InterfaceError):
            connection.terminate()


class PostgresStream(RowStream):
    """One stream: a transaction that only reads, and its cursor."""

    def __init__(
        self, streams: Streams, sql: Pages, plan: SelectPlan, version: int, encode: EncodeRows
    ) -> None:
        self._streams = streams
        self._pages = cast("PostgresPages", sql)
        self._sql = sql.stream(plan.shape, plan.is_limited)
        self._rows = self._sql.rows.bind(stream_values(plan, sql.constants))
        self._version = version
        self._encode = encode
        self._rows_at_once = LARGE_ROWS_AT_ONCE if self._sql.is_large else ROWS_AT_ONCE
        self._connection: Any = None
        self._cursor: Any = None
        self._running: asyncio.Timeout | None = None
        """The limit of the step that runs in the database, if one does."""
        self._is_closed = False

    async def prepare(self) -> None:
        """Begin the transaction, and make the first part."""
        with translated():
            connection = self._connection = await self._limited(self._streams.connect())
            await self._limited(connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"))
            version = self._pages.version.bind({})
            if await self._limited(connection.fetchval(version.text)) != self._version:
                raise StaleCatalog()
            self._cursor = await self._limited(connection.cursor(self._rows.text, *self._rows.parameters))
        self.first = await self.next_part()

    async def next_part(self) -> bytes:
        parts: list[bytes] = []
        size = 0
        while size < STREAM_PART_BYTES:
            with translated():
                rows = await self._limited(self._cursor.fetch(self._rows_at_once))
            if rows:
                parts.append(self._encoded(rows))
                size += len(parts[-1])
            if len(rows) < self._rows_at_once:
                self.is_at_end = True
                break
        return b"".join(parts)

    async def _limited(self, step: Awaitable[T]) -> T:
        """Raises QueryTimeout if one step in the database takes longer than ``max_query_seconds``."""
        limit = self._streams.max_seconds
        try:
            async with asyncio.timeout(limit + GRACE_SECONDS) as self._running:
                return await step
        except asyncpg.QueryCanceledError:
            raise query_timeout(limit) from None
        except TimeoutError:
            # closed by others, or PostgreSQL does not answer
            raise (ShuttingDown() if self._is_closed else StorageUnavailable()) from None
        finally:
            self._running = None
            if self._is_closed:
                self._streams.end(self, self._connection)

    def _encoded(self, rows: Sequence[Any]) -> bytes:
        return self._encode(list(map(itemgetter(slice(self._sql.width)), rows)))

    def close(self) -> None:
        if self._is_closed:
            return
        self._is_closed = True
        if self._running is None:
            self._streams.end(self, self._connection)
        else:
            # cancelled in the database; the connection is closed after that
            self._running.reschedule(asyncio.get_running_loop().time())
