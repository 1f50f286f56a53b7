"""What becomes of a value that is sent: its canonical form, or ValueError where its column cannot hold it."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

NUMBER = re.compile(r"(-?)(0|[1-9][0-9]*)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]+))?")
"""JSON's own grammar of numbers (RFC 8259, section 6)."""

INSTANT = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})"
    r"(?:T([0-9]{2}):([0-9]{2}):([0-9]{2})(\.[0-9]+)?(?:Z|([+-])([0-9]{2}):([0-9]{2})))?"
)
"""RFC 3339 with a capital T and Z, or a bare date."""

LARGEST_EXACT = 2**53 - 1
MOST_DIGITS = 38
FARTHEST_PLACE = 1000
LARGEST_DOCUMENT = 2**20
MONTHS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
MS_PER_DAY = 86_400_000


def refuse_unless(holds: bool, value: object) -> None:
    if not holds:
        raise ValueError(f"cannot hold {value!r}")


def canonical_string(value: Any) -> str:
    refuse_unless(isinstance(value, str) and "\0" not in value, value)
    return str(value)


def canonical_number(value: Any) -> int | float:
    """An int where the double is whole and exact as one, else a float."""
    if isinstance(value, str):
        refuse_unless(NUMBER.fullmatch(value) is not None, value)
        value = json.loads(value)
    refuse_unless(isinstance(value, int | float) and not isinstance(value, bool), value)
    if isinstance(value, int):
        refuse_unless(abs(value) <= LARGEST_EXACT, value)
        return int(value)
    refuse_unless(math.isfinite(value), value)
    return int(value) if value.is_integer() and abs(value) <= LARGEST_EXACT else float(value)


def integer_from_text(text: str) -> int:
    """The whole number that JSON's digits spell, by moving its point; what is too long is refused unread."""
    match = NUMBER.fullmatch(text)
    refuse_unless(match is not None, text)
    assert match is not None
    sign, whole, fraction, exponent = match.groups(default="")
    digits = (whole + fraction).lstrip("0")
    zeros = int(exponent or 0) - len(fraction) + len(digits) - len(digits.rstrip("0"))
    digits = digits.rstrip("0")
    refuse_unless(not digits or (0 <= zeros < 20 and len(digits) < 20), text)
    return int(sign + digits + "0" * zeros) if digits else 0


def canonical_integer(value: Any) -> int:
    refuse_unless(isinstance(value, int | float | str) and not isinstance(value, bool), value)
    if isinstance(value, str):
        value = integer_from_text(value)
    refuse_unless(math.isfinite(value) and value == value // 1, value)
    whole = int(value)
    refuse_unless(-(2**63) <= whole < 2**63, value)
    return whole


def canonical_boolean(value: Any) -> bool:
    if isinstance(value, str):
        value = {"true": True, "false": False}.get(value.lower())
    refuse_unless(isinstance(value, bool), value)
    return bool(value)


def is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def days_in_month(year: int, month: int) -> int:
    return 29 if month == 2 and is_leap(year) else MONTHS[month - 1]


def days_before_year(year: int) -> int:
    """Days from the first of January 0001 to that of ``year``; negative for the year 0000."""
    before = year - 1
    return before * 365 + before // 4 - before // 100 + before // 400


EPOCH_MS = days_before_year(1970) * MS_PER_DAY
END_MS = days_before_year(10_000) * MS_PER_DAY


def instant_ms(text: str) -> int:
    """Milliseconds from the start of the year 0001 to the instant that ``text`` spells."""
    match = INSTANT.fullmatch(text)
    refuse_unless(match is not None, text)
    assert match is not None
    year, month, day = (int(part) for part in match.group(1, 2, 3))
    refuse_unless(1 <= month <= 12 and 1 <= day <= days_in_month(year, month), text)
    hour, minute, second, offset_hour, offset_minute = (
        int(part or 0) for part in match.group(4, 5, 6, 9, 10)
    )
    refuse_unless(hour < 24 and minute < 60 and second <= 60, text)
    refuse_unless(offset_hour < 24 and offset_minute < 60, text)
    ms = int((match.group(7) or ".0")[1:].ljust(3, "0")[:3])
    if second == 60:
        second, ms = 59, 999
    days = days_before_year(year) + sum(days_in_month(year, m) for m in range(1, month)) + day - 1
    offset = (offset_hour * 60 + offset_minute) * (-1 if match.group(8) == "-" else 1)
    return days * MS_PER_DAY + ((hour * 60 + minute - offset) * 60 + second) * 1000 + ms


def spell_instant(ms: int) -> str:
    """Canonical text of an instant, from milliseconds since the start of the year 0001."""
    days, ms = divmod(ms, MS_PER_DAY)
    year = days // 366 + 1
    while days_before_year(year + 1) <= days:
        year += 1
    days -= days_before_year(year)
    month = 1
    while days >= days_in_month(year, month):
        days -= days_in_month(year, month)
        month += 1
    seconds, ms = divmod(ms, 1000)
    minutes, second = divmod(seconds, 60)
    return f"{year:04}-{month:02}-{days + 1:02}T{minutes // 60:02}:{minutes % 60:02}:{second:02}.{ms:03}Z"


def canonical_date(value: Any) -> str:
    refuse_unless(isinstance(value, int | str) and not isinstance(value, bool), value)
    ms = value + EPOCH_MS if isinstance(value, int) else instant_ms(value)
    refuse_unless(0 <= ms < END_MS, value)
    return spell_instant(ms)


def canonical_decimal(value: Any) -> str:
    """Plain digits with as many places as were sent, by moving the point; a zero has no sign."""
    refuse_unless(isinstance(value, int | float | str | Decimal) and not isinstance(value, bool), value)
    match = NUMBER.fullmatch(str(value))
    refuse_unless(match is not None, value)
    assert match is not None
    sign, whole, fraction, exponent = match.groups(default="")
    digits, last = (whole + fraction).lstrip("0"), int(exponent or 0) - len(fraction)
    refuse_unless(len(digits.rstrip("0")) <= MOST_DIGITS, value)
    refuse_unless(last >= -FARTHEST_PLACE and (not digits or len(digits) + last <= FARTHEST_PLACE), value)
    if last >= 0:
        return sign + digits + "0" * last if digits else "0"
    padded = digits.rjust(1 - last, "0")
    return f"{sign if digits else ''}{padded[:last]}.{padded[last:]}"


def canonical_json(value: Any) -> Any:
    """The value itself: nothing of it is changed."""
    compact = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    refuse_unless(len(compact.encode()) <= LARGEST_DOCUMENT, value)
    return value


CANONICAL: dict[str, Callable[[Any], Any]] = {
    "string": canonical_string,
    "number": canonical_number,
    "integer": canonical_integer,
    "boolean": canonical_boolean,
    "date": canonical_date,
    "decimal": canonical_decimal,
    "json": canonical_json,
}
"""Column type → what makes a value sent canonical."""


def canonical(type_name: str, value: Any) -> Any:
    """The canonical form of ``value`` in a column of that type; None stays None, and ``""`` is None where
    the column is no string.

    Raises ValueError for a value that the type cannot hold.
    """
    is_empty = value == "" and isinstance(value, str) and type_name not in ("string", "json")
    return None if value is None or is_empty else CANONICAL[type_name](value)


def sealed(type_name: str, cell: Any) -> Any:
    """What an encrypted column answers: equal cells are one, so decimals come without zeros at the end."""
    is_fraction = type_name == "decimal" and cell is not None and "." in cell
    return cell.rstrip("0").rstrip(".") if is_fraction else cell


def comparable(type_name: str, cell: Any) -> Any:
    """What a cell, or a list of such, is compared and sorted by: of a decimal its number, not its text."""
    if isinstance(cell, list) and type_name != "json":
        return [comparable(type_name, each) for each in cell]
    return Decimal(cell) if type_name == "decimal" and cell is not None else cell
