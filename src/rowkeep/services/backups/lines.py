"""Lines: rows in a backup, each a JSON array in a line. It is the same for every engine."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import msgspec

from rowkeep.model.tables import Table
from rowkeep.services.backups.cells import CellTypes
from rowkeep.storage.contract import Row

encode_lines = msgspec.json.Encoder().encode_lines
"""Rows as lines; bytes become base64."""

NUL = b"\\u0000"
"""U+0000 in JSON, which no column can store."""

PLACE = re.compile(r" - at `\$\[([0-9]+)\]`$")
"""Where the decoder found a cell of another type."""


class Lines:
    """Reads the rows of one part, whose cells have these types."""

    def __init__(self, types: CellTypes) -> None:
        self._types = types
        self._decoder = row_decoder(types.types)
        self._done = 0

    def read(self, lines: bytes) -> Sequence[Row]:
        """The rows of the next lines. Raises ValueError, which names the row and the column, for anything
        else."""
        try:
            rows = self._decoder.decode_lines(lines)
        except (msgspec.DecodeError, RecursionError):
            self._find_fault(lines)
            raise
        self._check(rows, has_nul=NUL in lines)
        self._done += len(rows)
        return rows

    def _find_fault(self, lines: bytes) -> None:
        """Raises ValueError for the first row that cannot be read."""
        for at, line in enumerate(lines.splitlines()):
            try:
                self._decoder.decode(line)
            except msgspec.ValidationError as error:
                text = str(error)
                place = PLACE.search(text)
                if place is None:
                    raise ValueError(f"{self._row(at)}: {_lowered(text)}") from None
                where = self._cell(at, int(place[1]))
                raise ValueError(f"{where}: {_lowered(text[: place.start()])}") from None
            except (msgspec.DecodeError, RecursionError):
                raise ValueError(f"{self._row(at)} is not a JSON array") from None

    def _check(self, rows: Sequence[Row], *, has_nul: bool) -> None:
        for column, check in self._types.checks.items():
            try:
                check([row[column] for row in rows if row[column] is not None])
            except ValueError:
                self._find_invalid(rows, column)
        if has_nul:
            for at, row in enumerate(rows):
                for column, cell in enumerate(row):
                    if isinstance(cell, str) and "\0" in cell:
                        raise ValueError(f"{self._cell(at, column)}: a text with U+0000")

    def _find_invalid(self, rows: Sequence[Row], column: int) -> None:
        check = self._types.checks[column]
        for at, row in enumerate(rows):
            if row[column] is not None:
                try:
                    check([row[column]])
                except ValueError as error:
                    raise ValueError(f"{self._cell(at, column)}: {error}") from None

    def _row(self, at: int) -> str:
        return f"{self._types.place}row {self._done + at + 1}"

    def _cell(self, at: int, column: int) -> str:
        return f"{self._row(at)}, column {self._types.names[column]}"


def row_decoder(types: tuple[Any, ...]) -> msgspec.json.Decoder[tuple[Any, ...]]:
    row: Any = tuple
    return msgspec.json.Decoder(row[types])


def _lowered(text: str) -> str:
    return text[:1].lower() + text[1:]


def encrypted_columns(table: Table) -> tuple[int, ...]:
    """The places of the encrypted columns."""
    return tuple(at for at, column in enumerate(table.stored_columns) if column.is_encrypted)
