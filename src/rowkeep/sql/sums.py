"""Sums: a number added to a stored one, as expressions of each engine. The result is null if it is not in the
range of the type; a null cell counts as 0."""

from __future__ import annotations

import sqlalchemy as sa

from rowkeep.model.values.decimals import MAX_DIGITS, MAX_PLACES
from rowkeep.model.values.scalars import MAX_EXACT, MAX_INTEGER, MIN_INTEGER
from rowkeep.sql.expressions import Expression

DECIMAL_SUM_OF_TWO = "_rowkeep_decimal_add"
"""The SQL function that adds two decimals on SQLite, registered on each connection."""

MAX_DOUBLE = "1.7976931348623157e308"


def _number(text: str) -> Expression:
    return sa.literal_column(text)


def _or_zero(stored: Expression, zero: str = "0") -> Expression:
    return sa.func.coalesce(stored, _number(zero))


def double_sum(stored: Expression, operand: Expression) -> Expression:
    """A sum of doubles. Whole numbers that are exact have no sum that is not: a count would stop there,
    because 2**53 + 1 is 2**53."""
    cell, size = _or_zero(stored, "0.0"), sa.func.abs(operand)
    largest, exact = _number(MAX_DOUBLE), _number(f"{MAX_EXACT}.0")
    # the sum is only calculated where it is not too large: PostgreSQL raises an error for it
    too_large = sa.or_(
        sa.and_(operand > _number("0"), cell > largest - size),
        sa.and_(operand < _number("0"), cell < size - largest),
    )
    inexact = sa.and_(sa.func.abs(cell) <= exact, size <= exact, sa.func.abs(cell + operand) > exact)
    return sa.case((too_large, sa.null()), (inexact, sa.null()), else_=cell + operand)


def sqlite_integer_sum(stored: Expression, operand: Expression) -> Expression:
    # a sum of integers that is too large is a double
    total = _or_zero(stored) + operand
    return sa.case((sa.func.typeof(total) == sa.literal_column("'integer'"), total))


def postgres_integer_sum(stored: Expression, operand: Expression) -> Expression:
    total = sa.cast(_or_zero(stored), sa.Numeric()) + operand
    fits = sa.and_(total >= _number(str(MIN_INTEGER)), total <= _number(str(MAX_INTEGER)))
    return sa.case((fits, sa.cast(total, sa.BigInteger())))


def sqlite_decimal_sum(stored: Expression, operand: Expression) -> Expression:
    total: Expression = getattr(sa.func, DECIMAL_SUM_OF_TWO)(_or_zero(stored, "'0'"), operand)
    return total


def postgres_decimal_sum(stored: Expression, operand: Expression) -> Expression:
    total = _or_zero(stored) + operand
    text = sa.func.replace(sa.cast(sa.func.abs(total), sa.Text()), _number("'.'"), _number("''"))
    digits = sa.func.char_length(sa.func.btrim(text, _number("'0'")))
    beyond = sa.cast(_number(f"'1e{MAX_PLACES}'"), sa.Numeric())
    return sa.case((sa.and_(digits <= _number(str(MAX_DIGITS)), sa.func.abs(total) < beyond), total))
