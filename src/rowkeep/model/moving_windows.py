"""Moving windows: how many requests were counted in the last seconds."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

EXACT = 64
"""A window with a limit up to this has the time of each request. One with a higher limit has this many parts,
and a request is counted until its part has left the window: up to a 64th of the window longer."""


class MovingWindow:
    """The requests that one window counts, as [time, number of requests], from the oldest. Times are in
    milliseconds. A window has the same length each time."""

    __slots__ = ("_newest", "counts", "ends", "total")

    def __init__(self, counts: Iterable[list[int]] = ()) -> None:
        self.counts = deque(counts)
        self.total = sum(count for _, count in self.counts)
        self.ends = 0
        """When the oldest request leaves the window; 0 if that is not known, or there is none."""
        self._newest = [0, 0]

    def expire(self, now: int, length: int) -> None:
        """Forget the requests that are no longer in the window."""
        counts, ended = self.counts, now - length
        while counts and counts[0][0] <= ended:
            self.total -= counts.popleft()[1]
        self.ends = counts[0][0] + length if counts else 0

    def take(self, now: int, limit: int, length: int, amount: int) -> bool:
        """Count ``amount`` requests, or none of them if there would be more than ``limit`` in the window."""
        # most requests belong to the newest part, and nothing has left the window since the one before
        is_known = now <= self._newest[0] and now < self.ends
        if not is_known:
            self.expire(now, length)
        total = self.total + amount
        if total > limit:
            return False
        self.total = total
        if not is_known:
            self._newest = self._part(now, limit, length)
        self._newest[1] += amount
        return True

    def _part(self, now: int, limit: int, length: int) -> list[int]:
        """The part that counts a request of this moment."""
        counts = self.counts
        if limit > EXACT:
            part = length // EXACT or 1
            now = -(-now // part) * part
        if not counts or counts[-1][0] < now:
            counts.append([now, 0])
        # otherwise the same moment, or a clock that was set back
        self.ends = counts[0][0] + length
        return counts[-1]

    def start(self, now: int) -> int:
        """The time of the oldest request in the window."""
        return self.counts[0][0] if self.counts else now
