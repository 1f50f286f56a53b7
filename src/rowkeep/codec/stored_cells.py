"""Stored cells: the form of cells in the store and in responses, if it is not the cell itself.

A cell of an encrypted column is stored encrypted; a reference to a ``sys_Id`` is stored as the ``_id`` that
it contains. Whole columns are converted at a time, so that rows are not visited one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from itertools import chain
from typing import Any, TypeAlias

import msgspec

from rowkeep.crypto.ciphers import ColumnCipher
from rowkeep.model.column_types import ColumnType
from rowkeep.model.ids import row_id_of, sys_id_of
from rowkeep.model.tables import Column, Columns
from rowkeep.model.values.scalars import Cell

Row: TypeAlias = Sequence[Any]
Change: TypeAlias = Callable[[Any], Any]
"""Converts one cell that is not null."""


MAX_AT_ONCE = 1000
"""The number of rows whose columns are converted at once; other threads can run in between."""


def with_columns(rows: Sequence[Row], changes: Mapping[int, Change]) -> Sequence[Row]:
    """The rows with some of their columns converted, cell by cell; null stays null."""
    if not changes or not rows:
        return rows
    if len(rows) > MAX_AT_ONCE:
        parts = (rows[at : at + MAX_AT_ONCE] for at in range(0, len(rows), MAX_AT_ONCE))
        return list(chain.from_iterable(with_columns(part, changes) for part in parts))
    columns: list[Iterable[Any]] = list(zip(*rows, strict=True))
    for at, change in changes.items():
        columns[at] = [None if cell is None else change(cell) for cell in columns[at]]
    return list(zip(*columns, strict=True))


Rekeyed: TypeAlias = dict[str, list[tuple[Any, ...]]]
"""Cells by column, each in its new stored form and in the form that it may have under an old key."""


class StoredCells:
    """Converts the cells of one table or view to their stored values. ``ciphers`` has the ciphers of its
    encrypted columns by name."""

    def __init__(self, table: Columns, ciphers: Mapping[str, ColumnCipher]) -> None:
        self._store: dict[str, Change] = {}
        self._answer: dict[str, Change] = {}
        self._show: dict[str, Change] = {}
        for column in table.columns:
            facts = column.type_facts
            if facts.answer is not None:
                self._show[column.name] = self._answer[column.name] = facts.answer
            if column.is_encrypted:
                if facts.same is not None:
                    self._show[column.name] = facts.same
                self._store[column.name] = partial(_encrypt, facts, ciphers[column.name])
                self._answer[column.name] = partial(_opened, facts, ciphers[column.name])
            elif column.holds_sys_ids:
                self._store[column.name] = _row_key
        self._each = {
            c.name: partial(_encrypt_with_each, c.type_facts, ciphers[c.name])
            for c in table.columns
            if c.old_key
        }
        unique = {part.name for index in table.indexes if index.is_unique for part in index.columns}
        self._rekeyed = [name for name in self._each if name in unique]
        self._own = [column.name for column in table.columns]
        self._store_places = _placed(self._store, self._own)
        self._show_places = _placed(self._show, self._own)
        self._sys_id_places = [at for at, column in enumerate(table.columns) if column.holds_sys_ids]
        self._all_names = [column.name for column in table.all_columns]

    def store(self, rows: list[tuple[Cell, ...]]) -> Sequence[Row]:
        """Rows of the table's own columns in their stored form."""
        return with_columns(rows, self._store_places)

    def store_cell(self, column: Column, cell: Cell) -> Any:
        change = self._store.get(column.name)
        return cell if change is None or cell is None else change(cell)

    def find_cell(self, column: Column, cell: Cell) -> tuple[Any, ...]:
        """All possible stored values of a cell: while a data key is replaced, with the current or the old
        key."""
        if cell is None:
            return (None,)
        each = self._each.get(column.name)
        if each is not None:
            found: tuple[Any, ...] = each(cell)
            return found
        change = self._store.get(column.name)
        return (cell if change is None else change(cell),)

    def rekeyed(self, rows: Sequence[Row], names: Sequence[str] | None = None) -> Rekeyed:
        """The stored cells that must be encrypted again before these rows are written: for a unique index, a
        cell encrypted with the old key differs from the same cell with the current key."""
        if not self._rekeyed:
            return {}
        places = {name: at for at, name in enumerate(names or self._own)}
        return {
            name: [self._each[name](cell) for cell in {row[places[name]] for row in rows} - {None}]
            for name in self._rekeyed
            if name in places
        }

    def answer(self, rows: Sequence[Row], names: Sequence[str] | None = None) -> Sequence[Row]:
        """Stored rows of these columns, or of a whole record, in the form that is encoded."""
        return with_columns(rows, _placed(self._answer, names or self._all_names)) if self._answer else rows

    def shown(self, stored: Sequence[Row]) -> Sequence[Row]:
        """Stored rows of the table's own columns with references as they were sent, for an error."""
        return with_columns(stored, dict.fromkeys(self._sys_id_places, sys_id_of))

    def answer_sent(self, rows: Sequence[Row]) -> Sequence[Row]:
        """The same for rows of a request, which are not encrypted."""
        return with_columns(rows, self._show_places)


def _placed(changes: Mapping[str, Change], names: Sequence[str]) -> dict[int, Change]:
    return {at: changes[name] for at, name in enumerate(names) if name in changes}


def _row_key(sys_id: Any) -> Any:
    # an invalid sys_Id becomes an _id that no row has, so that the reference is refused
    return row_id_of(sys_id) or ""


def _encrypt(facts: ColumnType, cipher: ColumnCipher, cell: Any) -> bytes:
    return cipher.seal(_clear(facts, cell))


def _clear(facts: ColumnType, cell: Any) -> bytes:
    """The bytes of a cell, the same for equal cells."""
    comparable = cell if facts.same is None else facts.same(cell)
    return comparable.encode() if isinstance(comparable, str) else msgspec.json.encode(comparable)


def _encrypt_with_each(facts: ColumnType, cipher: ColumnCipher, cell: Any) -> tuple[bytes, ...]:
    return cipher.seal_each(_clear(facts, cell))


def _opened(facts: ColumnType, cipher: ColumnCipher, encrypted: Any) -> Any:
    text = cipher.open(bytes(encrypted))
    if facts.cell is str:
        cell = text.decode()
        return cell if facts.answer is None else facts.answer(cell)
    return msgspec.json.decode(text)
