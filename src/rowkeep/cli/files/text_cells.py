"""Text cells: converts text in files to JSON that the column accepts."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import msgspec

from rowkeep.model.column_types import COLUMN_TYPES, FileForm
from rowkeep.model.tables import SYSTEM_COLUMNS
from rowkeep.model.values.scalars import JSON_NUMBER

SYSTEM_NAMES = frozenset(column.name for column in SYSTEM_COLUMNS)
"""The system columns in exports, which imports skip. Other names are checked by the server."""

MAX_NUMBER_LENGTH = 400
"""Longer texts than any valid number are sent as strings, so that the server reports the error."""

Reader: TypeAlias = Callable[[str], object]


class UnfitCell(ValueError):
    """A cell that cannot be sent; the message says why."""


def _number(text: str) -> object:
    """A number with its exact digits, not converted to a double; other texts are sent as strings, for the
    server to reject."""
    is_one = len(text) <= MAX_NUMBER_LENGTH and JSON_NUMBER.fullmatch(text)
    return msgspec.Raw(text.encode()) if is_one else text


def _boolean(text: str) -> object:
    return {"true": True, "false": False}.get(text, text)


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
    FileForm.MOMENT: as_text,
    FileForm.JSON: _json,
}
"""The function that converts the text of a cell in a file to JSON."""


def form_of(column_type: str) -> FileForm | None:
    """The format of a column type in files; None for a type that only a newer server knows."""
    facts = COLUMN_TYPES.get(column_type)
    return None if facts is None else facts.file_form


def reader_of(column_type: str) -> Reader:
    form = form_of(column_type)
    return as_text if form is None else READERS[form]


def is_string(column_type: str) -> bool:
    """Whether the cells of a type are JSON strings, which text files contain without JSON quotes."""
    return form_of(column_type) in (FileForm.TEXT, FileForm.MOMENT)
