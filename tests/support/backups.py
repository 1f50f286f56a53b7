"""Backups as tests look at them: the rows of all parts, which are equal for equal stores on every engine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rowkeep.services.backups.archives import open_archive
from rowkeep.services.backups.contents import Contents

NOT_COMPARED = {"_rowkeep_idempotency_keys", "audit_entries"}
"""What a check itself can change. A backup is in the audit log, too."""


def rows_of(path: Path, passphrase: bytes | None = None) -> dict[str, list[Any]]:
    """All rows in a backup by the places of their tables."""
    with open_archive(path, passphrase) as archive:
        contents = Contents(archive)
        manifest = contents.manifest
        found = {part: contents.system_rows(part) for part in manifest.catalog.system}
        for database in manifest.databases:
            tables = contents.tables(database)
            histories = contents.histories(database, tables)
            found |= {part: contents.system_rows(part) for part in database.system}
            found |= {part: contents.rows(part, tables[part.table]) for part in database.tables}
            found |= {part: contents.records(part, histories[part.table]) for part in database.records}
        return {
            part.path.removesuffix(".enc"): [row for rows in batches for row in rows]
            for part, batches in found.items()
            if part.table not in NOT_COMPARED
        }
