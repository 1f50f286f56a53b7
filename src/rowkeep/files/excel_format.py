"""Excel and OpenDocument files: one sheet, read with calamine, and written as .xlsx with XlsxWriter.

These programs have no times with a zone, no empty strings, and no integers beyond 2**53.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, BinaryIO

import msgspec
import xlsxwriter
from python_calamine import CalamineError, CalamineWorkbook, SheetVisibleEnum
from xlsxwriter.worksheet import Worksheet

from rowkeep.files.content import Content
from rowkeep.files.dates import zone_of
from rowkeep.files.detection import Detected
from rowkeep.files.error_cells import ErrorCell, error_cells
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
from rowkeep.files.sheet_size import check_size
from rowkeep.files.text_cells import as_text, form_of, is_string, reader_of
from rowkeep.files.unfit import UnfitCell, shown
from rowkeep.model.column_types import COLUMN_TYPES, FileForm
from rowkeep.model.values.scalars import MAX_EXACT, canonical_date

MAX_ROWS, MAX_COLUMNS, MAX_CHARACTERS = 1_048_576, 16_384, 32_767
"""The limits of Excel, of which the header takes one row. It counts characters beyond U+FFFF as two."""

FIRST_DAY = datetime(1900, 3, 1, tzinfo=UTC)
"""Excel counts days before this one wrongly, or not at all; they are written as text."""

DATE_FORMAT = "yyyy-mm-dd hh:mm:ss.000"
CREATED = datetime(2000, 1, 1, tzinfo=UTC)
"""The time in the properties of every file, so that equal rows give equal files."""

ROWS_AT_ONCE = 1000
NO_ERRORS: Mapping[int, ErrorCell] = {}


class ExcelSource:
    """One sheet of a file. Positions are row numbers. Raises FileRefused."""

    def __init__(self, content: Content, reading: Reading) -> None:
        self._name = content.name
        self._reading = reading
        file = content.binary()
        with _read_by_calamine(content.name):
            book = CalamineWorkbook.from_filelike(file)
            name = _sheet_of(book, reading.sheet, content.name)
            check_size(file, name, content.name)
            sheet = book.get_sheet_by_name(name)
        self._sheet = sheet
        self._sheet_name = name
        self._first = sheet.start[1] if sheet.start else 0
        self._nulls = {"", *reading.nulls}
        file.seek(0)
        errors = error_cells(file, name, self._nulls, content.name)
        self._errors = errors or {}
        self.sheets = list(book.sheet_names)
        number, header = self._header()
        self.left_out: set[str] = set()
        self.known_types: Mapping[str, str] = {}
        self.start = Position(number + 1, number) if reading.has_header else Position(number, number - 1)
        self.size: int | None = sheet.start[0] + sheet.height if sheet.start else 0
        self.done = 0
        self.names: tuple[str, ...] = self._names(header)
        is_only = len(book.sheet_names) == 1 and reading.sheet is None
        self.detected = Detected(
            format="excel",
            sheet=None if is_only else name,
            header_line=number if reading.has_header else 0,
            notes=[
                *(["times are UTC"] if not reading.time_zone and self._has_times() else []),
                *(["cells with errors are empty"] if errors is None else []),
            ],
        )

    def _rows(self) -> Iterator[tuple[int, list[Any]]]:
        rows: Iterator[list[Any]] = iter(self._sheet.iter_rows())
        for number, row in enumerate(rows, 1):
            for at, error in self._errors.get(number, NO_ERRORS).items():
                # blank columns before the first one are left out
                if self._first <= at < self._first + len(row):
                    row[at - self._first] = error
            if any(cell != "" for cell in row):
                yield number, row

    def _header(self) -> tuple[int, list[Any]]:
        for number, row in self._rows():
            if number >= self._reading.header_line:
                return number, row
        raise FileRefused(f"{self._name} has no valid header. {without_header(self._reading, 'sheet')}")

    def _names(self, header: list[Any]) -> tuple[str, ...]:
        if self._reading.has_header:
            names = [str(_text(cell)) for cell in header]
        else:
            names = list(self._reading.only) or [""] * len(header)
            if len(names) != len(header):
                raise FileRefused(
                    f"--columns names {len(names)} columns, but {self._name} has {len(header)}."
                )
        if names and not names[-1]:
            named = max((at for at, name in enumerate(names, 1) if name), default=0)
            del names[max(named, self._used_columns()) :]
        return tuple(names)

    def _used_columns(self) -> int:
        """How many columns there are up to the last one that has a cell after the header."""
        used = 0
        for number, row in self._rows():
            if number > self.start.offset:
                used = next((at for at in range(len(row), used, -1) if row[at - 1] != ""), used)
        return used

    def _has_times(self) -> bool:
        return any(isinstance(cell, datetime) for _, row in self._rows() for cell in row)

    def records(self, start: Position, targets: Sequence[Target | None]) -> Iterator[Record]:
        readers = [
            (at, target.key, _reader(target.type, self._reading))
            for at, target in enumerate(targets)
            if target is not None
        ]
        for number, cells in self._rows():
            if number <= start.offset:
                continue
            self.done = number
            end = Position(number + 1, number)
            row = {}
            try:
                for at, key, reader in readers:
                    cell = cells[at]
                    is_empty = isinstance(cell, str) and cell in self._nulls
                    row[key] = None if is_empty else reader(self._without_error(cell))
            except UnfitCell as error:
                text = ",".join(str(_text(cell)) for cell in cells)
                yield Unreadable(number, end, text[:1000], f"Column {key} {error}.")
                continue
            yield Row(number, end, msgspec.json.encode(row))

    def _without_error(self, cell: Any) -> Any:
        """The same cell. Raises UnfitCell if it has an error."""
        if isinstance(cell, ErrorCell):
            raise UnfitCell(
                f"has the error {shown(cell.text)} in cell {cell.address} of sheet "
                f"{shown(self._sheet_name)}. Correct the cell, or import this text as null"
            )
        return cell


@contextmanager
def _read_by_calamine(name: str) -> Iterator[None]:
    """Raises FileRefused for what calamine raises for a damaged file."""
    try:
        yield
    except BaseException as error:
        # the last one is not an Exception, and no module exports it
        is_damaged = isinstance(error, CalamineError) or type(error).__name__ == "PanicException"
        if is_damaged or (isinstance(error, OSError) and error.errno is None):
            reason = str(error).rstrip(".")
            raise FileRefused(f"{name} is not a valid Excel or OpenDocument file: {reason}.") from None
        raise


def _sheet_of(book: CalamineWorkbook, asked: str | None, file: str) -> str:
    """The name of the sheet to read: the one that is asked for, by name or number, or the first visible
    one. Raises FileRefused."""
    names = list(book.sheet_names)
    if asked is None:
        visible = [each.name for each in book.sheets_metadata if each.visible == SheetVisibleEnum.Visible]
        if not names:
            raise FileRefused(f"{file} has no sheets.")
        return str((visible or names)[0])
    if asked in names:
        return asked
    if asked.isascii() and asked.isdigit() and 1 <= int(asked) <= len(names):
        return str(names[int(asked) - 1])
    listed = ", ".join(map(shown, names))
    raise FileRefused(f"{file} has no sheet {shown(asked)}. Its sheets are {listed}.")


def _text(cell: Any) -> object:
    """A cell as text, whole numbers without a fraction; numbers of other columns are not text."""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) <= MAX_EXACT else repr(cell)
    if isinstance(cell, datetime):
        return cell.isoformat(sep=" ")
    if isinstance(cell, date | time):
        return cell.isoformat()
    return str(cell)


def _reader(column_type: str, reading: Reading) -> Callable[[Any], object]:
    """A function that converts a cell that is not empty to JSON that the column accepts."""
    read = reader_of(column_type, reading)
    facts = COLUMN_TYPES.get(column_type)
    is_number = facts is not None and facts.is_number
    is_moment = form_of(column_type) is FileForm.MOMENT
    zone = UTC if reading.time_zone is None else zone_of(reading.time_zone)

    def cell(value: Any) -> object:
        if isinstance(value, str):
            return value if read is as_text else read(value)
        if is_moment or (facts is None and isinstance(value, datetime)):
            return _moment(value, zone, read if reading.date_formats else None)
        if isinstance(value, float) and (is_number or not is_string(column_type)):
            return int(value) if value.is_integer() and abs(value) <= MAX_EXACT else value
        if isinstance(value, bool) and not is_string(column_type):
            return value
        return _text(value)

    return cell


def _moment(value: Any, zone: Any, read: Callable[[str], object] | None) -> object:
    """A date or a time for a column of dates."""
    if isinstance(value, datetime):
        return canonical_date(value.replace(tzinfo=zone).astimezone(UTC))
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float) and read is not None:
        return read(str(_text(value)))
    what = "number" if isinstance(value, float | timedelta) else "cell of another kind"
    if isinstance(value, time):
        what = "time without a date"
    raise UnfitCell(f"must be a date, but the cell is a {what}: {shown(str(_text(value)))}")


class _Exact(float):
    """A number that is written with all its digits, not with the 16 that XlsxWriter asks for."""

    def __format__(self, _spec: str) -> str:
        return repr(float(self)).upper()


NOT_IN_XML = re.compile(r"[\x00-\x08\x0b-\x1f\ufffe\uffff]")
LIKE_AN_ESCAPE = re.compile(r"_(?=x[0-9A-Fa-f]{4}[_\x00-\x08\x0b-\x1f\ufffe\uffff])")
"""The start of what would be read as another character, also with the start of the escape after it."""


class _Sheet(Worksheet):  # type: ignore[misc] # xlsxwriter has no types
    """A sheet whose texts are read as they were written, also if they look like XML or like an escape."""

    @staticmethod
    def _escape_control_characters(data: Any) -> Any:
        """A text as it is in the XML of a cell.

        ``_x000D_`` is a carriage return there, so the text ``_x000D_`` is ``_x005F_x000D_``. XlsxWriter
        leaves out the second one of ``_x000D_x000D_``, and writes texts in ``<r>`` as XML. It passes numbers
        too.
        """
        if not isinstance(data, str):
            return data
        text = LIKE_AN_ESCAPE.sub("_x005F_", data)
        text = NOT_IN_XML.sub(lambda found: f"_x{ord(found[0]):04X}_", text)
        return f"_x003C_{text[1:]}" if text.startswith("<r>") else text


class ExcelWriter(ArrayWriter):
    """Writes records as one sheet of an .xlsx file."""

    def __init__(self, out: BinaryIO, columns: Columns) -> None:
        if len(columns) > MAX_COLUMNS:
            raise FileRefused(
                f"An Excel file can have {MAX_COLUMNS:,} columns; the table has {len(columns):,}."
            )
        self._book = xlsxwriter.Workbook(out, {"constant_memory": True})
        self._book.set_properties({"created": CREATED})
        self._sheet = self._book.add_worksheet("Rows", worksheet_class=_Sheet)
        self._date = self._book.add_format({"num_format": DATE_FORMAT})
        self._names = [column.name for column in columns]
        self._writers = [self._writer(column.type) for column in columns]
        fields = [(f"c{at}", msgspec.Raw) for at in range(len(columns))]
        names = {f"c{at}": name for at, name in enumerate(self._names)}
        record = msgspec.defstruct("Record", fields, rename=names, gc=False)
        self._decoder = msgspec.json.Decoder(list[record])  # type: ignore[valid-type] # defined above
        for at, name in enumerate(self._names):
            self._sheet.write_string(0, at, name)
        self._rows = 1

    def _writer(self, column_type: str) -> Callable[[int, int, msgspec.Raw], None]:
        form = form_of(column_type)
        if form in (FileForm.DOUBLE, FileForm.INTEGER):
            return self._number
        return {
            FileForm.BOOLEAN: self._boolean,
            FileForm.MOMENT: self._moment,
            FileForm.JSON: self._json,
        }.get(form or FileForm.TEXT, self._string)

    def write(self, records: msgspec.Raw) -> int:
        decoded = self._decoder.decode(records)
        for record in decoded:
            if self._rows >= MAX_ROWS:
                raise FileRefused(
                    f"An Excel file can have {MAX_ROWS - 1:,} rows. Use --limit, or export to csv, ndjson "
                    "or parquet."
                )
            for at, (cell, write) in enumerate(
                zip(msgspec.structs.astuple(record), self._writers, strict=True)
            ):
                if bytes(cell) != b"null":
                    write(self._rows, at, cell)
            self._rows += 1
        return len(decoded)

    def _string(self, row: int, at: int, cell: msgspec.Raw) -> None:
        self._text(row, at, msgspec.json.decode(cell))

    def _json(self, row: int, at: int, cell: msgspec.Raw) -> None:
        self._text(row, at, bytes(cell).decode())

    def _text(self, row: int, at: int, text: str) -> None:
        length = len(text) if text.isascii() else len(text.encode("utf-16-le")) // 2
        if length > MAX_CHARACTERS:
            raise FileRefused(
                f"Column {self._names[at]} has a text of {length:,} characters; a cell of an Excel file "
                "can have "
                f"{MAX_CHARACTERS:,}. Leave the column out with --fields, or export to csv, ndjson or "
                "parquet."
            )
        self._sheet.write_string(row, at, text)

    def _number(self, row: int, at: int, cell: msgspec.Raw) -> None:
        number = msgspec.json.decode(cell)
        if isinstance(number, int) and abs(number) > MAX_EXACT:
            self._text(row, at, str(number))
        else:
            self._sheet.write_number(row, at, _Exact(number) if isinstance(number, float) else number)

    def _boolean(self, row: int, at: int, cell: msgspec.Raw) -> None:
        self._sheet.write_boolean(row, at, msgspec.json.decode(cell))

    def _moment(self, row: int, at: int, cell: msgspec.Raw) -> None:
        text = msgspec.json.decode(cell)
        moment = datetime.fromisoformat(text)
        if moment < FIRST_DAY:
            self._text(row, at, text)
        else:
            self._sheet.write_datetime(row, at, moment.replace(tzinfo=None), self._date)

    def close(self) -> None:
        self._book.close()
