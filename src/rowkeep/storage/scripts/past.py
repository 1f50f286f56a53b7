"""Past: which operations a moment of the past contains."""

from __future__ import annotations

import sqlalchemy as sa

from rowkeep.errors.catalogue import HistoryExpired, HistoryOff
from rowkeep.model.tables import Table
from rowkeep.storage.contract import Steps
from rowkeep.storage.scripts.history import HistoryScripts


class PastScripts:
    """The scripts of one workspace."""

    def __init__(self, history: HistoryScripts) -> None:
        self._history = history
        self._system = history._system

    def is_closed(self, moment: str) -> Steps[bool]:
        """Whether no operation can be stamped at or before a moment any more."""
        state = self._system.history_state
        rows = yield from self._history._do(sa.select(state.c.moment))
        return bool(rows) and rows[0][0] >= moment

    def position(self, table: Table, moment: str) -> Steps[int]:
        """The position of the last operation at or before a moment, which is closed; 0 if there is none.
        Raises HistoryOff, HistoryExpired."""
        records = yield from self._history.records_of(table.id)
        if records is None:
            raise HistoryOff(
                f"Table {table.name} has no history, so it can only be read as it is now.", pointer="/asOf"
            )
        if moment < records.since:
            raise HistoryExpired(
                f"The history of {table.name} begins at {records.since}; it has no records of {moment}.",
                pointer="/asOf",
            )
        operations = self._system.operations
        is_ordered = operations.c.position.is_not(None)
        rows = yield from self._history._do(
            sa.select(operations.c.position)
            .where(is_ordered, operations.c.stamped <= moment)
            .order_by(operations.c.position.desc())
            .limit(1)
        )
        return int(rows[0][0]) if rows else 0
