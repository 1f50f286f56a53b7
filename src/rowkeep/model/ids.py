"""Ids of rows, apps and writers, and how one is derived from another.

A row stores one key, ``_id``: an ObjectId, 4 bytes of seconds, 5 of the process, 3 of a counter, as 24
hexadecimal digits. Its ``sys_Id`` carries the same 96 bits inside a UUID (version 8, RFC 9562).
"""

from __future__ import annotations

import re
import secrets
import threading
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import repeat

import msgspec

from rowkeep.model.values.scalars import canonical_date

COUNTER_END = 1 << 24

ROW_ID = re.compile(r"[0-9a-f]{24}")
SYS_ID = re.compile(r"sys-([0-9a-f]{8})-([0-9a-f]{4})-8([0-9a-f]{3})-8([0-9a-f]{3})-000000([0-9a-f]{6})")

CLIENT_ID = re.compile(r"cs-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")

WRITERS = uuid.UUID("6f0c2a52-7d0e-5d0a-9c33-3d1f6c1b7a10")
"""The namespace (RFC 9562, section 6.5) for deriving an app's writer id from its client id."""

Clock = Callable[[], datetime]


def wall_clock() -> datetime:
    return datetime.now(UTC)


class Stamp(msgspec.Struct, frozen=True):
    """The time and the strictly increasing ids for a number of new rows."""

    moment: datetime
    prefix: str
    start: int
    count: int

    @property
    def written_on(self) -> str:
        return canonical_date(self.moment)

    def each(self) -> Iterator[Stamp]:
        """A separate stamp for each row."""
        starts = range(self.start, self.start + self.count)
        return map(Stamp, repeat(self.moment), repeat(self.prefix), starts, repeat(1))

    def ids(self) -> Iterator[str]:
        return map(f"{self.prefix}%06x".__mod__, range(self.start, self.start + self.count))

    def sys_ids(self) -> Iterator[str]:
        head = self.prefix
        form = f"sys-{head[:8]}-{head[8:12]}-8{head[12:15]}-8{head[15:18]}-000000%06x"
        return map(form.__mod__, range(self.start, self.start + self.count))


class IdSource:
    """Creates stamps. Thread-safe; the ids of one source strictly increase, even if the clock goes back."""

    def __init__(self, clock: Clock = wall_clock, random_bytes: Callable[[int], bytes] = secrets.token_bytes):
        self._clock = clock
        self._process = random_bytes(5).hex()
        self._lock = threading.Lock()
        self._second = 0
        self._next = 0

    def stamp(self, count: int) -> Stamp:
        """The current time and ``count`` new ids (at most 2^24)."""
        moment = self._clock()
        with self._lock:
            second = max(self._second, int(moment.timestamp()))
            if second > self._second:
                self._second, self._next = second, 0
            elif self._next + count > COUNTER_END:
                # more than 16 million rows in one second: use the next second instead of repeating an id
                self._second, self._next = second + 1, 0
            start = self._next
            self._next += count
            prefix = f"{self._second:08x}{self._process}"
        return Stamp(moment.replace(microsecond=moment.microsecond // 1000 * 1000), prefix, start, count)


def row_id_of(sys_id: str) -> str | None:
    """The ``_id`` of the row with this ``sys_Id``; None if it is not a valid one."""
    parts = SYS_ID.fullmatch(sys_id)
    return "".join(parts.groups()) if parts else None


def sys_id_of(row_id: str) -> str:
    """The ``sys_Id`` of the row with this ``_id``."""
    head = f"{row_id[:8]}-{row_id[8:12]}-8{row_id[12:15]}-8{row_id[15:18]}"
    return f"sys-{head}-000000{row_id[18:]}"


def new_client_id() -> str:
    return f"cs-{uuid.uuid4()}"


def writer_of(client_id: str) -> str:
    """The value of ``Created_By`` and ``Updated_By`` for rows that this app writes: always the same."""
    return f"st-{uuid.uuid5(WRITERS, client_id)}"
