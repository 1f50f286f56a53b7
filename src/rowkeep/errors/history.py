"""History: the errors of requests for recorded changes."""

from __future__ import annotations

from rowkeep.errors.base import RowkeepError


class HistoryOff(RowkeepError):
    """The table has no history: its changes are not recorded."""

    code, status, title = "history_off", 409, "History is off"


class HistoryExpired(RowkeepError):
    """The records of changes do not reach back that far: they were deleted, or never made."""

    code, status, title = "history_expired", 410, "History expired"


class NoSuchOperation(RowkeepError):
    """No such operation is recorded: its id is unknown, it changed no table with a history, or its records
    have expired. For an app, the operations of others do not exist."""

    code, status, title = "no_such_operation", 404, "No such operation"


class UndoConflict(RowkeepError):
    """Rows were changed after what is to be undone, or are gone, or are there again. ``conflicts`` lists
    them; ``nRestored``, ``nChanged`` and ``nRemoved`` say what could be undone. Nothing was undone."""

    code, status, title = "undo_conflict", 409, "Undo conflicts with later changes"
