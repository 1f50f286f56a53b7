"""Records: the common representation of rows in files of every format, with their positions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol, TypeAlias

import msgspec

from rowkeep.client.responses import ColumnInfo
from rowkeep.errors.catalogue import SetupError

MAX_RECORD_BYTES = 64 * 1024 * 1024
"""The maximum size of a record in a text file; servers accept larger requests only if they are configured
to."""


class Position(msgspec.Struct, frozen=True, order=True):
    """A position between two records: the line that starts there, counted from 1, and the number of bytes
    before it. In Parquet, both are row numbers."""

    line: int
    offset: int


class Row(msgspec.Struct, frozen=True):
    """A valid record: its JSON object, the line in which it starts, and the position of the next record."""

    line: int
    end: Position
    json: bytes


class Unreadable(msgspec.Struct, frozen=True):
    """An invalid record: its text, and the error."""

    line: int
    end: Position
    text: str
    reason: str


Record: TypeAlias = Row | Unreadable


class FileRefused(SetupError):
    """The file as a whole is invalid; the message has its name and says what to fix."""


class Source(Protocol):
    """A file of rows. Its methods raise FileRefused, OSError."""

    names: tuple[str, ...] | None
    """The columns in the header or schema of the file; None if each record has its own."""

    left_out: set[str]
    """The system columns that were skipped so far."""

    start: Position
    size: int | None
    """In the unit of offsets; None if unknown."""

    def records(self, start: Position, types: Mapping[str, str], /) -> Iterator[Record]:
        """The records from ``start`` on, with cells converted according to the ``types`` of the columns."""


class RecordWriter(Protocol):
    """Writes pages of records to a file."""

    def write(self, records: msgspec.Raw) -> int:
        """Write a page, which is a JSON array of records; returns their number."""

    def close(self) -> None:
        """Write buffered records and the end of the file."""


Columns: TypeAlias = list[ColumnInfo]


def unnamed(names: list[str | None]) -> int | None:
    """The position, counted from 1, of the first column without a name."""
    return next((at for at, name in enumerate(names, 1) if not name), None)
