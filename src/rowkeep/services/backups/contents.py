"""Contents: what an archive contains, checked before it is used: an archive without a passphrase can be
changed by anybody who can write to it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from rowkeep.catalog.workspace import key_bound_to
from rowkeep.crypto.ciphers import DataKeys, Sealer, WrongKey
from rowkeep.crypto.master_key import MasterKeys
from rowkeep.errors.catalogue import NoSuchTable, NoSuchWorkspace, SetupError, preview
from rowkeep.model.access import Workspace
from rowkeep.model.backups import BackupDatabase, BackupPart, BackupWorkspace
from rowkeep.model.tables import NAME, Table, name_key
from rowkeep.services.backups.archives import Archive
from rowkeep.services.backups.lines import decode_lines, encrypted_columns
from rowkeep.sql.backups import backed_up_tables, binary_columns
from rowkeep.storage.contract import Row
from rowkeep.storage.known_databases import PHYSICAL
from rowkeep.storage.migrations import CATALOG_STEPS, WORKSPACE_STEPS
from rowkeep.storage.scripts.stored_definitions import stored_table

TABLE_ID_LENGTH = 64


class Contents:
    """The rows of an archive."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self.manifest = archive.manifest
        with archive.damage_named("manifest"):
            self._check()

    def _check(self) -> None:
        manifest = self.manifest
        if manifest.catalog.steps > len(CATALOG_STEPS) or any(
            each.steps > len(WORKSPACE_STEPS) for each in manifest.databases
        ):
            raise SetupError(
                f"The backup was written by a newer version of Rowkeep ({manifest.rowkeep}). Use that "
                "version or a later one."
            )
        _check_system(manifest.catalog, is_catalog=True)
        for each in manifest.workspaces:
            if not NAME.fullmatch(each.name) or not PHYSICAL.fullmatch(workspace_of(each).physical):
                raise ValueError(f"{preview(each.name)} is not the name of a workspace")
            if each.database is not None:
                _check_system(each.database, is_catalog=False)

    def rows(self, part: BackupPart) -> Iterator[Sequence[Row]]:
        """The rows of a part. Raises SetupError for a damaged one, at the latest after its last row."""
        for lines in self._archive.blocks(part):
            with self._archive.damage_named(part.path):
                rows = decode_lines(lines, len(part.columns), part.binary)
            yield rows

    def named_rows(self, part: BackupPart | None) -> Iterator[dict[str, Any]]:
        """The rows of a system table by the names of its columns; none if it has no part."""
        if part is not None:
            for rows in self.rows(part):
                for row in rows:
                    yield dict(zip(part.columns, row, strict=True))

    def workspace(self, name: str) -> BackupWorkspace:
        """Raises NoSuchWorkspace."""
        for each in self.manifest.workspaces:
            if name_key(each.name) == name_key(name):
                return each
        raise NoSuchWorkspace(f"The backup has no workspace {preview(name)}.")

    def tables(self, database: BackupDatabase) -> dict[str, Table]:
        """The tables of a workspace by their ids."""
        part = database.part("_rowkeep_tables")
        found: dict[str, Table] = {}
        for row in self.named_rows(part):
            with self._archive.damage_named("the definition of a table"):
                table = stored_table(row["definition"])
                _check_table(table, row)
            found[table.id] = table
        with self._archive.damage_named("the list of tables"):
            _check_parts(database, found)
        return found

    def keys(self, workspace: BackupWorkspace, master: MasterKeys) -> DataKeys:
        """The data keys of a workspace. Raises SetupError if the master key is another one."""
        assert workspace.database is not None  # noqa: S101 - only such ones have keys
        fingerprint = self.manifest.key_fingerprint
        sealer = fitting_key(master, fingerprint)
        keys: dict[int, bytes] = {}
        for row in self.named_rows(workspace.database.part("_rowkeep_data_keys")):
            try:
                keys[row["number"]] = sealer.open(row["wrapped"], key_bound_to(workspace_of(workspace)))
            except WrongKey:
                raise SetupError(
                    f"The data keys of workspace {workspace.name} cannot be decrypted with the master key."
                ) from None
        if not keys:
            raise SetupError(f"The backup has no data keys of workspace {workspace.name}.")
        return DataKeys(keys)


def fitting_key(master: MasterKeys, fingerprint: str) -> Sealer:
    """The master key of a backup. Raises SetupError if it is not among these."""
    if fingerprint not in master.fingerprints:
        raise SetupError(
            f"Wrong master key: the backup needs the key with the fingerprint {fingerprint}. Give its key "
            "file with --key-file, or set ROWKEEP_MASTER_KEY."
        )
    return master.sealer(fingerprint)


def workspace_of(workspace: BackupWorkspace) -> Workspace:
    return Workspace(workspace.id, workspace.name, workspace.created_on, workspace.database is not None)


def find_table(tables: Iterable[Table], name: str) -> Table:
    """The table with this name, in any case. Raises NoSuchTable."""
    for table in tables:
        if name_key(table.name) == name_key(name):
            return table
    raise NoSuchTable(f"The workspace in the backup has no table {preview(name)}.")


def _check_system(database: BackupDatabase, *, is_catalog: bool) -> None:
    """Raises ValueError for tables and columns that are not ours."""
    known = backed_up_tables(None, is_catalog=is_catalog)
    for part in database.system:
        table = known.get(part.table)
        if table is None or not set(part.columns) <= set(table.c.keys()):
            raise ValueError(f"{preview(part.table)} is not a system table")
        binary = {table.c[at].name for at in binary_columns(table)} & set(part.columns)
        if {part.columns[at] for at in part.binary} != binary:
            raise ValueError(f"the columns of {part.table} are not those of the system table")


def _check_table(table: Table, row: dict[str, Any]) -> None:
    """Raises ValueError for a definition that no Rowkeep has stored."""
    names = [table.name, *(column.name for column in table.columns)]
    names += [index.name for index in table.indexes]
    is_named = all(map(NAME.fullmatch, names)) and table.id.isalnum() and len(table.id) <= TABLE_ID_LENGTH
    if not is_named or (table.id, name_key(table.name)) != (row["id"], row["name_key"]):
        raise ValueError(f"{preview(table.name)} is not a valid table")
    known = {column.name for column in table.all_columns}
    if not {part.name for index in table.indexes for part in index.columns} <= known:
        raise ValueError(f"an index of {preview(table.name)} has unknown columns")
    for column in table.columns:
        column.type_facts  # noqa: B018 - raises KeyError for an unknown type


def _check_parts(database: BackupDatabase, tables: dict[str, Table]) -> None:
    """Raises ValueError if the rows of a table are missing, or have other columns."""
    parts = {part.table: part for part in database.tables}
    if parts.keys() != tables.keys():
        raise ValueError("the rows of a table are missing")
    for table in tables.values():
        names = tuple(column.name for column in table.stored_columns)
        if (parts[table.id].columns, parts[table.id].binary) != (names, encrypted_columns(table)):
            raise ValueError(f"the rows of {table.name} have other columns than its definition")
        for column in table.columns:
            to = column.reference
            if to is not None and (
                to.table not in tables or to.column not in {c.id for c in tables[to.table].all_columns}
            ):
                raise ValueError(f"{table.name}.{column.name} refers to a missing column")
