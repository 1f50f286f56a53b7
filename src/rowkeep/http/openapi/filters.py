"""Filters: the schemas of ``query``, from the table of operands."""

from __future__ import annotations

from typing import Any

from rowkeep.http.openapi.records import FIELD, value_types
from rowkeep.http.response_types import ref
from rowkeep.model.filters import MAX_DEPTH, MAX_LIST, OPERATORS, Operator, Takes, Test

_TITLES = {
    Test.EQUAL: "Equality",
    Test.LESS: "Order",
    Test.IN: "Membership",
    Test.BETWEEN: "Range",
    Test.CONTAINS: "Text match",
    Test.NULL: "Null test",
}
"""The titles of the kinds of comparisons, by the first test of each. Client generators create class names
from them; the operands themselves (``<=``) cannot be class names."""


def filter_schemas(max_expressions: int) -> dict[str, Any]:
    """The components for filters: ``Filter`` for queries, ``WriteFilter`` for updates and deletes, and their
    parts."""
    return {
        "Filter": {
            "description": f"Selects rows. Filters nest to depth {MAX_DEPTH} and have at most "
            f"{max_expressions} conditions.",
            "anyOf": [
                _junction(
                    "Selects the rows that match the expressions; without expressions, every row.", least=0
                ),
                ref("EveryRow"),
            ],
        },
        "WriteFilter": {
            "description": "Selects rows. A filter without expressions is rejected; to select every row, use "
            "`all`.",
            "anyOf": [ref("Junction"), ref("EveryRow")],
        },
        "EveryRow": {
            "description": "Every row of the table.",
            "type": "object",
            "properties": {"all": {"const": True}},
            "required": ["all"],
            "additionalProperties": False,
        },
        "Expression": {
            "description": "A condition, a nested filter, or a negation.",
            "anyOf": [ref("Comparison"), ref("Junction"), ref("Negation")],
        },
        "Junction": _junction(
            "A row matches if it matches all expressions, or, with `or`, at least one of them.", least=1
        ),
        "Negation": {
            "description": "A row matches if it does not match the expression. This includes rows with null.",
            "type": "object",
            "properties": {"not": ref("Expression")},
            "required": ["not"],
            "additionalProperties": False,
        },
        "Comparison": _comparisons(),
    }


def _junction(description: str, least: int) -> dict[str, Any]:
    expressions: dict[str, Any] = {"type": "array", "items": ref("Expression")}
    return {
        "description": description,
        "type": "object",
        "properties": {
            "expressions": expressions | ({"minItems": least} if least else {}),
            "operator": {"enum": ["and", "or"], "default": "and"},
        },
        "required": ["expressions"] if least else [],
        "additionalProperties": False,
    }


def _comparisons() -> dict[str, Any]:
    """One schema for each kind of value that operands accept."""
    forms: dict[str, tuple[dict[str, Any] | None, list[Operator]]] = {}
    for operator in OPERATORS.values():
        value = _value(operator)
        forms.setdefault(repr(value), (value, []))[1].append(operator)
    return {
        "description": f"A condition on one column.\n\n{operand_table()}",
        "oneOf": [_comparison(value, operators) for value, operators in forms.values()],
    }


def _comparison(value: dict[str, Any] | None, operators: list[Operator]) -> dict[str, Any]:
    properties: dict[str, Any] = {
        "field": FIELD,
        "operand": {"enum": [operator.name for operator in operators]},
    }
    if value is not None:
        properties["value"] = value
    return {
        "title": _TITLES.get(operators[0].test, operators[0].test.value),
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _value(operator: Operator) -> dict[str, Any] | None:
    """The schema of ``value``; None if there must be no value."""
    if operator.takes is Takes.NOTHING:
        return None
    types = value_types(operator.suits.allows)
    one: dict[str, Any] = {"type": [*types, "null"] if operator.takes_null else types}
    if operator.takes is Takes.PAIR:
        return {"type": "array", "items": one, "minItems": 2, "maxItems": 2}
    if operator.takes is Takes.LIST:
        return {"type": "array", "items": one, "maxItems": MAX_LIST}
    return one


def operand_table() -> str:
    """A Markdown table of all operands."""
    rows = [
        f"| `{entry.name}` | {entry.takes.value} | {entry.suits.name} | {entry.meaning} |"
        for entry in OPERATORS.values()
    ]
    return "\n".join(
        ("| operand | value | columns | matches values that are |", "| --- | --- | --- | --- |", *rows)
    )
