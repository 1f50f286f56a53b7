"""CSV records: a tokenizer that distinguishes an empty cell from an empty string, and reports line numbers.

The csv module reads an unquoted empty field and `""` as the same empty string (its reader can distinguish
them from Python 3.13), accepts a stray quote as text, and does not report where a record starts. RFC 4180 is
short, so it is implemented here exactly: malformed records are rejected with their line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from rowkeep.cli.files.lines import Line, shown_line
from rowkeep.cli.files.records import MAX_RECORD_BYTES, FileRefused, Position

PLAIN = re.compile(r'[^",\r\n]*+')
QUOTED = re.compile(r'((?:[^"]++|"")*+)("?)')
END_OF_CELL = re.compile(r"(,)|\r?\n?\Z")


class CsvRecord(NamedTuple):
    """One record: its cells, with None for an empty one. A malformed record has its text and the error in
    ``reason`` instead."""

    line: int
    end: Position
    cells: list[str | None]
    text: str = ""
    reason: str = ""


class Malformed(Exception):
    """The text is malformed; the message says why."""


def csv_records(lines: Iterable[Line]) -> Iterator[CsvRecord]:
    """The records of these lines, including blank lines (a record with one empty cell).

    After a malformed record, reading continues with the next line. Raises FileRefused if the end of a record
    is missing, because then the start of the next one is unknown.
    """
    record, text, first, invalid_line = OpenRecord(), [], 0, 0
    for line in lines:
        text.append(line.text)
        first = first or line.number
        if not line.is_whole or len(line.text) + record.size > MAX_RECORD_BYTES:
            raise FileRefused(_too_long(first))
        reason = ""
        try:
            is_whole = record.read(_decoded(line))
        except Malformed as error:
            is_whole, reason = True, f"Line {line.number}: {error}."
        if not line.text.isascii() and not _is_utf8(line.text):
            invalid_line = invalid_line or line.number
        if is_whole:
            reason = f"Line {invalid_line} is not valid UTF-8." if invalid_line else reason
            cells = [] if reason else record.cells
            yield CsvRecord(first, line.end, cells, shown_line(b"".join(text)) if reason else "", reason)
            record, text, first, invalid_line = OpenRecord(), [], 0, 0
    if text:
        reason = f"Unclosed quote: a quoted cell that starts at line {first} or later has no end."
        yield CsvRecord(first, line.end, [], shown_line(b"".join(text)), reason)


def _decoded(line: Line) -> str:
    # invalid UTF-8 is reported only when the end of its record is known
    return line.text.decode("utf-8", "surrogateescape")


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def _too_long(first: int) -> str:
    return (
        f"The record that starts at line {first} is longer than {MAX_RECORD_BYTES} bytes; a closing quote "
        f"may be missing. Fix the file, then use --resume-at {first}."
    )


class OpenRecord:
    """A record of which some lines were read. ``size`` is their length in characters."""

    def __init__(self) -> None:
        self.cells: list[str | None] = []
        self.size = 0
        self._quoted: list[str] | None = None

    def read(self, line: str) -> bool:
        """Read the next line, including its line end. Returns whether it is the last line of the record.
        Raises Malformed."""
        self.size += len(line)
        if self._quoted is None and '"' not in line:
            cells = line.removesuffix("\n").removesuffix("\r").split(",")
            if "\r" in line and any("\r" in cell for cell in cells):
                raise Malformed("carriage return in an unquoted cell")
            self.cells += [cell or None for cell in cells]
            return True
        at = 0
        while True:
            if self._quoted is None and line.startswith('"', at):
                self._quoted = []
                at += 1
            found = _match(PLAIN if self._quoted is None else QUOTED, line, at)
            if self._quoted is None:
                self.cells.append(found[0] or None)
            else:
                self._quoted.append(found[1])
                if not found[2]:
                    return False
                self.cells.append("".join(self._quoted).replace('""', '"'))
                self._quoted = None
            end = _match(END_OF_CELL, line, found.end())
            if end[1] is None:
                return True
            at = end.end()


def _match(pattern: re.Pattern[str], line: str, at: int) -> re.Match[str]:
    found = pattern.match(line, at)
    if found is None:
        raise Malformed(_complaint(line, at))
    return found


def _complaint(line: str, at: int) -> str:
    if line[at] == '"':
        return 'quote in an unquoted cell; write it as "like ""this"""'
    if line[at] == "\r":
        return "carriage return in an unquoted cell"
    return "text after the closing quote of a cell"


def csv_cell(cell: str | None) -> str:
    """A cell in CSV: nothing for an empty cell, `""` for an empty string."""
    if cell is None:
        return ""
    if cell and not NEEDS_QUOTES.search(cell):
        return cell
    return '"' + cell.replace('"', '""') + '"'


NEEDS_QUOTES = re.compile(r'[",\r\n]|^\s|\s\Z|^\ufeff')
"""Text that would be read differently without quotes, and white space at the start or end of a cell, which
some readers remove."""
