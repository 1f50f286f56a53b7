"""Functions: what SQLite lacks and PostgreSQL has, given to each connection."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any

import apsw

from rowkeep.model.values.decimals import decimal_key, normal_decimal
from rowkeep.sql import aggregates
from rowkeep.sql.dialects import CONTAINS, DECIMAL_KEY

EXACT = Context(prec=3000, rounding=ROUND_HALF_UP)
"""Holds every sum of decimals: 1,000 digits on either side of the point, and what so many rows carry."""


class _DecimalSum:
    """The sum of the texts, with as many places as the one that has most; NULL of none."""

    def __init__(self) -> None:
        self._total: Decimal | None = None
        self._count = 0

    def step(self, *cells: Any) -> None:
        if cells[0] is None:
            return
        value = Decimal(cells[0])
        self._total = value if self._total is None else EXACT.add(self._total, value)
        self._count += 1

    def final(self) -> str | None:
        return None if self._total is None else format(self._total, "f")


class _DecimalMean(_DecimalSum):
    """Their mean, rounded half away from zero, without zeros at its end."""

    def final(self) -> str | None:
        if self._total is None:
            return None
        scale = -int(self._total.as_tuple().exponent)
        places = min(max(scale, aggregates.MEAN_PLACES), aggregates.MAX_MEAN_PLACES)
        mean = EXACT.divide(self._total, Decimal(self._count))
        rounded = mean.quantize(Decimal(1).scaleb(-places), context=EXACT)
        return normal_decimal(format(rounded, "f")) if rounded else "0"


class _DecimalLeast:
    """The least of the texts, in the one form of all that are equal to it."""

    def __init__(self) -> None:
        self._found: Decimal | None = None

    def step(self, *cells: Any) -> None:
        if cells[0] is not None:
            value = Decimal(cells[0])
            if self._found is None or self._is_better(value, self._found):
                self._found = value

    def _is_better(self, value: Decimal, found: Decimal) -> bool:
        return value < found

    def final(self) -> str | None:
        if self._found is None:
            return None
        return normal_decimal(format(self._found, "f")) if self._found else "0"


class _DecimalGreatest(_DecimalLeast):
    def _is_better(self, value: Decimal, found: Decimal) -> bool:
        return value > found


def _whole(upper: int, lower: int) -> int:
    return (upper << 32) + lower


def _whole_sum(*cells: Any) -> str | None:
    return None if cells[0] is None else str(_whole(*cells))


def _whole_mean(*cells: Any) -> float | None:
    upper, lower, count = cells
    return None if upper is None else _whole(upper, lower) / count


def _decimal_key(*cells: Any) -> str | None:
    return None if cells[0] is None else decimal_key(cells[0])


def _contains(*cells: Any) -> bool | None:
    """Whether a text contains another, in a time that grows with both; that of SQLite's ``instr`` may grow
    with their product, and nothing interrupts it."""
    return None if cells[0] is None else cells[1] in cells[0]


def add_functions(connection: apsw.Connection) -> None:
    """Give a connection what the dialect and :mod:`rowkeep.sql.aggregates` spell for SQLite."""
    connection.create_scalar_function(DECIMAL_KEY, _decimal_key, 1, deterministic=True)
    connection.create_scalar_function(CONTAINS, _contains, 2, deterministic=True)
    connection.create_scalar_function(aggregates.WHOLE_SUM, _whole_sum, 2, deterministic=True)
    connection.create_scalar_function(aggregates.WHOLE_MEAN, _whole_mean, 3, deterministic=True)
    for name, made in (
        (aggregates.DECIMAL_SUM, _DecimalSum),
        (aggregates.DECIMAL_AVG, _DecimalMean),
        (aggregates.DECIMAL_MIN, _DecimalLeast),
        (aggregates.DECIMAL_MAX, _DecimalGreatest),
    ):
        connection.create_aggregate_function(name, made, 1)
