"""Connections: the pool, how a script is run, and what the server's errors mean."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from time import monotonic
from typing import Any, TypeAlias, TypeVar

import asyncpg
import msgspec
import structlog

from rowkeep.errors.catalogue import Busy, SetupError, ShuttingDown, StorageUnavailable
from rowkeep.metrics import POOL_SIZE, count_retry
from rowkeep.settings import Settings
from rowkeep.sql.statements import Statement
from rowkeep.storage.contract import Row, Script, Steps
from rowkeep.storage.postgres.batch_turns import BatchTurns
from rowkeep.storage.postgres.cancellation import Running, Watch
from rowkeep.storage.postgres.connection_groups import ConnectionGroups
from rowkeep.storage.postgres.connections import (
    CACHED_STATEMENTS,
    SHORTEST_DIGITS,
    Connection,
    Place,
    connect,
    overlook_lost,
)
from rowkeep.storage.postgres.driver_errors import REFUSED, raise_ours, translated
from rowkeep.storage.postgres.streams import Streams
from rowkeep.storage.postgres.waiting import ConnectionLane, ConnectionTurns
from rowkeep.storage.response_sizes import query_timeout

T = TypeVar("T")
W = TypeVar("W")
Work: TypeAlias = Callable[[asyncpg.Connection], Awaitable[T]]
log = structlog.get_logger(__name__)

MAX_TRIES = 10
RETRY_STEP_SECONDS = 0.002
MAX_RETRY_SECONDS = 0.1
"""The wait before a retry grows by this step, up to this maximum."""
NEARLY_WHOLE = 0.9
"""While so much of busy_timeout_seconds is left, the connection's own lock_timeout is near enough."""

AGAIN = (
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    # a table was changed, and what the connection had prepared for it, forgotten by now, no longer fits
    asyncpg.InvalidCachedStatementError,
    asyncpg.OutdatedSchemaCacheError,
)
"""What may go well if it is done again."""
REFUSED_ROWS = (asyncpg.IntegrityConstraintViolationError, asyncpg.RaiseError)
"""Errors that PostgreSQL sends when it has ended a statement: nothing runs on the connection any more."""
NOT_A_URL = (
    "ROWKEEP_DATABASE_URL is not a valid PostgreSQL URL: postgresql://USER:PASSWORD@HOST:PORT/DATABASE, with "
    "special characters of the password percent-encoded."
)
"""Without the words of the driver: they may repeat a part of the password."""


class Call(msgspec.Struct, frozen=True):
    """Who asks for a connection: the lane it waits in, the table or view it is about, if it is about one, and
    whether ``max_query_seconds`` holds for it. What ``is_statement`` is one statement without such a limit:
    PostgreSQL itself cancels it after that time, and if that does not help, it loses its connection."""

    lane: ConnectionLane
    table_id: str | None = None
    is_limited: bool = False
    is_statement: bool = False
    turns: BatchTurns | None = None
    """For a batch that writes: when it runs."""


class Pool:
    """The connections of this process, and the one place where the server's errors become ours.

    A call waits at most ``busy_timeout_seconds``, in all its tries together, for a connection and for what
    others hold locked.
    """

    def __init__(self, url: str, settings: Settings) -> None:
        self._url = url
        self._timeout = settings.busy_timeout_seconds
        self._limit = settings.max_query_seconds
        self._max_streamed_query_seconds = settings.max_streamed_query_seconds
        self.streams = Streams(self._connect_for_stream, self._limit)
        self._size = settings.postgres_connections
        self._kept = ConnectionGroups(self._connect, self._size)
        self._watch = Watch(url)
        self._is_closing = False
        self._forgotten: dict[Place, int] = {}
        """How often it became unknown which types connections have cached for a table."""
        self.turns = ConnectionTurns(self._size, settings.postgres_workspace_connections)

    @property
    def wait_seconds(self) -> float:
        """How long a call waits at most for what others hold."""
        return self._timeout

    async def open(self) -> None:
        """Raises SetupError for a server that refuses us, StorageUnavailable for none."""
        overlook_lost()
        try:
            with translated():
                await self._kept.open()
                POOL_SIZE.set(self._size)
        except ValueError:
            raise SetupError(NOT_A_URL) from None
        except StorageUnavailable as error:
            cause = error.__cause__
            if isinstance(cause, asyncpg.ClientConfigurationError):
                raise SetupError(NOT_A_URL) from None
            if isinstance(cause, REFUSED):
                raise SetupError(f"PostgreSQL refused the connection: {str(cause).rstrip('.')}.") from None
            raise

    def _server_settings(self) -> dict[str, str]:
        return {
            "application_name": "rowkeep",
            "extra_float_digits": SHORTEST_DIGITS,
            "lock_timeout": _milliseconds(self._timeout),
            "statement_timeout": _milliseconds(self._limit),
            "synchronous_commit": "on",
            "timezone": "UTC",
        }

    def _connect(self) -> Awaitable[Connection]:
        return connect(self._url, self._timeout, CACHED_STATEMENTS, self._server_settings())

    def _connect_for_stream(self) -> Awaitable[Connection]:
        """A connection that is not of the pool. PostgreSQL itself ends a stream that this process forgot."""
        idle = {"idle_in_transaction_session_timeout": _milliseconds(self._max_streamed_query_seconds)}
        return connect(self._url, self._timeout, 0, self._server_settings() | idle)

    async def close(self) -> None:
        """Let short work end, cancel what runs longer, and close all connections; some seconds at most."""
        self._is_closing = True
        await self.streams.close()
        await self._watch.close()
        await self._kept.close()

    async def _use(self, work: Work[T], call: Call, deadline: float) -> T:
        """Do ``work`` with a connection."""
        kept = self._kept
        lane = call.lane
        if not lane.take_at_once():
            await lane.wait(deadline - monotonic())
        try:
            if self._is_closing:
                raise ShuttingDown()
            connection = kept.take_at_once(call.table_id) or await kept.take(call.table_id)
        except BaseException:
            lane.give_back()
            raise
        is_watched = call.is_limited or call.is_statement
        running = self._watch.start(connection, self._limit if is_watched else None)
        try:
            result = await work(connection)
        except BaseException as error:
            self._watch.end(connection)
            has_ended = isinstance(error, REFUSED_ROWS) and not connection.is_closed()
            if has_ended and not connection.is_in_transaction():
                kept.put_back(connection)
                lane.give_back()
            else:
                # the turn is free once PostgreSQL has really ended what ran
                kept.drop(connection, lane.give_back)
            reason = self._reason(running, call, error)
            if reason is not None:
                raise reason from error
            raise
        self._watch.end(connection)
        kept.put_back(connection)
        lane.give_back()
        return result

    def _reason(self, running: Running, call: Call, error: BaseException) -> Exception | None:
        """What ended the work, where the error alone does not tell."""
        if isinstance(error, asyncio.CancelledError) or running.fate is not None:
            return running.reason()
        is_over = call.is_limited and running.seconds() >= self._limit * NEARLY_WHOLE
        if is_over and isinstance(error, asyncpg.QueryCanceledError):
            return query_timeout(self._limit)
        return None

    # each of these gives the coroutine itself, so that none waits in another

    def read_once(self, work: Work[T], call: Call) -> Awaitable[T]:
        """One statement that reads, which ``work`` chooses when it has the connection."""
        return self._tried(work, call)

    def fetch(self, call: Call, text: str, parameters: Sequence[Any]) -> Awaitable[list[Any]]:
        """One statement that reads, a transaction of its own; run again if that may help."""
        return self._tried(lambda connection: connection.fetch(text, *parameters), call)

    def execute(self, text: str, parameters: Sequence[Any], call: Call) -> Awaitable[str]:
        """One statement that inserts, giving the command's tag, such as ``INSERT 0 1``."""
        return self._tried(lambda connection: connection.execute(text, *parameters), call)

    async def change(self, text: str, parameters: Sequence[Any], call: Call) -> list[Any]:
        """One statement that may wait for rows that others change."""
        deadline = monotonic() + self._timeout

        async def change(connection: asyncpg.Connection) -> list[Any]:
            left = deadline - monotonic()
            if left >= self._timeout * NEARLY_WHOLE:
                rows: list[Any] = await connection.fetch(text, *parameters)
                return rows
            # some of the time to wait is used up
            await connection.execute(f"BEGIN; SET LOCAL lock_timeout = {_milliseconds(left)}")
            rows = await connection.fetch(text, *parameters)
            await connection.execute("COMMIT")
            return rows

        return await self._tried(change, call, deadline)

    async def expect_types(self, connection: Connection, table: Place, types: object) -> None:
        """Before rows are copied to a table: its columns have these types. The driver caches for each
        connection as what it sends the cells of a table, and the server does not notice if that is no longer
        right; so this makes it forget what it cached when the types were others."""
        expected = types, self._forgotten.get(table, 0)
        if connection.copied.setdefault(table, expected) != expected:
            await connection.reload_schema_state()
            connection.copied[table] = expected

    @property
    def max_seconds(self) -> float:
        """The setting max_query_seconds."""
        return self._limit

    def forget_types(self, table: Place) -> None:
        """Which types the driver has cached for a table is not known any more."""
        self._forgotten[table] = self._forgotten.get(table, 0) + 1

    async def run_one(self, script: Script[T], call: Call) -> T:
        """A script of one statement, which is a transaction of its own: one round trip instead of three."""
        steps = script()
        wanted = next(steps)
        rows = await self.fetch(call, wanted.text, wanted.parameters)
        try:
            steps.send(rows)
        except StopIteration as end:
            result: T = end.value
            return result
        raise AssertionError(f"a script of one statement has another one after {wanted.text}")

    async def read(self, script: Script[T], call: Call, *, in_thread: bool = False) -> T:
        """A script that reads, on one snapshot. With ``in_thread``, its own work between two statements is
        done in a thread."""
        return await self.transaction(
            lambda connection: run_script(connection, script, in_thread=in_thread),
            call,
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        )

    async def write(self, script: Script[T], call: Call) -> T:
        """A script that writes, in one transaction."""
        return await self.transaction(lambda connection: run_script(connection, script), call)

    async def transaction(
        self,
        work: Work[T],
        call: Call,
        begin: str = "BEGIN",
        tries: int = MAX_TRIES,
        *,
        is_dry_run: bool = False,
    ) -> T:
        """All that ``work`` does, in one transaction; done again if that may help. A dry run is undone."""
        deadline = monotonic() + self._timeout
        limit = "" if call.is_limited else "SET LOCAL statement_timeout = 0; "

        async def run(connection: asyncpg.Connection) -> T:
            left = _milliseconds(deadline - monotonic())
            await connection.execute(f"{begin}; {limit}SET LOCAL lock_timeout = {left}")
            result = await work(connection)
            await connection.execute("ROLLBACK" if is_dry_run else "COMMIT")
            return result

        return await self._tried(run, call, deadline, tries)

    async def _tried(self, work: Work[T], call: Call, deadline: float = 0.0, tries: int = MAX_TRIES) -> T:
        deadline = deadline or monotonic() + self._timeout
        tried = 0
        while True:
            try:
                if call.turns is None:
                    return await self._use(work, call, deadline)
                turn = call.turns.alone() if tried else call.turns.together()
                return await self._in_turn(turn, work, call, deadline)
            except AGAIN as error:
                if tried == tries - 1 or monotonic() >= deadline:
                    raise_ours(error)
                    raise
                count_retry(retry_reason(error))
                log.info("transaction failed", kind=type(error).__name__, action="retry")
            except BaseException as error:
                raise_ours(error)
                raise
            await asyncio.sleep(min(tried * RETRY_STEP_SECONDS, MAX_RETRY_SECONDS))
            tried += 1

    async def _in_turn(
        self, turn: AbstractAsyncContextManager[None], work: Work[T], call: Call, deadline: float
    ) -> T:
        async with AsyncExitStack() as stack:
            try:
                async with asyncio.timeout(max(0.0, deadline - monotonic())):
                    await stack.enter_async_context(turn)
            except TimeoutError:
                raise Busy() from None
            return await self._use(work, call, deadline)


def retry_reason(error: BaseException) -> str:
    """The reason of a retry, for the metrics."""
    if isinstance(error, asyncpg.DeadlockDetectedError):
        return "deadlock"
    return "serialization" if isinstance(error, asyncpg.SerializationError) else "stale_statement"


def _milliseconds(seconds: float) -> str:
    """As a setting of PostgreSQL, where 0 would mean no limit."""
    return str(max(1, int(seconds * 1000)))


async def rows_of(connection: asyncpg.Connection, wanted: Statement) -> Sequence[Row]:
    if wanted.many is not None:
        await connection.executemany(wanted.text, wanted.many)
        return ()
    if wanted.is_command:
        await connection.execute(wanted.text)
        return ()
    rows: Sequence[Row] = await connection.fetch(wanted.text, *wanted.parameters)
    return rows


async def run_script(connection: asyncpg.Connection, script: Script[T], *, in_thread: bool = False) -> T:
    steps = script()
    if in_thread:
        return await _run_in_thread(connection, steps)
    try:
        wanted = next(steps)
        while True:
            rows = await rows_of(connection, wanted)
            wanted = steps.send(rows)
    except StopIteration as stop:
        result: T = stop.value
        return result


class ScriptEnded(Exception):
    """A script has returned: a thread cannot raise StopIteration to a coroutine."""

    def __init__(self, result: Any) -> None:
        super().__init__()
        self.result = result


def advance(steps: Generator[W, Any, Any], result: Any) -> W:
    """What a script wants next, given the result of what it wanted before; None at its beginning. Raises
    ScriptEnded."""
    try:
        return steps.send(result)
    except StopIteration as stop:
        raise ScriptEnded(stop.value) from None


async def _run_in_thread(connection: asyncpg.Connection, steps: Steps[T]) -> T:
    run = asyncio.get_running_loop().run_in_executor
    try:
        wanted = await run(None, advance, steps, None)
        while True:
            wanted = await run(None, advance, steps, await rows_of(connection, wanted))
    except ScriptEnded as ended:
        result: T = ended.result
        return result
