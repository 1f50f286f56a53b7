"""Aggregates: the SQL for each engine, so that both return the same results.

Sums of integers are exact, also beyond 64 bits; the last digits of sums of doubles depend on the order in
which an engine adds. A sum that is too large for a double is an error on both engines.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TypeAlias

import sqlalchemy as sa

from rowkeep.sql.expressions import Aggregation, Expression

INTEGER_SUM = "_rowkeep_whole_sum"
"""On SQLite, returns the decimal text of a sum from the sums of its upper and its lower 32 bits."""

INTEGER_MEAN = "_rowkeep_whole_mean"
"""The same with a count, returns the mean as a double."""

DECIMAL_SUM, DECIMAL_AVG = "_rowkeep_decimal_sum", "_rowkeep_decimal_avg"
DECIMAL_MIN, DECIMAL_MAX = "_rowkeep_decimal_min", "_rowkeep_decimal_max"
"""SQLite's aggregates over the texts of decimals; the last two return one text for all equal values."""

MEAN_PLACES, MAX_MEAN_PLACES = 20, 970
"""A mean of decimals is rounded to as many decimal places as its sum has, but at least to the first and at
most to the second of these: beyond, PostgreSQL's division has no more places to round by."""

SPARE_PLACES = 25
"""Additional places in the division. No mean is closer to a half than this, unless it is a half."""

Aggregations: TypeAlias = Mapping[str, Aggregation]
"""The aggregates of one kind that an engine does not have under their own names; ``""`` is the value that the
rows of a group have in common."""


def _number(text: str) -> Expression:
    return sa.literal_column(text)


def _halves(column: Expression) -> tuple[Expression, Expression]:
    upper = sa.func.sum(column.op(">>")(_number("32")))
    lower = sa.func.sum(column.op("&")(_number("4294967295")))
    return upper, lower


def _sqlite_double_sum(column: Expression) -> Expression:
    """An infinite sum makes abs() fail: its argument is the smallest integer, which has no positive
    counterpart."""
    total = sa.func.sum(column)
    failure = sa.func.abs(
        sa.cast(total, sa.Integer) * _number("0") - _number("9223372036854775807") - _number("1")
    )
    return sa.case((sa.func.abs(total) > _number("1.7976931348623157e308"), failure), else_=total)


def _postgres_double_mean(column: Expression) -> Expression:
    """A quotient that is too small for a double is 0; in PostgreSQL it would be an error."""
    total, count = sa.func.sum(column), sa.func.count(column)
    size: Expression = sa.func.abs(total)
    least: Expression = sa.cast(_number("'5e-324'"), sa.Double())
    mean = total.op("/")(count)
    is_zero = size * _number("2") <= count * least
    small = sa.case((is_zero, sa.cast(_number("0"), sa.Double())), else_=mean)
    return sa.case((size < sa.cast(_number("'1e-300'"), sa.Double()), small), else_=mean)


def _postgres_integer_mean(column: Expression) -> Expression:
    exact = sa.func.round(sa.func.sum(column), _number("40")).op("/")(sa.func.count(column))
    return sa.cast(exact, sa.Double())


def _postgres_decimal_mean(column: Expression) -> Expression:
    total = sa.func.sum(column)
    places = sa.func.least(
        sa.func.greatest(sa.func.scale(total), _number(str(MEAN_PLACES))), _number(str(MAX_MEAN_PLACES))
    )
    exact = sa.func.round(total, places + _number(str(SPARE_PLACES))).op("/")(sa.func.count(column))
    return sa.func.trim_scale(sa.func.round(exact, places))


def _named(function: str) -> Aggregation:
    return lambda _column, text: getattr(sa.func, function)(text)


def _plain(function: str) -> Aggregation:
    return lambda column, _text: getattr(sa.func, function)(column)


SQLITE_INTEGER: Aggregations = MappingProxyType(
    {
        "sum": lambda column, _: getattr(sa.func, INTEGER_SUM)(*_halves(column)),
        "avg": lambda column, _: getattr(sa.func, INTEGER_MEAN)(*_halves(column), sa.func.count(column)),
    }
)

SQLITE_DOUBLE: Aggregations = MappingProxyType(
    {
        "sum": lambda column, _: _sqlite_double_sum(column),
        "avg": lambda column, _: _sqlite_double_sum(column).op("/")(sa.func.count(column)),
    }
)

SQLITE_DECIMAL: Aggregations = MappingProxyType(
    {
        "sum": _named(DECIMAL_SUM),
        "avg": _named(DECIMAL_AVG),
        "min": _named(DECIMAL_MIN),
        "max": _named(DECIMAL_MAX),
        "": _named(DECIMAL_MIN),
    }
)

POSTGRES_INTEGER: Aggregations = MappingProxyType({"avg": lambda column, _: _postgres_integer_mean(column)})

POSTGRES_DOUBLE: Aggregations = MappingProxyType({"avg": lambda column, _: _postgres_double_mean(column)})

POSTGRES_DECIMAL: Aggregations = MappingProxyType(
    {
        "avg": lambda column, _: _postgres_decimal_mean(column),
        "min": lambda column, _: sa.func.trim_scale(sa.func.min(column)),
        "max": lambda column, _: sa.func.trim_scale(sa.func.max(column)),
        "": lambda column, _: sa.func.trim_scale(column),
    }
)


def aggregated(own: Aggregations, aggregate: str, column: Expression, text: Expression) -> Expression:
    """One column of a group: an aggregate of it, or, for ``""``, the column that the rows are grouped by.

    ``own`` has the aggregates that the engine has for the column's kind. ``column`` is the expression for
    comparisons, ``text`` the one for responses. The result is a value as the engine stores it.
    """
    if aggregate in own:
        return own[aggregate](column, text)
    if not aggregate:
        return column
    if aggregate == "count distinct":
        return sa.func.count(sa.distinct(column))
    return _plain(aggregate)(column, text)
