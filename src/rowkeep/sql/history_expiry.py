"""History expiry: the statements that delete old records, and the operations that no record has any more."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from rowkeep.model.tables import Table
from rowkeep.sql.dialects import Dialect
from rowkeep.sql.history_table import OP, SEQ, HistoryTable
from rowkeep.sql.statements import Statement, statement
from rowkeep.sql.system_tables import workspace_tables


class HistoryExpirySql:
    """The statements of one workspace."""

    def __init__(self, dialect: Dialect, namespace: str | None) -> None:
        self._dialect = dialect
        self._namespace = namespace
        self._system = workspace_tables(namespace)

    def last_before(self, moment: str) -> Statement:
        """The greatest position of the operations that are older than a moment."""
        operations = self._system.operations
        position = sa.func.max(operations.c.position)
        return statement(sa.select(position).where(operations.c.stamped < moment), self._dialect)

    def oldest(self, table: Table, first: int, last: int, limit: int) -> Statement:
        """Of the oldest records of a table from the position ``first`` to the position ``last``, at most so
        many: the number of each, and the position of its operation."""
        records, operations = self._records(table), self._system.operations
        joined = records.join(operations, operations.c.op == records.c[OP])
        some = sa.select(records.c[SEQ], operations.c.position).select_from(joined)
        some = some.where(operations.c.position >= first, operations.c.position <= last)
        return statement(some.order_by(operations.c.position, records.c[SEQ]).limit(limit), self._dialect)

    def delete(self, table: Table, numbers: Sequence[int]) -> Statement:
        """Delete the records of a table with these numbers."""
        records = self._records(table)
        return statement(sa.delete(records).where(records.c[SEQ].in_(numbers)), self._dialect)

    def delete_operations(self, position: int, limit: int) -> list[Statement]:
        """Delete some of the operations up to a position, and what they changed; never the last one, after
        which the next one is numbered."""
        operations, tables = self._system.operations, self._system.operation_tables
        last = sa.select(sa.func.max(operations.c.op)).scalar_subquery()
        old: sa.Select[Any] = (
            sa.select(operations.c.op)
            .where(operations.c.position <= position, operations.c.op != last)
            .order_by(operations.c.position)
            .limit(limit)
        )
        return [
            statement(sa.delete(tables).where(tables.c.op.in_(old)), self._dialect),
            statement(sa.delete(operations).where(operations.c.op.in_(old)), self._dialect),
        ]

    def has_operations(self, position: int) -> Statement:
        """Whether such an operation is there."""
        operations = self._system.operations
        last = sa.select(sa.func.max(operations.c.op)).scalar_subquery()
        found = sa.select(operations.c.op).where(operations.c.position <= position, operations.c.op != last)
        return statement(found.limit(1), self._dialect)

    def _records(self, table: Table) -> sa.Table:
        return HistoryTable(table, self._dialect, self._namespace).from_clause
