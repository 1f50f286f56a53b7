"""Text pieces: parts of a CSV or NDJSON file that are sent as they are.

The server reads the formats of a file itself, so most files need not be converted here, which takes longer
than everything else in an import. A piece has whole records, of which the lines can be counted without
reading them; what does not look like that is read record by record, and so is a piece that the server
refuses. Where the two could read a text in different ways, the server refuses it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import BinaryIO, Protocol, runtime_checkable

import msgspec

from rowkeep.files.csv_records import Dialect, csv_cell
from rowkeep.files.reading import Reading
from rowkeep.files.records import Position, Target
from rowkeep.files.row_api import CSV, NDJSON
from rowkeep.files.text_cells import SYSTEM_NAMES, form_of
from rowkeep.model.column_types import COLUMN_TYPES, FileForm

BLOCK_BYTES = 1024 * 1024
"""How much of a file is looked at together. A record must be smaller."""

MAX_CUTS = 16
"""How many lines may be in a record at the end of a block."""

SAME_FORMS = (FileForm.TEXT, FileForm.DOUBLE, FileForm.INTEGER, FileForm.BOOLEAN)
"""Formats of cells that the server reads from CSV as an import does."""

COMMA, QUOTE = b",", b'"'
MARK = b"\xef\xbb\xbf"


class TextPiece(msgspec.Struct, frozen=True):
    """The body of a stream with the records between two positions, and how many there are."""

    start: Position
    end: Position
    rows: int
    body: bytes


class _Counted(msgspec.Struct, frozen=True):
    rows: int
    lines: int


class TextForm(Protocol):
    """A format in which a file is sent as it is."""

    media_type: str
    head: bytes
    """What the body of a piece starts with."""

    def whole(self, block: bytes) -> bytes:
        """The start of a block up to the end of a record; empty if there is none."""

    def count(self, block: bytes) -> _Counted | None:
        """The records and lines of a block of whole records. None if it must be read record by record."""

    def sent(self, block: bytes) -> bytes:
        """The block as it is sent."""


class TextFile:
    """The text of a file, in pieces."""

    def __init__(self, form: TextForm, text: Callable[[int], BinaryIO]) -> None:
        """``text`` opens the file after this number of bytes."""
        self._form = form
        self._text = text

    @property
    def media_type(self) -> str:
        return self._form.media_type

    def take(self, start: Position, max_bytes: int) -> TextPiece | None:
        """The piece that starts there, with at most so many bytes. None if no records follow, or if they must
        be read one by one. Raises FileRefused, OSError."""
        form = self._form
        parts = [form.head]
        line, offset, rows, left = start.line, start.offset, 0, max_bytes
        while left > 0:
            block = self._block(offset, min(left, BLOCK_BYTES))
            counted = form.count(block) if block else None
            if counted is None:
                break
            parts.append(form.sent(block))
            line, offset = line + counted.lines, offset + len(block)
            rows, left = rows + counted.rows, left - len(block)
        return TextPiece(start, Position(line, offset), rows, b"".join(parts)) if rows else None

    def _block(self, offset: int, size: int) -> bytes:
        file = self._text(offset)
        block = file.read(size)
        return block if len(block) < size else self._form.whole(block)

    def piece(self, start: Position, end: Position, rows: int) -> TextPiece:
        """The piece between two positions, for a request that was sent before."""
        block = self._text(start.offset).read(end.offset - start.offset)
        return TextPiece(start, end, rows, self._form.head + self._form.sent(block))


@runtime_checkable
class TextSource(Protocol):
    """A source of records that may be sent as they are."""

    def text_file(self, targets: Sequence[Target | None], /) -> TextFile | None:
        """The text in pieces; None if each record must be read. The source can then be read from any place
        on."""


class NdjsonText:
    """NDJSON of which all members are imported under their own names."""

    media_type = NDJSON
    head = b""

    def __init__(self) -> None:
        self._skipped = [b'"%b"' % name.encode() for name in SYSTEM_NAMES]

    def whole(self, block: bytes) -> bytes:
        return block[: block.rfind(b"\n") + 1]

    def count(self, block: bytes) -> _Counted | None:
        lines = _lines_of(block)
        objects = block.startswith(b"{") + block.count(b"\n{")
        if objects != lines or any(name in block for name in self._skipped):
            return None
        return _Counted(lines, lines)

    def sent(self, block: bytes) -> bytes:
        return block if block.endswith(b"\n") else block + b"\n"


class CsvText:
    """CSV with these columns, whose cells need no conversion."""

    media_type = CSV

    def __init__(self, keys: Sequence[str], dialect: Dialect) -> None:
        self.head = ",".join(map(csv_cell, keys)).encode() + b"\n"
        self._between = len(keys) - 1
        self._delimiter = dialect.delimiter.encode()
        self._quote = dialect.quote.encode()

    def whole(self, block: bytes) -> bytes:
        block = block[: block.rfind(b"\n") + 1]
        for _ in range(MAX_CUTS):
            if block.count(QUOTE) % 2 == 0:
                return block
            # it ends in a quoted cell, so it is cut before the line where that starts
            block = block[: block.rfind(b"\n", 0, block.rfind(QUOTE)) + 1]
        return b""

    def count(self, block: bytes) -> _Counted | None:
        outside = self._outside(block)
        if outside is None or b"\0" in block or block.startswith(MARK) or _has_blank_line(outside):
            return None
        returns = block.count(b"\r")
        if returns and returns != block.count(b"\r\n"):
            return None
        rows = outside.count(b"\n") + (not block.endswith(b"\n"))
        if outside.count(self._delimiter) != rows * self._between:
            return None
        return _Counted(rows, _lines_of(block))

    def _outside(self, block: bytes) -> bytes | None:
        """The text between quoted cells. None if the quotes are others than those of RFC 4180, or the commas
        of a file with another delimiter would need some."""
        if self._delimiter != COMMA and COMMA in block:
            return None
        if QUOTE not in block:
            return None if self._quote not in (b"", QUOTE) and self._quote in block else block
        if self._quote != QUOTE or self._delimiter != COMMA:
            return None
        parts = block.split(QUOTE)
        return b"".join(parts[::2]) if len(parts) % 2 else None

    def sent(self, block: bytes) -> bytes:
        if self._delimiter != COMMA:
            block = block.replace(self._delimiter, COMMA)
        return block if block.endswith(b"\n") else block + b"\n"


def _lines_of(block: bytes) -> int:
    return block.count(b"\n") + (not block.endswith(b"\n"))


def _has_blank_line(text: bytes) -> bool:
    return text.startswith((b"\n", b"\r\n")) or b"\n\n" in text or b"\n\r\n" in text


def csv_text(targets: Sequence[Target | None], reading: Reading, dialect: Dialect) -> CsvText | None:
    """How CSV with these columns is sent as it is; None if it cannot be. A blank line is a row of a file of
    one column, but not in a stream."""
    keys = [target.key for target in targets if target is not None and _is_same(target.type, reading)]
    if len(keys) < len(targets) or len(keys) == 1 or dialect.nulls:
        return None
    if not all(each.isascii() for each in (dialect.delimiter, dialect.quote)):
        return None
    return CsvText(keys, dialect)


def _is_same(column_type: str, reading: Reading) -> bool:
    if form_of(column_type) not in SAME_FORMS:
        return False
    return not (reading.has_own_numbers and COLUMN_TYPES[column_type].is_number)
