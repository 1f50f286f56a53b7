"""Tables: columns, indexes and the six system columns, as frozen structs."""

from __future__ import annotations

import re
from typing import Protocol

import msgspec

from rowkeep.model.column_types import COLUMN_TYPES, ColumnType, Kind
from rowkeep.model.values.scalars import Cell

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,62}")
"""Names of workspaces, tables, columns and indexes (contract, section 1)."""

MAX_COLUMNS = 400
"""A row's fixed part must fit one page of the engines (8 KiB on PostgreSQL), whatever its columns are."""

MAX_INDEXES = 64
MAX_INDEX_COLUMNS = 16
MAX_DESCRIPTION = 100

MAX_INDEX_BYTES = 2600
"""What the text of one index entry may weigh: PostgreSQL's B-trees refuse entries over 2,704 bytes."""

SEAL_BYTES = 16
"""By how much a cell grows when it is encrypted (AES-SIV, RFC 5297)."""

ROW_KEY = "_id"


class Reference(msgspec.Struct, frozen=True):
    """A column of a table, by their ids, which stay what they are when names change."""

    table: str
    column: str


class Column(msgspec.Struct, frozen=True, kw_only=True):
    """A column of a table. ``id`` is given once in its table, and never again. ``key`` is the number of the
    data key that an encrypted one is sealed under; some of its cells may still be under the ``old_key``.
    ``max_bytes`` is what its
    indexes leave it, in UTF-8; None for no limit."""

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
        """Whether one can tell if two cells are equal."""
        return self.type_facts.is_comparable

    @property
    def is_sortable(self) -> bool:
        return self.is_comparable and not self.is_encrypted

    @property
    def is_ordered(self) -> bool:
        """Whether one can tell which of two cells is less."""
        return self.type_facts.is_ordered and not self.is_encrypted

    @property
    def is_number(self) -> bool:
        """Whether cells can be added."""
        return self.type_facts.is_number and not self.is_encrypted

    @property
    def is_text(self) -> bool:
        """Whether cells can be looked into as text."""
        return self.type_facts.is_text and not self.is_encrypted

    @property
    def reads_empty_as_null(self) -> bool:
        """Whether ``""`` is sent for an empty cell: bots send strings, empty ones included."""
        return not self.type_facts.has_empty_text

    @property
    def keys(self) -> tuple[int, ...]:
        """The numbers of the data keys that its cells may be sealed under, the present one first."""
        if not self.is_encrypted:
            return ()
        return (self.key,) if self.old_key is None else (self.key, self.old_key)

    @property
    def holds_sys_ids(self) -> bool:
        """Whether it refers to ``sys_Id``: it then stores the ``_id`` that each of its values carries."""
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
"""In the order in which records bear them, behind the table's own columns."""

STORED_SYSTEM_COLUMNS: tuple[Column, ...] = tuple(c for c in SYSTEM_COLUMNS if c.name != "sys_Id")
"""``sys_Id`` is derived from ``_id``, so that a row pays for one unique index."""


class IndexColumn(msgspec.Struct, frozen=True):
    name: str
    descending: bool = False


class Index(msgspec.Struct, frozen=True):
    """An index of a table. ``id`` tells it from the others of its table, and stays when those come or go."""

    name: str
    columns: tuple[IndexColumn, ...]
    is_unique: bool = False
    id: int = 0


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """The definition of a table. ``id`` is given once and never again, also after the table is gone;
    ``columns_made`` is how many ids columns were given so far."""

    id: str
    name: str
    description: str = ""
    columns: tuple[Column, ...]
    columns_made: int = 0
    indexes: tuple[Index, ...] = ()

    @property
    def all_columns(self) -> tuple[Column, ...]:
        """In the order of a record."""
        return (*self.columns, *SYSTEM_COLUMNS)

    @property
    def stored_columns(self) -> tuple[Column, ...]:
        """In the order in which rows are written."""
        return (*self.columns, *STORED_SYSTEM_COLUMNS)


class Columns(Protocol):
    """What has columns of its own, and perhaps those of every table behind them: a table or a view."""

    @property
    def name(self) -> str: ...

    @property
    def columns(self) -> tuple[Column, ...]: ...

    @property
    def all_columns(self) -> tuple[Column, ...]: ...

    @property
    def indexes(self) -> tuple[Index, ...]: ...


def name_key(name: str) -> str:
    """Names are unique without regard to case; this is what must be unique."""
    return name.lower()


def simplified(name: str) -> str:
    """What is left of a name when case, ``_``, ``-`` and spaces are ignored."""
    return name.lower().translate(_IGNORED)


_IGNORED = dict.fromkeys(map(ord, "_- "))


def text_limits(columns: tuple[Column, ...], indexes: tuple[Index, ...]) -> dict[str, int]:
    """For each string column that is indexed, how many bytes its values may have.

    The string columns of an index share :data:`MAX_INDEX_BYTES` evenly. A column that refers to another is
    indexed by itself, and what is encrypted is longer than its text.
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
