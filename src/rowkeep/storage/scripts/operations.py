"""Operations: scripts that list the recorded operations of a workspace, with what they changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from rowkeep.errors.catalogue import HistoryOff, NoSuchTable, preview
from rowkeep.model.history import ChangeKind
from rowkeep.model.operations import MAX_COUNTED, ChangeCounts, OperationFilter, RecordedOperation
from rowkeep.model.tables import NAME, Table, name_key
from rowkeep.model.users import Asker
from rowkeep.sql.history_table import HistoryTable
from rowkeep.storage.contract import Row, Steps
from rowkeep.storage.scripts.rights import RightsOfUsers
from rowkeep.storage.scripts.steps import WorkspaceSteps
from rowkeep.storage.scripts.stored_definitions import StoredDefinitions, stored_table

AT_ONCE = 100
"""How many operations are read at a time."""

MAX_READ = 1000
"""How many operations a page reads at most, also those of which the reader sees nothing."""


class OperationScripts(WorkspaceSteps):
    """The scripts of one workspace."""

    def __init__(self, stored: StoredDefinitions, rights: RightsOfUsers) -> None:
        super().__init__(stored.dialect, stored.namespace)
        self._rights = rights

    def page(
        self, wanted: OperationFilter, asker: Asker, before: int | None, limit: int
    ) -> Steps[tuple[list[RecordedOperation], int | None]]:
        """The newest operations before a position that changed a table which the asker may read; and the
        position after which the list continues, if it does. Raises NoSuchTable, HistoryOff."""
        tables = yield from self._readable(wanted.table, asker)
        found: list[RecordedOperation] = []
        read = 0
        while tables and read < MAX_READ:
            rows = yield from self._operations(wanted, tables, before)
            for each in (yield from self._with_counts(rows, tables)):
                if len(found) == limit:
                    return found, found[-1].position
                found.append(each)
            read += len(rows)
            if len(rows) < AT_ONCE:
                return found, None
            before = rows[-1][0]
        return found, before if tables else None

    def _readable(self, name: str, asker: Asker) -> Steps[list[Table]]:
        """The tables with a history that the asker may read; only the one with a name, if there is one."""
        tables, histories = self._system.tables, self._system.histories
        visible = sa.select(tables.c.definition).where((yield from self._rights.listed(tables, asker)))
        if name:
            rows = (
                ()
                if not NAME.fullmatch(name)
                else (yield from self._do(visible.where(tables.c.name_key == name_key(name))))
            )
            if not rows:
                raise NoSuchTable(f"No such table: {preview(name)}.")
            table = stored_table(rows[0][0])
            if table.history is None:
                raise HistoryOff(f"Table {table.name} has no history, so its operations are not recorded.")
            return [table]
        recorded = tables.c.id.in_(sa.select(histories.c.table_id))
        rows = yield from self._do(visible.where(recorded).order_by(tables.c.name_key))
        return [stored_table(row[0]) for row in rows]

    def _operations(
        self, wanted: OperationFilter, tables: Sequence[Table], before: int | None
    ) -> Steps[Sequence[Row]]:
        operations = self._system.operations.c
        columns = (operations.position, operations.op, operations.id, operations.writer, operations.stamped)
        conditions: list[Any] = [operations.position.is_not(None)]
        if before is not None:
            conditions.append(operations.position < before)
        if wanted.writer:
            conditions.append(operations.writer == wanted.writer)
        if wanted.since:
            conditions.append(operations.stamped >= wanted.since)
        if wanted.until:
            conditions.append(operations.stamped < wanted.until)
        if wanted.table:
            changes = self._changes_of(tables[0]).c
            conditions.append(sa.exists().where(changes.op == operations.op))
        newest = sa.select(*columns).where(*conditions).order_by(operations.position.desc())
        return (yield from self._do(newest.limit(AT_ONCE)))

    def _with_counts(self, rows: Sequence[Row], tables: Sequence[Table]) -> Steps[list[RecordedOperation]]:
        """The operations that changed one of these tables."""
        counts: dict[int, list[ChangeCounts]] = {row[1]: [] for row in rows}
        for table in tables if rows else ():
            for op, found in (yield from self._counts(table, sorted(counts))).items():
                counts[op].append(found)
        return [
            RecordedOperation(position, identity, writer, stamped, tuple(counts[op]))
            for position, op, identity, writer, stamped in rows
            if counts[op]
        ]

    def _counts(self, table: Table, ops: Sequence[int]) -> Steps[dict[int, ChangeCounts]]:
        """What each of these operations changed in a table, if anything."""
        changes = self._changes_of(table).c
        known = yield from self._do(sa.select(changes.op).where(changes.op.in_(ops)).group_by(changes.op))
        found: dict[int, ChangeCounts] = {}
        for (op,) in known:
            some = sa.select(changes.kind).where(changes.op == op).limit(MAX_COUNTED + 1).subquery("some")
            rows = yield from self._do(sa.select(some.c.kind, sa.func.count()).group_by(some.c.kind))
            kinds = Counter({ChangeKind(kind): count for kind, count in rows})
            is_cut = kinds.total() > MAX_COUNTED
            if is_cut:
                kinds[max(kinds, key=kinds.__getitem__)] -= 1
            inserted, changed, deleted = (kinds[kind] for kind in ChangeKind)
            found[op] = ChangeCounts(table.name, table.id, inserted, changed, deleted, is_cut)
        return found

    def _changes_of(self, table: Table) -> sa.Table:
        return HistoryTable(table, self.dialect, self.namespace).from_clause
