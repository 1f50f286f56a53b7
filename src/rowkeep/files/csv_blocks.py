"""CSV blocks: reads a file in blocks, so that most of them need no CSV reader.

In a block without quotes, and without a carriage return inside a line, each line is a record, which is split
at its delimiters. All other blocks go through the ``csv`` module, up to the end of the record they end in.
"""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator
from typing import BinaryIO, cast

from rowkeep.files.csv_records import CsvRecord, Dialect, csv_records
from rowkeep.files.lines import lines_of
from rowkeep.files.records import MAX_RECORD_BYTES, Position

BLOCK_BYTES = 256 * 1024


def records_of(file: BinaryIO, start: Position, dialect: Dialect) -> Iterator[CsvRecord]:
    """The records of a file from its current position ``start`` on; the same as those of ``csv_records``, and
    raises the same."""
    position = start
    while block := file.read(BLOCK_BYTES):
        if not block.endswith(b"\n"):
            block += file.readline(MAX_RECORD_BYTES + 1)
        text = _plain_text(block, dialect)
        if text is None:
            rest = _Continued(block, file)
            for record in csv_records(lines_of(cast("BinaryIO", rest), position), dialect):
                yield record
                position = record.end
                if rest.is_in_file:
                    break
            continue
        for record in _plain_records(block, text, position, dialect):
            yield record
            position = record.end


def _plain_text(block: bytes, dialect: Dialect) -> str | None:
    """The text of a block of whole lines in which each line is a record; None if some may not be one."""
    if len(block) > 2 * BLOCK_BYTES or b"\0" in block:
        return None
    if dialect.quote and dialect.quote.encode() in block:
        return None
    returns = block.count(b"\r")
    if returns and returns != block.count(b"\r\n"):
        return None
    try:
        text = block.decode()
    except UnicodeDecodeError:
        return None
    return text.replace("\r\n", "\n") if returns else text


def _plain_records(block: bytes, text: str, start: Position, dialect: Dialect) -> Iterator[CsvRecord]:
    number, offset = start.line, start.offset
    if offset == 0:
        text = text.removeprefix(codecs.BOM_UTF8.decode())
    delimiter = dialect.delimiter
    nulls = {"", *dialect.nulls}
    has_null = nulls.__contains__
    lines = zip(block.splitlines(keepends=True), text.split("\n"), strict=False)
    for raw, line in lines:
        cells: list[str | None] = line.split(delimiter) if line else []  # type: ignore[assignment] # no None yet
        if any(map(has_null, cells)):
            cells = [None if cell in nulls else cell for cell in cells]
        offset += len(raw)
        yield CsvRecord(number, Position(number + 1, offset), cells)
        number += 1


class _Continued(io.RawIOBase):
    """The lines of a block, and then those of the file that it was read from."""

    def __init__(self, block: bytes, file: BinaryIO) -> None:
        self._block = io.BytesIO(block)
        self._size = len(block)
        self._file = file

    @property
    def is_in_file(self) -> bool:
        """Whether the block is used up."""
        return self._block.tell() >= self._size

    def readline(self, size: int | None = -1, /) -> bytes:
        line = self._block.readline(size)
        if line.endswith(b"\n") or (size is not None and 0 <= size <= len(line)):
            return line
        return line + self._file.readline(-1 if size is None or size < 0 else size - len(line))
