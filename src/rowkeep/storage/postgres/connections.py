"""Connections to PostgreSQL, with what this product sets on each of them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any, TypeAlias

import asyncpg
import msgspec

from rowkeep.storage.postgres.driver_errors import refused_connection

CACHED_STATEMENTS = 512

SHORTEST_DIGITS = "1"
"""The value of extra_float_digits with which PostgreSQL writes numbers so that they are read as the same
number again. A database or a role can have another one, which rounds them."""

Place = tuple[str, str]
"""The schema and the name of a table."""

LOST = "connection was closed in the middle of operation"

NEVER_RETRIEVED = "Future exception was never retrieved"
"""What an event loop reports of a future, not of a task, with an error that nobody has asked for."""

Handler: TypeAlias = Callable[[asyncio.AbstractEventLoop, dict[str, Any]], object]

_decode_number = msgspec.json.Decoder(int | float).decode


class Connection(asyncpg.Connection):  # type: ignore[misc] # the driver has no types
    """A connection that knows which tables it has copied rows to, and as what types."""

    __slots__ = ("copied",)

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.copied: dict[Place, object] = {}

    async def copy_records_to_table(self, *arguments: Any, **named: Any) -> str:
        copied: str = await self._unless_lost(super().copy_records_to_table(*arguments, **named))
        return copied

    async def executemany(self, *arguments: Any, **named: Any) -> None:
        await self._unless_lost(super().executemany(*arguments, **named))

    async def _unless_lost(self, sending: Awaitable[Any]) -> Any:
        """Raises ConnectionDoesNotExistError when the connection is lost: the driver itself would then wait
        forever until it can send more."""

        def end(_connection: object) -> None:
            with suppress(RuntimeError):  # it has just ended
                waiting.reschedule(asyncio.get_running_loop().time())

        try:
            async with asyncio.timeout(None) as waiting:
                self.add_termination_listener(end)
                try:
                    return await sending
                finally:
                    self.remove_termination_listener(end)
        except (TimeoutError, RuntimeError) as error:
            # the second one is that of the event loop, where something is sent after all
            if self.is_closed():
                raise asyncpg.ConnectionDoesNotExistError(LOST) from error
            raise


class _OverlooksLost:
    """Handles what an event loop reports, except what the driver leaves when a connection is lost while more
    must be sent: a future with an error that whoever sent has already got."""

    def __init__(self, before: Handler | None) -> None:
        self._before = before

    def __call__(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        is_left = context.get("message") == NEVER_RETRIEVED and isinstance(
            context.get("exception"), asyncpg.ConnectionDoesNotExistError
        )
        if not is_left:
            (self._before or type(loop).default_exception_handler)(loop, context)


def overlook_lost() -> None:
    """Let the event loop report no future that the driver leaves."""
    loop = asyncio.get_running_loop()
    before = loop.get_exception_handler()
    if not isinstance(before, _OverlooksLost):
        loop.set_exception_handler(_OverlooksLost(before))


async def connect(
    url: str, timeout_seconds: float, cached_statements: int, settings: Mapping[str, str]
) -> Connection:
    """A prepared connection with these settings of PostgreSQL. Raises what the driver raises."""
    try:
        connection: Connection = await asyncpg.connect(
            url,
            timeout=timeout_seconds,
            statement_cache_size=cached_statements,
            max_cached_statement_lifetime=0,
            connection_class=Connection,
            server_settings=dict(settings),
        )
    except asyncpg.PostgresError as error:
        raise refused_connection(error) from error
    try:
        await prepare_connection(connection)
    except BaseException:
        connection.terminate()
        raise
    return connection


async def prepare_connection(connection: asyncpg.Connection) -> None:
    # a number column is answered as JSON, for it gives integers where whole and doubles elsewhere; a JSON
    # column takes its text as it is
    await connection.set_type_codec(
        "json", schema="pg_catalog", encoder=str.encode, decoder=_decode_number, format="binary"
    )
    # COPY takes moments as the server has them: the driver's own way turns the year 1's first into -infinity
    await connection.set_type_codec(
        "timestamptz", schema="pg_catalog", encoder=tuple, decoder=tuple, format="tuple"
    )
