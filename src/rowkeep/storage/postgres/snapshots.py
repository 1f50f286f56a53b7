"""Snapshots and loaders: PostgreSQL schemas that are read as a whole, or filled by COPY."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from typing import Any, TypeVar

import asyncpg

from rowkeep.errors.catalogue import SetupError, StorageUnavailable
from rowkeep.settings import Settings
from rowkeep.sql.dialects import POSTGRES
from rowkeep.sql.statements import Statement
from rowkeep.sql.system_tables import CATALOG_NAMESPACE
from rowkeep.sql.table_copies import CopiedRows
from rowkeep.storage.contract import Row, Script
from rowkeep.storage.postgres.connections import SHORTEST_DIGITS, Connection, prepare_connection
from rowkeep.storage.postgres.driver_errors import translated
from rowkeep.storage.postgres.pool import NOT_A_URL, run_script
from rowkeep.storage.response_sizes import mean_size
from rowkeep.storage.snapshots import BATCH_BYTES, BATCH_ROWS, Loader, Snapshot

T = TypeVar("T")
CONNECT_SECONDS = 10
FIRST_ROWS = 50
"""How many rows are read before they are measured."""


async def connect(url: str, *, writes: bool) -> asyncpg.Connection:
    """A connection without limits of time. Raises SetupError for a server that refuses it, or none."""
    settings = {
        "application_name": "rowkeep copy",
        "extra_float_digits": SHORTEST_DIGITS,
        "statement_timeout": "0",
        "timezone": "UTC",
        "lock_timeout": "60s",
        # a sequential read begins with the first row
        "synchronize_seqscans": "off",
        "synchronous_commit": "on",
        "default_transaction_read_only": "off" if writes else "on",
    }
    try:
        connection = await asyncpg.connect(
            url, server_settings=settings, timeout=CONNECT_SECONDS, connection_class=Connection
        )
    except asyncpg.ClientConfigurationError:
        raise SetupError(NOT_A_URL.replace("ROWKEEP_DATABASE_URL", "The address")) from None
    except (asyncpg.PostgresError, OSError, TimeoutError, asyncpg.InterfaceError) as error:
        raise SetupError(f"PostgreSQL cannot be reached: {str(error) or 'no response'}.") from error
    except ValueError:
        raise SetupError(NOT_A_URL.replace("ROWKEEP_DATABASE_URL", "The address")) from None
    return connection


class PostgresSnapshot(Snapshot):
    dialect = POSTGRES

    def __init__(self, connection: asyncpg.Connection, namespace: str) -> None:
        self._connection = connection
        self.namespace = namespace

    @classmethod
    async def open(cls, url: str, namespace: str) -> PostgresSnapshot:
        connection = await connect(url, writes=False)
        await prepare_connection(connection)
        await connection.transaction(isolation="repeatable_read", readonly=True).start()
        return cls(connection, namespace)

    async def read(self, script: Script[T]) -> T:
        with translated():
            # a statement that fails must not end the snapshot
            async with self._connection.transaction():
                return await run_script(self._connection, script)

    def of_same_moment(self, physical: str | None) -> PostgresSnapshot:
        return PostgresSnapshot(self._connection, physical or CATALOG_NAMESPACE)

    async def stream(self, statement: Statement) -> AsyncIterator[Sequence[Row]]:
        async for rows in batches(self._connection, statement.text, *statement.parameters):
            yield rows

    async def close(self) -> None:
        await self._connection.close()


async def batches(
    connection: asyncpg.Connection, text: str, *parameters: Any
) -> AsyncIterator[Sequence[Row]]:
    """The rows of a statement, in a transaction: as many at once as have about BATCH_BYTES."""
    with translated():
        cursor = await connection.cursor(text, *parameters)
    wanted = FIRST_ROWS
    while True:
        with translated():
            rows = list(map(tuple, await cursor.fetch(wanted)))
        if not rows:
            return
        wanted = max(1, min(BATCH_ROWS, BATCH_BYTES // mean_size(rows), len(rows) * 10))
        yield rows


class PostgresLoader(Loader):
    """A connection of its own, for COPY."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    @classmethod
    async def open(cls, settings: Settings) -> PostgresLoader:
        connection = await connect(settings.database_url, writes=True)
        await prepare_connection(connection)
        return cls(connection)

    async def append(self, sql: CopiedRows, rows: Sequence[Row], script: Script[None]) -> None:
        namespace, name, columns = sql.place
        with translated():
            async with self._connection.transaction():
                await self._connection.copy_records_to_table(
                    name, schema_name=namespace, columns=columns, records=_converted(rows, sql.copied)
                )
                await run_script(self._connection, script)

    async def write(self, script: Script[T]) -> T:
        with translated():
            async with self._connection.transaction():
                return await run_script(self._connection, script)

    async def close(self) -> None:
        try:
            await self._connection.close(timeout=CONNECT_SECONDS)
        except (TimeoutError, StorageUnavailable, OSError):
            self._connection.terminate()


def _converted(rows: Sequence[Row], copied: dict[int, Callable[..., Any]]) -> Iterable[Row]:
    """Rows as COPY takes them, a column at a time."""
    if not copied or not rows:
        return rows
    columns: list[Iterable[Any]] = list(zip(*rows, strict=True))
    for at, convert in copied.items():
        cells = columns[at]
        columns[at] = map(convert(set(cells) - {None}).get, cells)
    return zip(*columns, strict=True)
