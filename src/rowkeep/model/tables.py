"""Tables: columns, indexes and the six system columns, as frozen structs."""

from __future__ import annotations

import re
from typing import Protocol

import msgspec

from rowkeep.model.column_types import COLUMN_TYPES, ColumnType, Kind
from rowkeep.model.history import History
from rowkeep.model.values.scalars import Cell

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,62}")
"""Names of workspaces, tables, columns and indexes (contract, section 1)."""

MAX_COLUMNS = 400
"""The fixed part of a row must fit one page of the engine (8 KiB on PostgreSQL) with any types."""

MAX_INDEXES = 64
MAX_INDEX_COLUMNS = 16
MAX_DESCRIPTION = 100

MAX_INDEX_BYTES = 2600
"""The maximum size of the text in an index entry: PostgreSQL's B-trees refuse entries over 2,704 bytes."""

SEAL_BYTES = 16
"""The number of bytes that encryption adds to a cell (AES-SIV, RFC 5297)."""

ROW_KEY = "_id"


class Reference(msgspec.Struct, frozen=True):
    """A column of a table, by their ids, which do not change when names do."""

    table: str
    column: str


class Column(msgspec.Struct, frozen=True, kw_only=True):
    """A column of a table. ``id`` is unique in its table and never reused. ``key`` is the number of the data
    key of an encrypted column; some of its cells may still be encrypted with the ``old_key``. ``max_bytes``
    is the limit in UTF-8 that its indexes set; None for no limit."""

    id: str
    name: str
    type: str
    is_required: bool = False
    is_encrypted: bool = False
    key: int = 1
    old_key: int | None = None
    reference: Reference | None = None
    max_length: int | None = None
    default: Cell = None
    max_bytes: int | None = None
    is_system: bool = False

    @property
    def type_facts(self) -> ColumnType:
        return COLUMN_TYPES[self.type]

    @property
    def kind(self) -> Kind:
        """How its cells are stored."""
        return Kind.SEALED if self.is_encrypted else self.type_facts.kind

    @property
    def is_comparable(self) -> bool:
        """Whether cells can be compared for equality."""
        return COLUMN_TYPES[self.type].is_comparable

    @property
    def is_sortable(self) -> bool:
        return self.is_comparable and not self.is_encrypted

    @property
    def is_ordered(self) -> bool:
        """Whether cells can be compared by order."""
        return self.type_facts.is_ordered and not self.is_encrypted

    @property
    def is_number(self) -> bool:
        """Whether cells can be added."""
        return self.type_facts.is_number and not self.is_encrypted

    @property
    def is_text(self) -> bool:
        """Whether cells can be searched as text."""
        return self.type_facts.is_text and not self.is_encrypted

    @property
    def reads_empty_as_null(self) -> bool:
        """Whether ``""`` means null, because bots send all values as strings. In a string or JSON column it
        is a value."""
        return not self.type_facts.has_empty_text

    @property
    def keys(self) -> tuple[int, ...]:
        """The numbers of the data keys that its cells may be encrypted with, the current one first."""
        if not self.is_encrypted:
            return ()
        return (self.key,) if self.old_key is None else (self.key, self.old_key)

    @property
    def holds_sys_ids(self) -> bool:
        """Whether it references ``sys_Id``: it then stores the ``_id`` that each of its values contains."""
        return self.reference is not None and self.reference.column == "sys_Id"


def _system(name: str, type_: str) -> Column:
    return Column(id=name, name=name, type=type_, is_required=True, is_system=True)


SYSTEM_COLUMNS: tuple[Column, ...] = (
    _system("Updated_On", "date"),
    _system("Created_On", "date"),
    _system("Updated_By", "string"),
    _system("Created_By", "string"),
    _system("sys_Id", "string"),
    _system(ROW_KEY, "string"),
)
"""In their order in records, after the table's own columns."""

STORED_SYSTEM_COLUMNS: tuple[Column, ...] = tuple(c for c in SYSTEM_COLUMNS if c.name != "sys_Id")
"""``sys_Id`` is derived from ``_id``, so that a row needs only one unique index."""


class IndexColumn(msgspec.Struct, frozen=True):
    name: str
    descending: bool = False


class Index(msgspec.Struct, frozen=True):
    """An index of a table. ``id`` identifies it in its table and does not change when others are added or
    dropped."""

    name: str
    columns: tuple[IndexColumn, ...]
    is_unique: bool = False
    id: int = 0


class Retention(msgspec.Struct, frozen=True):
    """Rows are deleted when the date in a column, by its id, is this many days ago."""

    column: str
    days: int


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """The definition of a table. ``id`` is never reused, even after the table is dropped; ``columns_made`` is
    the number of column ids that were assigned so far."""

    id: str
    name: str
    description: str = ""
    columns: tuple[Column, ...]
    columns_made: int = 0
    indexes: tuple[Index, ...] = ()
    retention: Retention | None = None
    history: History | None = None

    @property
    def all_columns(self) -> tuple[Column, ...]:
        """In the order of a record."""
        return (*self.columns, *SYSTEM_COLUMNS)

    @property
    def stored_columns(self) -> tuple[Column, ...]:
        """In the order of stored rows."""
        return (*self.columns, *STORED_SYSTEM_COLUMNS)


COUNTED = 10_000
"""A table of up to so many rows is counted for its size; of a larger one, the number is an estimate."""


class TableSize(msgspec.Struct, frozen=True):
    """The number of rows of a table, and about how many bytes they take. Of a large table, both are
    estimates."""

    rows: int
    bytes: int


class Columns(Protocol):
    """A table or a view: it has its own columns and, if it is a table, system columns after them."""

    @property
    def name(self) -> str: ...

    @property
    def columns(self) -> tuple[Column, ...]: ...

    @property
    def all_columns(self) -> tuple[Column, ...]: ...

    @property
    def indexes(self) -> tuple[Index, ...]: ...


def name_key(name: str) -> str:
    """The key of a name: names are unique without regard to case."""
    return name.lower()


def simplified(name: str) -> str:
    """A name without case, ``_``, ``-`` and spaces."""
    return name.lower().translate(_IGNORED)


_IGNORED = dict.fromkeys(map(ord, "_- "))


def text_limits(columns: tuple[Column, ...], indexes: tuple[Index, ...]) -> dict[str, int]:
    """The maximum number of bytes of a value, for each indexed string column.

    The string columns of an index share :data:`MAX_INDEX_BYTES` evenly. A reference has an index of its own,
    and an encrypted value is longer than its text.
    """
    text = {
        c.name: SEAL_BYTES if c.is_encrypted else 0
        for c in (*columns, *SYSTEM_COLUMNS)
        if c.type_facts.is_text
    }
    limits: dict[str, int] = {}
    indexed = [[part.name for part in index.columns] for index in indexes]
    for names in [*indexed, *([c.name] for c in columns if c.reference is not None)]:
        named = [name for name in names if name in text]
        for name in named:
            share = MAX_INDEX_BYTES // len(named) - text[name]
            limits[name] = min(limits.get(name, share), share)
    return limits
