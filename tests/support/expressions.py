"""Filters in few words: what the contract calls E and Q."""

from __future__ import annotations

from typing import Any

EVERYTHING = {"all": True}
"""The filter that lets an update or delete touch every row."""


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
    """A whole filter of one comparison."""
    return {"expressions": [comparison(field, operand, *value)]}
