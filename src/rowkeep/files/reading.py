"""Reading: how the content of a file is to be read, as the options of a command say."""

from __future__ import annotations

import msgspec


class Reading(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the options say of the content of a file; None is to be detected.

    ``header_line`` is the line of the header: 1 is the first one that is not blank, 0 means that there is
    none. Names in ``renames``, ``only`` and ``skipped`` are those of the file, or ``#3`` for its third
    column; with ``header_line`` 0, ``only`` are the names of its columns in order. ``nulls`` are texts that
    mean an empty cell, unless they are quoted. ``quote`` is "" if nothing is quoted.
    """

    delimiter: str | None = None
    quote: str = '"'
    encoding: str | None = None
    header_line: int = 1
    renames: tuple[tuple[str, str], ...] = ()
    only: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()
    decimal: str = "."
    thousands: str = ""
    date_formats: tuple[str, ...] = ()
    time_zone: str | None = None
    nulls: tuple[str, ...] = ()
    sheet: str | None = None

    @property
    def has_header(self) -> bool:
        return self.header_line != 0

    @property
    def key(self) -> str:
        """The options that differ from the defaults, as text; equal if they are equal."""
        text = msgspec.json.encode(self).decode()
        return "" if text == "{}" else text

    @property
    def has_own_numbers(self) -> bool:
        """Whether numbers are written in another way than in JSON."""
        return self.decimal != "." or self.thousands != ""


PLAIN = Reading()
"""How files are read without options."""


def without_header(reading: Reading, what: str) -> str:
    """Why a file or a sheet has no header."""
    if reading.header_line > 1:
        return f"It has no row in line {reading.header_line:,} or after it (--header)."
    return f"The {what} is empty."
