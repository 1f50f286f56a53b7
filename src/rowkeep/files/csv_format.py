"""CSV: RFC 4180 with a header, or what is written so that it can be read in one way only. An empty cell is an
empty field, an empty string is `""`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, BinaryIO

import msgspec

from rowkeep.files.content import Content
from rowkeep.files.csv_blocks import records_of
from rowkeep.files.csv_records import SOME_NEED_QUOTES, CsvRecord, Dialect, csv_cell
from rowkeep.files.detection import DECLARED, Detected, delimiter_of
from rowkeep.files.reading import Reading, without_header
from rowkeep.files.records import (
    ArrayWriter,
    Columns,
    FileRefused,
    Position,
    Record,
    Row,
    Target,
    Unreadable,
)
from rowkeep.files.text_cells import as_text, form_of, is_string, reader_of
from rowkeep.files.text_pieces import TextFile, csv_text
from rowkeep.files.unfit import UnfitCell
from rowkeep.model.column_types import FileForm

BEGINNING = Position(1, 0)

NULL = b"null"

_encode = msgspec.json.Encoder().encode


class CsvSource:
    """A CSV file; the constructor reads its header. Raises FileRefused."""

    delimiter = ","
    """The usual one of the format."""

    def __init__(self, content: Content, reading: Reading) -> None:
        self._content = content
        self._reading = reading
        delimiter = reading.delimiter or delimiter_of(
            content.head,
            reading.quote,
            reading.header_line,
            is_whole=content.is_whole_head,
            usual=self.delimiter,
        )
        self._dialect = Dialect(delimiter, reading.quote, frozenset(reading.nulls))
        self._records = records_of(content.text(), BEGINNING, self._dialect)
        self._first: CsvRecord | None = None
        self._before_first = BEGINNING
        first = self._header()
        self.names: tuple[str, ...] = self._names(first)
        self.left_out: set[str] = set()
        self.known_types: Mapping[str, str] = {}
        self.start = first.end
        if not reading.has_header:
            self._first = first
            self.start = self._before_first
        self.size = content.size
        self._is_begun = False
        self.detected = Detected(
            format="csv",
            compression=None if content.compression is None else content.compression.name,
            encoding=content.encoding.title,
            delimiter=delimiter,
            header_line=first.line if reading.has_header else 0,
        )

    @property
    def done(self) -> int:
        return self._content.done

    def _header(self) -> CsvRecord:
        """The header or, without one, the first record."""
        before = BEGINNING
        for record in self._records:
            is_declaration = record.cells[:1] == [DECLARED]
            if (
                not is_declaration
                and record.line >= self._reading.header_line
                and (record.cells or record.reason)
            ):
                self._before_first = before
                if record.reason:
                    reason = record.reason
                    if "\r" in self._content.head and "\n" not in self._content.head:
                        reason = (
                            "Its lines end with carriage returns (CR), which is not supported. Convert them, "
                            "such as by: tr '\\r' '\\n'"
                        )
                    raise FileRefused(f"{self._content.name} has no valid header. {reason}")
                return record
            before = record.end
        raise FileRefused(
            f"{self._content.name} has no valid header. {without_header(self._reading, 'file')}"
        )

    def _names(self, first: CsvRecord) -> tuple[str, ...]:
        if self._reading.has_header:
            return tuple(name or "" for name in first.cells)
        names, count = self._reading.only, len(first.cells)
        if not names and not any(name.startswith("#") for name, _ in self._reading.renames):
            raise FileRefused(
                f"{self._content.name} has {count} columns without names (--header none). Name them in "
                "their order "
                'with --columns, or some of them with --map "#1=COLUMN" and --skip-columns.'
            )
        if names and len(names) != count:
            raise FileRefused(f"--columns names {len(names)} columns, but {self._content.name} has {count}.")
        return names or ("",) * count

    def records(self, start: Position, targets: Sequence[Target | None]) -> Iterator[Record]:
        records: Iterator[CsvRecord] = self._records
        if self._is_begun or start != self.start:
            records = records_of(self._content.text(start.offset), start, self._dialect)
        elif self._first is not None:
            records = _with_first(self._first, records)
        self._is_begun = True
        makes = _RowMaker(targets, self._reading)
        for record in records:
            if not record.cells and not record.reason:
                if len(self.names) > 1:
                    continue  # a blank line; if there is only one column, it is a row
                record = record._replace(cells=[None])  # noqa: PLW2901 - the same one as a row
            yield makes.record(record)

    def text_file(self, targets: Sequence[Target | None]) -> TextFile | None:
        form = csv_text(targets, self._reading, self._dialect) if self._content.is_plain_text else None
        if form is None:
            return None
        self._is_begun = True  # the file is read from any place on, not only after the header
        return TextFile(form, self._content.text)


class TsvSource(CsvSource):
    """The same with tabs, but other delimiters are found too."""

    delimiter = "\t"


def _with_first(first: CsvRecord, rest: Iterator[CsvRecord]) -> Iterator[CsvRecord]:
    yield first
    yield from rest


class _RowMaker:
    """Makes rows of records."""

    def __init__(self, targets: Sequence[Target | None], reading: Reading) -> None:
        self._count = len(targets)
        self._keys = [None if target is None else target.key for target in targets]
        self._readers: list[tuple[int, str, Callable[[str], object]]] = []
        for at, target in enumerate(targets):
            reader = as_text if target is None else reader_of(target.type, reading)
            if target is not None and reader is not as_text:
                self._readers.append((at, target.key, reader))
        self._has_skipped = None in self._keys

    def record(self, record: CsvRecord) -> Record:
        cells: list[str | None] = record.cells
        if record.reason:
            return Unreadable(record.line, record.end, record.text, record.reason)
        if len(cells) != self._count:
            return _unreadable(
                record, f"The record has {len(cells)} cells, but the header has {self._count}."
            )
        row: dict[str | None, object] = dict(zip(self._keys, cells, strict=True))
        if self._has_skipped:
            del row[None]
        for at, key, reader in self._readers:
            cell = cells[at]
            if cell is not None:
                try:
                    row[key] = reader(cell)
                except UnfitCell as error:
                    return _unreadable(record, f"Column {key} {error}.")
        return Row(record.line, record.end, _encode(row))


def _unreadable(record: CsvRecord, reason: str) -> Unreadable:
    return Unreadable(record.line, record.end, ",".join(map(csv_cell, record.cells)), reason)


class CsvWriter(ArrayWriter):
    """Writes records as CSV. Numbers, booleans and json are written as in JSON."""

    delimiter = ","

    def __init__(self, out: BinaryIO, columns: Columns) -> None:
        self._out = out
        fields = [
            (f"c{at}", str | None if is_string(column.type) else msgspec.Raw)
            for at, column in enumerate(columns)
        ]
        names = {f"c{at}": column.name for at, column in enumerate(columns)}
        record = msgspec.defstruct("Record", fields, rename=names, gc=False)
        self._decoder = msgspec.json.Decoder(list[record])  # type: ignore[valid-type] # defined above
        self._writers = [_writer_of(column.type) for column in columns]
        out.write((self.delimiter.join(csv_cell(column.name) for column in columns) + "\n").encode())

    def write(self, records: msgspec.Raw) -> int:
        decoded = self._decoder.decode(records)
        if decoded:
            columns = zip(*map(msgspec.structs.astuple, decoded), strict=True)
            written = [write(column) for write, column in zip(self._writers, columns, strict=True)]
            lines = map(self.delimiter.join, zip(*written, strict=True))
            self._out.write(("\n".join(lines) + "\n").encode())
        return len(decoded)

    def close(self) -> None:
        """Do nothing: all records are already written."""


class TsvWriter(CsvWriter):
    """The same with tabs."""

    delimiter = "\t"


def _writer_of(column_type: str) -> Callable[[Sequence[Any]], list[str]]:
    """A function that writes the cells of a column of this type."""
    if is_string(column_type):
        return _texts
    return _documents if form_of(column_type) is FileForm.JSON else _plain


def _texts(cells: Sequence[str | None]) -> list[str]:
    # most columns have no text that needs quotes, which one search finds out
    if "" in cells or SOME_NEED_QUOTES.search("\0".join([cell for cell in cells if cell is not None])):
        return [csv_cell(cell) for cell in cells]
    return [cell or "" for cell in cells]


def _plain(cells: Sequence[msgspec.Raw]) -> list[str]:
    return ["" if cell == NULL else cell.decode() for cell in map(bytes, cells)]


def _documents(cells: Sequence[msgspec.Raw]) -> list[str]:
    return ["" if cell == NULL else csv_cell(cell.decode()) for cell in map(bytes, cells)]
