"""Lines: reads a text file line by line in bounded memory, with the number and end of each line."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from rowkeep.files.records import MAX_RECORD_BYTES, Position

SKIPPED_AT_ONCE = 1024 * 1024


class Line(NamedTuple):
    """One line including its line end, and the position of the next line. If the line is longer than the
    limit for records, ``text`` is only its start and ``is_whole`` is false."""

    number: int
    text: bytes
    end: Position
    is_whole: bool = True


def lines_of(file: BinaryIO, start: Position) -> Iterator[Line]:
    """The lines of a file from its current position ``start``; a byte order mark at the start of the file is
    skipped."""
    number, offset = start.line, start.offset
    while text := file.readline(MAX_RECORD_BYTES + 1):
        is_whole = len(text) <= MAX_RECORD_BYTES
        length = len(text) if is_whole or text.endswith(b"\n") else len(text) + _rest_of_line(file)
        if offset == 0:
            text = text.removeprefix(codecs.BOM_UTF8)
        offset += length
        yield Line(number, text, Position(number + 1, offset), is_whole)
        number += 1


def _rest_of_line(file: BinaryIO) -> int:
    """Read to the end of the line; returns the number of bytes."""
    passed = 0
    while more := file.readline(SKIPPED_AT_ONCE):
        passed += len(more)
        if more.endswith(b"\n"):
            break
    return passed


def shown_line(text: bytes, most: int = 1000) -> str:
    """The text of a line that cannot be read, shortened for a message."""
    shown = text[:most].decode("utf-8", "backslashreplace").rstrip("\r\n")
    return f"{shown}… ({len(text)} bytes)" if len(text) > most else shown
