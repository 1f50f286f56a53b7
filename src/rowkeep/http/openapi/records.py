"""Records: the schemas of cells, rows and records, from the column types and the system columns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rowkeep.http.response_types import UUID, ref
from rowkeep.model.changes import Change
from rowkeep.model.column_types import COLUMN_TYPES, ColumnType
from rowkeep.model.ids import ROW_ID, SYS_ID
from rowkeep.model.tables import SYSTEM_COLUMNS, Column
from rowkeep.model.values.scalars import CANONICAL_DATE

FIELD = {
    "type": "string",
    "pattern": "^[A-Za-z0-9_ -]+$",
    "description": "The name of a column. If no name is equal, case, `_`, `-` and spaces are ignored, "
    "and exactly one column must match.",
}


def value_types(fits: Callable[[ColumnType], bool] = lambda _: True) -> list[str]:
    """The JSON types of values, over all column types for which ``fits`` is true."""
    return list(
        dict.fromkeys(t for entry in COLUMN_TYPES.values() if fits(entry) and (t := entry.schema.get("type")))
    )


_FORMS = {"_id": f"^{ROW_ID.pattern}$", "sys_Id": f"^{SYS_ID.pattern}$"}
"""System columns with a pattern; the other system columns of type string contain the writer."""

_MEANINGS = {
    "_id": "Increases with time; unique in the table.",
    "sys_Id": "Unique in the table.",
    "Created_On": "When the row was inserted.",
    "Updated_On": "When the row was last updated.",
    "Created_By": "The writer who inserted the row.",
    "Updated_By": "The writer who last updated the row.",
}


def record_schemas() -> dict[str, Any]:
    """The components for rows, in requests and in responses."""
    system = {column.name: _system_schema(column) for column in SYSTEM_COLUMNS}
    answered = {"type": "object", "properties": system, "additionalProperties": ref("Cell")}
    return {
        "Cell": {
            "description": f"A value, or null. Its type is that of the column:\n\n{column_types()}",
        },
        "Row": {
            "description": "A row in a request: columns and their values. System columns cannot be written. "
            "A missing column gets its default, or null.",
            "type": "object",
            "propertyNames": FIELD,
            "additionalProperties": ref("Cell"),
        },
        "UpdateRow": {
            "description": "The columns that an update changes: their new values, or changes of the stored "
            "values, which no other write can come between. A missing column stays unchanged.",
            "type": "object",
            "propertyNames": FIELD,
            "additionalProperties": {"anyOf": [ref("Increment"), ref("Append"), ref("Cell")]},
        },
        "Increment": _change(
            Change.INCREMENT,
            {"type": ["number", "string"]},
            "Adds a number to a column of type number, integer or decimal; null counts as 0. A result that "
            "the column cannot have is 422. In a column of type json, this is a value.",
        ),
        "Append": _change(
            Change.APPEND,
            {"type": "string"},
            "Adds a text to the end of a column of type string; null counts as an empty text. A result that "
            "is too long is 422. In a column of type json, this is a value.",
        ),
        "Record": {
            "description": "A row in a response: the columns of the table, followed by the system columns.",
            "required": list(system),
        }
        | answered,
        "Selection": {
            "description": "The columns in `fields`, in that order; without `fields` a whole record."
        }
        | answered,
    }


def _change(change: Change, operand: dict[str, Any], description: str) -> dict[str, Any]:
    return {
        "description": description,
        "type": "object",
        "properties": {change.value: operand},
        "required": [change.value],
        "additionalProperties": False,
    }


def column_types() -> str:
    """A Markdown table of the column types."""
    rows = [f"| `{entry.name}` | {entry.meaning} |" for entry in COLUMN_TYPES.values()]
    return "\n".join(("| type | values |", "| --- | --- |", *rows))


def _system_schema(column: Column) -> dict[str, Any]:
    schema = {"description": _MEANINGS[column.name]} | column.type_facts.schema
    pattern = _FORMS.get(column.name, f"^st-{UUID}$") if column.type_facts.is_text else CANONICAL_DATE
    return schema | {"pattern": pattern}
