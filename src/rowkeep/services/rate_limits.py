"""Rate limits: how many requests an app may send to a table in a moving window (contract, section 10).

Only requests with a valid token are counted, each once, before its body is read. A request that is refused is
not counted in the windows that are longer than the one that refused it.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping
from contextlib import AsyncExitStack
from contextvars import ContextVar
from functools import partial
from typing import TYPE_CHECKING

from rowkeep.catalog.catalog import Catalog
from rowkeep.errors.catalogue import RateLimited
from rowkeep.limited_log import LimitedLog
from rowkeep.model.access import App
from rowkeep.model.ids import Clock
from rowkeep.rate_limits import RateLimit, RateWindow, parse_rate_limit
from rowkeep.settings import Settings
from rowkeep.storage.rates.memory import MemoryRates
from rowkeep.storage.scripts.rate_windows import RateWindows

if TYPE_CHECKING:
    from limits.aio.strategies import MovingWindowRateLimiter

NO_TABLE = ""
"""What requests count for that name no table, or none that exists."""

DOWN_SECONDS = 1.0
"""How long requests are not counted after the storage failed, so that not each of them waits for it."""

EXPIRED_AT_ONCE = 500
"""How many expired windows one transaction deletes."""

MESSAGES = {
    60: "You've exceeded the per-minute rate limit. Please wait for sometime before retrying.",
    3600: "You've exceeded the hourly rate limit. Please wait for sometime before retrying.",
}

faults = LimitedLog()

Headers = tuple[tuple[bytes, bytes], ...]


class RateLimits:
    """Counts the requests of apps that have a limit, their own or that of the setting. If the storage fails,
    requests are not limited, and a warning is logged."""

    def __init__(self, catalog: Catalog, settings: Settings, clock: Clock, closing: AsyncExitStack) -> None:
        self._default = parse_rate_limit(settings.rate_limit) if settings.rate_limit else None
        self._catalog = catalog
        self._settings = settings
        self._clock = clock
        self._closing = closing
        self._limiter: MovingWindowRateLimiter | None = None
        self._down_until = 0.0
        counts_here = settings.rate_limit_storage == "memory" or (
            not settings.rate_limit_storage and settings.workers == 1
        )
        self.memory = MemoryRates() if counts_here else None

    def of(self, app: App, known: RequestRate | None) -> RequestRate | None:
        """What counts a request of an app; None if it has no limit. ``known`` counted the same request, when
        its definitions were older."""
        limit = self._default if app.rate_limit is None else parse_rate_limit(app.rate_limit)
        if limit is None or not limit.windows:
            return None
        if known is not None and known.limit.text == limit.text:
            return known
        rate = RequestRate(self, app.client_id, limit)
        _current.set(rate)
        return rate

    async def take(
        self, client_id: str, limit: RateLimit, costs: Mapping[str, int]
    ) -> tuple[RateWindow | None, list[int]]:
        """Count requests by the id of their table. Returns the window that has no room for them, and the
        state of the table that has least room; none if they cannot be counted."""
        if self.memory is not None:
            return self._take_here(self.memory, client_id, limit, costs)
        from limits.errors import StorageError

        now = asyncio.get_running_loop().time()
        if now < self._down_until:
            return None, []
        try:
            return await self._take(client_id, limit, costs)
        except StorageError as error:
            self._down_until = now + DOWN_SECONDS
            cause = str(error.storage_error)
            faults.warning("requests are not limited", key="storage", cause=cause, storage=self._storage_name)
            return None, []

    def _take_here(
        self, memory: MemoryRates, client_id: str, limit: RateLimit, costs: Mapping[str, int]
    ) -> tuple[RateWindow | None, list[int]]:
        states = []
        for table_id, cost in costs.items():
            refused, state = memory.take(client_id, table_id, limit, cost)
            if refused is not None:
                return refused, state
            states.append(state)
        return None, min(states)

    async def _take(
        self, client_id: str, limit: RateLimit, costs: Mapping[str, int]
    ) -> tuple[RateWindow | None, list[int]]:
        limiter = self._limiter or self._open()
        states = []
        for table_id, cost in costs.items():
            refused = None
            for window in limit.windows:
                if refused is None and not await limiter.hit(window.item, client_id, table_id, cost=cost):
                    refused = window
            state = await self._state(limiter, client_id, table_id, limit)
            if refused is not None:
                return refused, state
            states.append(state)
        return None, min(states)

    async def _state(
        self, limiter: MovingWindowRateLimiter, client_id: str, table_id: str, limit: RateLimit
    ) -> list[int]:
        """How many requests are left, and in how many seconds the oldest one leaves the window, for each
        window."""
        now = self._clock().timestamp()
        state = []
        for window in limit.windows:
            found = await limiter.get_window_stats(window.item, client_id, table_id)
            seconds = math.ceil(found.reset_time - now)
            state += [max(0, found.remaining), min(max(1, seconds), window.seconds)]
        return state

    def _open(self) -> MovingWindowRateLimiter:
        # the library takes long to load, and few servers need it
        from limits.aio.strategies import MovingWindowRateLimiter

        from rowkeep.storage.rates.opening import open_rate_storage

        catalog = self._catalog.store.catalog
        storage = open_rate_storage(self._settings, catalog, self._clock, self._closing)
        self._limiter = MovingWindowRateLimiter(storage)
        return self._limiter

    @property
    def _storage_name(self) -> str:
        """Without the password that a URL can have."""
        name, separator, _ = (self._settings.rate_limit_storage or "database").partition("://")
        return name + ("://…" if separator else "")


class RequestRate:
    """Counts one request of an app, once."""

    __slots__ = ("_client_id", "_is_counted", "_rates", "_state", "limit")

    def __init__(self, rates: RateLimits, client_id: str, limit: RateLimit) -> None:
        self._rates = rates
        self._client_id = client_id
        self.limit = limit
        self._is_counted = False
        self._state: list[int] = []

    def count_here(self, table_id: str) -> bool:
        """Count the request for one table; False if it is not counted in the memory of this process. Raises
        RateLimited."""
        if self._is_counted:
            return True
        memory = self._rates.memory
        if memory is None:
            return False
        refused, self._state = memory.take(self._client_id, table_id, self.limit, 1)
        if refused is not None:
            raise self._refusal(refused, 1)
        self._is_counted = True
        return True

    async def count_one(self, table_id: str) -> None:
        """Count the request for one table. Raises RateLimited."""
        if not self.count_here(table_id):
            await self.count({table_id: 1})

    async def count(self, costs: Mapping[str, int]) -> None:
        """Count the request, with a number of operations for each id of a table. Raises RateLimited."""
        if self._is_counted:
            return
        refused, self._state = await self._rates.take(self._client_id, self.limit, costs)
        if refused is not None:
            raise self._refusal(refused, max(costs.values()))
        self._is_counted = True

    def _refusal(self, window: RateWindow, cost: int) -> RateLimited:
        seconds = self._state[2 * self.limit.windows.index(window) + 1]
        if cost > window.amount:
            return RateLimited(
                f"The batch has {cost} operations on one table, but the rate limit allows {window.amount} in "
                f"{window.seconds} seconds. Nothing was done; send fewer operations in one batch.",
                seconds,
            )
        usual = (
            f"You've exceeded the rate limit of {window.amount} requests in {window.seconds} seconds. Please "
            "wait for sometime before retrying."
        )
        return RateLimited(MESSAGES.get(window.seconds, usual), seconds)

    def headers(self) -> Headers:
        """The headers of the response (draft-ietf-httpapi-ratelimit-headers)."""
        limit, state = self.limit, self._state
        if not state:
            return ((b"ratelimit-policy", limit.policy),)
        return ((b"ratelimit-policy", limit.policy), (b"ratelimit", limit.state % tuple(state)))


_current: ContextVar[RequestRate | None] = ContextVar("rate", default=None)


def take_rate_headers() -> Headers:
    """The headers about rates of the response to the request that this task serves; none if no limit is on,
    or if they were taken before."""
    rate = _current.get()
    if rate is None:
        return ()
    _current.set(None)
    return rate.headers()


async def delete_expired_windows(catalog: Catalog, clock: Clock) -> None:
    """Delete the windows in the catalog in which nothing is counted any more."""
    database = catalog.store.catalog
    scripts = RateWindows(database.dialect, database.namespace)
    now = int(clock().timestamp())
    while await database.read(partial(scripts.has_expired, now)):
        await database.write(partial(scripts.delete_expired, now, EXPIRED_AT_ONCE))
