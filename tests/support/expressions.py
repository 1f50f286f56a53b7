"""Expressions: short functions for filters."""

from __future__ import annotations

from typing import Any

EVERYTHING = {"all": True}
"""The filter with which an update or delete matches every row."""


def comparison(field: str, operand: str, *value: Any) -> dict[str, Any]:
    """One comparison; without a third argument it has no ``value``."""
    made: dict[str, Any] = {"field": field, "operand": operand}
    if value:
        made["value"] = value[0]
    return made


def all_of(*expressions: Any) -> dict[str, Any]:
    return {"expressions": list(expressions), "operator": "and"}


def any_of(*expressions: Any) -> dict[str, Any]:
    return {"expressions": list(expressions), "operator": "or"}


def negated(expression: Any) -> dict[str, Any]:
    return {"not": expression}


def where(field: str, operand: str, *value: Any) -> dict[str, Any]:
    """A complete filter with one comparison."""
    return {"expressions": [comparison(field, operand, *value)]}
