"""History: scripts that begin and end the records of a table, and that put operations in order."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec
import sqlalchemy as sa

from rowkeep.model.ids import wall_clock
from rowkeep.model.tables import Column, Table
from rowkeep.model.values.scalars import canonical_date
from rowkeep.sql.history_order import HistoryOrder
from rowkeep.sql.history_table import HistoryTable
from rowkeep.storage.contract import Steps
from rowkeep.storage.scripts.steps import WorkspaceSteps, run

MAX_SEQ = 2**63 - 1
"""A number that no record has; it is after all of them."""

read_dropped = msgspec.json.Decoder(tuple[Column, ...]).decode
"""The columns that only records still have, from the text that is stored."""


class RecordsOf(msgspec.Struct, frozen=True):
    """What is known of the records of a table: since when they are complete, the position and the number of
    the last one that has expired (0 if none has), and the columns that only they still have."""

    since: str
    first_position: int
    first_seq: int
    dropped: tuple[Column, ...]


class HistoryScripts(WorkspaceSteps):
    """The scripts of one workspace."""

    def records_of(self, table_id: str) -> Steps[RecordsOf | None]:
        """None for a table without history."""
        each = self._system.histories
        rows = yield from self._do(
            sa.select(each.c.since, each.c.first_position, each.c.first_seq, each.c.columns).where(
                each.c.table_id == table_id
            )
        )
        for since, position, seq, columns in rows:
            return RecordsOf(since, position, seq, read_dropped(columns))
        return None

    def table_of(self, table: Table) -> Steps[HistoryTable]:
        """The records of a table, with the columns that it no longer has."""
        records = yield from self.records_of(table.id)
        return HistoryTable(table, self.dialect, self.namespace, () if records is None else records.dropped)

    def begin(self, table: Table, now: datetime | None = None) -> Steps[None]:
        """Record the changes of a table from now on."""
        since = canonical_date(now or wall_clock())
        yield from run(HistoryTable(table, self.dialect, self.namespace).create())
        last = yield from self.last_position()
        # a cursor from before has expired: changes may be missing between
        values = {"first_position": last, "first_seq": MAX_SEQ if last else 0, "columns": "[]"}
        values |= {"since": since}
        yield from self._do(sa.insert(self._system.histories).values(table_id=table.id, **values))

    def last_position(self) -> Steps[int]:
        """The last position that an operation has."""
        if self.dialect.has_concurrent_writers:
            rows = yield from self._do(sa.select(self._system.history_state.c.position))
        else:
            rows = yield HistoryOrder(self.dialect, self.namespace).last()
        return int(rows[0][0] or 0)

    def end(self, table: Table) -> Steps[None]:
        """Record nothing more, and delete what was recorded of a table."""
        yield from run(HistoryTable(table, self.dialect, self.namespace).drop())
        for records in (self._system.histories, self._system.operation_tables):
            yield from self._do(sa.delete(records).where(records.c.table_id == table.id))

    def store(self, table_id: str, records: RecordsOf) -> Steps[None]:
        """Replace what is known of the records of a table."""
        each = self._system.histories
        values = {
            "since": records.since,
            "first_position": records.first_position,
            "first_seq": records.first_seq,
            "columns": msgspec.json.encode(records.dropped).decode(),
        }
        yield from self._do(sa.update(each).values(values).where(each.c.table_id == table_id))

    # the order of operations

    def has_unordered(self) -> Steps[bool]:
        """Whether some operations that have ended have no position yet. Never on an engine with one
        writer."""
        if not self.dialect.has_concurrent_writers:
            return False
        operations = self._system.operations
        rows = yield from self._do(sa.select(operations.c.op).where(operations.c.position.is_(None)).limit(1))
        return bool(rows)

    def order_operations(self, moment: str | None = None) -> Steps[int]:
        """Give the operations that have ended since the last time the next positions; returns the last
        position. With ``moment``, no operation is stamped at or before it from now on. A transaction that is
        still running gets a later position when it has ended, and holds up nobody."""
        order = HistoryOrder(self.dialect, self.namespace)
        # the lock: from here on, one process after the other
        rows = yield order.lock()
        last, stamped, before = rows[0]
        if self.dialect.has_concurrent_writers:
            found = yield order.order(last, stamped, before)
        else:
            found = yield order.last()
        if moment is not None:
            yield order.close(moment)
        return int(found[0][0] or 0) if found else int(last)

    def settle(self, tables: Sequence[Table]) -> Steps[None]:
        """After the records of another database were written to this one: order the operations that were not
        ordered there, and continue all numbers after the greatest."""
        operations, changed = self._system.operations, self._system.operation_tables
        for table in tables:
            yield from run((yield from self.table_of(table)).count_on())
        rows = yield from self._do(
            sa.select(sa.func.max(operations.c.position), sa.func.max(operations.c.stamped)).where(
                operations.c.position.is_not(None)
            )
        )
        position, stamped = int(rows[0][0] or 0), str(rows[0][1] or "")
        last = sa.func.max(changed.c.last_seq)
        unordered = (
            sa.select(operations.c.op, operations.c.stamped)
            .select_from(operations.outerjoin(changed, changed.c.op == operations.c.op))
            .where(operations.c.position.is_(None))
            .group_by(operations.c.op, operations.c.stamped)
            # those that changed no row last: no later operation has an earlier time
            .order_by(last.is_(None), last, operations.c.op)
        )
        for op, on in (yield from self._do(unordered)):
            position, stamped = position + 1, max(stamped, on)
            values = {"position": position, "stamped": stamped}
            yield from self._do(sa.update(operations).values(values).where(operations.c.op == op))
            yield from self._do(sa.update(changed).values(position=position).where(changed.c.op == op))
        state = self._system.history_state
        yield from self._do(sa.update(state).values(position=position, stamped=stamped))
        if not self.dialect.has_concurrent_writers:
            yield from self._do(sa.delete(changed))
