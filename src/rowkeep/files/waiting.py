"""Waiting rows: rows that refer to rows of the file which are not in the table yet.

They are stored in a file next to the imported one, and sent again when the whole file was read: after the
rows that they refer to, and together with those that refer back to them. So each of them is sent twice at
most.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import msgspec

from rowkeep.errors.catalogue import ReferenceViolation
from rowkeep.files.disk_arrays import DiskArray
from rowkeep.files.records import Position, Row
from rowkeep.files.rejects import RowError
from rowkeep.files.responses import RequestProblem
from rowkeep.files.row_order import RowGraph
from rowkeep.files.table_columns import TableColumns
from rowkeep.model.values.scalars import Cell


class _Stored(msgspec.Struct, frozen=True):
    line: int
    row: msgspec.Raw
    errors: list[RowError]


_decoder = msgspec.json.Decoder(_Stored)

NOWHERE = Position(0, 0)


class WaitingRow(Row, frozen=True):
    """A row that waits, with the errors of the references that were missing."""

    errors: list[RowError]


def must_wait(columns: TableColumns, problems: Sequence[RequestProblem], prefix: str) -> bool:
    """Whether a rejected row may be valid once other rows of the file are in the table."""
    references = {each.column for each in columns.references}
    return (
        bool(references)
        and all(
            problem.code == ReferenceViolation.code
            # an error without a column is about other rows of the request
            and (
                problem.pointer == prefix or columns.name_of(problem.pointer[len(prefix) + 1 :]) in references
            )
            for problem in problems
        )
    )


class WaitingRows:
    """The rows in a file of waiting rows, in the order in which they must be sent."""

    def __init__(self, path: Path, rows: int, columns: TableColumns) -> None:
        self._path = path
        self._columns = columns
        self._starts = DiskArray(rows)

    def groups(self) -> Iterator[list[WaitingRow]]:
        """The rows in order, in groups that must be sent in one request."""
        graph = RowGraph(self._references())
        with self._path.open("rb") as file:
            for component in graph.components():
                yield [self._row(file, number) for number in component]

    def _row(self, file: BinaryIO, number: int) -> WaitingRow:
        file.seek(self._starts[number])
        stored = _decoder.decode(file.readline())
        return WaitingRow(stored.line, NOWHERE, bytes(stored.row), stored.errors)

    def _references(self) -> Iterator[tuple[list[str], list[str]]]:
        """The values that each row is known by, and those that it refers to."""
        references = self._columns.references
        names = [name for each in references for name in (each.there, each.column)]
        start = 0
        with self._path.open("rb") as file:
            for number, line in enumerate(file):
                self._starts[number] = start
                start += len(line)
                cells = self._columns.cells(_decoder.decode(line).row, names)
                there = [each.there for each in references]
                yield values_of(there, cells[0::2]), values_of(there, cells[1::2])


def values_of(columns: Sequence[str], cells: Sequence[Cell]) -> list[str]:
    """The values of cells, each with the column where it is unique."""
    return [f"{column}={cell!r}" for cell, column in zip(cells, columns, strict=True) if cell is not None]


class Groups:
    """Takes groups of rows in batches. A group is never divided."""

    def __init__(self, groups: Iterator[list[WaitingRow]], passed: int, max_bytes: int) -> None:
        """``passed`` is the number of rows that are not taken again."""
        self._groups = _from(groups, passed)
        self._max_bytes = max_bytes
        self._put_back: list[list[WaitingRow]] = []

    def take(self, most: int) -> list[list[WaitingRow]]:
        """The next groups, with at most ``most`` rows together, or one larger group."""
        taken: list[list[WaitingRow]] = []
        rows = size = 0
        while (group := self._next()) is not None:
            rows += len(group)
            size += sum(len(row.json) + 1 for row in group)
            if taken and (rows > most or size > self._max_bytes):
                self._put_back.append(group)
                break
            taken.append(group)
        return taken

    def take_rows(self, count: int) -> list[list[WaitingRow]]:
        """The next groups with so many rows."""
        taken: list[list[WaitingRow]] = []
        while count > 0 and (group := self._next()) is not None:
            taken.append(group)
            count -= len(group)
        return taken

    def put_back(self, groups: list[list[WaitingRow]]) -> None:
        self._put_back += reversed(groups)

    def _next(self) -> list[WaitingRow] | None:
        return self._put_back.pop() if self._put_back else next(self._groups, None)


def _from(groups: Iterator[list[WaitingRow]], rows: int) -> Iterator[list[WaitingRow]]:
    """The groups after the first ``rows`` rows."""
    passed = 0
    for group in groups:
        if passed >= rows:
            yield group
        passed += len(group)
