"""Conversions: a stored value as the value of a column of another type, exactly or not at all.

The rule is one for all types: a value becomes what its new column would read if it were sent as it is
answered. Only texts are made of other values, as JSON writes them; and where a reader would round or cut
what is sent, a stored value is refused instead.
"""

from __future__ import annotations

import msgspec

from rowkeep.codec.rows import checked_cell, encode
from rowkeep.model.tables import Column
from rowkeep.model.values.scalars import JSON_NUMBER, Cell


def converted(was: Column, column: Column, value: object) -> Cell:
    """A value of the column ``was``, as it is answered, as a cell of ``column``. Raises Misfit where it
    cannot be exactly that."""
    if value is None:
        return None
    if was.type != column.type:
        if isinstance(value, msgspec.Raw):
            value = _decoded(bytes(value), column)
        if column.type_facts.converts_as_text:
            value = _spelt(value)
    cell = checked_cell(column, value)
    check_exact = column.type_facts.check_exact
    if isinstance(value, str) and check_exact is not None:
        check_exact(value, cell)
    return cell


def _decoded(document: bytes, column: Column) -> object:
    """A JSON value; a number as it is written, for it need not be one that Python's numbers hold."""
    text = document.decode().strip()
    reads_text = column.type_facts.reads_numeric_text and JSON_NUMBER.fullmatch(text)
    return text if reads_text else msgspec.json.decode(document)


def _spelt(value: object) -> object:
    """A number or a boolean as JSON writes it; all else as it is."""
    return encode(value).decode() if isinstance(value, bool | int | float) else value
