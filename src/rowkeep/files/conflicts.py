"""Conflicts: rows whose key is in the table, for --on-conflict.

Rows are inserted first, so that valid ones do not depend on others. What was refused only because of its key
is then ignored or upserted.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

from rowkeep.errors.catalogue import MissingValue, ReferenceViolation, UniqueViolation
from rowkeep.files.rejects import Reject
from rowkeep.files.requests import BulkOptions, OnConflict
from rowkeep.files.table_columns import TableColumns

OF_EXISTING = {UniqueViolation.code, MissingValue.code, ReferenceViolation.code}


class Conflict(Enum):
    """What a refused row is."""

    NONE = "none"
    IGNORED = "ignored"
    EXISTS = "exists"


class Conflicts:
    """Finds rows that exist by the errors of their insert."""

    def __init__(self, options: BulkOptions, columns: TableColumns) -> None:
        self._action = options.on_conflict
        self._columns = columns
        self._key = [columns.find(name).name for name in options.key]
        self._referring = {each.column for each in columns.references}

    def judge(self, row: Reject) -> Conflict:
        """Whether a row may exist. An upsert decides if that is not certain: a row that exists needs no
        required columns, and may conflict in another index only with itself."""
        codes = {error.code for error in row.errors}
        if self._action is OnConflict.ERROR or not codes <= OF_EXISTING or codes == {ReferenceViolation.code}:
            return Conflict.NONE
        if self._action is OnConflict.IGNORE:
            return Conflict.IGNORED if self._is_certain(row) else Conflict.EXISTS
        return Conflict.EXISTS if self._may_refer(row) else Conflict.NONE

    def _is_certain(self, row: Reject) -> bool:
        return len(self._key) == 1 and any(
            error.code == UniqueViolation.code and self._column(str(error.pointer)) == self._key[0]
            for error in row.errors
        )

    def _may_refer(self, row: Reject) -> bool:
        """Whether what the row refers to may be in the file."""
        return all(
            self._column(str(error.pointer)) in self._referring
            for error in row.errors
            if error.code == ReferenceViolation.code
        )

    def must_check(self, rows: Iterable[Reject]) -> bool:
        """Whether the references of these rows must be checked before they are upserted."""
        return self._action is OnConflict.UPDATE and any(
            error.code == ReferenceViolation.code for row in rows for error in row.errors
        )

    def _column(self, pointer: str) -> str | None:
        return self._columns.name_of(pointer.removeprefix("/"))
