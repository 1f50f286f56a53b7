"""Change records: recorded changes of one table as JSON.

A change shows the table's own columns by their names, encoded as in records. The cells of two images are
compared as they are stored; encrypted ones, which can be encrypted with different keys, as they are read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from rowkeep.codec.change_cursors import write_change_cursor
from rowkeep.codec.stored_cells import StoredCells
from rowkeep.crypto.ciphers import ColumnCipher
from rowkeep.model.change_feeds import FeedCursor
from rowkeep.model.history import ChangeKind
from rowkeep.model.tables import Column, Index

KINDS = {ChangeKind.INSERT: "insert", ChangeKind.UPDATE: "update", ChangeKind.DELETE: "delete"}

Cells = dict[str, Any]


class ChangeRecord(msgspec.Struct, frozen=True):
    """A change as responses and events have it. Its id is the cursor after it; ``by`` is None for the server
    itself."""

    id: str
    operation: str
    kind: str
    row_id: str = msgspec.field(name="_id")
    by: str | None
    on: str
    before: Cells | None
    after: Cells | None


class StoredChange(msgspec.Struct, frozen=True):
    """A change as it was read: the cells of the row before it and after it, in the order of the columns."""

    cursor: FeedCursor
    kind: ChangeKind
    row_key: str
    operation: str
    writer: str
    stamped: str
    after_by: str | None
    after_on: str | None
    before: Sequence[Any]
    after: Sequence[Any]


class RecordedColumns(msgspec.Struct, frozen=True):
    """The columns of the records of one table: its own, and former ones that only records have."""

    name: str
    columns: tuple[Column, ...]
    indexes: tuple[Index, ...] = ()

    @property
    def all_columns(self) -> tuple[Column, ...]:
        return self.columns


class ChangeEncoder:
    """Encodes the changes of one table. ``dropped`` are the former columns among ``columns``."""

    def __init__(
        self,
        table_id: str,
        columns: RecordedColumns,
        ciphers: Mapping[str, ColumnCipher],
        dropped: frozenset[str] = frozenset(),
    ) -> None:
        self._table_id = table_id
        self._names = [column.name for column in columns.columns]
        self._stored_cells = StoredCells(columns, ciphers)
        self._dropped = dropped
        self._sealed = [column.is_encrypted for column in columns.columns]

    def records(self, changes: Sequence[StoredChange]) -> list[ChangeRecord]:
        """The changes for a response, in their order."""
        before = self._answered([change.before for change in changes])
        after = self._answered([change.after for change in changes])
        return [self._record(*each) for each in zip(changes, before, after, strict=True)]

    def _answered(self, rows: list[Sequence[Any]]) -> Sequence[Sequence[Any]]:
        return self._stored_cells.answer(rows, self._names)

    def _record(self, change: StoredChange, before: Sequence[Any], after: Sequence[Any]) -> ChangeRecord:
        is_deleted = change.kind is ChangeKind.DELETE
        shown_before: Cells | None = None
        shown_after: Cells | None = None
        if change.kind is ChangeKind.UPDATE:
            changed = [at for at in range(len(self._names)) if self._differs(change, before, after, at)]
            shown_before = {self._names[at]: before[at] for at in changed}
            shown_after = {self._names[at]: after[at] for at in changed}
        elif is_deleted:
            shown_before = self._whole(before)
        else:
            shown_after = self._whole(after)
        return ChangeRecord(
            write_change_cursor(self._table_id, change.cursor),
            change.operation,
            KINDS[change.kind],
            change.row_key,
            (change.writer if is_deleted else change.after_by or change.writer) or None,
            change.stamped if is_deleted else change.after_on or change.stamped,
            shown_before,
            shown_after,
        )

    def _whole(self, row: Sequence[Any]) -> Cells:
        """All cells of a row; of former columns, only those that have a value."""
        return {
            name: cell
            for name, cell in zip(self._names, row, strict=True)
            if cell is not None or name not in self._dropped
        }

    def _differs(self, change: StoredChange, before: Sequence[Any], after: Sequence[Any], at: int) -> bool:
        stored_before, stored_after = change.before[at], change.after[at]
        if stored_before is None and stored_after is None:
            return False
        if self._names[at] in self._dropped and stored_after is None:
            # the row as it is now does not have the column
            return False
        if stored_before == stored_after:
            return False
        if not self._sealed[at]:
            return True
        return msgspec.json.encode(before[at]) != msgspec.json.encode(after[at])
