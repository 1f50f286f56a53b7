"""Conversions: a stored value as a value of another column type, exactly or not at all.

One rule holds for all types: the result is what the new column would read if the value of a response were
sent in a request. In addition, numbers and booleans become text as in JSON; and a value that a reader would
round or cut is refused.
"""

from __future__ import annotations

import msgspec

from rowkeep.codec.cells import checked_cell
from rowkeep.codec.rows import encode
from rowkeep.model.tables import Column
from rowkeep.model.values.scalars import JSON_NUMBER, Cell


def converted(was: Column, column: Column, value: object) -> Cell:
    """A value of the column ``was``, in its form in responses, as a cell of ``column``. Raises Misfit if it
    cannot be converted exactly."""
    if value is None:
        return None
    if was.type != column.type:
        if isinstance(value, msgspec.Raw):
            value = _decoded(bytes(value), column)
        if column.type_facts.converts_as_text:
            value = _with_full_numbers(value)
    cell = checked_cell(column, value)
    check_exact = column.type_facts.check_exact
    if isinstance(value, str) and check_exact is not None:
        check_exact(value, cell)
    return cell


def _decoded(document: bytes, column: Column) -> object:
    """A JSON value; a number as text, because it may not be exact as a Python number."""
    text = document.decode().strip()
    reads_text = column.type_facts.reads_numeric_text and JSON_NUMBER.fullmatch(text)
    return text if reads_text else msgspec.json.decode(document)


def _with_full_numbers(value: object) -> object:
    """A number or a boolean as JSON text; other values unchanged."""
    return encode(value).decode() if isinstance(value, bool | int | float) else value
