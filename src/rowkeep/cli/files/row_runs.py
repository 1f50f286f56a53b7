"""Row runs: the rows of a table that one request inserted, identified by their system columns.

One request is one transaction with one timestamp (`Created_On`) and consecutive row ids (`_id`). So the rows
of a bulk insert can be recognised in the table, and no other bulk has the same ids.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

SECONDS = 8
"""The hexadecimal digits at the start of a row id that are the seconds since 1970."""

SKEW_SECONDS = 5
"""The maximum difference between the clocks of an installation's servers."""


class WrittenRow(msgspec.Struct, frozen=True):
    """The system columns of a row."""

    id: str = msgspec.field(name="_id")
    on: str = msgspec.field(name="Created_On")


class Run(msgspec.Struct, frozen=True):
    """Rows with consecutive ids and the same timestamp."""

    first: str
    last: str
    on: str

    @property
    def rows(self) -> int:
        return int(self.last, 16) - int(self.first, 16) + 1


class Runs:
    """Groups rows, sorted by id, into runs.

    ``marks`` are known last rows of requests: a run also ends there.
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
    """The lowest id that a request sent after ``mark`` can have assigned; None for any.

    The ids of one process strictly increase; those of several processes increase by the second, within the
    difference between their clocks.
    """
    if mark is None:
        return None
    second = max(0, int(mark[:SECONDS], 16) - SKEW_SECONDS)
    return f"{second:0{SECONDS}x}".ljust(len(mark), "0")


def recent(marks: list[str]) -> list[str]:
    """The marks that a search from the newest one can find."""
    least = search_from(max(marks)) if marks else None
    return [mark for mark in marks if least is None or mark >= least]
