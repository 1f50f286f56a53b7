"""CSV records: the csv module of Python, with what it does not report: the line of each record, and whether
an empty cell is quoted.

The module reads an unquoted empty field and `""` as the same empty string (its reader can tell them apart
from Python 3.13 on), so the few records where that matters are looked at again.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec

from rowkeep.files.lines import Line, shown_line
from rowkeep.files.records import MAX_RECORD_BYTES, FileRefused, Position

UNCLOSED = "unexpected end of data"
"""What the module says of a quoted cell without end."""

JOINED_LINES = 1000
"""After how many lines of a record they are joined."""


class Dialect(msgspec.Struct, frozen=True):
    """How cells are separated and quoted; ``quote`` is "" if they are not. ``nulls`` are texts that are empty
    cells unless they are quoted."""

    delimiter: str = ","
    quote: str = '"'
    nulls: frozenset[str] = frozenset()


class CsvRecord(NamedTuple):
    """One record: its cells, with None for an empty one; no cells for a blank line. A malformed record has
    its text and the error in ``reason`` instead."""

    line: int
    end: Position
    cells: list[str | None]
    text: str = ""
    reason: str = ""


def csv_records(lines: Iterable[Line], dialect: Dialect = Dialect()) -> Iterator[CsvRecord]:  # noqa: B008 - frozen
    """The records of these lines, including blank lines.

    After a malformed record, reading continues with the next line. Raises FileRefused if the end of a record
    is missing, because then the start of the next one is unknown.
    """
    csv.field_size_limit(MAX_RECORD_BYTES)
    feed = _Feed(lines)
    reader = csv.reader(
        feed,
        delimiter=dialect.delimiter,
        quotechar=dialect.quote or None,
        quoting=csv.QUOTE_MINIMAL if dialect.quote else csv.QUOTE_NONE,
        strict=True,
    )
    cells_of = _CellReader(dialect)
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield feed.malformed(_complaint(str(error), feed.first, dialect))
            continue
        if feed.invalid:
            yield feed.malformed(
                f"Line {feed.invalid} is not valid UTF-8. Use --encoding for another encoding."
            )
            continue
        yield CsvRecord(feed.first, feed.end, cells_of(cells, feed.texts))
        feed.next_record()


def _complaint(error: str, first: int, dialect: Dialect) -> str:
    if UNCLOSED in error:
        return f"Unclosed quote: a quoted cell that starts at line {first} or later has no end."
    if "expected after" in error:
        return f"Text after the closing quote of a cell ({dialect.quote}). In a cell, quotes are doubled."
    if "new-line character" in error:
        return "Carriage return in an unquoted cell."
    return f"{error[:1].upper()}{error[1:]}."


class _Feed:
    """The lines for the reader, which takes as many as a record has."""

    def __init__(self, lines: Iterable[Line]) -> None:
        self._lines = iter(lines)
        self.first = 0
        self.end = Position(1, 0)
        self.invalid = 0
        self.texts: list[str] = []
        """The text of the record in parts, which are its lines until there are many."""
        self._joined = 0
        self._size = 0

    def __iter__(self) -> _Feed:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        if self.first == 0:
            self.first = line.number
        self._size += len(line.text)
        if self._size > MAX_RECORD_BYTES or not line.is_whole:
            raise FileRefused(_too_long(self.first))
        try:
            text = line.text.decode()
        except UnicodeDecodeError:
            # reported only when the end of its record is known
            text = line.text.decode("utf-8", "surrogateescape")
            self.invalid = self.invalid or line.number
        self.texts.append(text)
        if len(self.texts) - self._joined > JOINED_LINES:
            # a line of a few characters takes ten times as much memory as its text
            self.texts[self._joined :] = ["".join(self.texts[self._joined :])]
            self._joined += 1
        self.end = line.end
        return text

    def next_record(self) -> None:
        self.first = self.invalid = self._joined = self._size = 0
        self.texts = []

    def malformed(self, reason: str) -> CsvRecord:
        text = "".join(self.texts).encode("utf-8", "surrogateescape")
        record = CsvRecord(self.first, self.end, [], shown_line(text), reason)
        self.next_record()
        return record


def _too_long(first: int) -> str:
    return (
        f"The record that starts at line {first} is longer than {MAX_RECORD_BYTES} bytes; a closing quote "
        f"may be missing. Fix the file, then use --resume-at {first}."
    )


class _CellReader:
    """Decides which cells of a record are empty, and which are an empty string."""

    def __init__(self, dialect: Dialect) -> None:
        quote, delimiter = re.escape(dialect.quote), re.escape(dialect.delimiter)
        self._quote = dialect.quote
        self._nulls = {"", *dialect.nulls}
        quoted = rf"{quote}(?:[^{quote}]++|{quote}{quote})*+{quote}|" if quote else ""
        self._cell = re.compile(rf"({quoted}[^{delimiter}\r\n]*)(?:{delimiter}|\r?\n?\Z)")

    def __call__(self, cells: list[str], texts: list[str]) -> list[str | None]:
        nulls = self._nulls
        if not cells or nulls.isdisjoint(cells):
            return cells  # type: ignore[return-value] # without None
        text = texts[0] if len(texts) == 1 else "".join(texts)
        if not self._quote or self._quote not in text:
            return [None if cell in nulls else cell for cell in cells]
        raw = self._cell.findall(text)
        return [
            None if cell in nulls and not written.startswith(self._quote) else cell
            for cell, written in zip(cells, raw, strict=False)
        ]


def csv_cell(cell: str | None) -> str:
    """A cell in CSV: nothing for an empty cell, `""` for an empty string."""
    if cell is None:
        return ""
    if cell and not NEEDS_QUOTES.search(cell):
        return cell
    return '"' + cell.replace('"', '""') + '"'


NEEDS_QUOTES = re.compile(r'[",\t\r\n]|^\s|\s\Z|^\ufeff')
"""Text that would be read differently without quotes, and white space at the start or end of a cell, which
some readers remove."""

SOME_NEED_QUOTES = re.compile(r'[",\t\r\n]|(?:^|\0)[\s\ufeff]|\s(?:\0|\Z)')
"""Finds whether one of several texts with U+0000 between them, which no cell contains, needs quotes."""
