"""Batches: the schemas of the parts of a batch that no type can describe."""

from __future__ import annotations

from typing import Any

from rowkeep.http.openapi.bodies import CURSOR, NAME_SCHEMA, ROWS
from rowkeep.http.openapi.records import FIELD
from rowkeep.http.response_types import ref

_QUERY = {"query": ref("BatchFilter")}
_DATA = {"data": ref("Row")}
_TABLE = {"table": NAME_SCHEMA}
_CONFLICT = {"onConflict": ref("Conflict")}

BATCH_PROPERTIES: dict[str, dict[str, dict[str, Any]]] = {
    "InsertOperation": {**_TABLE, "data": {"anyOf": [ref("Row"), ROWS]}, **_CONFLICT},
    "BulkOperation": {**_TABLE, "data": ROWS, **_CONFLICT},
    "UpdateOperation": {**_TABLE, **_QUERY, **_DATA},
    "DeleteOperation": {**_TABLE, **_QUERY},
    "QueryOperation": {
        "table": NAME_SCHEMA | {"description": "The table; or send `view`."},
        "view": NAME_SCHEMA | {"description": "The view, instead of `table`."},
        **_QUERY,
        "fields": {"items": FIELD, "minItems": 1, "uniqueItems": True},
        "cursor": CURSOR,
        "limit": {"description": "The maximum number of rows to return."},
        "offset": {"description": "The number of rows to skip."},
    },
}
"""Schemas of properties, in addition to what their types contain."""


def batch_schemas() -> dict[str, Any]:
    """The components for batches."""
    results = (
        "RecordsResponse",
        "InsertedResponse",
        "UpsertResponse",
        "UpsertCounts",
        "UpdatedResponse",
        "DeletedResponse",
        "QueryResponse",
        "ViewQueryResponse",
        "PageCounts",
        "Record",
    )
    return {
        "ResultReference": {
            "description": "Stands for a single value in the result of an earlier operation of the batch. In "
            "a json column it is a plain value.",
            # not in "properties": tools would take the member for a reference of this document
            "type": "object",
            "required": ["$ref"],
            "maxProperties": 1,
            "additionalProperties": {
                "type": "string",
                "pattern": "^/(0|[1-9][0-9]*)/",
                "description": "A JSON Pointer (RFC 6901) into `results`, such as `/0/_id` or "
                "`/1/records/0/Code`.",
            },
        },
        "BatchFilter": {
            "description": "A *Filter* or, for updates and deletes, a *WriteFilter*, in which a value can "
            "also be a *ResultReference*.",
            "type": "object",
            "properties": {
                "expressions": {"type": "array", "items": {"type": "object"}},
                "operator": {"type": "string"},
                "all": {"type": "boolean"},
            },
            "additionalProperties": False,
        },
        "PageCounts": {
            "description": "The result of a query in a dry run.",
            "type": "object",
            "properties": {"hasMore": {"type": "boolean"}, "total": {"type": "integer", "minimum": 0}},
            "required": ["hasMore"],
            "additionalProperties": False,
        },
        "BatchResult": {
            "description": "The response of the operation.",
            "anyOf": [ref(name) for name in results],
        },
    }
