"""Connections: the pool, how a script is run, and what the server's errors mean."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeAlias, TypeVar

import asyncpg
import msgspec
import structlog

from rowkeep.errors import Busy, NoRoom, SetupError, StorageFull, StorageReadOnly, StorageUnavailable
from rowkeep.settings import Settings
from rowkeep.sql.statements import Statement
from rowkeep.storage.base import BeyondRange, ReferenceConflict, Row, Script, StaleCatalog, UniqueConflict
from rowkeep.storage.postgres.kept import KeptConnections

T = TypeVar("T")
Work: TypeAlias = Callable[[asyncpg.Connection], Awaitable[T]]
log = structlog.get_logger(__name__)

CACHED_STATEMENTS = 512
DEADLOCK_TRIES = 5
COPY_LINE = re.compile(r"COPY .*, line (\d+)")

STALE = (
    asyncpg.UndefinedTableError,
    asyncpg.UndefinedColumnError,
    asyncpg.InvalidSchemaNameError,
    # columns of the old names, but of other types: no such operator or function, no such cast
    asyncpg.DatatypeMismatchError,
    asyncpg.UndefinedFunctionError,
    asyncpg.AmbiguousFunctionError,
    asyncpg.CannotCoerceError,
    asyncpg.InvalidCachedStatementError,
    asyncpg.OutdatedSchemaCacheError,
)
BUSY = (
    asyncpg.LockNotAvailableError,
    asyncpg.QueryCanceledError,
    asyncpg.TooManyConnectionsError,
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    TimeoutError,
)
AGAIN = (
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    # a table was changed, and what the connection had prepared for it, forgotten by now, no longer fits
    asyncpg.InvalidCachedStatementError,
    asyncpg.OutdatedSchemaCacheError,
)
"""What may go well if it is done again."""
REFUSED = (asyncpg.InvalidAuthorizationSpecificationError, asyncpg.InvalidCatalogNameError)
UNAVAILABLE = (
    *REFUSED,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.InsufficientResourcesError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    ConnectionError,
    OSError,
)

NOT_A_URL = (
    "ROWKEEP_DATABASE_URL is not a valid PostgreSQL URL: postgresql://USER:PASSWORD@HOST:PORT/DATABASE, with "
    "special characters of the password percent-encoded."
)
"""Without the words of the driver: they may repeat a part of the password."""

_decode_number = msgspec.json.Decoder(int | float).decode


async def _prepare_connection(connection: asyncpg.Connection) -> None:
    # a number column is answered as JSON, for it gives integers where whole and doubles elsewhere; a JSON
    # column takes its text as it is
    await connection.set_type_codec(
        "json", schema="pg_catalog", encoder=str.encode, decoder=_decode_number, format="binary"
    )
    # COPY takes moments as the server has them: the driver's own way turns the year 1's first into -infinity
    await connection.set_type_codec(
        "timestamptz", schema="pg_catalog", encoder=tuple, decoder=tuple, format="tuple"
    )


async def _keep_as_it_is(_connection: asyncpg.Connection) -> None:
    """Connections come back as they went: every transaction is ended, and nothing else is ever set."""


class Pool:
    """The connections of this process, and the one place where the server's errors become ours."""

    def __init__(self, url: str, settings: Settings) -> None:
        self._url = url
        self._timeout = settings.busy_timeout_seconds
        self._size = settings.postgres_connections
        self._kept: KeptConnections | None = None
        self._turns = asyncio.Semaphore(self._size)

    async def open(self) -> None:
        """Raises SetupError for a server that refuses us, StorageUnavailable for none."""
        try:
            with translated():
                pool = await asyncpg.create_pool(
                    self._url,
                    min_size=1,
                    max_size=self._size,
                    statement_cache_size=CACHED_STATEMENTS,
                    max_cached_statement_lifetime=0,
                    max_inactive_connection_lifetime=0,
                    timeout=self._timeout,
                    init=_prepare_connection,
                    reset=_keep_as_it_is,
                    server_settings={
                        "application_name": "rowkeep",
                        "lock_timeout": str(int(self._timeout * 1000)),
                        "synchronous_commit": "on",
                        "timezone": "UTC",
                    },
                )
                self._kept = KeptConnections(pool, self._size, self._timeout)
        except ValueError:
            raise SetupError(NOT_A_URL) from None
        except StorageUnavailable as error:
            cause = error.__cause__
            if isinstance(cause, asyncpg.ClientConfigurationError):
                raise SetupError(NOT_A_URL) from None
            if isinstance(cause, REFUSED):
                raise SetupError(f"PostgreSQL refuses the connection: {cause}.") from None
            raise

    async def close(self) -> None:
        if self._kept is not None:
            await self._kept.close()

    async def _use(self, work: Work[T], table_id: str | None) -> T:
        """Do ``work`` with a connection; waits at most busy_timeout_seconds for one."""
        kept = self._kept
        assert kept is not None, "open() comes first"  # noqa: S101 - a fault of ours, not of a caller
        if self._turns.locked():
            async with asyncio.timeout(self._timeout):
                await self._turns.acquire()
        else:
            await self._turns.acquire()
        try:
            connection = await kept.take(table_id)
            try:
                result = await work(connection)
            except BaseException:
                await kept.drop(connection)
                raise
            await kept.put_back(connection)
            return result
        finally:
            self._turns.release()

    async def fetch(self, text: str, parameters: Sequence[Any], table_id: str) -> list[Any]:
        """One statement about a table or view, a transaction of its own; run again if that may help."""
        return await self._tried(lambda connection: connection.fetch(text, *parameters), table_id)

    async def execute(self, text: str, parameters: Sequence[Any], table_id: str) -> str:
        """The same, giving the command's tag, such as ``INSERT 0 1``."""
        return await self._tried(lambda connection: connection.execute(text, *parameters), table_id)

    async def run(self, script: Script[T], **kind: Any) -> T:
        """A script in one transaction, of this kind."""
        return await self.transaction(lambda connection: _run_script(connection, script), **kind)

    async def transaction(self, work: Work[T], **kind: Any) -> T:
        """All that ``work`` does, in one transaction; done again if that may help."""

        async def run(connection: asyncpg.Connection) -> T:
            async with connection.transaction(**kind):
                return await work(connection)

        return await self._tried(run)

    async def _tried(self, work: Work[T], table_id: str | None = None) -> T:
        with translated():
            for _ in range(DEADLOCK_TRIES - 1):
                try:
                    return await self._use(work, table_id)
                except AGAIN as error:
                    log.info("transaction failed", kind=type(error).__name__, action="tried again")
            return await self._use(work, table_id)


async def _rows_of(connection: asyncpg.Connection, wanted: Statement) -> Sequence[Row]:
    if wanted.many is not None:
        await connection.executemany(wanted.text, wanted.many)
        return ()
    rows: Sequence[Row] = await connection.fetch(wanted.text, *wanted.parameters)
    return rows


async def _run_script(connection: asyncpg.Connection, script: Script[T]) -> T:
    steps = script()
    try:
        wanted = next(steps)
        while True:
            rows = await _rows_of(connection, wanted)
            wanted = steps.send(rows)
    except StopIteration as stop:
        result: T = stop.value
        return result


class _Translation:
    """Driver errors end here: what leaves is ours."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        ours = None if error is None else _meaning(error)
        if ours is not None:
            raise ours from error


_TRANSLATION = _Translation()


def translated() -> _Translation:
    """``with translated():`` around what speaks to the driver; it has no state and so is made once."""
    return _TRANSLATION


def _meaning(error: BaseException) -> Exception | None:
    """What a driver's error means to a caller; None for what is none of the driver's."""
    if isinstance(error, asyncpg.UniqueViolationError):
        return UniqueConflict()
    if isinstance(error, asyncpg.ForeignKeyViolationError):
        return ReferenceConflict()
    if isinstance(error, asyncpg.NumericValueOutOfRangeError):
        return BeyondRange()
    if isinstance(error, asyncpg.TooManyColumnsError):
        return NoRoom()
    if isinstance(error, STALE):
        return StaleCatalog()
    if isinstance(error, BUSY):
        return Busy()
    if isinstance(error, UNAVAILABLE):
        log.warning("postgresql failed", error=str(error), kind=type(error).__name__)
        return StorageFull() if isinstance(error, asyncpg.DiskFullError) else StorageUnavailable()
    if isinstance(error, asyncpg.ReadOnlySQLTransactionError):
        log.warning("postgresql failed", error=str(error), kind=type(error).__name__)
        return StorageReadOnly()
    return None


def copied_line(error: BaseException | None) -> int | None:
    """Which row of a COPY failed, counted from 0."""
    said = COPY_LINE.search(getattr(error, "context", None) or "")
    return int(said.group(1)) - 1 if said else None
