"""Batches: the records of a file in parts, each of which is one request."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from rowkeep.files.records import Position, Record, Row

BATCH_BYTES = 1024 * 1024
"""The maximum size of a request, unless a single row is larger. The server stores the errors of larger ones
not under their keys, so that a lost response could not be read again."""

BATCH_ROWS = 5000
"""The maximum number of rows of a request, unless another one is given."""

REPLY_BYTES = 512 * 1024
"""Requests become smaller if a response is larger: the server stores responses up to 1 MiB."""

FIRST_PIECE_BYTES = 1024 * 1024
PIECE_BYTES = 8 * 1024 * 1024
"""The size of the first piece of a file that is streamed, and of the largest."""

MAX_PAUSE = 64

BETWEEN = b","

GROWTH = 4


class BatchLimits(msgspec.Struct, frozen=True, kw_only=True):
    """The limits of an import: rows and bytes of a request, bytes of a single row, and rejected rows (None
    for no limit). ``can_stream`` says whether rows can be sent in streams, which have more rows."""

    rows: int
    bytes: int
    row_bytes: int
    errors: int | None
    can_stream: bool

    @classmethod
    def of(cls, rows: int | None, errors: int | None, body_bytes: int, extra_bytes: int) -> BatchLimits:
        """The limits for a server that accepts bodies of at most ``body_bytes``, of which ``extra_bytes`` are
        not for rows. ``rows`` is the number of rows of a request, if it is limited."""
        row_bytes = body_bytes - extra_bytes
        return cls(
            rows=rows or BATCH_ROWS,
            bytes=min(BATCH_BYTES - extra_bytes, row_bytes),
            row_bytes=row_bytes,
            errors=errors,
            can_stream=rows is None,
        )


class BatchSize:
    """The number of rows of the next request: fewer after one that was too large, then more again."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.rows = most

    def shrink(self, rows: int) -> None:
        self.rows = max(1, rows // 2)

    def adapt(self, rows: int, reply_bytes: int) -> None:
        """After a request with so many rows, and a response of this size."""
        if reply_bytes > REPLY_BYTES:
            self.rows = max(1, rows * REPLY_BYTES // reply_bytes)
        elif reply_bytes * GROWTH <= REPLY_BYTES:
            self.rows = min(self._most, self.rows * GROWTH)


class PieceSize:
    """The size of the next piece that is streamed, in bytes: more as long as all rows are accepted. After a
    piece with a row that is not, some batches are sent in single requests, each time more."""

    def __init__(self) -> None:
        self._most = PIECE_BYTES
        self.bytes = FIRST_PIECE_BYTES
        self._next_pause = 1
        self._pause = 0

    @property
    def is_paused(self) -> bool:
        return self._pause > 0

    def accepted(self) -> None:
        self.bytes = min(self._most, self.bytes * GROWTH)
        self._next_pause = 1

    def refused(self) -> None:
        self.bytes = FIRST_PIECE_BYTES
        self._pause = self._next_pause
        self._next_pause = min(MAX_PAUSE, 2 * self._next_pause)

    def waited(self) -> None:
        """A batch was sent in a single request."""
        self._pause -= 1


class BatchReader:
    """Takes records in batches."""

    def __init__(self, records: Iterable[Record], max_bytes: int) -> None:
        self._records = iter(records)
        self._max_bytes = max_bytes
        self._put_back: list[Record] = []

    def take(self, most: int, max_bytes: int | None = None) -> list[Record]:
        """The next records: at most ``most``, which are not too large together."""
        taken: list[Record] = []
        size = 0
        limit = self._max_bytes if max_bytes is None else max_bytes
        while len(taken) < most:
            record = self._next()
            if record is None:
                break
            weight = len(record.json) + len(BETWEEN) if isinstance(record, Row) else len(record.text)
            if taken and size + weight > limit:
                self._put_back.append(record)
                break
            taken.append(record)
            size += weight
        return taken

    def take_to(self, end: Position) -> list[Record]:
        """The next records up to this position."""
        taken: list[Record] = []
        while not taken or taken[-1].end < end:
            record = self._next()
            if record is None:
                break
            taken.append(record)
        return taken

    def put_back(self, records: list[Record]) -> None:
        """The next records will be these."""
        self._put_back += reversed(records)

    def _next(self) -> Record | None:
        return self._put_back.pop() if self._put_back else next(self._records, None)
