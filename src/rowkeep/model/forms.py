"""Forms: the stored form of cells where it is not the cell itself, and the answered form where it is not
either.

A cell of an encrypted column is stored sealed; one that refers to a ``sys_Id`` is stored as the ``_id`` that
it carries. Whole columns are changed at a time, so that rows are not visited one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, TypeAlias

import msgspec

from rowkeep.keys import ColumnCipher
from rowkeep.model.cells import Cell
from rowkeep.model.columns import ColumnType
from rowkeep.model.identity import row_id_of
from rowkeep.model.tables import Column, Table

Row: TypeAlias = Sequence[Any]
Change: TypeAlias = Callable[[Any], Any]
"""Of one cell that is not empty."""


def with_columns(rows: Sequence[Row], changes: Mapping[int, Change]) -> Sequence[Row]:
    """The rows with some of their columns changed, cell by cell; empty cells stay empty."""
    if not changes or not rows:
        return rows
    columns: list[Iterable[Any]] = list(zip(*rows, strict=True))
    for at, change in changes.items():
        columns[at] = [None if cell is None else change(cell) for cell in columns[at]]
    return list(zip(*columns, strict=True))


class StoredForms:
    """The forms of one table's cells. ``ciphers`` has those of its encrypted columns, by name."""

    def __init__(self, table: Table, ciphers: Mapping[str, ColumnCipher]) -> None:
        self._store: dict[str, Change] = {}
        self._answer: dict[str, Change] = {}
        self._show: dict[str, Change] = {}
        for column in table.columns:
            facts = column.type_facts
            if facts.answer is not None:
                self._show[column.name] = self._answer[column.name] = facts.answer
            if column.is_encrypted:
                self._store[column.name] = partial(_sealed, facts, ciphers[column.name])
                self._answer[column.name] = partial(_opened, facts, ciphers[column.name])
            elif column.holds_sys_ids:
                self._store[column.name] = _row_key
        self._own = [column.name for column in table.columns]
        self._whole = [column.name for column in table.all_columns]

    def store(self, rows: list[tuple[Cell, ...]]) -> Sequence[Row]:
        """Rows of the table's own columns as they are stored."""
        return with_columns(rows, _placed(self._store, self._own))

    def store_cell(self, column: Column, cell: Cell) -> Any:
        change = self._store.get(column.name)
        return cell if change is None or cell is None else change(cell)

    def answer(self, rows: Sequence[Row], names: Sequence[str] | None = None) -> Sequence[Row]:
        """Rows as they were stored, of these columns or of a whole record, as they are encoded."""
        return with_columns(rows, _placed(self._answer, names or self._whole)) if self._answer else rows

    def answer_sent(self, rows: Sequence[Row]) -> Sequence[Row]:
        """The same of rows as they were sent, which are in the clear."""
        return with_columns(rows, _placed(self._show, self._own))


def _placed(changes: Mapping[str, Change], names: Sequence[str]) -> dict[int, Change]:
    return {at: changes[name] for at, name in enumerate(names) if name in changes}


def _row_key(sys_id: Any) -> Any:
    # what is no sys_Id becomes what no row has, and so it will be refused
    return row_id_of(sys_id) or ""


def _sealed(facts: ColumnType, cipher: ColumnCipher, cell: Any) -> bytes:
    alike = cell if facts.same is None else facts.same(cell)
    return cipher.seal(alike.encode() if isinstance(alike, str) else msgspec.json.encode(alike))


def _opened(facts: ColumnType, cipher: ColumnCipher, sealed: Any) -> Any:
    text = cipher.open(bytes(sealed))
    if facts.schema.get("type") == "string" or facts.is_raw:
        cell = text.decode()
        return cell if facts.answer is None else facts.answer(cell)
    return msgspec.json.decode(text)
