"""Runs: which rows of a table came into it together, told by what their writer gave them.

One request is one transaction with one moment (`Created_On`) and one run of row ids (`_id`), each one more
than the last. So the rows of a bulk can be known again in the table, and no other bulk has the same ids.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

SECONDS = 8
"""The hexadecimal digits at the beginning of a row id that count the seconds since 1970."""

SKEW_SECONDS = 5
"""How far the clocks of the servers of one installation may lie apart."""


class WrittenRow(msgspec.Struct, frozen=True):
    """A row by what its writer gave it."""

    id: str = msgspec.field(name="_id")
    on: str = msgspec.field(name="Created_On")


class Run(msgspec.Struct, frozen=True):
    """Rows with ids that follow one another, written at one moment."""

    first: str
    last: str
    on: str

    @property
    def rows(self) -> int:
        return int(self.last, 16) - int(self.first, 16) + 1


class Runs:
    """Puts rows, in the order of their ids, together to runs.

    ``marks`` are rows that a request is known to have ended with: a run ends there, too.
    """

    def __init__(self, marks: Iterable[str]) -> None:
        self._marks = frozenset(marks)
        self.found: list[Run] = []

    def add(self, rows: Iterable[WrittenRow]) -> None:
        for row in rows:
            last = self.found[-1] if self.found else None
            if (
                last is not None
                and last.on == row.on
                and last.last not in self._marks
                and int(row.id, 16) == int(last.last, 16) + 1
            ):
                self.found[-1] = Run(last.first, row.id, row.on)
            else:
                self.found.append(Run(row.id, row.id, row.on))


def search_from(mark: str | None) -> str | None:
    """The least id that a request sent after ``mark`` was seen can have given; None for any.

    One process gives ids that strictly increase; several do so to the second, as far as their clocks agree.
    """
    if mark is None:
        return None
    second = max(0, int(mark[:SECONDS], 16) - SKEW_SECONDS)
    return f"{second:0{SECONDS}x}".ljust(len(mark), "0")


def recent(marks: list[str]) -> list[str]:
    """The marks that a search from the newest can come upon."""
    least = search_from(max(marks)) if marks else None
    return [mark for mark in marks if least is None or mark >= least]
