"""Moving windows: how many requests were counted in the last seconds."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

EXACT = 64
"""A window with a limit up to this has the time of each request. One with a higher limit has this many parts,
and a request is counted until its part has left the window: up to a 64th of the window longer."""


class MovingWindow:
    """The requests that one window counts, as [time, number of requests], from the oldest. Times are in
    milliseconds."""

    __slots__ = ("counts", "total")

    def __init__(self, counts: Iterable[list[int]] = ()) -> None:
        self.counts = deque(counts)
        self.total = sum(count for _, count in self.counts)

    def expire(self, now: int, length: int) -> None:
        """Forget the requests that are no longer in the window."""
        counts, ended = self.counts, now - length
        while counts and counts[0][0] <= ended:
            self.total -= counts.popleft()[1]

    def take(self, now: int, limit: int, length: int, amount: int) -> bool:
        """Count ``amount`` requests, or none of them if there would be more than ``limit`` in the window."""
        counts = self.counts
        if counts and counts[0][0] <= now - length:
            self.expire(now, length)
        total = self.total + amount
        if total > limit:
            return False
        self.total = total
        if limit > EXACT:
            part = length // EXACT or 1
            now = -(-now // part) * part
        if counts and counts[-1][0] >= now:
            # the same moment, or a clock that was set back
            counts[-1][1] += amount
        else:
            counts.append([now, amount])
        return True

    def start(self, now: int) -> int:
        """The time of the oldest request in the window."""
        return self.counts[0][0] if self.counts else now
