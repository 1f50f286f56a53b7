"""Physical names: what tables, columns and indexes are called inside the engines.

They are the users' own names wherever an engine allows it, so that any SQL tool finds its way. No name of a
user begins with ``_``, so what does is ours.
"""

from __future__ import annotations

from sqlalchemy.sql import quoted_name

from rowkeep.model.tables import Column, Index, Table

POSTGRES_SYSTEM_COLUMNS = {"ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"}

SQLITE_ROW_IDS = {"oid", "rowid"}


def quoted(name: str) -> quoted_name:
    """The one door for identifiers: always quoted, so that no word is reserved and case is kept."""
    return quoted_name(name, quote=True)


def table_name(table: Table) -> quoted_name:
    """SQLite keeps names that begin with ``sqlite_`` for itself; ours is as long, for 63 is the most."""
    return quoted(f"_{table.name[1:]}" if table.name.lower().startswith("sqlite_") else table.name)


def column_name(name: str) -> quoted_name:
    """PostgreSQL has system columns of its own in every table, and SQLite gives an old column no name by
    which it knows its row ids."""
    is_kept = name in POSTGRES_SYSTEM_COLUMNS or name.lower() in SQLITE_ROW_IDS
    return quoted(f"_{name}" if is_kept else name)


def sort_key_name(name: str) -> quoted_name:
    """Where the key is stored by which an engine compares what it has no type for."""
    return quoted(f"_key_{name}")


def reference_name(table: Table, column: Column) -> quoted_name:
    return quoted(f"_fk_{table.id}_{column.id}")


def reference_index_name(table: Table, column: Column) -> quoted_name:
    return quoted(f"_fx_{table.id}_{column.id}")


def key_name(table: Table) -> quoted_name:
    return quoted(f"_pk_{table.id}")


def index_name(table: Table, index: Index) -> quoted_name:
    """Index names are unique within a table here, but within a database there."""
    return quoted(f"_ix_{table.id}_{index.id}")


def index_named(table: Table, physical: str) -> Index | None:
    """The index that has this name inside the engine, or on one shard of it: there a number follows."""
    names = {str(index_name(table, index)): index for index in table.indexes}
    return names.get(physical) or names.get(physical.rpartition("_")[0])
