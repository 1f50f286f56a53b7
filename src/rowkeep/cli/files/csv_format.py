"""CSV: RFC 4180 in UTF-8 with a header. An empty cell is an empty field, an empty string is `""`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

import msgspec

from rowkeep.cli.files.csv_records import CsvRecord, csv_cell, csv_records
from rowkeep.cli.files.lines import lines_of
from rowkeep.cli.files.records import Columns, FileRefused, Position, Record, Row, Unreadable, unnamed
from rowkeep.cli.files.text_cells import SYSTEM_NAMES, UnfitCell, as_text, is_string, reader_of

BEGINNING = Position(1, 0)


class CsvSource:
    """A CSV file; the constructor reads its header. Raises FileRefused."""

    def __init__(self, file: BinaryIO, size: int | None) -> None:
        self._file = file
        self._records = csv_records(lines_of(file, BEGINNING))
        header = next(self._records, None)
        if header is None or header.reason:
            reason = "The file is empty." if header is None else header.reason
            raise FileRefused(f"The CSV file has no valid header. {reason}")
        nameless = unnamed(header.cells)
        if nameless is not None:
            raise FileRefused(f"Column {nameless} in the CSV header has no name.")
        self.names: tuple[str, ...] = tuple(map(str, header.cells))
        self.left_out = {name for name in self.names if name in SYSTEM_NAMES}
        self.start = header.end
        self.size = size
        self._is_begun = False

    def records(self, start: Position, types: Mapping[str, str]) -> Iterator[Record]:
        if self._is_begun or start != self.start:
            self._file.seek(start.offset)
            self._records = csv_records(lines_of(self._file, start))
        self._is_begun = True
        readers = [
            None if name in SYSTEM_NAMES else reader_of(types.get(name, "string")) for name in self.names
        ]
        for record in self._records:
            if record.cells == [None] and len(self.names) > 1:
                continue  # a blank line; if there is only one column, it is a row
            yield self._record(record, readers)

    def _record(self, record: CsvRecord, readers: list[Any]) -> Record:
        cells, count = record.cells, len(self.names)
        if record.reason:
            return Unreadable(record.line, record.end, record.text, record.reason)
        if len(cells) != count:
            return _unreadable(record, f"The record has {len(cells)} cells, but the header has {count}.")
        row = {}
        for name, reader, cell in zip(self.names, readers, cells, strict=True):
            if reader is not None:
                try:
                    row[name] = cell if cell is None or reader is as_text else reader(cell)
                except UnfitCell as error:
                    return _unreadable(record, f"Column {name} {error}.")
        return Row(record.line, record.end, msgspec.json.encode(row))


def _unreadable(record: CsvRecord, reason: str) -> Unreadable:
    return Unreadable(record.line, record.end, ",".join(map(csv_cell, record.cells)), reason)


class CsvWriter:
    """Writes records as CSV. Numbers, booleans and json are written as in JSON."""

    def __init__(self, out: BinaryIO, columns: Columns) -> None:
        self._out = out
        fields = [
            (f"c{at}", str | None if is_string(column.type) else msgspec.Raw)
            for at, column in enumerate(columns)
        ]
        names = {f"c{at}": column.name for at, column in enumerate(columns)}
        record = msgspec.defstruct("Record", fields, rename=names, gc=False)
        self._decoder = msgspec.json.Decoder(list[record])  # type: ignore[valid-type] # defined above
        out.write((",".join(csv_cell(column.name) for column in columns) + "\n").encode())

    def write(self, records: msgspec.Raw) -> int:
        decoded = self._decoder.decode(records)
        rows = map(msgspec.structs.astuple, decoded)
        self._out.write("".join([",".join(map(_written, row)) + "\n" for row in rows]).encode())
        return len(decoded)

    def close(self) -> None:
        """Do nothing: all records are already written."""


def _written(cell: str | msgspec.Raw | None) -> str:
    if isinstance(cell, msgspec.Raw):
        text = bytes(cell).decode()
        return "" if text == "null" else csv_cell(text)
    return csv_cell(cell)
