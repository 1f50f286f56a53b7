"""Verify: reads a whole backup, and checks that it could be restored."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from rowkeep.crypto.ciphers import ColumnCipher
from rowkeep.crypto.master_key import MasterKeys
from rowkeep.errors.catalogue import CorruptedCell, SetupError
from rowkeep.model.backups import BackupPart, BackupWorkspace
from rowkeep.model.tables import Table
from rowkeep.services.backups.contents import Contents, fitting_key
from rowkeep.services.copies.copier import CopyProgress, Report
from rowkeep.storage.contract import Row


async def verify(contents: Contents, master: MasterKeys | None, report: Report) -> None:
    """Read all parts. With the master key, encrypted cells are decrypted too. Raises SetupError for the first
    fault."""
    manifest = contents.manifest
    if master is not None:
        fitting_key(master, manifest.key_fingerprint)
    for part in manifest.catalog.system:
        await asyncio.to_thread(_read, contents, part)
    done = 0
    for workspace in manifest.workspaces:
        if workspace.database is None:
            continue
        for part in workspace.database.system:
            await asyncio.to_thread(_read, contents, part)
        tables = contents.tables(workspace.database)
        keys = None if master is None else contents.keys(workspace, master)
        for part in workspace.database.tables:
            table = tables[part.table]
            ciphers = {}
            if keys is not None:
                ciphers = {
                    at: keys.cipher(table.id, column.id, column.keys)
                    for at, column in enumerate(table.columns)
                    if column.is_encrypted
                }
            await asyncio.to_thread(_read, contents, part, workspace, table, ciphers)
            done += part.rows
            report(CopyProgress("verify", table.name, done, manifest.rows))


def _read(
    contents: Contents,
    part: BackupPart,
    workspace: BackupWorkspace | None = None,
    table: Table | None = None,
    ciphers: dict[int, ColumnCipher] | None = None,
) -> None:
    for rows in contents.rows(part):
        for at, cipher in (ciphers or {}).items():
            try:
                _decrypt(rows, at, cipher)
            except CorruptedCell:
                assert workspace is not None  # noqa: S101 - only tables have ciphers
                assert table is not None  # noqa: S101 - the same
                raise SetupError(
                    f"Workspace {workspace.name}, table {table.name}: a cell of column "
                    f"{table.columns[at].name} cannot be decrypted."
                ) from None


def _decrypt(rows: Sequence[Row], at: int, cipher: ColumnCipher) -> None:
    for row in rows:
        if row[at] is not None:
            cipher.open(row[at])
