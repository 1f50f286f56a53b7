"""Row lines: rows as NDJSON and as CSV, encoded some hundred at a time."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec

from rowkeep.codec.rows import RowEncoder
from rowkeep.codec.stored_cells import Row
from rowkeep.model.tables import Column

EMPTY_STRING = "\0"
"""Stands for an empty string until the text is complete: no cell contains U+0000."""

_TRUTH = {True: "true", False: "false"}
_encode_lines = msgspec.json.Encoder().encode_lines
_encode = msgspec.json.Encoder().encode


class RowLines:
    """Encodes the rows of one stream: the columns ``columns``, or whole records if ``fields`` is None.
    ``head`` is what comes before the first row."""

    head = b""

    def __init__(self, codec: RowEncoder, columns: Sequence[Column], fields: tuple[str, ...] | None) -> None:
        self._codec = codec
        self._columns = columns
        self._fields = fields

    def __call__(self, rows: Sequence[Row]) -> bytes:
        raise NotImplementedError


class NdjsonLines(RowLines):
    """One JSON object a line, as in the response to a query."""

    def __call__(self, rows: Sequence[Row]) -> bytes:
        records = self._codec.records(rows, self._fields)
        if any(column.type_facts.is_document for column in self._columns):
            # JSON is sent as it was stored, and line ends between its tokens have no meaning
            return b"".join([_in_one_line(_encode(record)) for record in records])
        return _encode_lines(records)


def _in_one_line(record: bytes) -> bytes:
    if b"\n" in record or b"\r" in record:
        record = record.replace(b"\n", b" ").replace(b"\r", b" ")
    return record + b"\n"


class CsvLines(RowLines):
    """CSV (RFC 4180): null is an empty field, and an empty string is `""`. Numbers, booleans and JSON values
    are written as in JSON."""

    def __init__(self, codec: RowEncoder, columns: Sequence[Column], fields: tuple[str, ...] | None) -> None:
        super().__init__(codec, columns, fields)
        self.head = _text([[column.name for column in columns]]).encode()
        self._forms = {
            at: form for at, column in enumerate(columns) if (form := _form_of(column)) is not None
        }
        self._can_be_blank = len(columns) == 1

    def __call__(self, rows: Sequence[Row]) -> bytes:
        answered = self._codec.stored_cells.answer(rows, self._fields)
        columns: list[Iterable[Any]] | None = None
        if self._forms:
            columns = list(zip(*answered, strict=True))
            for at, form in self._forms.items():
                columns[at] = form(columns[at])
            answered = list(zip(*columns, strict=True))
        if self._can_be_blank:
            return _one_column(answered)
        return _text(answered).replace(EMPTY_STRING, '""').encode()


def _text(rows: Iterable[Sequence[Any]]) -> str:
    out = io.StringIO(newline="")
    csv.writer(out).writerows(rows)
    return out.getvalue()


def _one_column(rows: Iterable[Sequence[Any]]) -> bytes:
    """The writer quotes a lone null, which would make an empty string of it."""
    lines = ["\r\n" if row[0] is None else _text((row,)) for row in rows]
    return "".join(lines).replace(EMPTY_STRING, '""').encode()


def _form_of(column: Column) -> Callable[[Any], Iterable[Any]] | None:
    """Converts the cells of a column to what the writer of CSV takes; None if it takes them as they are."""
    facts = column.type_facts
    if facts.is_document:
        return _documents
    if facts.cell is bool:
        return _booleans
    if facts.is_text and not column.is_system:
        return _texts
    return None


def _documents(cells: Sequence[Any]) -> Iterable[Any]:
    return [None if cell is None else bytes(cell).decode() for cell in cells]


def _booleans(cells: Sequence[Any]) -> Iterable[Any]:
    return map(_TRUTH.get, cells)


def _texts(cells: Sequence[Any]) -> Iterable[Any]:
    if "" not in cells:
        return cells
    return [EMPTY_STRING if cell == "" else cell for cell in cells]
