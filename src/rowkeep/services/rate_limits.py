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

import msgspec

from rowkeep.catalog.catalog import Catalog
from rowkeep.errors.catalogue import RateLimited
from rowkeep.limited_log import LimitedLog
from rowkeep.model.access import App
from rowkeep.model.ids import Clock
from rowkeep.rate_limits import RateLimit, RateWindow, parse_rate_limit
from rowkeep.settings import Settings
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


class WindowState(msgspec.Struct, frozen=True):
    """How many more requests a window allows, and in how many seconds the oldest one leaves it."""

    remaining: int
    seconds: int


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

    def of(self, app: App, known: RequestRate | None) -> RequestRate | None:
        """What counts a request of an app; None if it has no limit. ``known`` counted the same request, when
        its definitions were older."""
        limit = self._default if app.rate_limit is None else parse_rate_limit(app.rate_limit)
        if limit is None or not limit.windows:
            return None
        if known is not None and known.limit == limit:
            return known
        rate = RequestRate(self, app.client_id, limit)
        _current.set(rate)
        return rate

    async def take(
        self, client_id: str, limit: RateLimit, costs: Mapping[str, int]
    ) -> tuple[RateWindow | None, list[WindowState]]:
        """Count requests by the id of their table. Returns the window that has no room for them, and the
        states of all windows, each for the table that has least room there; none if they cannot be
        counted."""
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

    async def _take(
        self, client_id: str, limit: RateLimit, costs: Mapping[str, int]
    ) -> tuple[RateWindow | None, list[WindowState]]:
        limiter = self._limiter or await self._open()
        refused = None
        for table_id, cost in costs.items():
            for window in limit.windows:
                if refused is None and not await limiter.hit(window.item, client_id, table_id, cost=cost):
                    refused = window
        states = []
        for window in limit.windows:
            found = [await self._state(limiter, window, client_id, table_id) for table_id in costs]
            states.append(min(found, key=lambda state: state.remaining))
        return refused, states

    async def _state(
        self, limiter: MovingWindowRateLimiter, window: RateWindow, client_id: str, table_id: str
    ) -> WindowState:
        found = await limiter.get_window_stats(window.item, client_id, table_id)
        seconds = math.ceil(found.reset_time - self._clock().timestamp())
        return WindowState(max(0, found.remaining), min(max(1, seconds), window.seconds))

    async def _open(self) -> MovingWindowRateLimiter:
        # the library takes long to load, and few servers need it
        from limits.aio.strategies import MovingWindowRateLimiter

        from rowkeep.storage.rates.opening import open_rate_storage

        catalog = self._catalog.store.catalog
        storage = await open_rate_storage(self._settings, catalog, self._clock, self._closing)
        self._limiter = self._limiter or MovingWindowRateLimiter(storage)
        return self._limiter

    @property
    def _storage_name(self) -> str:
        """Without the password that a URL can have."""
        name, separator, _ = self._settings.rate_limit_storage.partition("://")
        return name + ("://…" if separator else "")


class RequestRate:
    """Counts one request of an app, once."""

    def __init__(self, rates: RateLimits, client_id: str, limit: RateLimit) -> None:
        self._rates = rates
        self._client_id = client_id
        self.limit = limit
        self._is_counted = False
        self._states: list[WindowState] = []

    async def count(self, costs: Mapping[str, int]) -> None:
        """Count the request, with a number of operations for each id of a table. Raises RateLimited."""
        if self._is_counted:
            return
        refused, self._states = await self._rates.take(self._client_id, self.limit, costs)
        if refused is None:
            self._is_counted = True
            return
        cost = max(costs.values())
        state = self._states[self.limit.windows.index(refused)]
        raise RateLimited(_refusal(refused, cost), state.seconds)

    def headers(self) -> Headers:
        """The headers of the response (draft-ietf-httpapi-ratelimit-headers)."""
        windows = self.limit.windows
        policies = (f'"{each.name}";q={each.amount};w={each.seconds}' for each in windows)
        headers: Headers = ((b"ratelimit-policy", ", ".join(policies).encode()),)
        if not self._states:
            return headers
        states = (
            f'"{window.name}";r={state.remaining};t={state.seconds}'
            for window, state in zip(windows, self._states, strict=True)
        )
        return (*headers, (b"ratelimit", ", ".join(states).encode()))


def _refusal(window: RateWindow, cost: int) -> str:
    if cost > window.amount:
        return (
            f"The batch has {cost} operations on one table, but the rate limit allows {window.amount} in "
            f"{window.seconds} seconds. Nothing was done; send fewer operations in one batch."
        )
    usual = (
        f"You've exceeded the rate limit of {window.amount} requests in {window.seconds} seconds. Please "
        "wait for sometime before retrying."
    )
    return MESSAGES.get(window.seconds, usual)


_current: ContextVar[RequestRate | None] = ContextVar("rate", default=None)


def take_rate_headers() -> Headers:
    """The headers about rates of the response to the request that this task serves; none if no limit is
    on."""
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
