"""Conversions: a stored value as a value of another column type, exactly or not at all.

One rule holds for all types: the result is what the new column would read if the value of a response were
sent in a request. In addition, numbers and booleans become text as in JSON; and a value that a reader would
round or cut is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, InvalidOperation

import msgspec

from rowkeep.codec.rows import checked_cell, encode
from rowkeep.model.tables import Column
from rowkeep.model.values.scalars import JSON_NUMBER, RFC3339, Cell, Misfit


def converted(was: Column, column: Column, value: object) -> Cell:
    """A value of the column ``was``, in its form in responses, as a cell of ``column``. Raises Misfit if it
    cannot be converted exactly."""
    if value is None:
        return None
    if was.type != column.type:
        if isinstance(value, msgspec.Raw):
            value = _decoded(bytes(value), column)
        if column.type in ("string", "decimal"):
            value = _spelt(value)
    cell = checked_cell(column, value)
    if isinstance(value, str) and column.type in _EXACTLY:
        _EXACTLY[column.type](value, cell)
    return cell


def _decoded(document: bytes, column: Column) -> object:
    """A JSON value; a number as text, because it may not be exact as a Python number."""
    text = document.decode().strip()
    return text if JSON_NUMBER.fullmatch(text) and column.type != "date" else msgspec.json.decode(document)


def _spelt(value: object) -> object:
    """A number or a boolean as JSON text; other values unchanged."""
    return encode(value).decode() if isinstance(value, bool | int | float) else value


def _exact_number(text: str, cell: Cell) -> None:
    try:
        is_exact = Decimal(text) == Decimal(str(cell))
    except InvalidOperation:
        is_exact = False
    if not is_exact:
        raise Misfit("must be a number that a double represents exactly")


def _exact_moment(text: str, _cell: Cell) -> None:
    parts = RFC3339.fullmatch(text)
    if parts is not None and ((parts.group(7) or "")[3:].strip("0") or parts.group(6) == "60"):
        raise Misfit("must be a date without fractions of a millisecond")


_EXACTLY: dict[str, Callable[[str, Cell], None]] = {"number": _exact_number, "date": _exact_moment}
"""Checks for texts that readers would round or cut."""
