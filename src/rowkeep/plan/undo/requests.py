"""Requests: what is to be undone, and what was."""

from __future__ import annotations

from enum import Enum

import msgspec

from rowkeep.model.access import Right


class OnConflict(Enum):
    """What an undo does with rows that others have changed since: it undoes nothing, leaves them as they are,
    or undoes their changes as well."""

    FAIL = "fail"
    SKIP = "skip"
    FORCE = "force"


class UndoPlan(msgspec.Struct, frozen=True):
    """What is to be undone: changes of one operation, by its id, of one writer, of these tables, and from one
    time to another, by all of these that are given.

    ``own`` is the id of the operation that undoes them, and ``writer_of_undo`` its writer, at the time
    ``now``. If ``only_own``, an operation of another writer is as unknown as one that nobody made.
    ``max_affected`` limits the rows that are changed and removed. ``is_careful`` writes one row at a time, so
    that the row that does not fit is known."""

    own: str
    writer_of_undo: str
    now: str
    operation: str | None = None
    writer: str | None = None
    tables: frozenset[str] | None = None
    """The ids of tables."""
    since: str | None = None
    until: str | None = None
    on_conflict: OnConflict = OnConflict.FAIL
    only_own: bool = False
    max_affected: int | None = None
    is_careful: bool = False


class Conflict(msgspec.Struct, frozen=True):
    """A change that is not undone, or only by overriding what came after it."""

    table: str
    row_key: str
    operation: str


class UndoDone(msgspec.Struct, frozen=True):
    """How many rows were inserted again, changed and removed. ``conflicts`` are the first ones of
    ``n_conflicts``. ``needed`` are the rights that this takes, by the id of a table."""

    n_restored: int
    n_changed: int
    n_removed: int
    conflicts: tuple[Conflict, ...]
    n_conflicts: int
    needed: dict[str, tuple[Right, ...]]

    def members(self) -> dict[str, object]:
        """The members of a response. ``nConflicts`` is there if not all conflicts are listed."""
        listed = [
            {"table": each.table, "_id": each.row_key, "operation": each.operation} for each in self.conflicts
        ]
        more = {"nConflicts": self.n_conflicts} if self.n_conflicts > len(listed) else {}
        return {
            "nRestored": self.n_restored,
            "nChanged": self.n_changed,
            "nRemoved": self.n_removed,
            "conflicts": listed,
            **more,
        }
