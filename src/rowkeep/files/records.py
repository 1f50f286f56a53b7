"""Records: the common representation of rows in files of every format, with their positions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol, TypeAlias

import msgspec

from rowkeep.errors.catalogue import SetupError
from rowkeep.files.detection import Detected
from rowkeep.files.responses import ColumnInfo

MAX_RECORD_BYTES = 64 * 1024 * 1024
"""The maximum size of a record in a text file; servers accept larger requests only if they are configured
to."""


class Position(msgspec.Struct, frozen=True, order=True, gc=False):
    """A position between two records: the line that starts there, counted from 1, and the number of bytes
    before it. In Parquet, both are row numbers."""

    line: int
    offset: int


class Row(msgspec.Struct, frozen=True, gc=False):
    """A valid record: its JSON object, the line in which it starts, and the position of the next record."""

    line: int
    end: Position
    json: bytes


class Unreadable(msgspec.Struct, frozen=True, gc=False):
    """An invalid record: its text, and the error."""

    line: int
    end: Position
    text: str
    reason: str


Record: TypeAlias = Row | Unreadable


class Target(msgspec.Struct, frozen=True):
    """Where a column of a file goes: its name in requests, and the type of the column."""

    key: str
    type: str


class FileRefused(SetupError):
    """The file as a whole is invalid; the message has its name and says what to fix."""


class Source(Protocol):
    """A file of rows. Its methods raise FileRefused, OSError."""

    names: tuple[str, ...] | None
    """The columns in the header or schema of the file, "" for one without a name; None if each record has its
    own."""

    left_out: set[str]
    """The system columns in records that were skipped so far."""

    start: Position
    size: int | None
    """The amount of work, in the unit of ``done``; None if unknown."""

    detected: Detected

    known_types: Mapping[str, str]
    """The types of columns that their values do not show, by ``#3`` for the third column."""

    @property
    def done(self) -> int:
        """How much of the file was read."""

    def records(self, start: Position, targets: Sequence[Target | None], /) -> Iterator[Record]:
        """The records from ``start`` on. ``targets`` has one for each of ``names``."""


class RecordWriter(Protocol):
    """Writes pages of records to a file."""

    def write(self, records: msgspec.Raw) -> int:
        """Write a page, which is a JSON array of records; returns their number."""

    def write_lines(self, lines: bytes) -> int:
        """Write records of which each is a line of JSON; returns their number."""

    def close(self) -> None:
        """Write buffered records and the end of the file."""


class ArrayWriter:
    """A writer that decodes records as arrays."""

    def write(self, records: msgspec.Raw) -> int:
        raise NotImplementedError

    def write_lines(self, lines: bytes) -> int:
        return self.write(msgspec.Raw(b"[%b]" % lines.rstrip(b"\n").replace(b"\n", b",")))


Columns: TypeAlias = list[ColumnInfo]
