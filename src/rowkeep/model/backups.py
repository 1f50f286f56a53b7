"""Backups: what a backup says about itself."""

from __future__ import annotations

import msgspec

FORMAT = 1
"""The version of the format. It is raised when an older Rowkeep cannot read new backups."""


class BackupHeader(msgspec.Struct, frozen=True):
    """The only part that is never encrypted. ``salt`` is that of the passphrase; empty without one."""

    format: int
    salt: str = ""


class BackupPart(msgspec.Struct, frozen=True):
    """One table: its rows as lines of JSON arrays, compressed, and encrypted if the backup is. ``sha256`` and
    ``bytes`` are about the stored part. ``columns`` has the names of the cells; bytes are base64 in those of
    ``binary``."""

    path: str
    table: str
    rows: int
    bytes: int
    sha256: str
    columns: tuple[str, ...]
    binary: tuple[int, ...] = ()


class BackupDatabase(msgspec.Struct, frozen=True):
    """One database: how many migrations it has completed, its system tables, the users' tables by their ids,
    and the records of those that have a history. System tables without rows are left out."""

    steps: int
    system: tuple[BackupPart, ...]
    tables: tuple[BackupPart, ...] = ()
    records: tuple[BackupPart, ...] = ()

    def part(self, table: str) -> BackupPart | None:
        """The part of a system table; None if it has no rows."""
        return next((each for each in self.system if each.table == table), None)


class BackupWorkspace(msgspec.Struct, frozen=True):
    """A workspace; without a database if it was never used."""

    id: int
    name: str
    created_on: str
    database: BackupDatabase | None = None


class Manifest(msgspec.Struct, frozen=True):
    """What a backup contains: all parts with their checksums, and which master key they need."""

    rowkeep: str
    created_on: str
    engine: str
    key_fingerprint: str
    catalog: BackupDatabase
    workspaces: tuple[BackupWorkspace, ...]
    master_key: str | None = None
    """The master key, if it was asked for."""

    @property
    def rows(self) -> int:
        """The rows of the users' tables."""
        return sum(part.rows for each in self.databases for part in each.tables)

    @property
    def databases(self) -> list[BackupDatabase]:
        """Those of the workspaces."""
        return [each.database for each in self.workspaces if each.database is not None]

    @property
    def parts(self) -> list[BackupPart]:
        databases = (self.catalog, *self.databases)
        return [part for each in databases for part in (*each.system, *each.tables, *each.records)]
