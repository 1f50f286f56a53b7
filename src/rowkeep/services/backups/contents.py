"""Contents: what an archive contains, checked before it is used: an archive without a passphrase can be
changed by anybody who can write to it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from rowkeep.catalog.workspace import key_bound_to
from rowkeep.crypto.ciphers import DataKeys, Sealer, WrongKey
from rowkeep.crypto.master_key import MasterKeys
from rowkeep.errors.catalogue import NoSuchTable, NoSuchWorkspace, SetupError, preview
from rowkeep.model.access import Workspace
from rowkeep.model.backups import BackupDatabase, BackupPart, BackupWorkspace
from rowkeep.model.tables import NAME, Column, Table, name_key
from rowkeep.services.backups.archives import Archive
from rowkeep.services.backups.cells import CellTypes, of_records, of_rows, of_system_table
from rowkeep.services.backups.lines import Lines, encrypted_columns
from rowkeep.sql.backups import backed_up_tables, binary_columns, needed_columns
from rowkeep.sql.dialects import SQLITE
from rowkeep.sql.history_copies import HistoryCopySql
from rowkeep.sql.history_table import HistoryTable
from rowkeep.storage.contract import Row
from rowkeep.storage.known_databases import PHYSICAL
from rowkeep.storage.migrations import CATALOG_STEPS, WORKSPACE_STEPS
from rowkeep.storage.scripts.history import read_dropped
from rowkeep.storage.scripts.stored_definitions import stored_table, stored_view

TABLE_ID_LENGTH = 64


class Contents:
    """The rows of an archive."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self.manifest = archive.manifest
        self._system = {
            name: table
            for is_catalog in (True, False)
            for name, table in backed_up_tables(None, is_catalog=is_catalog).items()
        }
        with archive.damage_named("manifest"):
            self._check()

    def _check(self) -> None:
        manifest = self.manifest
        if min(each.steps for each in (manifest.catalog, *manifest.databases)) < 1:
            raise ValueError("a database has no migrations")
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

    def system_rows(self, part: BackupPart) -> Iterator[Sequence[Row]]:
        """The rows of a system table. Raises SetupError for a part that is damaged, at the latest after its
        last row."""
        return self._rows(part, of_system_table(self._system[part.table], part.columns))

    def rows(self, part: BackupPart, table: Table) -> Iterator[Sequence[Row]]:
        """The same for the rows of a table."""
        return self._rows(part, of_rows(table.stored_columns, table.name))

    def records(self, part: BackupPart, records: HistoryTable) -> Iterator[Sequence[Row]]:
        """The same for the records of the changes of a table."""
        return self._rows(part, of_records(records.columns, records.table.name))

    def _rows(self, part: BackupPart, types: CellTypes) -> Iterator[Sequence[Row]]:
        reader = Lines(types)
        for lines in self._archive.blocks(part):
            with self._archive.damage_named(part.path):
                rows = reader.read(lines)
            yield rows

    def named_rows(self, part: BackupPart | None) -> Iterator[dict[str, Any]]:
        """The rows of a system table by the names of its columns; none if it has no part."""
        if part is not None:
            for rows in self.system_rows(part):
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

    def check_views(self, database: BackupDatabase) -> None:
        """Raises SetupError for a view whose definition cannot be read."""
        for row in self.named_rows(database.part("_rowkeep_views")):
            with self._archive.damage_named("the definition of a view"):
                stored_view(row["definition"])

    def histories(self, database: BackupDatabase, tables: Mapping[str, Table]) -> dict[str, HistoryTable]:
        """The records of the changes of the tables that have a history, by the ids of the tables."""
        dropped: dict[str, tuple[Column, ...]] = {}
        for row in self.named_rows(database.part("_rowkeep_histories")):
            with self._archive.damage_named("the history of a table"):
                dropped[row["table_id"]] = read_dropped(row["columns"])
        with self._archive.damage_named("the list of histories"):
            found = {
                table.id: HistoryTable(table, SQLITE, None, dropped.get(table.id, ()))
                for table in tables.values()
                if table.history is not None
            }
            _check_records(database, found)
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
    if len({part.table for part in database.system}) < len(database.system):
        raise ValueError("a system table is there twice")
    for part in database.system:
        table = known.get(part.table)
        names = set(part.columns)
        if table is None or not names <= set(table.c.keys()):
            raise ValueError(f"{preview(part.table)} is not a system table")
        binary = {table.c[at].name for at in binary_columns(table)} & names
        placed = tuple(at for at, name in enumerate(part.columns) if name in binary)
        if len(names) < len(part.columns) or part.binary != placed or not needed_columns(table) <= names:
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
    if parts.keys() != tables.keys() or len(parts) < len(database.tables):
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


def _check_records(database: BackupDatabase, histories: Mapping[str, HistoryTable]) -> None:
    """Raises ValueError if the records of a table are missing, or have other columns."""
    parts = {part.table: part for part in database.records}
    if parts.keys() != histories.keys() or len(parts) < len(database.records):
        raise ValueError("the records of a table are missing, or belong to none")
    for table_id, records in histories.items():
        sql = HistoryCopySql(records)
        if (parts[table_id].columns, parts[table_id].binary) != (sql.columns, sql.binary):
            raise ValueError(f"the records of {records.table.name} have other columns than its definition")
