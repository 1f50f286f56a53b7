"""Inspection: what a file has, as far as its start shows: how it is read, its columns, first rows, and a
proposal for a table."""

from __future__ import annotations

import time
import zipfile
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import msgspec

from rowkeep.files.content import Content
from rowkeep.files.detection import Detected
from rowkeep.files.formats import Format
from rowkeep.files.header import legal_name
from rowkeep.files.inference import MAX_COLUMNS, Inference
from rowkeep.files.reading import Reading
from rowkeep.files.records import FileRefused, Record, Row, Source
from rowkeep.model.column_types import decode_value

SHOWN_ROWS = 20
SHOWN_CHARACTERS = 200
SAMPLED_ROWS = 20_000
SAMPLED_CELLS = 400_000
"""How many rows and values are looked at for the types of columns."""

SAMPLE_SECONDS = 3.0
MAX_SHOWN_ERRORS = 5

WORKBOOK_SHARE = 2
"""What part of the memory an Excel or OpenDocument file can have when it is unpacked: it is in memory as a
whole."""


class FileColumn(msgspec.Struct, frozen=True, rename="camel"):
    """A column of a file. ``label`` identifies it in options, and ``proposed`` is a name for it in a
    table."""

    label: str
    name: str
    proposed: str


class Inspected(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What is known of a file. ``rows`` are its first rows, by the labels of columns, with long values cut.
    ``is_whole`` says whether all of its rows were looked at."""

    detected: Detected
    sheets: list[str]
    columns: list[FileColumn]
    rows: list[dict[str, Any]]
    rows_seen: int
    is_whole: bool
    n_unreadable: int
    unreadable: list[str]
    definition: dict[str, Any]
    date_formats: list[str]
    notes: list[str]


def opened_source(content: Content, kind: Format, reading: Reading, memory_bytes: int) -> Source:
    """The records of a file that has a reasonable size for this memory, and number of columns. Raises
    FileRefused."""
    if kind.module == "excel_format":
        _check_workbook(content, memory_bytes // WORKBOOK_SHARE)
    source = kind.open(content, reading)
    count = len(source.names or ())
    if count > MAX_COLUMNS:
        raise FileRefused(
            f"{content.name} has {count:,} columns; at most {MAX_COLUMNS:,} can be imported. Check the "
            "delimiter and the line of the header."
        )
    return source


def _check_workbook(content: Content, most: int) -> None:
    try:
        with zipfile.ZipFile(content.binary()) as packed:
            size = sum(each.file_size for each in packed.infolist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return  # an old Excel file, or one that is damaged: its reader says so
    if size > most:
        raise FileRefused(
            f"{content.name} has {size:,} bytes when it is unpacked; an Excel or OpenDocument file can have "
            f"{most:,} (half of the setting max_file_memory_bytes). Save it as CSV."
        )


class _Sample:
    """The first records of a file: it stops at its limits of rows, values and time."""

    def __init__(self, records: Iterable[Record], columns: int) -> None:
        self._records = iter(records)
        self._most = min(SAMPLED_ROWS, max(100, SAMPLED_CELLS // max(1, columns)))
        self.first: list[Row] = []
        self.is_whole = False

    def __iter__(self) -> Iterator[Record]:
        until = time.monotonic() + SAMPLE_SECONDS
        for record in islice(self._records, self._most):
            if isinstance(record, Row) and len(self.first) < SHOWN_ROWS:
                self.first.append(record)
            yield record
            if time.monotonic() > until:
                return
        self.is_whole = next(self._records, None) is None


def inspect(content: Content, kind: Format, reading: Reading, table: str, memory_bytes: int) -> Inspected:
    """Look at the start of a file; ``table`` is the name of a proposed table. Raises FileRefused,
    OSError."""
    source = opened_source(content, kind, reading, memory_bytes)
    inference = Inference(source, reading)
    sample = _Sample(source.records(source.start, inference.targets), len(source.names or ()))
    inference.read(sample)
    sheets = list(getattr(source, "sheets", ()))
    if len(sheets) > 1:
        table = legal_name(source.detected.sheet or "") or table
    proposal = inference.proposal(table or legal_name(content.name) or "rows")
    named = dict(proposal.renames)
    definition = proposal.definition if sample.is_whole else _of_sample(proposal.definition)
    columns = [
        FileColumn(label, name, each["name"])
        for (label, name), each in zip(inference.labels, definition["schemaDef"], strict=True)
    ]
    return Inspected(
        detected=source.detected,
        sheets=sheets,
        columns=columns,
        rows=[_shown_row(row) for row in sample.first],
        rows_seen=inference.rows,
        is_whole=sample.is_whole,
        n_unreadable=inference.unreadable_count,
        unreadable=[_cut(each) for each in inference.unreadable[:MAX_SHOWN_ERRORS]],
        definition=definition,
        date_formats=list(proposal.date_formats),
        notes=[] if len(named) > MAX_COLUMNS else proposal.notes,
    )


def _of_sample(definition: dict[str, Any]) -> dict[str, Any]:
    """A definition without what later rows can break: lengths, required columns and unique indexes."""
    columns = [{"name": each["name"], "type": each["type"]} for each in definition["schemaDef"]]
    return {"name": definition["name"], "schemaDef": columns}


def _shown_row(row: Row) -> dict[str, Any]:
    cells = msgspec.json.decode(row.json, type=dict[str, msgspec.Raw])
    return {label: _shown(raw) for label, raw in islice(cells.items(), MAX_COLUMNS)}


def _shown(raw: msgspec.Raw) -> str | None:
    try:
        value = decode_value(raw)
    except ValueError:
        value = ...  # a number that is too large
    if value is None:
        return None
    return _cut(value if isinstance(value, str) else bytes(raw).decode())


def _cut(text: str) -> str:
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…"
