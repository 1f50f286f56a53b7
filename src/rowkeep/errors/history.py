"""History: the errors of requests for recorded changes."""

from __future__ import annotations

from rowkeep.errors.base import RowkeepError


class HistoryOff(RowkeepError):
    """The table has no history: its changes are not recorded."""

    code, status, title = "history_off", 409, "History is off"


class HistoryExpired(RowkeepError):
    """The records of changes do not reach back that far: they were deleted, or never made."""

    code, status, title = "history_expired", 410, "History expired"
