"""NDJSON: one JSON object per line, in the format of the Data API."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import BinaryIO

import msgspec

from rowkeep.codec.json_bodies import complaint, has_keys, refuse_repeated_keys
from rowkeep.errors.catalogue import RepeatedKey
from rowkeep.files.content import Content
from rowkeep.files.detection import Detected
from rowkeep.files.lines import Line, lines_of, shown_line
from rowkeep.files.reading import Reading
from rowkeep.files.records import MAX_RECORD_BYTES, Columns, Position, Record, Row, Target, Unreadable
from rowkeep.files.text_cells import SYSTEM_NAMES
from rowkeep.files.text_pieces import NdjsonText, TextFile

_row_decoder = msgspec.json.Decoder(dict[str, msgspec.Raw])
_rows_decoder = msgspec.json.Decoder(list[msgspec.Raw])


class NdjsonSource:
    """A file of JSON lines. Values are sent unchanged, so that numbers do not lose precision."""

    def __init__(self, content: Content, reading: Reading) -> None:
        self._content = content
        self.names: tuple[str, ...] | None = None
        self.left_out: set[str] = set()
        self.known_types: Mapping[str, str] = {}
        self.start = Position(1, 0)
        self.size = content.size
        self._renames = dict(reading.renames)
        self._only = frozenset(reading.only)
        self._skipped = frozenset(reading.skipped)
        self._is_changed = bool(self._renames or self._only or self._skipped)
        self._text = content.text()
        self._is_begun = False
        self.detected = Detected(
            format="ndjson",
            compression=None if content.compression is None else content.compression.name,
            encoding=content.encoding.title,
        )

    @property
    def done(self) -> int:
        return self._content.done

    def records(self, start: Position, _targets: Sequence[Target | None]) -> Iterator[Record]:
        if self._is_begun or start != self.start:
            self._text = self._content.text(start.offset)
        self._is_begun = True
        for line in lines_of(self._text, start):
            if line.text.strip():
                yield self._record(line)

    def text_file(self, _targets: Sequence[Target | None]) -> TextFile | None:
        if self._is_changed or not self._content.is_plain_text:
            return None
        self._is_begun = True
        return TextFile(NdjsonText(), self._content.text)

    def _record(self, line: Line) -> Record:
        try:
            if not line.is_whole:
                raise ValueError(f"longer than {MAX_RECORD_BYTES} bytes")
            row = _row_decoder.decode(line.text)
            if not has_keys(line.text, len(row)):
                refuse_repeated_keys(line.text)
        except (ValueError, RecursionError, RepeatedKey) as error:
            return Unreadable(line.number, line.end, shown_line(line.text), _reason(error, line))
        system = SYSTEM_NAMES.intersection(row)
        if not system and not self._is_changed:
            return Row(line.number, line.end, line.text.strip())
        self.left_out |= system
        cells = {name: value for name, value in row.items() if name not in system}
        if self._is_changed:
            cells = self._chosen(cells)
        return Row(line.number, line.end, msgspec.json.encode(cells))

    def _chosen(self, row: dict[str, msgspec.Raw]) -> dict[str, msgspec.Raw]:
        """The columns that are imported, under their names in the table."""
        return {
            self._renames.get(name, name): value
            for name, value in row.items()
            if name not in self._skipped and (not self._only or name in self._only)
        }


def _reason(error: Exception, line: Line) -> str:
    """Why a line is not a row."""
    if isinstance(error, RepeatedKey) or not line.is_whole:
        return f"The line is not a valid JSON object: {error}".rstrip(".") + "."
    if isinstance(error, msgspec.ValidationError):
        return "The line must be a JSON object: one for each row, without an array around them."
    return complaint(error, line.text, "The line")


class NdjsonWriter:
    """Writes records in the format of the response."""

    def __init__(self, out: BinaryIO, _columns: Columns) -> None:
        self._out = out

    def write(self, records: msgspec.Raw) -> int:
        decoded = _rows_decoder.decode(records)
        # line ends between the tokens of a json cell have no meaning
        self._out.writelines(bytes(record).replace(b"\n", b" ") + b"\n" for record in decoded)
        return len(decoded)

    def write_lines(self, lines: bytes) -> int:
        lines = lines if lines.endswith(b"\n") else lines + b"\n"
        self._out.write(lines)
        return lines.count(b"\n")

    def close(self) -> None:
        """Do nothing: all records are already written."""
