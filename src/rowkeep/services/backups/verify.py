"""Verify: reads a whole backup, and checks that it could be restored."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence

from rowkeep.crypto.ciphers import ColumnCipher, DataKeys
from rowkeep.crypto.master_key import MasterKeys
from rowkeep.errors.catalogue import CorruptedCell, SetupError
from rowkeep.model.tables import Column, Table
from rowkeep.services.backups.contents import Contents, fitting_key
from rowkeep.services.copies.copier import CopyProgress, Report
from rowkeep.sql.history_table import RECORD_COLUMNS
from rowkeep.storage.contract import Row


async def verify(contents: Contents, master: MasterKeys | None, report: Report) -> None:
    """Read all parts. With the master key, encrypted cells are decrypted too. Raises SetupError for the first
    fault."""
    manifest = contents.manifest
    if master is not None:
        fitting_key(master, manifest.key_fingerprint)
    for part in manifest.catalog.system:
        await asyncio.to_thread(_read, contents.system_rows(part))
    done = 0
    for workspace in manifest.workspaces:
        if workspace.database is None:
            continue
        for part in workspace.database.system:
            await asyncio.to_thread(_read, contents.system_rows(part))
        tables = contents.tables(workspace.database)
        histories = contents.histories(workspace.database, tables)
        contents.check_views(workspace.database)
        keys = None if master is None else contents.keys(workspace, master)
        for part in workspace.database.tables:
            table = tables[part.table]
            sealed = _Sealed(workspace.name, table, table.stored_columns, keys, 0)
            await asyncio.to_thread(_read, contents.rows(part, table), sealed)
            done += part.rows
            report(CopyProgress("verify", table.name, done, manifest.rows))
        for part in workspace.database.records:
            records = histories[part.table]
            sealed = _Sealed(workspace.name, records.table, records.columns, keys, len(RECORD_COLUMNS))
            await asyncio.to_thread(_read, contents.records(part, records), sealed)


class _Sealed:
    """The encrypted cells of the rows of a table, or of its records, whose ``columns`` begin at the place
    ``first``. Without keys, they are not decrypted."""

    def __init__(
        self, workspace: str, table: Table, columns: Sequence[Column], keys: DataKeys | None, first: int
    ) -> None:
        self._place = f"Workspace {workspace}, table {table.name}"
        self._names = {at: column.name for at, column in enumerate(columns, first) if column.is_encrypted}
        self._ciphers: dict[int, ColumnCipher] = {}
        if keys is None:
            return
        for at, column in enumerate(columns, first):
            if column.is_encrypted:
                if not keys.knows(column.keys):
                    raise SetupError(f"{self._place}: a data key of column {column.name} is missing.")
                self._ciphers[at] = keys.cipher(table.id, column.id, column.keys)

    def check(self, rows: Sequence[Row]) -> None:
        """Raises SetupError for a cell that cannot be decrypted."""
        for at, cipher in self._ciphers.items():
            try:
                for row in rows:
                    if row[at] is not None:
                        cipher.open(row[at])
            except CorruptedCell:
                raise SetupError(
                    f"{self._place}: a cell of column {self._names[at]} cannot be decrypted."
                ) from None


def _read(batches: Iterator[Sequence[Row]], sealed: _Sealed | None = None) -> None:
    for rows in batches:
        if sealed is not None:
            sealed.check(rows)
