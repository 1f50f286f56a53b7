"""Backups that somebody has changed: with other cells, and checksums that fit them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from rowkeep.model.backups import BackupDatabase, BackupPart
from rowkeep.services.backups.archives import Archive, ArchiveWriter, open_archive

Rows = list[list[Any]]


def lines_of(archive: Archive, part: BackupPart) -> Rows:
    """The rows of a part as they are in the file."""
    text = b"".join(archive.blocks(part))
    return [json.loads(line) for line in text.splitlines()]


def craft(path: Path, made: Path, change: Callable[[BackupPart, Rows], None]) -> None:
    """Write a backup again, with changed rows."""
    with open_archive(path, None) as archive, made.open("wb") as file:
        writer = ArchiveWriter(file, None)

        def changed(part: BackupPart) -> BackupPart:
            rows = lines_of(archive, part)
            change(part, rows)
            with writer.part(part.path) as fresh:
                fresh.write(b"".join(json.dumps(row).encode() + b"\n" for row in rows))
            return msgspec.structs.replace(part, rows=len(rows), bytes=fresh.bytes, sha256=fresh.sha256)

        def database(each: BackupDatabase) -> BackupDatabase:
            return BackupDatabase(
                each.steps,
                *(tuple(map(changed, parts)) for parts in (each.system, each.tables, each.records)),
            )

        manifest = archive.manifest
        workspaces = tuple(
            msgspec.structs.replace(each, database=each.database and database(each.database))
            for each in manifest.workspaces
        )
        catalog = database(manifest.catalog)
        writer.finish(msgspec.structs.replace(manifest, catalog=catalog, workspaces=workspaces))
        writer.close()
