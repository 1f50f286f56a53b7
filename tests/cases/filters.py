"""Filters: three comparisons, and shapes that nest as deep as is asked for."""

from __future__ import annotations

from typing import Any

from support.expressions import all_of, any_of, comparison, negated

A, B, C = comparison("Num", "=", 1), comparison("Whole", "=", 1), comparison("Text", "=", "1")


def nested_filters(depth: int) -> dict[str, Any]:
    """A filter ``depth`` filters deep; the outermost one counts."""
    query = all_of(A)
    for _ in range(depth - 1):
        query = all_of(query)
    return query


def nested_nots(depth: int) -> dict[str, Any]:
    """The outermost filter and ``depth - 1`` times ``not``."""
    expression: dict[str, Any] = A
    for _ in range(depth - 1):
        expression = negated(expression)
    return all_of(expression)


def nested_in_turns(depth: int) -> dict[str, Any]:
    expression: dict[str, Any] = A
    for level in range(depth - 1):
        expression = any_of(expression, B) if level % 2 else negated(expression)
    return all_of(expression)


SHAPES = [nested_filters, nested_nots, nested_in_turns]
