"""Stream requests: what a stream of rows is, and what became of it, independent of the transport."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from itertools import chain

import msgspec

from rowkeep.codec.record_parts import encode
from rowkeep.codec.rows import InsertLimits, TableCodec
from rowkeep.codec.streams.line_errors import BadLine
from rowkeep.codec.streams.readers import StreamReader
from rowkeep.errors.catalogue import MAX_PROBLEMS, Problem, RowkeepError
from rowkeep.model.data_requests import ConflictAction, InsertOptions
from rowkeep.services.row_requests import MULTI_STATUS, OK

MAX_ERROR_BYTES = 16 * 1024 * 1024
"""The approximate maximum size of the errors in a response."""


class StreamRequest(msgspec.Struct, frozen=True):
    """Rows to insert, as bytes that arrive over time; they can be read only once. ``make_reader`` makes the
    reader of their format."""

    chunks: AsyncIterator[bytes]
    make_reader: Callable[[TableCodec, InsertOptions, InsertLimits], StreamReader]
    options: InsertOptions


class Written(msgspec.Struct, frozen=True):
    """How many rows were inserted, and of how many the key was stored."""

    inserted: int = 0
    others: int = 0


class StreamResult(msgspec.Struct, frozen=True):
    """What became of a stream. ``errors`` are those of the lines that were not stored, one JSON object each,
    and ``omitted`` more were left out. If it could not be read to its end, nothing was stored from
    ``stopped_at`` on."""

    options: InsertOptions
    written: Written
    failed: int = 0
    errors: Sequence[bytes] = ()
    omitted: int = 0
    stopped_at: int | None = None

    @property
    def counts(self) -> dict[str, object]:
        action: ConflictAction | None = self.options.action
        written = self.written
        counts: dict[str, object] = {"nInserted": written.inserted}
        if action is not None:
            counts["nUpdated"] = written.others if action == "update" else 0
            counts["nIgnored"] = written.others if action == "ignore" else 0
        if self.options.is_partial:
            counts["nFailed"] = self.failed
        if self.omitted:
            counts["nErrorsOmitted"] = self.omitted
        if self.stopped_at is not None:
            counts["stoppedAtLine"] = self.stopped_at
        return counts | ({"dryRun": True} if self.options.dry_run else {})

    @property
    def status(self) -> int:
        return MULTI_STATUS if self.errors else OK


class LineErrors:
    """The errors of lines that were not stored, as many as a response can have."""

    def __init__(self, most: int) -> None:
        self.first: Problem | None = None
        self.lines: list[bytes] = []
        self.omitted = 0
        self.failed = 0
        self._size = 0
        self._most = most

    def add(self, bad: Sequence[BadLine]) -> None:
        self.failed += len(bad)
        self._list(list(chain.from_iterable(each.problems for each in bad)))

    def copy(self) -> LineErrors:
        """The same errors, to which others can be added."""
        other = LineErrors(self._most)
        other.first, other.lines, other.omitted, other.failed = (
            self.first,
            [*self.lines],
            self.omitted,
            self.failed,
        )
        other._size = self._size
        return other

    def stop(self, error: RowkeepError) -> None:
        """Add the error that ended the stream."""
        self._list(error.problems)

    def _list(self, problems: Sequence[Problem]) -> None:
        for problem in problems:
            if self.first is None:
                self.first = problem
            if len(self.lines) >= self._most or self._size > MAX_ERROR_BYTES:
                self.omitted += 1
                continue
            line = encode(problem.entry())
            self._size += len(line)
            self.lines.append(line)

    def listed(self) -> msgspec.Raw:
        """The first errors as a JSON array."""
        return msgspec.Raw(b"[%b]" % b",".join(self.lines[:MAX_PROBLEMS]))
