"""Samples: examples of bodies and answers, above all those of the API pages that Rowkeep honours."""

from __future__ import annotations

from typing import Any

from rowkeep.errors import (
    DataLoss,
    IncompatibleRows,
    InvalidValue,
    MethodNotAllowed,
    Problem,
    RowkeepError,
    Unauthenticated,
    UnknownColumn,
)
from rowkeep.model.tables import SYSTEM_COLUMNS
from rowkeep.plan.changes import LOSS_HINT

_WRITER = "st-98e05480-0257-5e35-b6d2-66a323834f9d"
_WHEN = "2020-03-28T07:02:09.652Z"
_CLIENT = "cs-3f8a1f0e-5b0c-4c39-9f0b-8d0f6f8f6f11"

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
        "Updated_On": _WHEN,
        "Created_On": _WHEN,
        "Updated_By": _WRITER,
        "Created_By": _WRITER,
    }
    return row | system | ids


_RECORDS = [_record(_JANE, 1), _record(_MIKE, 2)]
_CHANGED = _record(_JANE | {"Number": 3453}, 1) | {"Updated_On": "2020-03-28T07:51:32.502Z"}
_META = [{"name": name, "type": "number" if name == "Number" else "string"} for name in _JANE] + [
    {"name": column.name, "type": column.type} for column in SYSTEM_COLUMNS
]
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

_WORKSPACE = {"name": "main", "createdOn": _WHEN}
_PEOPLE = {
    "name": "people",
    "description": "People who talked to the bot",
    "schemaDef": [
        {"name": "First_Name", "type": "string"},
        {"name": "Last_Name", "type": "string", "isRequired": True, "maxLength": 200},
        {"name": "Gender", "type": "string"},
        {"name": "Number", "type": "number"},
    ],
    "indexes": [
        {"name": "by_last_name", "isUnique": False, "columns": [{"name": "Last_Name", "order": "asc"}]},
    ],
}
_UNSET = {
    "isRequired": False,
    "isEncrypted": False,
    "reference": {},
    "maxLength": "",
    "default": "",
}
_TABLE = _PEOPLE | {"schemaDef": [column | (_UNSET | column) for column in _PEOPLE["schemaDef"]]}  # type: ignore[operator]
_CHANGED_PEOPLE = _PEOPLE | {
    "schemaDef": [
        {"name": "First_Name", "type": "string"},
        {"name": "Last_Name", "type": "string", "isRequired": True, "maxLength": 200},
        {"name": "Sex", "type": "string", "renamedFrom": "Gender"},
        {"name": "Number", "type": "number"},
        {"name": "Age", "type": "integer"},
    ]
}
_CHANGED_TABLE = _TABLE | {
    "schemaDef": [
        {key: value for key, value in (column | _UNSET | column).items() if key != "renamedFrom"}  # type: ignore[operator]
        for column in _CHANGED_PEOPLE["schemaDef"]
    ]
}
_APP = {
    "name": "helpdesk-bot",
    "clientId": _CLIENT,
    "algorithm": "HS256",
    "publicKey": None,
    "enabled": True,
    "createdOn": _WHEN,
}
_SECRET_APP = _APP | {"clientSecret": "kX0n3dq0V5mJm2h2c0u3rj8nq0nFQ0mQm8m4yZJq1aE"}
_GRANT = {
    "clientId": _CLIENT,
    "app": "helpdesk-bot",
    "table": "people",
    "read": True,
    "write": True,
    "delete": False,
}
_ADULTS = {
    "name": "adults",
    "description": "How many people of each last name, with their largest number",
    "table": "people",
    "columns": [
        "people.Last_Name",
        "count(people._id)",
        {"expr": "max(people.Number)", "as": "Largest"},
    ],
    "filter": {"expressions": [{"field": "people.Number", "operand": ">=", "value": 18}]},
    "groupBy": ["people.Last_Name"],
    "having": {"expressions": [{"field": "count_id", "operand": ">", "value": 0}]},
    "sortBy": [{"field": "Largest", "order": "desc"}],
}
_PAIRS = {
    "name": "namesakes",
    "table": "people",
    "columns": ["people._id", {"expr": "other._id", "as": "other_id"}, "people.Last_Name"],
    "joins": [
        {
            "table": "people",
            "as": "other",
            "type": "inner",
            "on": [
                {"left": "people.Last_Name", "operand": "=", "right": "other.Last_Name"},
                {"left": "people._id", "operand": "<", "right": "other._id"},
            ],
        }
    ],
}
_VIEW = {"as": "", "joins": []} | _ADULTS
_VIEW_PAGE = {
    "hasMore": False,
    "total": 1,
    "metaInfo": [
        {"name": "Last_Name", "type": "string"},
        {"name": "count_id", "type": "integer"},
        {"name": "Largest", "type": "number"},
    ],
    "queryResult": [{"Last_Name": "Smith", "count_id": 2, "Largest": 263}],
}
_VIEW_GRANT = {
    "clientId": _CLIENT,
    "app": "helpdesk-bot",
    "view": "adults",
    "read": True,
    "write": False,
    "delete": False,
}
_SCHEMA_GRANT = {"app": "helpdesk-bot", "table": "people", "read": True, "write": True, "delete": False}
_ADMIN = {"id": "at-5e7ef67172034b39ac000003", "name": "deploy", "createdOn": _WHEN}

BODIES: dict[str, dict[str, Any]] = {
    "insertRows": {"One row": {"data": _JANE}, "Many rows, as a bulk": {"data": [_JANE, _MIKE]}},
    "insertBulk": {"Many rows": {"data": [_JANE, _MIKE]}},
    "updateRows": {
        "By filter": {
            "query": _JANE_DOE,
            "data": {"First_Name": "Jane", "Last_Name": "Smith", "Number": 3453},
        },
        "Every row": {"query": {"all": True}, "data": {"Gender": None}},
    },
    "deleteRows": {name: {"query": query} for name, query in _FILTERS.items()},
    "deleteRowsByPost": {name: {"query": query} for name, query in _FILTERS.items()},
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
    "queryView": {
        "Every row": {},
        "Some rows": {"query": {"expressions": [{"field": "Largest", "operand": ">", "value": 200}]}},
    },
    "createWorkspace": {"A workspace": {"name": "support"}},
    "createTable": {"The table of the other examples": _PEOPLE},
    "createView": {"Groups": _ADULTS, "A table joined to itself": _PAIRS},
    "replaceView": {"Groups": _ADULTS},
    "setViewGrant": {"Read": {"read": True}, "Nothing": {}},
    "changeTable": {
        "A column renamed, and one added": _CHANGED_PEOPLE,
        "The table renamed": _PEOPLE | {"renamedFrom": "humans"},
    },
    "setGrant": {"Read and write": {"read": True, "write": True}, "Nothing": {}},
    "applySchema": {
        "All of it": {
            "tables": [_PEOPLE],
            "views": [_ADULTS],
            "grants": [{"app": "helpdesk-bot", "table": "people", "read": True, "write": True}],
        },
        "The grants alone": {"grants": []},
    },
    "createApp": {
        "With a secret": {"name": "helpdesk-bot"},
        "With credentials from elsewhere": {
            "name": "moved-bot",
            "clientId": _CLIENT,
            "clientSecret": "c2VjcmV0IG9mIGFuIGFwcCBmcm9tIGVsc2V3aGVyZQ",
        },
    },
    "changeApp": {
        "Disable": {"enabled": False},
        "Rename": {"name": "front-desk-bot"},
        "Sign otherwise": {"algorithm": "HS512"},
    },
    "createAdminToken": {"A token": {"name": "deploy"}},
}
"""Examples of what is sent, by call."""

_PAGE = {"hasMore": False, "total": 2, "metaInfo": _META, "queryResult": _RECORDS}

ANSWERS: dict[str, dict[str, Any]] = {
    "insertRows": {
        "One row": _RECORDS[0],
        "Many rows": {"records": _RECORDS},
        "Prefer: return=minimal": {"nInserted": 1},
    },
    "insertBulk": {"Records": {"records": _RECORDS}, "Prefer: return=minimal": {"nInserted": 2}},
    "updateRows": {
        "Records": {"records": [_CHANGED], "nModified": 1},
        "Prefer: return=minimal": {"nModified": 1},
    },
    "deleteRows": {"A count": {"nDeleted": 1}},
    "deleteRowsByPost": {"A count": {"nDeleted": 1}},
    "queryRows": {
        "The last page": _PAGE,
        "A page with more behind it": _PAGE | {"hasMore": True, "total": 5000, "nextCursor": "n0GqS4yZ"},
    },
    "queryView": {"The last page": _VIEW_PAGE},
    "listWorkspaces": {"Workspaces": {"workspaces": [_WORKSPACE]}},
    "createWorkspace": {"A workspace": _WORKSPACE | {"name": "support"}},
    "getWorkspace": {"A workspace": _WORKSPACE},
    "listTables": {"Tables": {"tables": [_TABLE]}},
    "createTable": {"A table": _TABLE},
    "getTable": {"A table": _TABLE},
    "changeTable": {
        "The table": _CHANGED_TABLE,
        "A dry run": {
            "steps": [
                {"step": "rename column Gender to Sex", "rewritesTable": False, "losesData": False},
                {
                    "step": "add column Age of type integer",
                    "rewritesTable": False,
                    "losesData": False,
                },
            ]
        },
    },
    "listTableGrants": {"Grants": {"grants": [_GRANT]}},
    "setGrant": {"A grant": _GRANT},
    "listViews": {"Views": {"views": [_VIEW]}},
    "createView": {"A view": _VIEW},
    "getView": {"A view": _VIEW},
    "exportView": {"A view": _VIEW},
    "replaceView": {"A view": _VIEW},
    "listViewGrants": {"Grants": {"grants": [_VIEW_GRANT]}},
    "setViewGrant": {"A grant": _VIEW_GRANT},
    "exportTable": {"A table": _TABLE},
    "getSchema": {"A schema": {"tables": [_TABLE], "views": [_VIEW], "grants": [_SCHEMA_GRANT]}},
    "applySchema": {
        "Steps": {"steps": [{"step": "create table people", "rewritesTable": False, "losesData": False}]},
        "Nothing to change": {"steps": []},
    },
    "listApps": {"Apps": {"apps": [_APP]}},
    "createApp": {"An app": _SECRET_APP},
    "getApp": {"An app": _APP},
    "changeApp": {"An app": _APP | {"enabled": False}},
    "rotateSecret": {"An app": _SECRET_APP},
    "listAppGrants": {"Grants": {"grants": [_VIEW_GRANT, _GRANT]}},
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
                    "description": "People who talked to the bot",
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
    "listWriters": {
        "Writers": {
            "writers": [
                {"id": "st-2d3b0a0e-6b1c-5f0e-9d57-0d3c6a1f7b11", "name": "deploy", "kind": "administrator"},
                {"id": _WRITER, "name": "helpdesk-bot", "kind": "app"},
            ]
        }
    },
    "getCurrentAdminToken": {
        "An admin token": _ADMIN | {"writer": "st-2d3b0a0e-6b1c-5f0e-9d57-0d3c6a1f7b11"}
    },
    "listAdminTokens": {"Admin tokens": {"adminTokens": [_ADMIN]}},
    "createAdminToken": {
        "An admin token": _ADMIN | {"token": "rka_Zp1l0kq8eX3oYt4wB7uV9cR2sD5fG6hJ8kL0mN1pQ3s"}
    },
    "getHealth": {"Alive": {"status": "alive"}},
    "getReadiness": {"Ready": {"status": "ready"}},
}
"""Examples of what is answered, by call."""

_TOO_EMPTY = "Column Gender cannot be required: 1 row has no value in it."

PROBLEMS: dict[type[RowkeepError], RowkeepError] = {
    UnknownColumn: UnknownColumn(
        'Table people has no column "Fist_Name". Did you mean First_Name?',
        pointer="/query/expressions/0/field",
    ),
    DataLoss: DataLoss(
        f"This would drop column Gender with all its values. {LOSS_HINT}",
        pointer="/schemaDef",
    ),
    IncompatibleRows: IncompatibleRows(
        _TOO_EMPTY,
        problems=[
            Problem(
                _TOO_EMPTY,
                IncompatibleRows.code,
                "/schemaDef/2/isRequired",
                {"count": 1, "sample": [{"_id": _RECORDS[0]["_id"], "values": {"Gender": None}}]},
            )
        ],
    ),
    Unauthenticated: Unauthenticated(),
    MethodNotAllowed: MethodNotAllowed("PATCH", "GET, POST"),
    InvalidValue: InvalidValue(
        'Row 1: Column Number must be a number (or a numeric string such as "263"); got "many".',
        pointer="/data/1/Number",
    ),
}
"""Errors whose examples are worth more than their meaning in a sentence."""
