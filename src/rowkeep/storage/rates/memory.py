"""Memory: counts the requests of this process.

It has the moving windows of the library ``limits``, whose own storage in memory copies all requests for each
request. A query takes a tenth of a millisecond, so this is one plain function.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeAlias

from rowkeep.model.moving_windows import MovingWindow
from rowkeep.rate_limits import RateLimit, RateWindow

MAX_COUNTERS = 10_000
"""The maximum number of counters; those that were not used for the longest time are forgotten."""


Counter: TypeAlias = list[tuple[RateWindow, MovingWindow]]
"""The windows of one limit, for one app and table."""


class MemoryRates:
    """Counts requests in windows."""

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        """``now`` returns the seconds since 1970; a datetime would cost as much as a window."""
        self._now = now
        self._counters: dict[tuple[str, str, str], Counter] = {}

    def take(
        self, client_id: str, table_id: str, limit: RateLimit, cost: int
    ) -> tuple[RateWindow | None, list[int]]:
        """Count requests. Returns the window that has no room for them, and for all windows how many requests
        are left, and in how many seconds the oldest one leaves the window."""
        counters = self._counters
        key = (client_id, table_id, limit.text)
        counter = counters.pop(key, None)
        if counter is None:
            if len(counters) >= MAX_COUNTERS:
                del counters[next(iter(counters))]
            counter = [(window, MovingWindow()) for window in limit.windows]
        counters[key] = counter
        now = int(self._now() * 1000)
        refused = None
        state: list[int] = []
        for window, moving in counter:
            amount, seconds = window.amount, window.seconds
            if refused is not None:
                moving.expire(now, seconds * 1000)
            elif not moving.take(now, amount, seconds * 1000, cost):
                refused = window
            left = -((now - moving.ends) // 1000) if moving.ends else seconds
            state += (amount - moving.total, min(seconds, left))
        return refused, state
