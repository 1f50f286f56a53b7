"""Bodies: the constraints of request bodies that their types do not contain.

msgspec creates schemas from the types of bodies. Some values are checked later (names, filters, definitions);
their schemas are added here, from the same constants that these checks use.
"""

from __future__ import annotations

from typing import Any

from rowkeep.http.openapi.records import FIELD
from rowkeep.http.openapi.views import VIEW_PROPERTIES
from rowkeep.http.response_types import ref
from rowkeep.model.column_types import COLUMN_TYPES, ColumnType
from rowkeep.model.definitions.columns import MAX_TEXT_LENGTH
from rowkeep.model.definitions.retention import MAX_DAYS
from rowkeep.model.history import MAX_KEEP_DAYS
from rowkeep.model.history import OPERATION_ID as HISTORY_OPERATION_ID
from rowkeep.model.tables import (
    MAX_COLUMNS,
    MAX_DESCRIPTION,
    MAX_INDEX_COLUMNS,
    MAX_INDEXES,
    NAME,
    SYSTEM_COLUMNS,
)
from rowkeep.plan.undo.read import APP, MAX_TABLES, USER
from rowkeep.services.apps import MAX_NAME

NAME_SCHEMA = {"type": "string", "pattern": f"^{NAME.pattern}$"}
CURSOR = {"type": "string", "pattern": "^[A-Za-z0-9_-]*$"}
LABEL = {
    "type": "string",
    "minLength": 1,
    "maxLength": MAX_NAME,
    "pattern": r"^\S(.*\S)?$",
    "description": "Printable characters, without leading or trailing spaces. Unique in the workspace, "
    "regardless of case.",
}
ROWS = {"type": "array", "items": ref("Row")}
KEY = {"description": "An RSA public key in PEM, only for RS256 and RS512."}


def _or_not_set(*schemas: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [*schemas, ref("NotSet")]}


_FLAG = _or_not_set({"type": "boolean"})
_RENAMED = _or_not_set(NAME_SCHEMA) | {
    "description": "The old name, to rename the table or column; only in changes."
}
_REFERENCE = {
    "description": "A foreign key to a unique column of the same type, or to `_id` or `sys_Id`.",
    "type": "object",
    "properties": {"table": NAME_SCHEMA, "column": {"type": "string"}},
    "required": ["table", "column"],
    "additionalProperties": False,
}

_BOUNDS = {
    "minAffected": {"description": "If the filter matches fewer rows, nothing is written."},
    "maxAffected": {"description": "If the filter matches more rows, nothing is written."},
}
_DRY_RUN = {
    "dryRun": {
        "description": "Whether to check everything and store nothing. The response has counts and no "
        "records; an `Idempotency-Key` is ignored."
    }
}
DATE_TIME = {"type": "string", "format": "date-time"}
OPERATION_ID = {
    "type": "string",
    "pattern": f"^{HISTORY_OPERATION_ID.pattern}$",
    "description": "The `Operation-Id` of a write.",
}
_UNDO = {
    "conflicts": {
        "description": "What happens to rows that were changed later, are gone or are there again: `fail` "
        "(the default) undoes nothing, `skip` leaves such rows as they are, `force` undoes later changes of "
        "the same columns, too."
    },
    **_DRY_RUN,
}
_OPTIONS = {
    "onConflict": ref("Conflict"),
    "mode": {
        "description": "`atomic` (the default): all rows are written, or none. `partial`: those that can "
        "be, and the response lists the errors of the others. Only for an array of rows."
    },
    **_DRY_RUN,
}
_GUARDS = {
    "maxAffected": {
        "description": "The maximum number of rows that one update or delete of the app may affect; null for "
        "any number."
    },
    "allowAll": {"description": 'Whether the app may use `{"all": true}` in updates and deletes.'},
}

_CHART: dict[str, dict[str, Any]] = {
    "query": {
        "anyOf": [ref("Filter"), {"type": "null"}],
        "description": "The filter of the rows, as in a query. Null for all rows.",
    }
}

_PROPERTIES: dict[str, dict[str, dict[str, Any]]] = {
    "ChartBody": _CHART,
    "ChartPatch": _CHART,
    "ChartResponse": _CHART,
    "DefinitionChartBody": _CHART,
    "DefinitionChartResponse": _CHART,
    "InsertBody": {"data": {"anyOf": [ref("Row"), ROWS]}, **_OPTIONS},
    "BulkBody": {"data": ROWS, **_OPTIONS},
    "Conflict": {
        "columns": {
            "items": FIELD,
            "minItems": 1,
            "maxItems": MAX_INDEX_COLUMNS,
            "uniqueItems": True,
            "description": "The columns of one unique index, in any order.",
        },
        "action": {
            "description": "What happens to a row whose key is stored already: `error` refuses the request, "
            "`ignore` does not change the stored row, `update` changes the columns that the row has. "
            "With `update`, values in rows can be an `Increment` or an `Append`."
        },
    },
    "UpdateBody": {"query": ref("WriteFilter"), "data": ref("UpdateRow"), **_BOUNDS, **_DRY_RUN},
    "DeleteBody": {"query": ref("WriteFilter"), **_BOUNDS, **_DRY_RUN},
    "QueryBody": {
        "query": ref("Filter"),
        "fields": {
            "items": FIELD,
            "minItems": 1,
            "uniqueItems": True,
            "description": "The columns to return, in this order; by default all columns.",
        },
        "sort": {"description": "Equal rows are sorted by `_id`; without a sort, all rows are."},
        "count": {"description": "`none` omits `total`, which makes the query faster."},
        "cursor": CURSOR
        | {
            "description": "The `nextCursor` of the previous response, with the same `query` and `sort`, "
            "instead of `sys_offset`."
        },
        "asOf": DATE_TIME
        | {
            "description": "A moment of the past: the table is read as it was then, with what was committed "
            "up to it. Only for tables with a history."
        },
    },
    "UndoBody": {"operation": OPERATION_ID, **_UNDO},
    "UndoChangesBody": {
        "operation": OPERATION_ID,
        "app": {
            "description": "The client id of an app, or its id as in `Updated_By`.",
            "pattern": APP.pattern,
        },
        "user": {
            "description": "The id of a user, or an id as in `Updated_By`; not together with `app`.",
            "pattern": USER.pattern,
        },
        "tables": {
            "items": {"type": "string"},
            "minItems": 1,
            "maxItems": MAX_TABLES,
            "description": "Only changes of these tables.",
        },
        "since": DATE_TIME | {"description": "Only operations from this time on."},
        "until": DATE_TIME
        | {"description": "Only operations before this time, which is later than `since`."},
        **_UNDO,
    },
    "SortKey": {"field": FIELD},
    "WorkspaceBody": {"name": NAME_SCHEMA},
    "AdminTokenBody": {
        "name": {
            "maxLength": MAX_NAME,
            "description": "Printable characters, without leading or trailing spaces.",
        }
    },
    "AppBody": {"name": LABEL, "publicKey": KEY, **_GUARDS},
    "AppPatch": {"name": LABEL, "publicKey": KEY, **_GUARDS},
    "TableBody": {
        "name": NAME_SCHEMA,
        "description": _or_not_set({"type": "string", "maxLength": MAX_DESCRIPTION}),
        "schemaDef": {
            "minItems": 1,
            "maxItems": MAX_COLUMNS + len(SYSTEM_COLUMNS),
            "description": f"At most {MAX_COLUMNS} columns, not counting the system columns.",
        },
        "indexes": _or_not_set({"type": "array", "items": ref("IndexBody"), "maxItems": MAX_INDEXES}),
        "renamedFrom": _RENAMED,
        "history": _or_not_set(
            {
                "title": "History",
                "type": "object",
                "required": ["keepDays"],
                "additionalProperties": False,
                "properties": {"keepDays": {"type": "integer", "minimum": 1, "maximum": MAX_KEEP_DAYS}},
                "description": "All changes of rows are recorded, and the records are deleted in the "
                "background when they are so many days old.",
            }
        ),
        "retention": _or_not_set(
            {
                "title": "Retention",
                "type": "object",
                "required": ["column", "days"],
                "additionalProperties": False,
                "properties": {
                    "column": NAME_SCHEMA | {"description": "A column of type date, or a system column."},
                    "days": {"type": "integer", "minimum": 1, "maximum": MAX_DAYS},
                },
                "description": "Rows are deleted in the background when the date in the column is more than "
                "so many days ago.",
            }
        ),
    },
    "IndexBody": {
        "name": NAME_SCHEMA,
        "columns": {"minItems": 1, "maxItems": MAX_INDEX_COLUMNS},
        "isUnique": _FLAG,
    },
    "IndexColumnBody": {
        "name": NAME_SCHEMA | {"description": "A column of the table, or a system column."},
        "order": _or_not_set({"enum": ["asc", "desc"]}),
    },
}
"""Schemas of properties, in addition to what their types contain."""

_WHOLE: dict[str, dict[str, Any]] = {
    "UpdateBody": {"required": ["query", "data"]},
    "DeleteBody": {"required": ["query"]},
    "Algorithm": {"description": "The algorithm with which an app signs its tokens (RFC 7518, section 3.1)."},
}


def refined(made: dict[str, Any], more: dict[str, dict[str, dict[str, Any]]]) -> dict[str, Any]:
    """The components that msgspec created, completed by what their types do not contain; ``more`` are further
    schemas of properties."""
    found = dict(made)
    # the type of a filter node accepts every kind of node; the document has a separate schema for each kind
    del found["Node"]
    for component, properties in (_PROPERTIES | VIEW_PROPERTIES | more).items():
        known = found[component]["properties"]
        for name, schema in properties.items():
            is_whole = "$ref" in schema or "anyOf" in schema
            known[name] = schema if is_whole else known[name] | schema
    for component, members in _WHOLE.items():
        found[component] |= members
    found["ColumnBody"] = _column_schema(found["ColumnBody"])
    # a separate component, so that client generators can name it
    found["ColumnReference"] = _REFERENCE
    found["NotSet"] = {
        "description": 'Not set: `""`, `null` and `{}` mean the same as a missing key.',
        "anyOf": [
            {"const": ""},
            {"type": "null"},
            {"title": "Empty", "type": "object", "maxProperties": 0, "additionalProperties": False},
        ],
    }
    return found


def _column_schema(made: dict[str, Any]) -> dict[str, Any]:
    """One schema for each column type, and one for the system columns in exports of other systems."""
    return {
        "title": made["title"],
        "description": "A column. An encrypted one has no `default` and no `reference`.",
        "anyOf": [_own_column(made, entry) for entry in COLUMN_TYPES.values()] + [_system_column(made)],
    }


def _own_column(made: dict[str, Any], entry: ColumnType) -> dict[str, Any]:
    lengths: list[dict[str, Any]] = [
        {"type": "integer", "minimum": 1, "maximum": MAX_TEXT_LENGTH},
        {"type": "string", "pattern": "^[1-9][0-9]{0,8}$"},
    ]
    # values can also be sent as strings
    strings = [] if entry.schema.get("type", "string") == "string" else [{"type": "string"}]
    properties = {
        "name": NAME_SCHEMA,
        "type": {"const": entry.name, "description": entry.meaning},
        "isRequired": _FLAG,
        "isEncrypted": _FLAG,
        "reference": _or_not_set(ref("ColumnReference")) if entry.is_comparable else ref("NotSet"),
        "maxLength": _or_not_set(*lengths) if entry.is_text else ref("NotSet"),
        "default": _or_not_set(entry.schema, *strings),
        "readOnly": _or_not_set({"const": False}),
        "renamedFrom": _RENAMED,
    }
    return made | {
        "title": f"Column of type {entry.name}",
        "description": entry.meaning,
        "properties": {name: properties[name] for name in made["properties"]},
        "required": ["name", "type"],
    }


def _system_column(made: dict[str, Any]) -> dict[str, Any]:
    properties: dict[str, dict[str, Any]] = {name: {} for name in made["properties"]} | {
        "name": {"enum": [column.name for column in SYSTEM_COLUMNS]},
        "readOnly": {"const": True},
    }
    return made | {
        "title": "System column",
        "description": "Ignored: every table has the system columns.",
        "properties": properties,
        "required": ["name", "readOnly"],
    }
