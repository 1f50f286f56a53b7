"""Scalars: reading one JSON value as the value of a column, exactly, without silent changes.

Each reader accepts a decoded JSON value and returns the cell in its canonical Python form, or raises
:class:`Misfit` with the rule that the value violates. The canonical form is ``str``; ``int`` or ``float`` for
a number (``int`` if it is whole and exact); ``int``; ``bool``; for a date its canonical text. Decimals and
JSON values, which have their own modules, are text too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal, InvalidOperation
from itertools import compress, repeat
from operator import is_
from typing import TypeAlias

Cell: TypeAlias = str | int | float | bool | None
"""One stored value in its canonical form."""

MAX_EXACT = 2**53 - 1
MIN_INTEGER, MAX_INTEGER = -(2**63), 2**63 - 1
MAX_EXPONENT_LENGTH = len("e+999")

JSON_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
"""The number of RFC 8259, section 6; its groups are set for a fraction and an exponent."""

CANONICAL_DATE = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\.[0-9]{3}Z$"
"""The form of dates in the store and in responses (contract, section 1)."""

RFC3339 = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})"
    r"(?:T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]+))?(?:(Z)|([+-])([0-9]{2}):([0-9]{2})))?"
)
"""A date-time or a full-date of RFC 3339, section 5.6."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MIN_EPOCH_MS, MAX_EPOCH_MS = -62_135_596_800_000, 253_402_300_799_999


class ExactDouble(float):
    """A double that keeps its text, for columns that are more exact than doubles."""

    text: str

    def __new__(cls, text: str) -> ExactDouble:
        value = super().__new__(cls, text)
        value.text = text
        return value


HALF = "\x00\ufffe"
"""The mark for half a surrogate pair, which no decoder accepts."""

HALF_SURROGATES = "must not contain half a surrogate pair (such as \\ud800), which is not a character"


WHOLE_NUMBER = 'must be a whole number (or a numeric string such as "263")'
RFC3339_DATE = 'must be an RFC 3339 date such as "2020-03-28" or "2020-03-28T07:02:09.652Z"'


class Misfit(ValueError):
    """A value that its column cannot have; the message is the rule that it violates."""


def read_string(value: object) -> str:
    if not isinstance(value, str):
        raise Misfit("must be a string")
    if "\x00" in value:
        raise Misfit(HALF_SURROGATES if HALF in value else "must not contain the character U+0000")
    return value


def read_number(value: object) -> int | float:
    if isinstance(value, str):
        value = number_from_text(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Misfit('must be a number (or a numeric string such as "263")')
    if isinstance(value, int):
        if abs(value) > MAX_EXACT:
            raise Misfit(f"must be from -{MAX_EXACT} to {MAX_EXACT} when written as an integer")
        return value
    if not -1.8e308 < value < 1.8e308:
        raise Misfit("must be a finite number")
    return settled(value)


def settled(value: float) -> int | float:
    """A double as responses show it: 263.0 as 263, -0.0 as 0, unchanged if it is not an exact integer."""
    return int(value) if value.is_integer() and abs(value) <= MAX_EXACT else float(value)


def number_from_text(text: str) -> int | float:
    number = JSON_NUMBER.fullmatch(text)
    if number is None:
        raise Misfit('must be a number (or a numeric string such as "263")')
    if number.group(1) or number.group(2):
        return float(text)
    if len(text) > 20:
        raise Misfit(f"must be from -{MAX_EXACT} to {MAX_EXACT} when written as an integer")
    return int(text)


def read_integer(value: object) -> int:
    if isinstance(value, str):
        value = integer_from_text(value)
    elif isinstance(value, float):
        if value.is_integer() and abs(value) > MAX_EXACT:
            raise Misfit(f"must be written without a fraction or exponent beyond ±{MAX_EXACT}, to be exact")
        if not _is_whole(value):
            raise Misfit(WHOLE_NUMBER)
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise Misfit(WHOLE_NUMBER)
    if not MIN_INTEGER <= value <= MAX_INTEGER:
        raise Misfit(f"must be from {MIN_INTEGER} to {MAX_INTEGER}")
    return value


def _is_whole(value: float) -> bool:
    """Whether a number is whole as it was written, which a double may have been rounded to."""
    if not value.is_integer() or not isinstance(value, ExactDouble):
        return value.is_integer()
    try:
        return Decimal(value.text) == int(value)
    except InvalidOperation:
        return False  # an exponent of very many digits, which only a number next to 0 can have


def integer_from_text(text: str) -> int:
    number = JSON_NUMBER.fullmatch(text)
    if len(text) > 100 or number is None:
        raise Misfit(WHOLE_NUMBER)
    if len(number.group(2) or "") > MAX_EXPONENT_LENGTH:
        raise Misfit("must have an exponent of at most 3 digits")
    exact = Decimal(text)
    if exact.adjusted() > 19:
        raise Misfit(f"must be from {MIN_INTEGER} to {MAX_INTEGER}")
    if exact != exact.to_integral_value():
        raise Misfit(WHOLE_NUMBER)
    return int(exact)


def read_boolean(value: object) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    raise Misfit("must be true or false")


def read_date(value: object) -> str:
    if isinstance(value, str):
        return canonical_date(parsed_date(value))
    if isinstance(value, float) and _is_whole(value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise Misfit(f"{RFC3339_DATE}, or a number of milliseconds since 1970")
    if not MIN_EPOCH_MS <= value <= MAX_EPOCH_MS:
        raise Misfit("must be in the years 0001 to 9999")
    return canonical_date(EPOCH + timedelta(milliseconds=value))


def parsed_date(text: str) -> datetime:
    """An RFC 3339 date-time or date, cut to milliseconds; a leap second becomes 59.999."""
    parts = RFC3339.fullmatch(text)
    if parts is None:
        raise Misfit(RFC3339_DATE)
    year, month, day, hour, minute, second = (int(part or 0) for part in parts.groups()[:6])
    milliseconds = int((parts.group(7) or "0")[:3].ljust(3, "0"))
    leap = second == 60
    if leap:
        second, milliseconds = 59, 999
    zone = UTC
    if parts.group(9):
        hours, minutes = int(parts.group(10)), int(parts.group(11))
        if hours > 23 or minutes > 59:
            raise Misfit("must have an offset from -23:59 to +23:59")
        offset = timedelta(hours=hours, minutes=minutes)
        zone = timezone(-offset if parts.group(9) == "-" else offset)
    try:
        # a time in year 0 can be in year 1 in UTC; the calendar repeats every 400 years
        cycle = 400 if year == 0 else 0
        local = datetime(year + cycle, month, day, hour, minute, second, milliseconds * 1000, zone)
        moment = local.astimezone(UTC)
        moment = moment.replace(year=moment.year - cycle)
    except OverflowError:
        raise Misfit("must be in the years 0001 to 9999 in UTC") from None
    except ValueError as error:
        raise Misfit(f"must be a date that exists ({error})") from None
    if leap and (moment.hour, moment.minute) != (23, 59):
        raise Misfit("must not have the second 60 except at the end of a day in UTC")
    return moment


def canonical_date(moment: datetime) -> str:
    """A time in UTC in the form of the store and of responses: ``2020-03-28T07:02:09.652Z``."""
    return moment.isoformat(timespec="milliseconds")[:23] + "Z"


def check_exact_number(text: str, cell: Cell) -> None:
    """Misfit if a number is not the double that was read from its text."""
    try:
        is_exact = Decimal(text) == Decimal(str(cell))
    except InvalidOperation:
        is_exact = False
    if not is_exact:
        raise Misfit("must be a number that a double represents exactly")


def check_exact_date(text: str, _cell: Cell) -> None:
    """Misfit if a part of a date's text is cut that its cell does not store."""
    parts = RFC3339.fullmatch(text)
    if parts is not None and ((parts.group(7) or "")[3:].strip("0") or parts.group(6) == "60"):
        raise Misfit("must be a date without fractions of a millisecond")


def settle_numbers(column: list[Cell]) -> list[Cell] | None:
    """The column with whole doubles as integers; None, found without a step per row, if it has none."""
    floats = compress(column, map(is_, map(type, column), repeat(float)))
    if not any(map(float.is_integer, floats)):  # type: ignore[arg-type] # only floats are left
        return None
    return [settled(cell) if isinstance(cell, float) else cell for cell in column]


def check_dates(column: Iterable[Cell]) -> None:
    """Raises ValueError if one of these canonical texts is not a date of the calendar (2021-02-30)."""
    moments_of(column)


def moments_of(column: Iterable[Cell]) -> dict[Cell, datetime | None]:
    """The time of each canonical text in the column, found without a step per row."""
    texts = set(column)
    texts.discard(None)
    return dict(zip(texts, map(datetime.fromisoformat, texts), strict=True))  # type: ignore[arg-type] # None is out
