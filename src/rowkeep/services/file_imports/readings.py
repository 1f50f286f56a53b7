"""Readings: how a file is to be read, as requests say it."""

from __future__ import annotations

import re
from collections.abc import Callable

from msgspec import structs

from rowkeep.errors.catalogue import InvalidValue, preview
from rowkeep.files.dates import format_codes, zone_of
from rowkeep.files.encoding import asked_encoding
from rowkeep.files.reading import Reading
from rowkeep.model.file_requests import FileReading, ImportBody

OPTION = re.compile(r"--([a-z]+(?:-[a-z]+)?)")
MEMBERS = {"header": "headerLine", "date-format": "dateFormats", "time-zone": "timeZone", "null": "nulls"}
"""The members of requests for options of the command that are called otherwise."""

KNOWN_ERRORS = (LookupError, ValueError, OSError)


def without_options(message: str) -> str:
    """A message with the names that options have in requests instead of those of the command."""
    return OPTION.sub(lambda found: MEMBERS.get(found[1], found[1]), message)


def check_reading(request: FileReading) -> None:
    """Raises InvalidValue for an encoding, a zone or a format of dates that does not exist."""
    if request.encoding is not None:
        _check(asked_encoding, request.encoding, "encoding", "the name of an encoding, such as windows-1252")
    if request.time_zone is not None:
        _check(zone_of, request.time_zone, "timeZone", "the name of a time zone, such as Europe/Berlin")
    for each in request.date_formats:
        _check(format_codes, each, "dateFormats", "formats such as DD.MM.YYYY or %m/%d/%Y %H:%M")


def _check(read: Callable[[str], object], text: str, member: str, rule: str) -> None:
    try:
        read(text)
    except KNOWN_ERRORS:
        raise InvalidValue(f"{member} must be {rule}; got {preview(text)}.", pointer=f"/{member}") from None


def reading_of(request: FileReading) -> Reading:
    """How a file is read, without its columns. The request must be checked."""
    return Reading(
        delimiter=request.delimiter,
        quote=request.quote,
        encoding=None if request.encoding is None else asked_encoding(request.encoding),
        header_line=request.header_line,
        # without a header, the columns are found by their numbers
        renames=(("#1", "Column_1"),) if request.header_line == 0 else (),
        decimal=request.decimal,
        thousands=request.thousands,
        date_formats=tuple(map(format_codes, request.date_formats)),
        time_zone=request.time_zone,
        nulls=tuple(request.nulls),
        sheet=request.sheet,
    )


def mapped_reading(body: ImportBody) -> Reading:
    """How a file is read, with the columns that go into the table."""
    renames = tuple((each.label, each.column) for each in body.columns if each.column is not None)
    skipped = tuple(each.label for each in body.columns if each.column is None)
    return structs.replace(reading_of(body.reading), renames=renames, skipped=skipped)
