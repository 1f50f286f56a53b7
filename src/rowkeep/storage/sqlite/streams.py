"""Streams: all rows of a query from one snapshot of a file, made part by part in a thread.

Each stream has a connection of its own, so that neither long queries nor writes wait for it. What SQLite
sorts for it is in a temporary file, not in memory.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import suppress
from functools import partial
from itertools import islice
from operator import itemgetter
from typing import Any

import apsw

from rowkeep.errors.catalogue import ShuttingDown
from rowkeep.plan.rows.select import SelectPlan
from rowkeep.settings import Settings
from rowkeep.sql.binding import stream_values
from rowkeep.sql.pages import Pages
from rowkeep.sql.statements import Statement
from rowkeep.storage.contract import STREAM_PART_BYTES, EncodeRows, Row, RowStream, StaleCatalog
from rowkeep.storage.response_sizes import query_timeout
from rowkeep.storage.sqlite.connections import Connection, OverBudget, translated
from rowkeep.storage.sqlite.function_turns import TURNS
from rowkeep.storage.sqlite.open_streams import OpenStreams
from rowkeep.storage.sqlite.reads import decoded
from rowkeep.storage.sqlite.threads import Stoppable

ROWS_AT_ONCE = 500
LARGE_ROWS_AT_ONCE = 16
"""How many rows are in memory at a time, where single ones can have some megabytes."""

PART_SECONDS = 1.0
"""A part ends after this time even if it is short, so that the client receives what was found."""

CACHE_KIBIBYTES = 4096
"""A stream reads each page once, so a large cache would be of no use."""


class FileStreams:
    """The streams of one file."""

    def __init__(
        self, connect: Callable[[], Connection], executor: Executor, settings: Settings, counted: OpenStreams
    ) -> None:
        self._connect = connect
        self.executor = executor
        self.max_seconds = settings.max_query_seconds
        self._counted = counted
        self._open: set[SqliteStream] = set()
        self._is_stopping = False

    @property
    def is_running(self) -> bool:
        """Whether a stream is open."""
        return bool(self._open)

    async def open(self, sql: Pages, plan: SelectPlan, version: int, encode: EncodeRows) -> SqliteStream:
        """A stream whose first part is made. Raises StaleCatalog, and what its first part raises."""
        if self._is_stopping:
            raise ShuttingDown()
        stream = SqliteStream(self, sql, plan, version, encode)
        self._open.add(stream)
        self._counted.add()
        try:
            await stream.prepare()
        except BaseException:
            stream.close()
            raise
        return stream

    def connection(self) -> Connection:
        """A connection for one stream."""
        connection = self._connect()
        with translated():
            connection.execute(f"PRAGMA cache_size = -{CACHE_KIBIBYTES}").fetchall()
            connection.execute("PRAGMA temp_store = FILE").fetchall()
            connection.execute("PRAGMA query_only = ON").fetchall()
        connection.turns = TURNS
        return connection

    def ended(self, stream: SqliteStream) -> None:
        """A stream has closed its connection."""
        self._open.discard(stream)
        self._counted.remove()

    def stop(self) -> None:
        """Interrupt all streams."""
        self._is_stopping = True
        for stream in list(self._open):
            stream.close()


class SqliteStream(RowStream):
    """One stream. Its parts are made one after the other, each in any thread."""

    def __init__(
        self, streams: FileStreams, sql: Pages, plan: SelectPlan, version: int, encode: EncodeRows
    ) -> None:
        self._streams = streams
        self._loop = asyncio.get_running_loop()
        self._sql = sql.stream(plan.shape, plan.is_limited)
        self._rows: Statement = self._sql.rows.bind(stream_values(plan, sql.constants))
        self._version = version
        self._encode = encode
        self._rows_at_once = LARGE_ROWS_AT_ONCE if self._sql.is_large else ROWS_AT_ONCE
        self._stoppable = Stoppable()
        self._lock = threading.Lock()
        self._connection: Connection | None = None
        self._found: Iterator[Row] = iter(())
        self._running: Future[bytes] | None = None
        self._is_closed = False

    async def prepare(self) -> None:
        """Make the first part."""
        self.first = await self._in_thread(self._begin)

    async def next_part(self) -> bytes:
        return await self._in_thread(self._next)

    async def _in_thread(self, step: Callable[[], bytes]) -> bytes:
        running = self._running = self._streams.executor.submit(self._stoppably, step)
        reason = query_timeout(self._streams.max_seconds)
        stop = partial(self._stoppable.stop, self._loop, running, reason)
        timer = self._loop.call_later(self._streams.max_seconds, stop)
        try:
            return await asyncio.wrap_future(running)
        finally:
            timer.cancel()

    def close(self) -> None:
        if self._is_closed:
            return
        self._is_closed = True
        running = self._running
        if running is not None and not running.done():
            self._stoppable.stop(self._loop, running, ShuttingDown())
        self._streams.executor.submit(self._end)

    # in a thread

    def _stoppably(self, step: Callable[[], bytes]) -> bytes:
        with self._lock:
            connection = self._connection
            if connection is None:
                connection = self._connection = self._streams.connection()
            try:
                with self._stoppable.on(connection), translated():
                    return step()
            except (OverBudget, apsw.InterruptError) as error:
                raise self._stoppable.reason or error from None
            finally:
                connection.end_turn()

    def _begin(self) -> bytes:
        connection = self._connected
        connection.execute("BEGIN", can_cache=False)
        # this reads up to the first row, and so begins the snapshot
        self._found = connection.execute(self._rows.text, self._rows.parameters)
        # before a row is encoded: the cells of another version may be of other types, or encrypted
        if connection.version(connection.data_version()) != self._version:
            raise StaleCatalog()
        return self._next()

    @property
    def _connected(self) -> Connection:
        assert self._connection is not None, "no connection"  # noqa: S101 - a fault of ours
        return self._connection

    def _next(self) -> bytes:
        parts: list[bytes] = []
        size, until = 0, time.monotonic() + PART_SECONDS
        while size < STREAM_PART_BYTES and time.monotonic() < until:
            rows: Any = list(islice(self._found, self._rows_at_once))
            if rows:
                parts.append(self._encoded(rows))
                size += len(parts[-1])
            if len(rows) < self._rows_at_once:
                self.is_at_end = True
                break
        return b"".join(parts)

    def _encoded(self, rows: list[Row]) -> bytes:
        if len(rows[0]) > self._sql.width:
            rows = list(map(itemgetter(slice(self._sql.width)), rows))
        return self._encode(decoded(rows, self._sql.decoders))

    def _end(self) -> None:
        """Close the connection, after the part that is being made."""
        try:
            with self._lock:
                self._found = iter(())
                if self._connection is not None:
                    self._connection.close(True)
        finally:
            with suppress(RuntimeError):  # the event loop has ended
                self._loop.call_soon_threadsafe(self._streams.ended, self)
