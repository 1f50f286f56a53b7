"""Limited log: events that clients can cause at will, limited so that they cannot fill the disk.

The number of events a minute is limited, for each key and for all keys together. The number of omitted events
is logged at the end of the minute.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Hashable
from typing import Any

import structlog

SECONDS = 60.0


class LimitedLog:
    """Logs at most ``of_one_key`` events of one key and ``in_all`` events of all keys a minute."""

    def __init__(
        self, of_one_key: int = 5, in_all: int = 100, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._log = structlog.get_logger(__name__)
        self._of_one_key = of_one_key
        self._in_all = in_all
        self._clock = clock
        self._counts: dict[Hashable, int] = {}
        self._ends = 0.0
        self._logged = 0
        self._left_out: dict[str, int] = {}

    def info(self, event: str, *, key: Hashable, **values: Any) -> bool:
        """Returns whether the event was logged."""
        is_taken = self.takes(event, key)
        if is_taken:
            self._log.info(event, **values)
        return is_taken

    def warning(self, event: str, *, key: Hashable, **values: Any) -> bool:
        """Returns whether the event was logged."""
        is_taken = self.takes(event, key)
        if is_taken:
            self._log.warning(event, **values)
        return is_taken

    def error(self, event: str, *, key: Hashable, **values: Any) -> bool:
        """Returns whether the event was logged."""
        is_taken = self.takes(event, key)
        if is_taken:
            self._log.error(event, **values)
        return is_taken

    def write(self, event: str, **values: Any) -> None:
        """Log an event that :meth:`takes` has accepted."""
        self._log.warning(event, **values)

    def takes(self, event: str, key: Hashable) -> bool:
        """Whether another event of this key may be logged now; it counts as logged."""
        now = self._clock()
        if now >= self._ends:
            self.report()
            self._ends = now + SECONDS
            self._logged = 0
            self._counts.clear()
        count = self._counts.get(key, 0)
        if count >= self._of_one_key or self._logged >= self._in_all:
            self._leave_out(event)
            return False
        self._logged += 1
        self._counts[key] = count + 1
        return True

    def _leave_out(self, event: str) -> None:
        if not self._left_out:
            # the omitted events must be reported even if no further event follows in this minute
            asyncio.get_running_loop().call_later(SECONDS, self.report)
        self._left_out[event] = self._left_out.get(event, 0) + 1

    def report(self) -> None:
        """Log how many events were omitted since the last report, if any."""
        left_out, self._left_out = self._left_out, {}
        for event, count in left_out.items():
            self._log.warning("log events suppressed", suppressed_event=event, count=count)
