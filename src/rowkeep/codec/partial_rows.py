"""Partial rows: the rows of a partial bulk, read one by one, so that each bad row is found.

A canonical row is read by a strict decoder in C, and whole columns are corrected and checked at once; only
the other rows are read again, cell by cell.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from itertools import chain, repeat
from operator import is_
from typing import Any, NamedTuple, TypeAlias

import msgspec
from msgspec import UNSET

from rowkeep.codec.json_bodies import WHITE_BEFORE_COLON, refuse_repeated_keys
from rowkeep.errors.base import MAX_HINTS
from rowkeep.errors.catalogue import Problem, ProblemList, RowkeepError, TooManyFailedRows, pointer
from rowkeep.model.changes import Changes
from rowkeep.model.column_types import Settle
from rowkeep.model.values.scalars import Cell

Cells: TypeAlias = tuple[Cell, ...]

MAX_ROW_ERRORS = 10
"""The maximum number of errors that are listed for one row."""


class FailedRow(NamedTuple):
    """A row of a bulk that is not stored, by its number, and why."""

    row: int
    problems: Sequence[Problem]


class FailedRows:
    """The bad rows that were found so far, with ``max_errors`` errors at most."""

    def __init__(self, max_errors: int) -> None:
        self.rows: list[FailedRow] = []
        self.hints = MAX_HINTS
        """As in a ProblemList."""
        self._max_errors = max_errors
        self._errors = 0

    def add(self, row: int, problems: Sequence[Problem]) -> None:
        """Raises TooManyFailedRows."""
        self.rows.append(FailedRow(row, problems))
        self._errors += len(problems)
        if self._errors > self._max_errors:
            raise too_many_failed(self._max_errors)

    def places_of(self, changes: Changes) -> Changes:
        """Changes by the places of their rows among those that can be read, from their numbers."""
        numbers = sorted(each.row for each in self.rows)
        bad = set(numbers)
        return {at - bisect_left(numbers, at): each for at, each in changes.items() if at not in bad}


def too_many_failed(max_errors: int) -> TooManyFailedRows:
    return TooManyFailedRows(
        f"The bulk has more than {max_errors} errors (the setting max_bulk_errors). Nothing was written. "
        "Send fewer rows per request.",
        pointer="/data",
    )


class ColumnRule(NamedTuple):
    """What whole columns are corrected and checked by: the position of the column, as ColumnType says, and
    whether nulls are errors."""

    at: int
    settle: Settle
    is_required: bool


class RowReaders(NamedTuple):
    """How a table reads rows: one canonical row; the rows of an array, from a number on, cell by cell; and
    defaults for missing cells, which those of an upsert do not get."""

    strict: msgspec.json.Decoder[Any]
    lenient: Callable[[Iterable[msgspec.Raw], int, ProblemList], list[Cells]]
    with_defaults: Callable[[list[Cells]], list[Cells]]
    settle: Callable[[list[Cells]], list[Cells]]
    rules: Sequence[ColumnRule]


def read_partly(
    readers: RowReaders, text: bytes, rows: Sequence[msgspec.Raw], first: int, failed: FailedRows
) -> list[Cells]:
    """The rows of a JSON array that can be read; the others are added to ``failed``. ``first`` is the number
    of the first row. Raises TooManyFailedRows."""
    is_unusual = any(map(text.__contains__, WHITE_BEFORE_COLON))
    canonical = [_canonical(readers.strict, row, is_unusual) for row in rows]
    places = [at for at, cells in enumerate(canonical) if cells is not None]
    settled = _settled(readers, [cells for cells in canonical if cells is not None])
    for at, cells in zip(places, settled, strict=True):
        canonical[at] = cells
    found = []
    for number, (cells, row) in enumerate(zip(canonical, rows, strict=True), first):
        good = _read_again(readers, row, number, failed) if cells is None else cells
        if good is not None:
            found.append(good)
    return found


def _canonical(decoder: msgspec.json.Decoder[Any], row: msgspec.Raw, is_unusual: bool) -> Cells | None:
    """The cells of a row, UNSET for missing ones; None if it is not canonical, or has a key twice."""
    text = bytes(row)
    if b"\\u0000" in text:
        return None
    try:
        cells: Cells = msgspec.structs.astuple(decoder.decode(text))
    except (ValueError, RecursionError):
        return None
    # one colon follows each key, unless a string looks like a key or a cell has keys of its own
    is_sure = not is_unusual and text.count(b'":') == len(cells) - cells.count(UNSET)
    return cells if is_sure or not _has_repeated_key(text) else None


def _has_repeated_key(text: bytes) -> bool:
    try:
        refuse_repeated_keys(text)
    except RowkeepError:
        return True
    return False


def _settled(readers: RowReaders, rows: list[Cells]) -> list[Cells | None]:
    """The rows with their columns corrected; None for each row that must be read again."""
    if any(map(is_, chain.from_iterable(rows), repeat(UNSET))):
        rows = readers.with_defaults(rows)
    try:
        return [*readers.settle(rows)]
    except ValueError:
        bad = set().union(*(_unsettled(rule, [row[rule.at] for row in rows]) for rule in readers.rules))
    good = iter(readers.settle([row for at, row in enumerate(rows) if at not in bad]))
    return [None if at in bad else next(good) for at in range(len(rows))]


def _unsettled(rule: ColumnRule, column: Sequence[Any]) -> set[int]:
    """The positions of the cells of a column that must be read again."""
    places = [at for at, cell in enumerate(column) if cell is not UNSET]
    given = [column[at] for at in places]
    try:
        bad = _nulls(rule, rule.settle(given))
    except ValueError:
        bad = {at for at, cell in enumerate(given) if not _is_settled(rule, cell)}
    return {places[at] for at in bad}


def _is_settled(rule: ColumnRule, cell: Cell) -> bool:
    try:
        return not _nulls(rule, rule.settle([cell]))
    except ValueError:
        return False


def _nulls(rule: ColumnRule, column: list[Cell] | None) -> set[int]:
    if column is None or not rule.is_required:
        return set()
    return {at for at, cell in enumerate(column) if cell is None}


def _read_again(readers: RowReaders, row: msgspec.Raw, number: int, failed: FailedRows) -> Cells | None:
    """A row, read cell by cell; None if it failed."""
    problems = ProblemList(hints=failed.hints, most=MAX_ROW_ERRORS)
    try:
        refuse_repeated_keys(bytes(row), pointer("data", number))
        found = readers.lenient([row], number, problems)
    except RowkeepError as error:
        failed.add(number, error.problems)
        return None
    failed.hints = problems.hints
    if problems.found:
        failed.add(number, problems.found)
        return None
    return found[0]
