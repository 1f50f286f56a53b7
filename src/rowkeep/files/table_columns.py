"""Table columns: the columns of the target table, found by the names in a file, and their cells, compared as
the server compares them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Any

import msgspec

from rowkeep.errors.catalogue import SetupError, UnknownColumn, preview
from rowkeep.files.responses import UsableTable
from rowkeep.model.column_types import COLUMN_TYPES, decode_value
from rowkeep.model.names import ColumnNames, always, never
from rowkeep.model.tables import Column, Table, name_key
from rowkeep.model.values.scalars import Cell, Misfit

_cells_decoder = msgspec.json.Decoder(dict[str, msgspec.Raw])

MAX_KNOWN_NAMES = 10_000
"""Each record of an NDJSON file has its own names."""


class SelfReference(msgspec.Struct, frozen=True):
    """A column that refers to another column of its own table, so that rows of a file can refer to each
    other."""

    column: str
    there: str


class TableColumns:
    """The columns of one table."""

    def __init__(self, listed: UsableTable) -> None:
        columns = tuple(
            Column(id=each.name, name=each.name, type=each.type, is_required=each.is_required)
            for each in listed.columns
        )
        table = Table(id="", name=listed.name, columns=columns)
        self.name = listed.name
        self._names = ColumnNames(table)
        self._known: dict[str, str | None] = {}
        own = {column.name for column in columns}
        self.references = tuple(
            SelfReference(each.name, each.reference["column"])
            for each in listed.columns
            if each.reference is not None
            and each.reference["table"] == listed.name
            # rows of a file have no _id yet
            and each.reference["column"] in own
        )

    def find(self, name: str, takes_hint: Callable[[], bool] = always) -> Column:
        """The column with this name, or with a similar one. Raises UnknownColumn, which suggests others if
        ``takes_hint``."""
        return self._names.find(name, "", takes_hint)

    def name_of(self, name: str) -> str | None:
        """The name of the column in the table, for a name in a file; None if there is no such column."""
        if name not in self._known:
            if len(self._known) >= MAX_KNOWN_NAMES:
                self._known.clear()
            try:
                self._known[name] = self._names.find(name, "", never).name
            except UnknownColumn:
                self._known[name] = None
        return self._known[name]

    def cells(self, row: bytes | msgspec.Raw, names: Iterable[str]) -> list[Cell]:
        """The comparable cells of these columns in a row; None for a missing, empty or invalid one."""
        by_column = {self.name_of(name): raw for name, raw in _cells_decoder.decode(row).items()}
        return [self._comparable(name, by_column.get(name)) for name in names]

    def without(self, row: bytes, columns: Collection[str | None]) -> bytes:
        """A row without some columns of the table."""
        cells = _cells_decoder.decode(row)
        return msgspec.json.encode(
            {name: raw for name, raw in cells.items() if self.name_of(name) not in columns}
        )

    def _comparable(self, name: str, raw: msgspec.Raw | None) -> Cell:
        column = self._names.find(name, "", never)
        facts = COLUMN_TYPES.get(column.type)
        if raw is None or facts is None:
            return None
        try:
            value: Any = raw if facts.is_raw else decode_value(raw)
            if value is None or (value == "" and column.reads_empty_as_null):
                return None
            cell = facts.read(value)
        except (Misfit, ValueError):
            return None
        return cell if cell is None or facts.same is None else facts.same(cell)


def columns_of(tables: list[UsableTable], table: str) -> TableColumns:
    """The columns of a table in the list. Raises SetupError if it is not there."""
    for listed in tables:
        if listed.kind == "table" and name_key(listed.name) == name_key(table):
            return TableColumns(listed)
    raise SetupError(f"No such table: {preview(table)}.")
