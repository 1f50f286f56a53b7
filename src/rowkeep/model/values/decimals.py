"""Decimals: exact numbers of up to 38 significant digits at any scale, as text.

The canonical form has no exponent and keeps the scale of the request: ``1.50`` stays ``1.50``, and is equal
to ``1.5``. PostgreSQL has a type for decimals; SQLite compares and sorts them by :func:`decimal_key`.
"""

from __future__ import annotations

from decimal import Context, Decimal

from rowkeep.model.values.scalars import JSON_NUMBER, ExactDouble, Misfit

MAX_DIGITS = 38
MAX_PLACES = 1000
"""The maximum number of digits on each side of the decimal point."""

MAX_EXPONENT_LENGTH = len("e+9999")
MAX_TEXT = 2 * MAX_PLACES + len("-.")
KEY_BIAS = 5000
COMPLEMENT = str.maketrans("0123456789", "9876543210")
AFTER_DIGITS = "~"
_EXACT = Context(prec=2 * MAX_PLACES + 1)
"""Exact for the sum of two decimals."""


def read_decimal(value: object) -> str:
    """A number, or a numeric string in JSON's grammar, in canonical form. Raises Misfit."""
    if isinstance(value, ExactDouble):
        return canonical_decimal(value.text)
    if isinstance(value, str):
        return canonical_decimal(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise Misfit('must be a decimal number (or a numeric string such as "1.50")')
    if abs(value) >= 10**MAX_PLACES:
        raise Misfit(_PLACES)
    return canonical_decimal(str(value))


_PLACES = f"must not have digits more than {MAX_PLACES} places from the decimal point"


def canonical_decimal(text: str) -> str:
    """The canonical form of a number. Raises Misfit."""
    number = JSON_NUMBER.fullmatch(text) if len(text) <= MAX_TEXT else None
    if number is None:
        raise Misfit('must be a decimal number (or a numeric string such as "1.50")')
    if len(number.group(2) or "") > MAX_EXPONENT_LENGTH:
        raise Misfit("must have an exponent of at most 4 digits")
    exact = Decimal(text)
    _, digits, exponent = exact.as_tuple()
    if len("".join(map(str, digits)).rstrip("0")) > MAX_DIGITS:
        raise Misfit(f"must have at most {MAX_DIGITS} significant digits")
    if int(exponent) < -MAX_PLACES or (exact and exact.adjusted() >= MAX_PLACES):
        raise Misfit(_PLACES)
    # zero has no sign and no leading zeros
    return format(exact or exact.copy_abs().quantize(Decimal(1).scaleb(min(int(exponent), 0))), "f")


def added_decimals(cell: str, other: str) -> str | None:
    """The exact sum of two decimals in canonical form, with the larger of their scales; None if it is not a
    decimal."""
    try:
        return canonical_decimal(format(_EXACT.add(Decimal(cell), Decimal(other)), "f"))
    except Misfit:
        return None


def normal_decimal(text: str) -> str:
    """The same text for all equal decimals: without trailing zeros."""
    return text.rstrip("0").rstrip(".") if "." in text else text


def decimal_key(text: str) -> str:
    """A text whose order by code point is the order of the numbers: sign, exponent, digits.

    For negative numbers the digits are complemented, and longer texts come first. It also works for sums,
    which can have more digits than a cell.
    """
    exact = Decimal(text)
    if not exact:
        return "1"
    sign, digits, _ = exact.as_tuple()
    magnitude = f"{exact.adjusted() + KEY_BIAS:04d}" + "".join(map(str, digits)).rstrip("0")
    return f"0{magnitude.translate(COMPLEMENT)}{AFTER_DIGITS}" if sign else f"2{magnitude}"
