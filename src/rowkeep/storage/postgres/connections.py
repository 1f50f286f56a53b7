"""Connections to PostgreSQL, with what this product sets on each of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import asyncpg
import msgspec

CACHED_STATEMENTS = 512

Place = tuple[str, str]
"""The schema and the name of a table."""

_decode_number = msgspec.json.Decoder(int | float).decode


class Connection(asyncpg.Connection):  # type: ignore[misc] # the driver has no types
    """A connection that knows which tables it has copied rows to, and as what types."""

    __slots__ = ("copied",)

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.copied: dict[Place, object] = {}


async def connect(
    url: str, timeout_seconds: float, cached_statements: int, settings: Mapping[str, str]
) -> Connection:
    """A prepared connection with these settings of PostgreSQL. Raises what the driver raises."""
    connection: Connection = await asyncpg.connect(
        url,
        timeout=timeout_seconds,
        statement_cache_size=cached_statements,
        max_cached_statement_lifetime=0,
        connection_class=Connection,
        server_settings=dict(settings),
    )
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
