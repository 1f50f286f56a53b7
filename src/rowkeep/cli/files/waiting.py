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

from rowkeep.cli.files.disk_arrays import DiskArray
from rowkeep.cli.files.records import Position, Row
from rowkeep.cli.files.row_order import RowGraph
from rowkeep.cli.files.table_columns import TableColumns
from rowkeep.client.responses import RequestProblem
from rowkeep.errors.catalogue import ReferenceViolation
from rowkeep.model.values.scalars import Cell


class _Waiting(msgspec.Struct, frozen=True):
    line: int
    row: msgspec.Raw


_decoder = msgspec.json.Decoder(_Waiting)

NOWHERE = Position(0, 0)


def must_wait(columns: TableColumns, problems: Sequence[RequestProblem], prefix: str) -> bool:
    """Whether a rejected row may be valid once other rows of the file are in the table."""
    references = {each.column for each in columns.references}
    return bool(references) and all(
        problem.code == ReferenceViolation.code
        and columns.name_of(problem.pointer.removeprefix(prefix).removeprefix("/")) in references
        for problem in problems
    )


class WaitingRows:
    """The rows in a file of waiting rows, in the order in which they must be sent."""

    def __init__(self, path: Path, rows: int, columns: TableColumns) -> None:
        self._path = path
        self._columns = columns
        self._starts = DiskArray(rows)

    def groups(self) -> Iterator[list[Row]]:
        """The rows in order, in groups that must be sent in one request."""
        graph = RowGraph(self._references())
        with self._path.open("rb") as file:
            for component in graph.components():
                yield [self._row(file, number) for number in component]

    def _row(self, file: BinaryIO, number: int) -> Row:
        file.seek(self._starts[number])
        waiting = _decoder.decode(file.readline())
        return Row(waiting.line, NOWHERE, bytes(waiting.row))

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
                yield _values(cells[0::2], there), _values(cells[1::2], there)


def _values(cells: Sequence[Cell], columns: Sequence[str]) -> list[str]:
    """The values of cells, each with the column where it is unique."""
    return [f"{column}={cell!r}" for cell, column in zip(cells, columns, strict=True) if cell is not None]
