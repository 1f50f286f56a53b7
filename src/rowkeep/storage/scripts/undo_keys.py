"""Undo while a data key is replaced: cells are compared and copied as they are stored, so those of the rows
in question are encrypted with the current key first, in the rows and in the records of their changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rowkeep.crypto.ciphers import ColumnCipher, DataKeys
from rowkeep.model.tables import Table
from rowkeep.sql.dialects import Dialect
from rowkeep.sql.history_table import HistoryTable
from rowkeep.sql.key_rotation import RotationSql
from rowkeep.sql.rows import TableSql
from rowkeep.storage.contract import Row, RowSteps, StaleCatalog
from rowkeep.storage.scripts.key_rotation import Reencrypt, reencrypt_with

CELLS_AT_ONCE = 100
"""The cells of so many rows or records are read at a time."""


class CurrentKeys:
    """Encrypts cells of one table again. Raises StaleCatalog if one of their data keys is not known yet."""

    def __init__(
        self, table: Table, rows: TableSql, dialect: Dialect, namespace: str | None, keys: DataKeys
    ) -> None:
        self._rows = rows
        columns = [column for column in table.columns if column.old_key is not None]
        self._is_needed = bool(columns)
        if not columns:
            return
        if not keys.knows(number for column in columns for number in column.keys):
            raise StaleCatalog()
        self._of_rows = RotationSql.of_rows(table, [each.name for each in columns], dialect, namespace)
        records = HistoryTable(table, dialect, namespace)
        self._of_records = RotationSql.of_records(records, columns, dialect)
        self._again: Mapping[int, Reencrypt] = {
            at: reencrypt_with(keys, table, column) for at, column in enumerate(columns)
        }
        unique = {part.name for index in table.indexes if index.is_unique for part in index.columns}
        self._unique: Mapping[int, ColumnCipher] = {
            at: keys.cipher(table.id, column.id, column.keys)
            for at, column in enumerate(columns)
            if column.name in unique
        }

    def encrypt(self, row_keys: Sequence[str]) -> RowSteps[None]:
        """Encrypt the cells of these rows and of all their records."""
        if not self._is_needed:
            return
        for sql in (self._of_rows, self._of_records):
            after: str | int | None = sql.first
            while after is not None:
                found: Sequence[Row] = yield sql.of_keys(row_keys, after, CELLS_AT_ONCE)
                for number, *cells in found:
                    yield from self._encrypt_cells(sql, number, cells)
                after = found[-1][0] if len(found) == CELLS_AT_ONCE else None

    def _encrypt_cells(self, sql: RotationSql, number: str | int, cells: Row) -> RowSteps[None]:
        for (at, again), name in zip(self._again.items(), sql.names, strict=True):
            if cells[at] is None:
                continue
            cell = bytes(cells[at])
            if sql is self._of_records and at in self._unique:
                yield from self._encrypt_equal(self._of_rows.names[at], self._unique[at], cell)
            fresh = again(cell)
            if fresh is not None:
                yield sql.replace(name, number, cell, fresh)

    def _encrypt_equal(self, name: str, cipher: ColumnCipher, cell: bytes) -> RowSteps[None]:
        """Encrypt the same value in other rows: for a unique index, a cell under the old key is another."""
        new, old = cipher.seal_each(cipher.open(cell))
        yield self._rows.rekey(name).bind({"new": new, "old": old})
