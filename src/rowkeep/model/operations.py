"""Operations: writes of tables with a history, as lists have them."""

from __future__ import annotations

import msgspec

MAX_COUNTED = 10_000
"""How many changes of an operation are counted in each table."""


class OperationFilter(msgspec.Struct, frozen=True):
    """Which operations a list has; an empty text stands for all. ``since`` is the earliest time, and
    ``until`` the time from which on they are not listed."""

    table: str = ""
    writer: str = ""
    since: str = ""
    until: str = ""


class ChangeCounts(msgspec.Struct, frozen=True):
    """How many rows an operation has inserted, changed and deleted in a table; ``is_cut`` if it has more
    changes than were counted."""

    table: str
    table_id: str = ""
    inserted: int = 0
    changed: int = 0
    deleted: int = 0
    is_cut: bool = False


class RecordedOperation(msgspec.Struct, frozen=True):
    """An operation with its changes in the tables that the reader may read."""

    position: int
    id: str
    writer: str
    stamped: str
    tables: tuple[ChangeCounts, ...]
