"""Inference: proposes a definition of a table from the rows of a file: types, lengths, required columns, and
columns whose values are unique."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from rowkeep.files.dates import NUMERIC, date_reader, remembered
from rowkeep.files.header import legal_name
from rowkeep.files.reading import Reading
from rowkeep.files.records import FileRefused, Record, Row, Source, Target
from rowkeep.files.text_cells import SYSTEM_NAMES, number_reader
from rowkeep.files.unfit import UnfitCell, shown
from rowkeep.model.column_types import decode_value
from rowkeep.model.tables import simplified
from rowkeep.model.values.decimals import read_decimal
from rowkeep.model.values.scalars import (
    JSON_NUMBER,
    MAX_EXACT,
    MAX_INTEGER,
    MIN_INTEGER,
    RFC3339,
    ExactDouble,
    Misfit,
)

MAX_DISTINCT = 500_000
"""How many values of a column are compared with each other."""

MAX_COLUMNS = 1000

MAX_UNREADABLE = 100
MAX_LISTED = 10
"""The maximum number of columns: each line of an NDJSON file can have its own."""

LEAST_LENGTH, MAX_LENGTH = 16, 4096
"""The shortest ``maxLength`` that is proposed, and the longest text for which one is."""

DAY_FIRST, MONTH_FIRST = "date, day first", "date, month first"
ANY = "any"
"""What can only be stored in a column of JSON."""

ORDER = ("boolean", "integer", "number", "decimal", "date", DAY_FIRST, MONTH_FIRST, "json", "string", ANY)
"""Types, the narrowest first."""

CAN_BE_KEY = ("integer", "string")
EVERY = frozenset(ORDER)
TYPED_TEXT = frozenset({"string", ANY})

Kinds = frozenset[str]


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """A definition, the names of the file for its columns, formats of dates that were found, and remarks."""

    definition: dict[str, Any]
    renames: tuple[tuple[str, str], ...]
    date_formats: tuple[str, ...]
    notes: list[str]
    rows: int


class _Column:
    """What is known of the values of one column."""

    def __init__(self) -> None:
        self.kinds: Kinds = EVERY
        self.values = 0
        self.longest = 0
        self.separators: set[str] = set()
        self._seen: set[int] | None = set()
        self.is_unchecked = False

    def add(self, text: str, kinds: Kinds) -> None:
        self.values += 1
        self.kinds &= kinds
        self.longest = max(self.longest, len(text))
        if DAY_FIRST in self.kinds or MONTH_FIRST in self.kinds:
            found = NUMERIC.fullmatch(text)
            self.separators.add(found[2] if found else "")
        if self._seen is not None:
            before = len(self._seen)
            self._seen.add(hash(text))
            if len(self._seen) == before:
                self._seen = None
            elif before >= MAX_DISTINCT:
                self._seen, self.is_unchecked = None, True

    @property
    def is_unique(self) -> bool:
        return self._seen is not None and self.values > 1

    @property
    def type(self) -> str:
        """The narrowest type, or what must still be decided."""
        if not self.values:
            return "string"
        found = next((each for each in ORDER if each in self.kinds), ANY)
        if {DAY_FIRST, MONTH_FIRST} <= self.kinds and found == DAY_FIRST:
            return "string"  # it is never guessed which one is the day
        return "json" if found == ANY else found

    @property
    def date_format(self) -> str | None:
        """The format of dates whose order of day and month follows from the values."""
        if self.type not in (DAY_FIRST, MONTH_FIRST) or len(self.separators) != 1:
            return None
        (between,) = self.separators
        return between.join(("%d", "%m", "%Y") if self.type == DAY_FIRST else ("%m", "%d", "%Y"))


class Inference:
    """Collects what is known of the columns of a file."""

    def __init__(self, source: Source, reading: Reading) -> None:
        self._is_text = source.detected.format in ("csv", "excel")
        self._kinds_of = _text_kinds(reading)
        self._labels = dict(_labels(source, reading))
        self._known = dict(source.known_types)
        self._columns: dict[str, _Column] = {label: _Column() for label in self._labels}
        self._names = source.names or ()
        self.rows = 0
        self.unreadable: list[str] = []
        """The first records that cannot be read, and why."""
        self.unreadable_count = 0
        self.targets = [
            Target(f"#{at}", "") if f"#{at}" in self._labels else None
            for at in range(1, len(source.names or ()) + 1)
        ]

    @property
    def labels(self) -> list[tuple[str, str]]:
        """A label for each column, and its name in the file or in options."""
        return [(label, self._labels[label]) for label in self._columns]

    def read(self, records: Iterable[Record]) -> None:
        """Look at all records. Raises FileRefused."""
        decoder = msgspec.json.Decoder(dict[str, msgspec.Raw])
        for record in records:
            if not isinstance(record, Row):
                self._skip(record.line, record.reason)
                continue
            cells = decoder.decode(record.json)
            try:
                values = [decode_value(raw) for raw in cells.values()]
            except ValueError:
                self._skip(record.line, "The line has a number that is too large.")
                continue
            self.rows += 1
            for (label, raw), value in zip(cells.items(), values, strict=True):
                if value is not None:
                    self._column(label).add(*self._looked_at(value, raw))

    def _skip(self, line: int, reason: str) -> None:
        self.unreadable_count += 1
        if len(self.unreadable) < MAX_UNREADABLE:
            self.unreadable.append(f"line {line}: {reason}")

    def _column(self, label: str) -> _Column:
        column = self._columns.get(label)
        if column is None:
            if len(self._columns) >= MAX_COLUMNS:
                raise FileRefused(f"The file has more than {MAX_COLUMNS:,} columns.")
            column = self._columns[label] = _Column()
            self._labels[label] = label
        return column

    def _looked_at(self, value: Any, raw: msgspec.Raw) -> tuple[str, Kinds]:
        if isinstance(value, str):
            if self._is_text:
                return value, self._kinds_of(value)
            return value, TYPED_TEXT | ({"date"} if RFC3339.fullmatch(value) else set())
        text = value.text if isinstance(value, ExactDouble) else bytes(raw).decode()
        if isinstance(value, bool):
            return text, frozenset({"boolean", ANY})
        if isinstance(value, int | float):
            return text, frozenset({*_number_kinds(text), ANY})
        return text, frozenset({"json", ANY})

    def check_columns(self, file: str) -> None:
        """Raises FileRefused if there is nothing to propose."""
        if self._columns:
            return
        if self.unreadable:
            raise FileRefused(
                f"{file} has no row that can be read. The first error is in {self.unreadable[0]}"
            )
        raise FileRefused(f"{file} has no rows and no columns.")

    def proposal(self, name: str) -> Proposal:
        """The proposed definition of a table with this name."""
        schema: list[dict[str, Any]] = []
        renames: list[tuple[str, str]] = []
        notes: list[str] = []
        unique: list[str] = []
        formats: dict[str, None] = {}
        taken = set(map(str.lower, SYSTEM_NAMES))
        for at, (label, column) in enumerate(self._columns.items(), 1):
            column_name = _free_name(legal_name(self._labels[label]) or f"Column_{at}", taken)
            if simplified(self._labels[label]) != simplified(column_name):
                name_of = self._labels[label]
                is_name = name_of and self._names.count(name_of) == 1
                renames.append((name_of if is_name else label, column_name))
            kind = self._known.get(label, column.type)
            if column.date_format is not None:
                formats[column.date_format] = None
                kind = "date"
            elif kind in (DAY_FIRST, MONTH_FIRST):
                kind = "string"
            if {DAY_FIRST, MONTH_FIRST} <= column.kinds and column.values and kind == "string":
                notes.append(
                    f"Column {column_name} may have dates: choose how they are written, such as DD.MM.YYYY "
                    "or MM/DD/YYYY (--date-format)"
                )
            schema.append(_column_definition(column_name, kind, column, self.rows))
            if column.is_unique and column.values == self.rows and kind in CAN_BE_KEY:
                unique.append(column_name)
            elif column.is_unchecked:
                notes.append(f"Column {column_name} has too many values to find out whether they are unique")
        definition: dict[str, Any] = {"name": name, "schemaDef": schema}
        if unique:
            definition["indexes"] = [
                {"name": f"by_{unique[0]}"[:63], "isUnique": True, "columns": [{"name": unique[0]}]}
            ]
        if len(unique) > 1:
            listed = ", ".join(unique[1 : 1 + MAX_LISTED])
            more = f" and {len(unique) - 1 - MAX_LISTED:,} more" if len(unique) - 1 > MAX_LISTED else ""
            notes.append(f"The values of {listed}{more} are unique too")
        return Proposal(
            definition=definition,
            renames=tuple(renames),
            date_formats=tuple(formats),
            notes=notes,
            rows=self.rows,
        )


def _labels(source: Source, reading: Reading) -> Iterator[tuple[str, str]]:
    """The columns that are not skipped: a label for each, and the name in the file or in options."""
    renames, skipped = dict(reading.renames), set(reading.skipped)
    only = set(reading.only) if reading.has_header else set()
    for at, name in enumerate(source.names or (), 1):
        own = {name, f"#{at}"} - {""}
        given = next((renames[each] for each in own if each in renames), None)
        is_taken = not only or own & only or given in only
        if (given is None and name in SYSTEM_NAMES) or own & skipped or not is_taken:
            continue
        yield f"#{at}", given or name


def _free_name(name: str, taken: set[str]) -> str:
    """The name, or with a number after it if it is taken."""
    found, number = name, 2
    while simplified(found) in taken or found.lower() in taken:
        found = f"{name[:58]}_{number}"
        number += 1
    taken.add(simplified(found))
    return found


def _column_definition(name: str, kind: str, column: _Column, rows: int) -> dict[str, Any]:
    found: dict[str, Any] = {"name": name, "type": kind}
    if rows and column.values == rows:
        found["isRequired"] = True
    if kind == "string" and 0 < column.longest <= MAX_LENGTH:
        found["maxLength"] = max(LEAST_LENGTH, 1 << (column.longest - 1).bit_length())
    return found


def _text_kinds(reading: Reading) -> Callable[[str], Kinds]:
    """A function that returns the types that a text can be read as."""
    read_number = number_reader(reading.decimal, reading.thousands) if reading.has_own_numbers else None
    read_date = date_reader(reading.date_formats, reading.time_zone)

    def kinds(text: str) -> Kinds:
        found = {"string", ANY}
        if text.lower() in ("true", "false"):
            found.add("boolean")
        plain: object = text
        if read_number is not None:
            try:
                plain = read_number(text)
            except UnfitCell:
                plain = ""
            plain = bytes(plain).decode() if isinstance(plain, msgspec.Raw) else plain
        found |= _number_kinds(str(plain))
        found |= _date_kinds(text, read_date)
        if text[:1] in ("{", "["):
            try:
                msgspec.json.decode(text)
                found.add("json")
            except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
                pass
        return frozenset(found)

    return remembered(kinds)


def _number_kinds(text: str) -> set[str]:
    """The types of numbers that represent a text exactly as it is written."""
    found = JSON_NUMBER.fullmatch(text) if len(text) < 400 else None
    if found is None:
        return set()
    kinds: set[str] = set()
    is_whole = found[1] is None and found[2] is None
    if is_whole and len(text) <= 20 and MIN_INTEGER <= int(text) <= MAX_INTEGER and text != "-0":
        kinds.add("integer")
    try:
        read_decimal(text)
        kinds.add("decimal")
    except Misfit:
        return kinds
    number = float(text)
    is_short = found[1] is None or not found[1].endswith("0")
    if is_short and abs(number) < 1e300 and Decimal(text) == Decimal(repr(number)):
        is_exact = not is_whole or abs(number) <= MAX_EXACT
        kinds |= {"number"} if is_exact else set()
    return kinds


def _date_kinds(text: str, read: Callable[[str], object]) -> set[str]:
    try:
        found = read(text)
    except UnfitCell:
        return _orders(text)
    return {"date"} if isinstance(found, str) and RFC3339.fullmatch(found) else set()


def _orders(text: str) -> set[str]:
    """How the day and the month of a date without a time can be ordered."""
    found = NUMERIC.fullmatch(text)
    if found is None or not re.fullmatch(r"\d{1,2}(.)\d{1,2}\1\d{4}", text, re.ASCII):
        return set()
    orders = set()
    for order, day, month in ((DAY_FIRST, found[1], found[3]), (MONTH_FIRST, found[3], found[1])):
        try:
            datetime(int(found[4]), int(month), int(day))
            orders.add(order)
        except ValueError:
            continue
    return orders


def described(proposal: Proposal) -> list[str]:
    """Remarks for the user."""
    lines = [f"{each}." for each in proposal.notes]
    if proposal.renames:
        options = " ".join(f"--map {shown(f'{name}={column}')}" for name, column in proposal.renames)
        lines.append(f"To import the file, use {options}.")
    if proposal.date_formats:
        options = " ".join(f"--date-format {shown(each)}" for each in proposal.date_formats)
        lines.append(f"To import its dates, use {options}.")
    return lines
