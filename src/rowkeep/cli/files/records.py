"""Records: what the files of every format are read as, one record for each row, and where each one stands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol, TypeAlias

import msgspec

from rowkeep.client.responses import ColumnInfo
from rowkeep.errors.catalogue import SetupError

MAX_RECORD_BYTES = 64 * 1024 * 1024
"""What one record of a text file may weigh; no server takes more in one request unless it is told to."""


class Position(msgspec.Struct, frozen=True, order=True):
    """A place between two records: the line that begins there, counted from 1, and how many bytes of the
    file lie before it. In Parquet both count rows."""

    line: int
    offset: int


class Row(msgspec.Struct, frozen=True):
    """A record that is a row: its JSON object, the line it begins in, and where the next one begins."""

    line: int
    end: Position
    json: bytes


class Unreadable(msgspec.Struct, frozen=True):
    """A record that is none: its text, and what is wrong with it."""

    line: int
    end: Position
    text: str
    said: str


Record: TypeAlias = Row | Unreadable


class FileRefused(SetupError):
    """A file is not what it should be, as a whole; the message names it and says what to mend."""


class Source(Protocol):
    """A file of rows. Its methods raise FileRefused, OSError."""

    names: tuple[str, ...] | None
    """The columns that it says it has; None if each record says that for itself."""

    left_out: set[str]
    """The system columns that were passed over until now."""

    start: Position
    size: int | None
    """In the unit of offsets; None if it is not known."""

    def records(self, start: Position, types: Mapping[str, str], /) -> Iterator[Record]:
        """The records from ``start`` on, their cells read as ``types`` of its ``names`` ask."""


class RecordWriter(Protocol):
    """Writes pages of records as a file."""

    def write(self, records: msgspec.Raw) -> int:
        """Write a page, a JSON array of records; gives their number."""

    def close(self) -> None:
        """Write what is held back, and what stands at the end."""


Columns: TypeAlias = list[ColumnInfo]


def unnamed(names: list[str | None]) -> int | None:
    """The place, counted from 1, of the first column without a name."""
    return next((at for at, name in enumerate(names, 1) if not name), None)
