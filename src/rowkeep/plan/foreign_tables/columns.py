"""Columns: the definition of a column for a foreign one, and what it loses."""

from __future__ import annotations

import re
from typing import Any

from rowkeep.model.column_types import COLUMN_TYPES
from rowkeep.model.definitions.columns import MAX_TEXT_LENGTH, ColumnBody
from rowkeep.model.foreign_tables import Family, ForeignColumn
from rowkeep.model.values.scalars import Misfit

TYPES: dict[Family, str] = {
    Family.BOOLEAN: "boolean",
    Family.INTEGER: "integer",
    Family.DOUBLE: "number",
    Family.DECIMAL: "decimal",
    Family.TEXT: "string",
    Family.MOMENT: "date",
    Family.LOCAL_MOMENT: "date",
    Family.DAY: "date",
    Family.JSON: "json",
    Family.ARRAY: "json",
    Family.BINARY: "string",
    Family.OTHER: "string",
}

LOSSES: dict[Family, str] = {
    Family.MOMENT: "fractions of a millisecond are cut",
    Family.LOCAL_MOMENT: "its times have no offset and are read as UTC; fractions of a millisecond are cut",
    Family.DAY: "each day becomes the moment at which it begins in UTC",
    Family.ARRAY: "each array becomes a JSON array",
    Family.BINARY: "its bytes become text in base64",
}

LITERAL = re.compile(
    r"'((?:[^']|'')*)'(?:::[\w \"\[\]().]+)?|\(?(-?[0-9.]+)\)?(?:::[\w ]+)?|(true|false)", re.IGNORECASE
)
"""A constant as databases show it: ``'it''s'::character varying``, ``0``, ``(-1)``, ``true``."""


def column_body(
    column: ForeignColumn, name: str, *, is_key: bool, reference: dict[str, str] | None
) -> tuple[ColumnBody, list[str]]:
    """The definition, and what is different from the foreign column."""
    type_ = TYPES[column.family]
    notes = [LOSSES[column.family]] if column.family in LOSSES else []
    if column.family is Family.OTHER:
        notes.append(f"type {column.type or 'without a name'} has no equivalent: its values become text")
    if column.values:
        notes.append(f"only the values {', '.join(column.values)} were allowed; any text is now")
    if column.made_by:
        notes.append(f"it is {column.made_by}: its values are copied, but no new ones are made")
    default, note = _default(column, type_)
    if note:
        notes.append(note)
    has_length = column.max_length is not None and 1 <= column.max_length <= MAX_TEXT_LENGTH
    body = ColumnBody(
        name=name,
        type=type_,
        is_required=column.is_required or is_key,
        max_length=column.max_length if type_ == "string" and has_length else None,
        default=default,
        reference=reference,
    )
    return body, notes


def _default(column: ForeignColumn, type_: str) -> tuple[Any, str]:
    """The default for the definition, and a note if it cannot have it."""
    if column.default is None or column.made_by or column.default.strip().upper().startswith("NULL"):
        return None, ""
    found = LITERAL.fullmatch(column.default.strip())
    left_out = f"its default {column.default} is left out"
    if found is None or column.family in (Family.BINARY, Family.ARRAY, Family.JSON):
        return None, left_out
    text, number, truth = found.groups()
    value: Any = text.replace("''", "'") if text is not None else number or truth
    if type_ == "boolean":
        value = {"1": "true", "0": "false", "t": "true", "f": "false"}.get(value, value)
    if value == "":
        return None, f"{left_out}: an empty default means none"
    try:
        COLUMN_TYPES[type_].read(value)
    except Misfit:
        return None, left_out
    return value, ""
