"""Functions: SQL functions that SQLite lacks and PostgreSQL has, registered on each connection."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import partial
from hashlib import blake2b
from typing import Any, TypeVar

import apsw

from rowkeep.model.values.decimals import added_decimals, decimal_key, normal_decimal
from rowkeep.model.values.scalars import canonical_date
from rowkeep.sql import aggregates
from rowkeep.sql.changes import refused_change
from rowkeep.sql.dialects import CONTAINS, DECIMAL_KEY, DIGEST, NEXT_MILLISECOND, REFUSE
from rowkeep.sql.sums import DECIMAL_SUM_OF_TWO
from rowkeep.storage.contract import ChangeRefused, UnfitCells

T = TypeVar("T")

SHORT_TEXT = 1024
"""How many characters the event loop folds; before a longer text, a thread waits for its turn."""

SHORT_CELL = 64
"""Longer cells are compared as digests."""

EXACT = Context(prec=3000, rounding=ROUND_HALF_UP)
"""Exact for every sum of decimals: 1,000 digits before and after the decimal point, and the carry of as many
rows as there can be."""


MISREAD = (TypeError, ValueError, ArithmeticError)
"""What a function raises for a cell of another type than it reads."""


class Turning(apsw.Connection):
    """A connection whose functions wait for a turn after a number of calls."""

    calls_left = 0
    """How many more calls are allowed before :meth:`take_turn`."""

    def take_turn(self) -> None:
        raise NotImplementedError


def take_turn(connection: Turning, text: str) -> None:
    """Take a turn before a function reads this text, if needed."""
    if connection.calls_left and len(text) <= SHORT_TEXT:
        connection.calls_left -= 1
    else:
        connection.take_turn()


def _decimal(connection: Turning, cell: str) -> Decimal:
    try:
        take_turn(connection, cell)
        return Decimal(cell)
    except MISREAD as error:
        raise UnfitCells() from error


class _DecimalSum:
    """The sum of the texts, with as many decimal places as the text that has most; NULL without values."""

    def __init__(self, connection: Turning) -> None:
        self._connection = connection
        self._total: Decimal | None = None
        self._count = 0

    def step(self, *cells: Any) -> None:
        if cells[0] is None:
            return
        value = _decimal(self._connection, cells[0])
        self._total = value if self._total is None else EXACT.add(self._total, value)
        self._count += 1

    def final(self) -> str | None:
        return None if self._total is None else format(self._total, "f")


class _DecimalMean(_DecimalSum):
    """Their mean, rounded half away from zero, without trailing zeros."""

    def final(self) -> str | None:
        if self._total is None:
            return None
        scale = -int(self._total.as_tuple().exponent)
        places = min(max(scale, aggregates.MEAN_PLACES), aggregates.MAX_MEAN_PLACES)
        mean = EXACT.divide(self._total, Decimal(self._count))
        rounded = mean.quantize(Decimal(1).scaleb(-places), context=EXACT)
        return normal_decimal(format(rounded, "f")) if rounded else "0"


class _DecimalLeast:
    """The least of the texts, as the one text for all equal values."""

    def __init__(self, connection: Turning) -> None:
        self._connection = connection
        self._found: Decimal | None = None

    def step(self, *cells: Any) -> None:
        if cells[0] is not None:
            value = _decimal(self._connection, cells[0])
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


def _integer(upper: int, lower: int) -> int:
    return (upper << 32) + lower


def _integer_sum(*cells: Any) -> str | None:
    return None if cells[0] is None else str(_integer(*cells))


def _integer_mean(*cells: Any) -> float | None:
    upper, lower, count = cells
    return None if upper is None else _integer(upper, lower) / count


def _contains(text: str, part: str) -> bool:
    """Whether a text contains another, in a time that grows with the sum of their lengths; the time of
    SQLite's ``instr`` can grow with the product, and nothing interrupts it."""
    return part in text


def _next_millisecond(*cells: Any) -> str:
    """The moment one millisecond later. It is called only for rows that change twice within one."""
    return canonical_date(datetime.fromisoformat(cells[0]) + timedelta(milliseconds=1))


def _digest(*cells: Any) -> Any:
    """A short cell itself, or a digest of a long one: equal for equal cells. Only undo uses it, in the thread
    of the writer, so that it takes no turns."""
    cell: str | bytes | None = cells[0]
    if cell is None or len(cell) <= SHORT_CELL:
        return cell
    data = cell.encode("utf-8", "surrogatepass") if isinstance(cell, str) else cell
    return b"#" + blake2b(data, digest_size=20).digest()


def _refuse(*cells: Any) -> None:
    """End the statement. Raises ChangeRefused."""
    refused = refused_change(cells[0])
    assert refused is not None  # noqa: S101 - our own text
    raise ChangeRefused(*refused)


def _in_turn(function: Callable[..., T], connection: Turning) -> Callable[..., T | None]:
    def in_turn(*cells: Any) -> T | None:
        if cells[0] is None:
            return None
        try:
            take_turn(connection, cells[0])
            return function(*cells)
        except MISREAD as error:
            raise UnfitCells() from error

    return in_turn


def add_functions(connection: Turning) -> None:
    """Register the functions that the dialect and :mod:`rowkeep.sql.aggregates` use on SQLite."""
    for name, function, arguments in (
        (DECIMAL_KEY, decimal_key, 1),
        (CONTAINS, _contains, 2),
        (DECIMAL_SUM_OF_TWO, added_decimals, 2),
    ):
        connection.create_scalar_function(name, _in_turn(function, connection), arguments, deterministic=True)
    connection.create_scalar_function(REFUSE, _refuse, 1, deterministic=True)
    connection.create_scalar_function(DIGEST, _digest, 1, deterministic=True)
    connection.create_scalar_function(NEXT_MILLISECOND, _next_millisecond, 1, deterministic=True)
    connection.create_scalar_function(aggregates.INTEGER_SUM, _integer_sum, 2, deterministic=True)
    connection.create_scalar_function(aggregates.INTEGER_MEAN, _integer_mean, 3, deterministic=True)
    for name, aggregate in (
        (aggregates.DECIMAL_SUM, _DecimalSum),
        (aggregates.DECIMAL_AVG, _DecimalMean),
        (aggregates.DECIMAL_MIN, _DecimalLeast),
        (aggregates.DECIMAL_MAX, _DecimalGreatest),
    ):
        connection.create_aggregate_function(name, partial(aggregate, connection), 1)
