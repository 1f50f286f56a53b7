"""Foreign tables: tables of databases that are not Rowkeep's, as they are read from there."""

from __future__ import annotations

from enum import Enum

import msgspec


class Family(Enum):
    """What the type of a foreign column means for a copy."""

    BOOLEAN = "boolean"
    INTEGER = "integer"
    DOUBLE = "double"
    DECIMAL = "decimal"
    TEXT = "text"
    MOMENT = "moment"
    """A point in time, with its offset from UTC."""
    LOCAL_MOMENT = "local moment"
    """A date and a time without an offset."""
    DAY = "day"
    JSON = "json"
    ARRAY = "array"
    BINARY = "binary"
    OTHER = "other"
    """Any other type: its cells are copied as text."""


class ForeignColumn(msgspec.Struct, frozen=True, kw_only=True):
    """A column. ``type`` is the SQL name of its type, ``default`` its default as SQL; ``made_by`` says how
    the database makes its values, if it does."""

    name: str
    type: str
    family: Family
    max_length: int | None = None
    is_required: bool = False
    default: str | None = None
    made_by: str | None = None
    values: tuple[str, ...] = ()
    """The only values that an enumeration allows."""


class ForeignIndex(msgspec.Struct, frozen=True):
    """An index or a unique constraint. Without a name if the database gives it none; ``obstacle`` says why it
    cannot be copied, as far as the database alone shows it."""

    name: str | None
    columns: tuple[str, ...]
    is_unique: bool
    descending: frozenset[str] = frozenset()
    obstacle: str | None = None


class ForeignReference(msgspec.Struct, frozen=True):
    """A foreign key. ``actions`` has what it does on updates and deletes, as SQL."""

    columns: tuple[str, ...]
    table: str
    to_columns: tuple[str, ...]
    schema: str | None = None
    actions: str = ""


class ForeignTable(msgspec.Struct, frozen=True, kw_only=True):
    """A table. ``checks`` has the names or texts of its check constraints."""

    name: str
    columns: tuple[ForeignColumn, ...]
    key: tuple[str, ...] = ()
    indexes: tuple[ForeignIndex, ...] = ()
    references: tuple[ForeignReference, ...] = ()
    checks: tuple[str, ...] = ()
    comment: str = ""
    has_row_numbers: bool = False
    """Whether the database numbers its rows (the rowid of SQLite)."""
    is_partitioned: bool = False
    """Whether its rows are in other tables (partitions), which are not listed."""


class ForeignSchema(msgspec.Struct, frozen=True):
    """The tables of a database, and the names of its views, which are not copied."""

    tables: tuple[ForeignTable, ...]
    views: tuple[str, ...] = ()
