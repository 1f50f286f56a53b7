"""Views: the constraints of view definitions that their types do not contain."""

from __future__ import annotations

from typing import Any

from rowkeep.http.response_types import ref
from rowkeep.model.tables import MAX_DESCRIPTION, NAME
from rowkeep.model.views import AGGREGATES, COMPARISONS, MAX_CONDITIONS, MAX_JOINS, MAX_VIEW_COLUMNS, JoinKind
from rowkeep.plan.rows.sort import MAX_SORT

_NAME = {"type": "string", "pattern": f"^{NAME.pattern}$"}
_NOT_SET = ref("NotSet")
_OF_TABLE = {"type": "string", "description": "`table.column`, such as `people.City`."}
_EMPTY: list[Any] = ["", None]
_ALIAS = {"anyOf": [_NAME, {"enum": _EMPTY}]}
_ORDER = {"enum": ["asc", "desc", *_EMPTY]}
_KINDS = {"enum": [*(kind.value for kind in JoinKind), *_EMPTY]}
_FUNCTIONS = ", ".join(f"`{name}`" for name in AGGREGATES)

_EXPRESSION = {
    "type": "string",
    "description": f"`table.column`, or an aggregate of one ({_FUNCTIONS}), such as "
    "`count(distinct people.City)`.",
}


def _list(items: dict[str, Any], most: int) -> dict[str, Any]:
    return {"anyOf": [{"type": "array", "items": items, "maxItems": most}, _NOT_SET]}


VIEW_PROPERTIES: dict[str, dict[str, dict[str, Any]]] = {
    "ViewBody": {
        "name": _NAME,
        "description": {"anyOf": [{"type": "string", "maxLength": MAX_DESCRIPTION}, _NOT_SET]},
        "table": _NAME | {"description": "The first table."},
        "as": _ALIAS,
        "joins": _list(ref("JoinBody"), MAX_JOINS),
        "columns": {
            "type": "array",
            "items": {"anyOf": [_EXPRESSION, ref("ViewColumnBody")]},
            "minItems": 1,
            "maxItems": MAX_VIEW_COLUMNS,
        },
        "filter": {"anyOf": [ref("QualifiedFilter"), _NOT_SET]},
        "groupBy": _list(_OF_TABLE, MAX_VIEW_COLUMNS),
        "having": {"anyOf": [ref("Filter"), _NOT_SET]},
        "sortBy": _list(ref("SortByBody"), MAX_SORT),
        "renamedFrom": {
            "anyOf": [_NAME, {"enum": _EMPTY}],
            "description": "The old name, to rename the view with `PUT` to its new path.",
        },
    },
    "ViewColumnBody": {"expr": _EXPRESSION, "as": {"anyOf": [{"type": "string"}, {"type": "null"}]}},
    "JoinBody": {
        "table": _NAME,
        "as": _ALIAS,
        "type": _KINDS,
        "on": {"minItems": 1, "maxItems": MAX_CONDITIONS},
    },
    "OnBody": {
        "left": _OF_TABLE,
        "operand": {"enum": list(COMPARISONS), "description": "Never matches null."},
        "right": _OF_TABLE,
    },
    "SortByBody": {"field": {"description": "A column of the view."}, "order": _ORDER},
}
"""Schemas of properties, in addition to what their types contain."""


def view_schemas() -> dict[str, Any]:
    """The components for views that no type can describe."""
    return {
        "QualifiedFilter": {
            "description": "A filter whose fields are `table.column`, such as `people.City`.",
            "anyOf": [
                {
                    "title": "Qualified junction",
                    "type": "object",
                    "properties": {
                        "expressions": {"type": "array", "items": ref("QualifiedExpression")},
                        "operator": {"enum": ["and", "or"], "default": "and"},
                    },
                    "additionalProperties": False,
                },
                ref("EveryRow"),
            ],
        },
        "QualifiedExpression": {
            "description": "An expression of a filter whose fields are `table.column`.",
            "type": "object",
        },
        "ViewRow": {
            "description": "The columns of the view, or those in `fields`, in that order.",
            "type": "object",
            "additionalProperties": ref("Cell"),
        },
    }
