"""Compiled changes: how the recorded changes of a table are read and encoded, compiled once for each
definition."""

from __future__ import annotations

from collections.abc import Sequence

from cachetools import LRUCache

from rowkeep.catalog.snapshot import CompiledTable
from rowkeep.catalog.workspace import OpenWorkspace
from rowkeep.codec.change_records import ChangeEncoder, ChangeRecord, RecordedColumns, StoredChange
from rowkeep.codec.stored_cells import with_columns
from rowkeep.crypto.ciphers import ColumnCipher
from rowkeep.model.change_feeds import FeedCursor
from rowkeep.model.history import ChangeKind
from rowkeep.model.tables import Column, Table, name_key
from rowkeep.sql.change_feed import CELLS, ChangesSql
from rowkeep.storage.contract import Row, StaleCatalog

CACHED_TABLES = 1024


class CompiledChanges:
    """The changes of one table as it is defined now."""

    def __init__(self, workspace: OpenWorkspace, table: Table) -> None:
        self._workspace = workspace
        self._table = table
        self._sql: dict[tuple[Column, ...], ChangesSql] = {}
        self._encoders: dict[ChangesSql, ChangeEncoder] = {}

    def sql(self, dropped: tuple[Column, ...]) -> ChangesSql:
        """The statements, for records that also have these former columns."""
        known = self._sql.get(dropped)
        if known is None:
            database = self._workspace.database
            shown = shown_columns(self._table, dropped)
            known = self._sql[dropped] = ChangesSql(self._table, database.dialect, database.namespace, shown)
        return known

    def records(self, sql: ChangesSql, rows: Sequence[Row]) -> list[ChangeRecord]:
        """The rows of a page as changes. Raises StaleCatalog if data keys were replaced meanwhile."""
        encoder = self._encoders.get(sql)
        if encoder is None:
            encoder = self._encoders[sql] = self._encoder(sql)
        return encoder.records(list(map(_stored, with_columns(rows, sql.decoders))))

    def _encoder(self, sql: ChangesSql) -> ChangeEncoder:
        keys = self._workspace.keys
        sealed = [column for column in sql.columns if column.is_encrypted]
        if not keys.knows(number for column in sealed for number in column.keys):
            raise StaleCatalog()
        ciphers: dict[str, ColumnCipher] = {
            column.name: keys.cipher(self._table.id, column.id, column.keys) for column in sealed
        }
        own = {column.name for column in self._table.columns}
        dropped = frozenset(column.name for column in sql.columns if column.name not in own)
        return ChangeEncoder(self._table.id, RecordedColumns(self._table.name, sql.columns), ciphers, dropped)


class ChangesCache:
    """The compiled changes of all workspaces that are read."""

    def __init__(self) -> None:
        self._known: LRUCache[tuple[int, str], tuple[CompiledTable, CompiledChanges]] = LRUCache(
            CACHED_TABLES
        )

    def of(self, workspace: OpenWorkspace, compiled: CompiledTable) -> CompiledChanges:
        key = (workspace.workspace.id, compiled.table.id)
        known = self._known.get(key)
        if known is not None and known[0] is compiled:
            return known[1]
        made = CompiledChanges(workspace, compiled.table)
        self._known[key] = compiled, made
        return made


def shown_columns(table: Table, dropped: Sequence[Column]) -> tuple[Column, ...]:
    """The former columns that a change shows: the last one of each name that no other column has now."""
    by_name = {name_key(column.name): column for column in dropped}
    for column in table.all_columns:
        by_name.pop(name_key(column.name), None)
    return tuple(by_name.values())


def _stored(row: Row) -> StoredChange:
    position, seq, kind, row_key, operation, writer, stamped, by, on = row[:CELLS]
    width = (len(row) - CELLS) // 2
    return StoredChange(
        FeedCursor(position, seq),
        ChangeKind(kind),
        row_key,
        operation,
        writer,
        stamped,
        by,
        on,
        row[CELLS : CELLS + width],
        row[CELLS + width :],
    )
