"""Dates: reads the text of a date in a file, in the formats of --date-format or in those that can be read in
one way only. Day and month are never guessed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import TypeVar
from zoneinfo import ZoneInfo

import msgspec

from rowkeep.files.unfit import UnfitCell, shown
from rowkeep.model.values.scalars import EPOCH, RFC3339, RFC3339_DATE, canonical_date

EPOCH_FORMATS = {"epoch-ms": timedelta(milliseconds=1), "epoch-s": timedelta(seconds=1)}
"""Formats of numbers that count from 1970, and their units."""

TOKENS = {
    "YYYY": "%Y", "YY": "%y", "MMMM": "%B", "MMM": "%b", "MM": "%m", "M": "%m", "DD": "%d", "D": "%d",
    "HH": "%H", "H": "%H", "hh": "%I", "h": "%I", "mm": "%M", "m": "%M", "ss": "%S", "s": "%S", "SSS": "%f",
    "A": "%p", "a": "%p", "Z": "%z",
}  # fmt: skip
_token = re.compile("|".join(sorted(TOKENS, key=len, reverse=True)))

CERTAIN_FORMATS = (
    "%b %d %Y", "%b %d, %Y", "%d %b %Y", "%d-%b-%Y", "%B %d %Y", "%B %d, %Y", "%d %B %Y", "%d. %B %Y",
)  # fmt: skip
"""Formats with the name of the month; a time can follow."""

TIMES = ("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p")

YEAR_FIRST = re.compile(
    r"(\d{4})([-/.])(\d{1,2})\2(\d{1,2})"
    r"(?:[T ](\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?)? ?(Z|[+-]\d{2}:?\d{2})?",
    re.ASCII,
)
NUMERIC = re.compile(r"(\d{1,2})([-/.])(\d{1,2})\2(\d{4}|\d{2})\b.*", re.DOTALL | re.ASCII)
COUNT = re.compile(r"-?(?:0|[1-9]\d{0,17})", re.ASCII)
DAY_NUMBER = re.compile(r"(?:1[89]|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])", re.ASCII)
HAS_NAME = re.compile(r"[A-Za-z]{3}")

KNOWN_TEXTS = 65_536
"""How many texts are remembered with what they mean: dates repeat."""

LONGEST_DATE = 1000
"""The most characters of a date in a format. A longer text is not remembered either."""

DateReader = Callable[[str], object]
Meaning = TypeVar("Meaning")


def remembered(read: Callable[[str], Meaning]) -> Callable[[str], Meaning]:
    """The same function, which remembers what texts mean. Long ones would need much memory."""
    known = lru_cache(maxsize=KNOWN_TEXTS)(read)

    def of_text(text: str) -> Meaning:
        return known(text) if len(text) <= LONGEST_DATE else read(text)

    return of_text


def format_codes(pattern: str) -> str:
    """A format with codes such as ``%d`` from one such as ``DD.MM.YYYY``. Raises ValueError with what is
    wrong."""
    if pattern in EPOCH_FORMATS:
        return pattern
    codes = pattern if "%" in pattern else _token.sub(lambda found: TOKENS[found[0]], pattern)
    example = datetime(2001, 11, 23, 4, 5, 6, tzinfo=UTC)
    try:
        read = datetime.strptime(example.strftime(codes), codes)
    except (ValueError, re.error):
        read = None
    if read is None or read.date() != example.date():
        raise ValueError("it must contain a day, a month and a year, such as DD.MM.YYYY or %d.%m.%Y")
    return codes


def zone_of(name: str) -> tzinfo:
    """A time zone by its name. Raises KeyError, ValueError, OSError if there is none."""
    return UTC if name.upper() == "UTC" else ZoneInfo(name)


def date_reader(formats: tuple[str, ...], time_zone: str | None) -> DateReader:
    """A function that converts the text of a date to JSON. ``formats`` are those of ``format_codes``."""
    zone = None if time_zone is None else zone_of(time_zone)

    def read(text: str) -> object:
        return _in_formats(text, formats, zone) if formats else _certain(text, zone)

    return remembered(read)


def _in_formats(text: str, formats: tuple[str, ...], zone: tzinfo | None) -> object:
    for each in formats:
        if each in EPOCH_FORMATS:
            if COUNT.fullmatch(text):
                return _counted(text, each)
            continue
        try:
            found = _parsed(text, each)
        except ValueError:
            continue
        return _written(found, _has_time(each), text, zone)
    if RFC3339.fullmatch(text) and ("T" in text or not any(each.startswith("%Y-") for each in formats)):
        return text
    if not any(each.startswith("%Y") for each in formats):
        # the formats are of one column; another one can have dates that need none
        year_first = YEAR_FIRST.fullmatch(text)
        certain = _named(text, zone) if year_first is None else _year_first(year_first, text, zone)
        if certain is not None:
            return certain
    asked = " or ".join(shown(each) for each in formats)
    raise UnfitCell(f"must be a date in the format {asked} (--date-format); got {shown(text)}")


def _parsed(text: str, codes: str) -> datetime:
    """Raises ValueError."""
    if len(text) > LONGEST_DATE:
        raise ValueError  # its message would have the whole text
    return datetime.strptime(text, codes)


def _counted(text: str, unit: str) -> object:
    try:
        return canonical_date(EPOCH + int(text) * EPOCH_FORMATS[unit])
    except OverflowError:
        raise UnfitCell(f"must be in the years 0001 to 9999; got {shown(text)}") from None


def _certain(text: str, zone: tzinfo | None) -> object:
    """A date that can be read in one way only. Text that is not a date is sent for the server to reject."""
    if RFC3339.fullmatch(text):
        return text
    if COUNT.fullmatch(text):
        if DAY_NUMBER.fullmatch(text):
            raise UnfitCell(
                f"can be a day or a number of milliseconds; got {shown(text)}. Use --date-format YYYYMMDD or "
                "--date-format epoch-ms"
            )
        return msgspec.Raw(text.encode())
    found = YEAR_FIRST.fullmatch(text)
    if found is not None:
        return _year_first(found, text, zone)
    found = NUMERIC.fullmatch(text)
    if found is not None:
        raise UnfitCell(
            f"is a date in which it is not known which number is the day; got {shown(text)}. Use "
            "--date-format "
            f"DD{found[2]}MM{found[2]}YYYY or --date-format MM{found[2]}DD{found[2]}YYYY"
        )
    return _named(text, zone) or text


def _named(text: str, zone: tzinfo | None) -> str | None:
    """A date with the name of its month; None if it is not one."""
    if len(text) <= LONGEST_DATE and HAS_NAME.search(text):
        for each in CERTAIN_FORMATS:
            for time in TIMES:
                try:
                    named = _parsed(text, each + time)
                except ValueError:
                    continue
                return _written(named, bool(time), text, zone)
    return None


def _year_first(found: re.Match[str], text: str, zone: tzinfo | None) -> str:
    year, month, day, hour, minute, second = (int(found[at] or 0) for at in (1, 3, 4, 5, 6, 7))
    microsecond = int((found[8] or "0")[:6].ljust(6, "0"))
    try:
        moment = datetime(year, month, day, hour, minute, second, microsecond)
        if found[9] is not None and found[5] is not None:
            moment = moment.replace(tzinfo=datetime.strptime(found[9], "%z").tzinfo)
    except ValueError as error:
        raise UnfitCell(f"must be a date that exists ({error}); got {shown(text)}") from None
    return _written(moment, found[5] is not None, text, zone)


def _has_time(codes: str) -> bool:
    return any(code in codes for code in ("%H", "%I", "%c", "%X", "%s"))


def _written(moment: datetime, has_time: bool, text: str, zone: tzinfo | None) -> str:
    """The date in the canonical form, in which the server reads all rows of a request at once."""
    if not has_time:
        return f"{moment.year:04d}-{moment.month:02d}-{moment.day:02d}T00:00:00.000Z"
    if moment.tzinfo is None:
        if zone is None:
            raise UnfitCell(
                f"must be a time with its offset from UTC; got {shown(text)}. If all times without one are "
                "of "
                "the same zone, use --time-zone, such as --time-zone UTC"
            )
        moment = moment.replace(tzinfo=zone)
    try:
        return canonical_date(moment.astimezone(UTC))
    except OverflowError:
        raise UnfitCell(f"{RFC3339_DATE} in the years 0001 to 9999; got {shown(text)}") from None
