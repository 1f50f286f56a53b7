"""Windows: what the storages of rate limits have in common, for the library ``limits``."""

from __future__ import annotations

from abc import abstractmethod
from functools import partial

from limits.aio.storage import MovingWindowSupport, Storage

from rowkeep.errors.catalogue import RowkeepError
from rowkeep.model.ids import Clock
from rowkeep.model.moving_windows import MovingWindow
from rowkeep.storage.contract import Database
from rowkeep.storage.scripts.rate_windows import RateWindows

MAX_WINDOWS = 10_000
"""Of how many windows this process remembers the state."""


class Windows(Storage, MovingWindowSupport):
    """A storage that has moving windows only."""

    STORAGE_SCHEME = None

    def __init__(self, clock: Clock) -> None:
        super().__init__(wrap_exceptions=True)
        self._clock = clock
        self._windows: dict[str, MovingWindow] = {}

    @property
    def base_exceptions(self) -> type[Exception] | tuple[type[Exception], ...]:
        return RowkeepError

    @abstractmethod
    async def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Count requests, unless there would be too many in the window."""

    async def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:  # noqa: ARG002
        """The time of the oldest request in the window, and how many there are, as far as this process
        knows."""
        now = self._now()
        window = self._windows.get(key)
        if window is None:
            return now / 1000, 0
        window.expire(now, expiry * 1000)
        return window.start(now) / 1000, window.total

    def _now(self) -> int:
        return int(self._clock().timestamp() * 1000)

    def _remember(self, key: str, window: MovingWindow) -> None:
        self._windows.pop(key, None)
        if len(self._windows) >= MAX_WINDOWS:
            del self._windows[next(iter(self._windows))]
        self._windows[key] = window

    async def clear(self, key: str) -> None:
        self._windows.pop(key, None)

    async def reset(self) -> int | None:
        count = len(self._windows)
        self._windows.clear()
        return count

    async def check(self) -> bool:
        return True

    # what other strategies than that of the moving window need

    async def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        raise NotImplementedError

    async def get(self, key: str) -> int:
        raise NotImplementedError

    async def get_expiry(self, key: str) -> float:
        raise NotImplementedError


class DatabaseWindows(Windows):
    """Counts the requests of all processes in the catalog."""

    def __init__(self, catalog: Database, scripts: RateWindows, clock: Clock) -> None:
        super().__init__(clock)
        self._catalog = catalog
        self._scripts = scripts

    async def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        take = partial(self._scripts.take, key, self._now(), limit, expiry * 1000, amount)
        is_taken, window = await self._catalog.write(take)
        self._remember(key, window)
        return is_taken
