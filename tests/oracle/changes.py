"""What a change makes of a stored cell, by Python's own numbers."""

from __future__ import annotations

import math
from decimal import Context, Decimal
from typing import Any

from .values import MOST_DIGITS, canonical

MAX_EXACT = 2**53 - 1
EXACT = Context(prec=3000)
PLACES = 1000


class Unfit(Exception):
    """The result is none that the column can hold."""


def changed(type_name: str, cell: Any, operand: Any, longest: int | None = None) -> Any:
    """The cell after a change by this operand, as sent."""
    other = canonical(type_name, operand)
    if type_name == "string":
        text = (cell or "") + other
        if longest is not None and len(text) > longest:
            raise Unfit
        return text
    return {"integer": integer, "number": number, "decimal": decimal}[type_name](cell or 0, other)


def integer(cell: int, other: int) -> int:
    if not -(2**63) <= cell + other < 2**63:
        raise Unfit
    return cell + other


def number(cell: float, other: float) -> Any:
    total = float(cell) + float(other)
    whole = abs(cell) <= MAX_EXACT and abs(other) <= MAX_EXACT
    if math.isinf(total) or (whole and abs(total) > MAX_EXACT):
        raise Unfit
    return canonical("number", total)


def decimal(cell: Any, other: str) -> str:
    total = EXACT.add(Decimal(cell), Decimal(other))
    digits = "".join(map(str, total.as_tuple().digits)).strip("0")
    if len(digits) > MOST_DIGITS or (total and total.adjusted() >= PLACES):
        raise Unfit
    return format(total, "f")
