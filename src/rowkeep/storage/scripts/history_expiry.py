"""History expiry: the scripts that delete old records of changes, some in each transaction."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from rowkeep.model.tables import Table
from rowkeep.sql.history_expiry import HistoryExpirySql
from rowkeep.storage.contract import Row, Steps
from rowkeep.storage.scripts.history import HistoryScripts
from rowkeep.storage.scripts.steps import run

RECORDS_AT_ONCE = 1000


class HistoryExpiry:
    """The scripts of one workspace."""

    def __init__(self, history: HistoryScripts) -> None:
        self._history = history
        self._sql = HistoryExpirySql(history.dialect, history.namespace)

    def last_before(self, moment: str) -> Steps[int]:
        """The greatest position of the operations that are older than a moment; 0 if there is none."""
        rows = yield self._sql.last_before(moment)
        return int(rows[0][0] or 0)

    def oldest(self, table: Table, position: int) -> Steps[Sequence[Row]]:
        """Some of the records of a table up to a position, the oldest ones; only reads."""
        records = yield from self._history.records_of(table.id)
        if records is None:
            return ()
        return (yield self._sql.oldest(table, records.first_position, position, RECORDS_AT_ONCE))

    def delete(self, table: Table, found: Sequence[Row], moment: str) -> Steps[None]:
        """Delete these records. Cursors before the last one of them have expired, and so have the moments
        before this one."""
        yield self._sql.delete(table, [row[0] for row in found])
        records = yield from self._history.records_of(table.id)
        if records is None:
            return
        last = max((row[1], row[0]) for row in found)
        first = max(last, (records.first_position, records.first_seq))
        changed = msgspec.structs.replace(
            records, since=max(records.since, moment), first_position=first[0], first_seq=first[1]
        )
        yield from self._history.store(table.id, changed)

    def has_operations(self, position: int) -> Steps[bool]:
        """Whether there are operations up to a position that can be deleted."""
        return bool((yield self._sql.has_operations(position)))

    def delete_operations(self, position: int) -> Steps[None]:
        """Delete some operations up to a position, of which no table has records."""
        yield from run(self._sql.delete_operations(position, RECORDS_AT_ONCE))
