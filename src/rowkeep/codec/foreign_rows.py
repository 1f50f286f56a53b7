"""Foreign rows: rows of another database as cells of a table, checked as those of a request are.

Whole columns are read at a time; a column that has a cell of an unexpected type is read cell by cell.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Sequence
from math import isfinite
from types import NoneType
from typing import Any, TypeAlias

import msgspec

from rowkeep.model.foreign_tables import Family
from rowkeep.model.tables import Column
from rowkeep.model.values.decimals import read_decimal
from rowkeep.model.values.json_values import read_document
from rowkeep.model.values.scalars import (
    RFC3339_DATE,
    Cell,
    Misfit,
    canonical_date,
    parsed_date,
    read_boolean,
    read_integer,
    read_number,
    read_string,
)

Row: TypeAlias = Sequence[Any]

MOMENT = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:[ T]([0-9]{2}:[0-9]{2})(:[0-9]{2}(?:\.[0-9]+)?)?\s*(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?)?"
)
"""A date and time as databases write them: ``2020-03-28 07:02:09.652+02``."""

TRUTHS = {"t": True, "1": True, "f": False, "0": False, 1: True, 0: False}


class RefusedCell(msgspec.Struct, frozen=True):
    """A cell that its column cannot have: the row's place in its batch, the column's place, and the rule that
    the cell violates."""

    row: int
    column: int
    rule: str


class ForeignRows:
    """Reads the rows of one foreign table. ``columns`` are those of its definition, with the families of the
    foreign ones, in the same order."""

    def __init__(self, columns: Sequence[Column], families: Sequence[Family]) -> None:
        self._columns = columns
        self._families = families

    def read(self, rows: Sequence[Row]) -> tuple[list[tuple[Cell, ...]], list[RefusedCell]]:
        """The rows that fit, and the first refused cell of each other row."""
        read: list[list[Cell]] = []
        refused: dict[int, RefusedCell] = {}
        cells = zip(*rows, strict=True)
        for at, (column, family, raw) in enumerate(zip(self._columns, self._families, cells, strict=True)):
            found = _read_whole(family, raw, column)
            if found is None:
                found = []
                for row, cell in enumerate(raw):
                    try:
                        found.append(_read_one(family, cell, column))
                    except Misfit as misfit:
                        found.append(None)
                        refused.setdefault(row, RefusedCell(row, at, str(misfit)))
            if column.is_required and None in found:
                for row, each in enumerate(found):
                    if each is None:
                        refused.setdefault(row, RefusedCell(row, at, "is required and must not be null"))
            read.append(found)
        whole = list(zip(*read, strict=True))
        if refused:
            whole = [row for at, row in enumerate(whole) if at not in refused]
        return whole, [refused[row] for row in sorted(refused)]


def _read_whole(family: Family, cells: Sequence[Any], column: Column) -> list[Cell] | None:
    """A column whose cells all have the type that is expected; None for another one."""
    kinds = set(map(type, cells)) - {NoneType}
    if not kinds:
        return list(cells)
    if family is Family.INTEGER and kinds == {int}:
        return list(cells)
    if family is Family.BOOLEAN and kinds == {bool}:
        return list(cells)
    if family is Family.DOUBLE and kinds == {float}:
        known = [cell for cell in cells if cell is not None]
        # the sum with zero has no negative zero
        return [None if c is None else c + 0.0 for c in cells] if all(map(isfinite, known)) else None
    if family in (Family.TEXT, Family.OTHER, Family.BINARY) and kinds == {str}:
        return list(cells) if _fits_as_text(cells, column) else None
    if family in (Family.MOMENT, Family.LOCAL_MOMENT, Family.DAY, Family.DECIMAL) and kinds == {str}:
        try:
            read = {cell: READERS[family](cell) for cell in set(cells) - {None}}
        except Misfit:
            return None
        return [read.get(cell) for cell in cells]
    return None


def _fits_as_text(cells: Sequence[Any], column: Column) -> bool:
    known = [cell for cell in cells if cell is not None]
    joined = "".join(known)
    # a text that was not UTF-8 in its database has half surrogates here
    if "\x00" in joined or (not joined.isascii() and not _is_text(joined)):
        return False
    if column.max_bytes is not None and max(len(cell.encode()) for cell in known) > column.max_bytes:
        return False
    return column.max_length is None or max(map(len, known)) <= column.max_length


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _read_one(family: Family, cell: Any, column: Column) -> Cell:
    if cell is None:
        return None
    read = READERS[family](cell)
    if isinstance(read, str) and column.type_facts.is_text:
        if column.max_length is not None and len(read) > column.max_length:
            raise Misfit(f"must have at most {column.max_length} characters")
        if column.max_bytes is not None and len(read.encode()) > column.max_bytes:
            raise Misfit(f"must have at most {column.max_bytes} bytes, because it is indexed")
    return read


def _boolean(cell: Any) -> Cell:
    truth = TRUTHS.get(cell.lower() if isinstance(cell, str) else cell)
    return read_boolean(cell) if truth is None else truth


def _double(cell: Any) -> Cell:
    if isinstance(cell, bytes):
        raise Misfit("must be a number, not bytes")
    is_large = isinstance(cell, int) and not isinstance(cell, bool)
    return float(read_number(float(cell) if is_large else cell)) + 0.0


def _integer(cell: Any) -> Cell:
    return read_integer(cell)


def _decimal(cell: Any) -> Cell:
    return read_decimal(repr(cell) if isinstance(cell, float) else cell)


def _text(cell: Any) -> Cell:
    if isinstance(cell, int | float):
        cell = str(cell)
    text = read_string(cell)
    if not _is_text(text):
        raise Misfit("must be valid UTF-8")
    return text


def _moment(cell: Any) -> Cell:
    found = MOMENT.fullmatch(cell.strip()) if isinstance(cell, str) else None
    if found is None:
        if isinstance(cell, int | float):
            raise Misfit("must be a date as text: the unit of a number is not known")
        raise Misfit(RFC3339_DATE)
    day, minutes, seconds, offset = found.groups()
    if minutes is None:
        return canonical_date(parsed_date(day))
    if offset and offset != "Z":
        offset = f"{offset[:3]}:{offset[3:].lstrip(':') or '00'}"
    return canonical_date(parsed_date(f"{day}T{minutes}{seconds or ':00'}{offset or 'Z'}"))


def _json(cell: Any) -> Cell:
    if isinstance(cell, bytes):
        raise Misfit("must be JSON as text, not bytes")
    text = cell if isinstance(cell, str) else msgspec.json.encode(cell).decode()
    if not _is_text(text):
        raise Misfit("must be valid UTF-8")
    return read_document(msgspec.Raw(text.encode()))


def _binary(cell: Any) -> Cell:
    return base64.b64encode(cell).decode() if isinstance(cell, bytes) else _text(cell)


READERS: dict[Family, Callable[[Any], Cell]] = {
    Family.BOOLEAN: _boolean,
    Family.INTEGER: _integer,
    Family.DOUBLE: _double,
    Family.DECIMAL: _decimal,
    Family.TEXT: _text,
    Family.MOMENT: _moment,
    Family.LOCAL_MOMENT: _moment,
    Family.DAY: _moment,
    Family.JSON: _json,
    Family.ARRAY: _json,
    Family.BINARY: _binary,
    Family.OTHER: _binary,
}
