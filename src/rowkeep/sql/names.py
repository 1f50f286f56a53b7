"""Physical names: the names of tables, columns and indexes inside the engines.

They are the users' names wherever an engine allows it, so that they can be recognised in any SQL tool. No
name of a user begins with ``_``, so every name that does is ours.
"""

from __future__ import annotations

from sqlalchemy.sql import quoted_name

from rowkeep.model.tables import Column, Index, Table

POSTGRES_SYSTEM_COLUMNS = {"ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"}

SQLITE_ROW_IDS = {"oid", "rowid"}


def quoted(name: str) -> quoted_name:
    """The only function that makes identifiers: they are always quoted, so that no word is reserved and case
    is preserved."""
    return quoted_name(name, quote=True)


def table_name(table: Table) -> quoted_name:
    """SQLite reserves names that begin with ``sqlite_``. Our replacement has the same length, because the
    limit is 63."""
    return quoted(f"_{table.name[1:]}" if table.name.lower().startswith("sqlite_") else table.name)


def column_name(name: str) -> quoted_name:
    """The physical name of a column. PostgreSQL has system columns of its own in every table, and SQLite
    cannot rename a column to a name of its row id."""
    is_reserved = name in POSTGRES_SYSTEM_COLUMNS or name.lower() in SQLITE_ROW_IDS
    return quoted(f"_{name}" if is_reserved else name)


def sort_key_name(name: str) -> quoted_name:
    """The column that stores the sort key, for types that an engine cannot compare."""
    return quoted(f"_key_{name}")


def reference_name(table: Table, column: Column) -> quoted_name:
    return quoted(f"_fk_{table.id}_{column.id}")


def reference_index_name(table: Table, column: Column) -> quoted_name:
    return quoted(f"_fx_{table.id}_{column.id}")


def key_name(table: Table) -> quoted_name:
    return quoted(f"_pk_{table.id}")


def index_name(table: Table, index: Index) -> quoted_name:
    """The physical name of an index. Index names are unique within a table in Rowkeep, but within a database
    in the engines."""
    return quoted(f"_ix_{table.id}_{index.id}")


def index_named(table: Table, physical: str) -> Index | None:
    """The index that has this name inside the engine, or on one shard of it: there a number follows."""
    names = {str(index_name(table, index)): index for index in table.indexes}
    return names.get(physical) or names.get(physical.rpartition("_")[0])
