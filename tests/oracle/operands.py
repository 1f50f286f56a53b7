"""One plain Python function for each operand: does this cell pass?

A cell is None (empty), a string, a number or a boolean; dates come as canonical text, which sorts in time,
decimals as Python's own. Of JSON values nothing is asked but whether they are there.
Strings compare by code point, as Python's do.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from oracle.folding import fold


def equal(cell: Any, value: Any) -> bool:
    return bool(cell == value)


def not_equal(cell: Any, value: Any) -> bool:
    return bool(cell != value)


def less(cell: Any, value: Any) -> bool:
    return cell is not None and cell < value


def less_or_equal(cell: Any, value: Any) -> bool:
    return cell is not None and cell <= value


def greater(cell: Any, value: Any) -> bool:
    return cell is not None and cell > value


def greater_or_equal(cell: Any, value: Any) -> bool:
    return cell is not None and cell >= value


def one_of(cell: Any, value: Any) -> bool:
    return any(cell == each for each in value)


def none_of(cell: Any, value: Any) -> bool:
    return all(cell != each for each in value)


def between(cell: Any, value: Any) -> bool:
    low, high = value
    return cell is not None and low <= cell <= high


def contains(cell: Any, value: Any) -> bool:
    return cell is not None and value in cell


def starts_with(cell: Any, value: Any) -> bool:
    return cell is not None and cell.startswith(value)


def ends_with(cell: Any, value: Any) -> bool:
    return cell is not None and cell.endswith(value)


def icontains(cell: Any, value: Any) -> bool:
    return cell is not None and fold(value) in fold(cell)


def istarts_with(cell: Any, value: Any) -> bool:
    return cell is not None and fold(cell).startswith(fold(value))


def iends_with(cell: Any, value: Any) -> bool:
    return cell is not None and fold(cell).endswith(fold(value))


def is_null(cell: Any, value: Any) -> bool:
    return cell is None


def is_not_null(cell: Any, value: Any) -> bool:
    return cell is not None


OPERAND_TWINS: dict[str, Callable[[Any, Any], bool]] = {
    "=": equal,
    "!=": not_equal,
    "<": less,
    "<=": less_or_equal,
    ">": greater,
    ">=": greater_or_equal,
    "in": one_of,
    "not in": none_of,
    "between": between,
    "contains": contains,
    "starts with": starts_with,
    "ends with": ends_with,
    "icontains": icontains,
    "istarts with": istarts_with,
    "iends with": iends_with,
    "is null": is_null,
    "is not null": is_not_null,
}
"""Operand as the contract spells it → its twin."""
