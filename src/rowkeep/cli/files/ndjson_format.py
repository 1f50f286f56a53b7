"""NDJSON: one JSON object per line, in the format of the Data API."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import BinaryIO

import msgspec

from rowkeep.cli.files.lines import Line, lines_of, shown_line
from rowkeep.cli.files.records import MAX_RECORD_BYTES, Columns, Position, Record, Row, Unreadable
from rowkeep.cli.files.text_cells import SYSTEM_NAMES
from rowkeep.codec.json_bodies import has_keys, refuse_repeated_keys
from rowkeep.errors.catalogue import RepeatedKey

_row_decoder = msgspec.json.Decoder(dict[str, msgspec.Raw])
_rows_decoder = msgspec.json.Decoder(list[msgspec.Raw])


class NdjsonSource:
    """A file of JSON lines. Values are sent unchanged, so that numbers do not lose precision."""

    def __init__(self, file: BinaryIO, size: int | None) -> None:
        self._file = file
        self.names: tuple[str, ...] | None = None
        self.left_out: set[str] = set()
        self.start = Position(1, 0)
        self.size = size
        self._is_begun = False

    def records(self, start: Position, _types: Mapping[str, str]) -> Iterator[Record]:
        if self._is_begun or start != self.start:
            self._file.seek(start.offset)
        self._is_begun = True
        for line in lines_of(self._file, start):
            if line.text.strip():
                yield self._record(line)

    def _record(self, line: Line) -> Record:
        try:
            if not line.is_whole:
                raise ValueError(f"longer than {MAX_RECORD_BYTES} bytes")
            row = _row_decoder.decode(line.text)
            if not has_keys(line.text, len(row)):
                refuse_repeated_keys(line.text)
        except (ValueError, RecursionError, RepeatedKey) as error:
            reason = f"The line is not a valid JSON object: {error}".rstrip(".") + "."
            return Unreadable(line.number, line.end, shown_line(line.text), reason)
        system = SYSTEM_NAMES.intersection(row)
        if not system:
            return Row(line.number, line.end, line.text.strip())
        self.left_out |= system
        cells = {name: value for name, value in row.items() if name not in system}
        return Row(line.number, line.end, msgspec.json.encode(cells))


class NdjsonWriter:
    """Writes records in the format of the response."""

    def __init__(self, out: BinaryIO, _columns: Columns) -> None:
        self._out = out

    def write(self, records: msgspec.Raw) -> int:
        decoded = _rows_decoder.decode(records)
        # line ends between the tokens of a json cell have no meaning
        self._out.writelines(bytes(record).replace(b"\n", b" ") + b"\n" for record in decoded)
        return len(decoded)

    def close(self) -> None:
        """Do nothing: all records are already written."""
