"""Data samples: requests and responses of the Data API, the same as on the reference pages."""

from __future__ import annotations

import csv
import io
from typing import Any, cast

import msgspec

from rowkeep.http.sample_values import ROW, WHEN, WRITER
from rowkeep.model.tables import SYSTEM_COLUMNS

_JANE = {"First_Name": "Jane", "Last_Name": "Smith", "Gender": "female", "Number": 263}
_MIKE = {"First_Name": "Mike", "Last_Name": "Mike", "Gender": "male", "Number": 234}
_JANE_DOE = {
    "expressions": [
        {"field": "firstName", "operand": "=", "value": "Jane"},
        {"field": "lastName", "operand": "=", "value": "Doe"},
    ],
    "operator": "and",
}


def _record(row: dict[str, Any], counter: int) -> dict[str, Any]:
    ids = {
        "sys_Id": f"sys-5e7ef671-7203-84b3-89ac-000000{counter:06x}",
        "_id": f"5e7ef67172034b39ac{counter:06x}",
    }
    system = {
        "Updated_On": WHEN,
        "Created_On": WHEN,
        "Updated_By": WRITER,
        "Created_By": WRITER,
    }
    return row | system | ids


def _streamed(records: list[dict[str, Any]]) -> dict[str, str]:
    """A stream of these records, by media type."""
    table = io.StringIO(newline="")
    csv.writer(table).writerows([list(records[0]), *(record.values() for record in records)])
    lines = "".join(msgspec.json.encode(record).decode() + "\n" for record in records)
    return {"application/x-ndjson": lines, "text/csv": table.getvalue()}


_RECORDS = [_record(_JANE, 1), _record(_MIKE, 2)]
_CHANGED = _record(_JANE | {"Number": 3453}, 1) | {"Updated_On": "2020-03-28T07:51:32.502Z"}
_META = [{"name": name, "type": "number" if name == "Number" else "string"} for name in _JANE] + [
    {"name": column.name, "type": column.type} for column in SYSTEM_COLUMNS
]
_OPERATION = "6a28d0c17203584b389ac001"
_UNDONE = {
    "All rows": {"nRestored": 40, "nChanged": 2, "nRemoved": 0, "conflicts": []},
    "With a conflict": {
        "nRestored": 39,
        "nChanged": 2,
        "nRemoved": 0,
        "conflicts": [{"table": "people", "_id": "5e7ef67172034b39ac000001", "operation": _OPERATION}],
    },
}
_SMITHS = {"expressions": [{"field": "Last_Name", "operand": "=", "value": "Smith"}]}
_FILTERS = {
    "Equal": _SMITHS,
    "Nested": {
        "expressions": [
            {"field": "Number", "operand": "between", "value": [200, 300]},
            {
                "expressions": [
                    {"field": "First_Name", "operand": "istarts with", "value": "ja"},
                    {"not": {"field": "Gender", "operand": "is null"}},
                ],
                "operator": "or",
            },
        ]
    },
}
_PAGE = {"hasMore": False, "total": 2, "metaInfo": _META, "queryResult": _RECORDS}
_VIEW_PAGE: dict[str, Any] = {
    "hasMore": False,
    "total": 1,
    "metaInfo": [
        {"name": "Last_Name", "type": "string"},
        {"name": "count_id", "type": "integer"},
        {"name": "Largest", "type": "number"},
    ],
    "queryResult": [{"Last_Name": "Smith", "count_id": 2, "Largest": 263}],
}

_BY_NUMBER = {"columns": ["Number"], "action": "update"}

REQUESTS: dict[str, dict[str, Any]] = {
    "insertRows": {
        "One row": {"data": _JANE},
        "Many rows, as a bulk": {"data": [_JANE, _MIKE]},
        "Insert or update": {"data": _JANE, "onConflict": _BY_NUMBER},
    },
    "insertBulk": {
        "Many rows": {"data": [_JANE, _MIKE]},
        "Insert or update": {"data": [_JANE, _MIKE], "onConflict": _BY_NUMBER},
        "The good rows of many": {"data": [_JANE, _MIKE], "mode": "partial"},
        "Insert or update the good rows": {
            "data": [_JANE, _MIKE],
            "onConflict": _BY_NUMBER,
            "mode": "partial",
        },
        "Only a check": {"data": [_JANE, _MIKE], "dryRun": True},
    },
    "updateRows": {
        "By filter": {
            "query": _JANE_DOE,
            "data": {"First_Name": "Jane", "Last_Name": "Smith", "Number": 3453},
        },
        "Every row": {"query": {"all": True}, "data": {"Gender": None}},
    },
    "deleteRows": {name: {"query": query} for name, query in _FILTERS.items()},
    "deleteRowsByPost": {name: {"query": query} for name, query in _FILTERS.items()},
    "undoOperation": {
        "An operation": {"operation": _OPERATION},
        "A dry run": {"operation": _OPERATION, "conflicts": "skip", "dryRun": True},
    },
    "undoChanges": {
        "An operation": {"operation": _OPERATION},
        "What an app did since a time": {
            "app": "cs-fd84d0bb-2b7e-4d2f-8b0e-5d6a3e1c9f10",
            "tables": ["people"],
            "since": "2026-11-27T08:00:00Z",
            "conflicts": "skip",
        },
    },
    "queryRows": {
        "Every row": {},
        **{name: {"query": query} for name, query in _FILTERS.items()},
        "Some columns, sorted": {
            "query": _SMITHS,
            "fields": ["First_Name", "Number"],
            "sort": [{"field": "Number", "order": "desc"}],
            "count": "none",
        },
    },
    "runBatch": {
        "A row, and others": {
            "operations": [
                {"op": "insert", "table": "people", "data": _JANE},
                {
                    "op": "bulk",
                    "table": "people",
                    "data": [{**_JANE, "First_Name": name} for name in ("Jo", "Kim")],
                },
            ]
        },
        "Several writes, and a look at the result": {
            "operations": [
                {"op": "update", "table": "people", "query": _SMITHS, "data": {"Number": 0}},
                {"op": "delete", "table": "people", "query": _JANE_DOE, "maxAffected": 5},
                {"op": "query", "table": "people", "fields": ["First_Name"], "limit": 5},
            ]
        },
    },
    "queryView": {
        "Every row": {},
        "Some rows": {"query": {"expressions": [{"field": "Largest", "operand": ">", "value": 200}]}},
    },
}
"""Request bodies, by endpoint and title."""

_OPERATION = "5e7ef671a1b2c3d4e5f60718"
_CHANGE_IDS = ("AQAAAAAAAAABjJ3cZ1mXQ0A", "AgAAAAAAAAACtB0dRw3l9hU")
_CHANGES: dict[str, Any] = {
    "changes": [
        {
            "id": _CHANGE_IDS[0], "operation": _OPERATION, "kind": "insert", "_id": ROW, "by": WRITER,
            "on": WHEN, "before": None, "after": _JANE,
        },
        {
            "id": _CHANGE_IDS[1], "operation": "5e7efcff0718293a4b5c6d7e", "kind": "update", "_id": ROW,
            "by": WRITER, "on": "2020-03-28T07:51:32.502Z", "before": {"Number": 263},
            "after": {"Number": 3453},
        },
    ],
    "nextCursor": _CHANGE_IDS[1],
    "hasMore": False,
}  # fmt: skip

RESPONSES: dict[str, dict[str, Any]] = {
    "listChanges": {
        "Two changes": _CHANGES,
        "No new change": {"changes": [], "nextCursor": _CHANGE_IDS[1], "hasMore": False},
    },
    "listRowChanges": {"Two changes": _CHANGES},
    "insertRows": {
        "One row": _RECORDS[0],
        "Many rows": {"records": _RECORDS},
        "Prefer: return=minimal": {"nInserted": 1},
        "onConflict": {"records": [_CHANGED], "outcomes": ["updated"]},
    },
    "insertBulk": {
        "Records": {"records": _RECORDS},
        "Prefer: return=minimal": {"nInserted": 2},
        "onConflict": {"records": [_CHANGED, _RECORDS[1]], "outcomes": ["updated", "inserted"]},
        "onConflict and Prefer: return=minimal": {"nInserted": 1, "nUpdated": 1, "nIgnored": 0},
        "Mode partial, all rows are stored": {
            "records": _RECORDS,
            "errors": [],
            "nInserted": 2,
            "nFailed": 0,
        },
        "A dry run": {"nInserted": 2, "dryRun": True},
        "A partial stream, all rows are stored": {"nInserted": 2, "nFailed": 0},
    },
    "updateRows": {
        "Records": {"records": [_CHANGED], "nModified": 1},
        "Prefer: return=minimal": {"nModified": 1},
    },
    "deleteRows": {"A count": {"nDeleted": 1}, "A dry run": {"nDeleted": 1, "dryRun": True}},
    "deleteRowsByPost": {"A count": {"nDeleted": 1}},
    "queryRows": {
        "The last page": _PAGE,
        "A page with more pages after it": _PAGE | {"hasMore": True, "total": 5000, "nextCursor": "n0GqS4yZ"},
    },
    "queryView": {"The last page": _VIEW_PAGE},
    "undoOperation": _UNDONE,
    "undoChanges": _UNDONE,
    "runBatch": {
        "Records": {
            "results": [
                _RECORDS[0],
                {"records": [_record(_MIKE, 3)]},
                {"records": [_CHANGED], "nModified": 1},
                {"nDeleted": 1},
                _PAGE,
            ]
        },
        "Prefer: return=minimal": {"results": [{"nInserted": 1}, {"nInserted": 2}]},
        "A dry run": {"dryRun": True, "results": [{"nInserted": 1}, {"hasMore": False, "total": 2}]},
    },
    "listUsableTables": {
        "A table and a view": {
            "tables": [
                {
                    "name": "adults",
                    "description": "",
                    "kind": "view",
                    "columns": [{"name": "Last_Name", "type": "string", "isRequired": True}],
                    "rights": ["read"],
                },
                {
                    "name": "people",
                    "description": "People who used the bot",
                    "kind": "table",
                    "columns": [
                        {"name": "First_Name", "type": "string", "isRequired": False},
                        {"name": "Last_Name", "type": "string", "isRequired": True},
                        {"name": "Number", "type": "number", "isRequired": False},
                    ],
                    "rights": ["read", "write"],
                },
            ]
        }
    },
}
"""Response bodies, by endpoint and title."""

STREAMS: dict[str, str] = {
    "application/x-ndjson": '{"First_Name": "Jane", "Last_Name": "Doe"}\n'
    '{"Last_Name": "Roe", "Number": 263}\n',
    "text/csv": "First_Name,Last_Name,Number\nJane,Doe,\n,Roe,263\n",
}
"""Streams of rows, by media type."""

STREAM_RESPONSE = (
    '{"nInserted":1,"nFailed":1}\n'
    '{"msg":"Line 3: Column Number must be a number (or a numeric string such as \\"263\\"); got '
    '\\"many\\".","code":"invalid_value","pointer":"/Number","line":3}\n'
)
"""The response to a partial stream: the counts, then one error on each line."""

_EVENTS = "".join(
    f"id: {change['id']}\ndata: {msgspec.json.encode(change).decode()}\n\n" for change in _CHANGES["changes"]
)

STREAMED_RESPONSES: dict[str, dict[str, str]] = {
    "listChanges": {"text/event-stream": _EVENTS},
    "queryRows": _streamed(_RECORDS),
    "queryView": _streamed(cast("list[dict[str, Any]]", _VIEW_PAGE["queryResult"])),
}
"""Streamed responses of queries, by endpoint and media type."""

PARTIAL_RESPONSES: dict[str, dict[str, Any]] = {
    "PartialResponse": {
        "One of two rows is stored": {
            "records": [_RECORDS[0], None],
            "errors": [
                {
                    "msg": 'Row 1: Column Number must be a number (or a numeric string such as "263"); got '
                    '"many".',
                    "code": "invalid_value",
                    "pointer": "/data/1/Number",
                }
            ],
            "nInserted": 1,
            "nFailed": 1,
        }
    },
    "StreamCounts": {"The stored response to a partial stream": {"nInserted": 1, "nFailed": 1}},
    "PartialUpsertResponse": {
        "onConflict, and one of two rows failed": {
            "records": [_CHANGED, None],
            "outcomes": ["updated", None],
            "errors": [
                {
                    "msg": "Row 1: Another row of the request has the same Number. Send each key once.",
                    "code": "duplicate_key",
                    "pointer": "/data/1/Number",
                }
            ],
            "nInserted": 0,
            "nUpdated": 1,
            "nIgnored": 0,
            "nFailed": 1,
        }
    },
}
"""Response bodies with status 207, by their type and title."""
