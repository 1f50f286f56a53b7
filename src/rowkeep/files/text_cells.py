"""Text cells: converts text in files to JSON that the column accepts."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeAlias

import msgspec

from rowkeep.files.dates import date_reader
from rowkeep.files.reading import PLAIN, Reading
from rowkeep.files.unfit import UnfitCell, shown
from rowkeep.model.column_types import COLUMN_TYPES, FileForm
from rowkeep.model.tables import SYSTEM_COLUMNS
from rowkeep.model.values.scalars import JSON_NUMBER

SYSTEM_NAMES = frozenset(column.name for column in SYSTEM_COLUMNS)
"""The system columns in exports, which imports skip. Other names are checked by the server."""

MAX_NUMBER_LENGTH = 400
"""Longer texts than any valid number are sent as strings, so that the server reports the error."""

Reader: TypeAlias = Callable[[str], object]


def _number(text: str) -> object:
    """A number with its exact digits, not converted to a double; other texts are sent as strings, for the
    server to reject."""
    is_one = len(text) <= MAX_NUMBER_LENGTH and JSON_NUMBER.fullmatch(text)
    return msgspec.Raw(text.encode()) if is_one else text


BOOLEANS: dict[str, object] = {"true": True, "false": False}


def _boolean(text: str) -> object:
    return BOOLEANS.get(text, text)


def _json(text: str) -> object:
    try:
        msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError) as error:
        raise UnfitCell(f"is not valid JSON: {error}") from None
    return msgspec.Raw(text.encode())


def as_text(text: str) -> object:
    return text


READERS: dict[FileForm, Reader] = {
    FileForm.TEXT: as_text,
    FileForm.DOUBLE: _number,
    FileForm.INTEGER: _number,
    FileForm.BOOLEAN: _boolean,
    FileForm.MOMENT: date_reader((), None),
    FileForm.JSON: _json,
}
"""The function that converts the text of a cell in a file to JSON."""

ANY_SPACE = "[ \u00a0\u202f]"
"""Spaces between thousands: an ordinary one, or one at which lines do not break."""


def form_of(column_type: str) -> FileForm | None:
    """The format of a column type in files; None for a type that only a newer server knows."""
    facts = COLUMN_TYPES.get(column_type)
    return None if facts is None else facts.file_form


def reader_of(column_type: str, reading: Reading = PLAIN) -> Reader:
    """The function that converts the text of a cell of this type, in a file that is read in this way."""
    facts = COLUMN_TYPES.get(column_type)
    if facts is None:
        return as_text
    if facts.is_number and reading.has_own_numbers:
        return number_reader(reading.decimal, reading.thousands)
    if facts.file_form is FileForm.MOMENT and (reading.date_formats or reading.time_zone):
        return date_reader(reading.date_formats, reading.time_zone)
    return READERS[facts.file_form]


def number_reader(decimal: str, thousands: str) -> Reader:
    """Numbers with another decimal separator, or with separators of thousands; each must be written so."""
    between = ANY_SPACE if thousands == " " else re.escape(thousands)
    grouped = rf"[0-9]{{1,3}}(?:{between}[0-9]{{3}})+|" if thousands else ""
    pattern = re.compile(rf"(-?)({grouped}[0-9]+)(?:{re.escape(decimal)}([0-9]+))?([eE][+-]?[0-9]+)?")
    spaces = re.compile(between) if thousands else None
    how = f"the decimal separator {shown(decimal)}" + (
        f" and {shown(thousands)} between thousands" if thousands else ""
    )

    def read(text: str) -> object:
        found = pattern.fullmatch(text) if len(text) <= MAX_NUMBER_LENGTH else None
        if found is None:
            raise UnfitCell(f"must be a number with {how}; got {shown(text)}")
        digits = found[2] if spaces is None else spaces.sub("", found[2])
        fraction = "" if found[3] is None else f".{found[3]}"
        return _number(f"{found[1]}{digits}{fraction}{found[4] or ''}")

    return read


def is_string(column_type: str) -> bool:
    """Whether the cells of a type are JSON strings, which text files contain without JSON quotes."""
    return form_of(column_type) in (FileForm.TEXT, FileForm.MOMENT)
