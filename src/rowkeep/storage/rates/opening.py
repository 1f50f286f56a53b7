"""Opening: the storage of rate limits that the settings name."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import Any

from limits.aio.storage import RedisStorage, Storage

from rowkeep.errors.catalogue import SetupError
from rowkeep.model.ids import Clock
from rowkeep.settings import Settings
from rowkeep.storage.contract import Database
from rowkeep.storage.rates.windows import DatabaseWindows
from rowkeep.storage.scripts.rate_windows import RateWindows

REDIS_SECONDS = 0.5
"""The time limit for a response of Redis."""

REDIS_CONNECTIONS = 50


def open_rate_storage(
    settings: Settings, catalog: Database, clock: Clock, closing: AsyncExitStack
) -> Storage:
    """The storage for processes that count together; ``closing`` closes it. Raises SetupError."""
    chosen = settings.rate_limit_storage or "database"
    if chosen == "database":
        return DatabaseWindows(catalog, RateWindows(catalog.dialect, catalog.namespace), clock)
    pool = _redis_pool(chosen)
    closing.push_async_callback(pool.aclose)
    return RedisStorage(
        "async+redis://", wrap_exceptions=True, implementation="redispy", connection_pool=pool
    )


def check_rate_storage(settings: Settings) -> None:
    """Raises SetupError if the client for Redis is needed and not installed, or its URL is invalid."""
    if settings.rate_limit_storage not in ("", "memory", "database"):
        _redis_pool(settings.rate_limit_storage)


def _redis_pool(url: str) -> Any:
    try:
        from redis.asyncio import BlockingConnectionPool
    except ImportError:
        raise SetupError(
            "ROWKEEP_RATE_LIMIT_STORAGE is a Redis server, but its client is not installed. Install "
            "rowkeep[redis], or use memory or database."
        ) from None
    try:
        return BlockingConnectionPool.from_url(
            url,
            max_connections=REDIS_CONNECTIONS,
            timeout=REDIS_SECONDS,
            socket_timeout=REDIS_SECONDS,
            socket_connect_timeout=REDIS_SECONDS,
        )
    except ValueError as error:
        raise SetupError(
            f"ROWKEEP_RATE_LIMIT_STORAGE is not a valid URL of a Redis server: {error}."
        ) from None
