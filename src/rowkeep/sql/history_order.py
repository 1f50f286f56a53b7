"""The order of operations: the statements that give the operations that have ended their positions.

Transactions end in any order on PostgreSQL. Of two operations that changed the same row, the second one
waited for the first, so all numbers of its later records are greater: the order of the greatest numbers is
one in which they can have happened. An operation that changed no row has the number that it began with: its
time must not become that of operations before it.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa

from rowkeep.model.values.scalars import canonical_date
from rowkeep.sql.dialects import Dialect
from rowkeep.sql.statements import Statement, statement
from rowkeep.sql.system_tables import workspace_tables


class HistoryOrder:
    """The statements of one workspace."""

    def __init__(self, dialect: Dialect, namespace: str | None) -> None:
        self._dialect = dialect
        self._system = workspace_tables(namespace)

    def lock(self) -> Statement:
        """Lock the state until the end of the transaction; returns the last position, its time, and the
        moment that no later operation may be at or before."""
        state = self._system.history_state
        columns = (state.c.position, state.c.stamped, state.c.moment)
        return statement(
            sa.update(state).values(position=state.c.position).returning(*columns), self._dialect
        )

    def close(self, moment: str) -> Statement:
        """From now on, no operation is stamped at or before this moment."""
        state = self._system.history_state
        return statement(sa.update(state).values(moment=moment).where(state.c.moment < moment), self._dialect)

    def last(self) -> Statement:
        """The last position, where operations have theirs at once."""
        return statement(sa.select(sa.func.max(self._system.operations.c.op)), self._dialect)

    def order(self, last: int, stamped: str, moment: str) -> Statement:
        """Give the operations without a position the next ones, and times that are not earlier than those of
        the operations before them; returns the last position, if there is a new one."""
        spell = self._dialect.compiler.identifier_preparer
        operations, tables, state = (
            spell.format_table(each)
            for each in (
                self._system.operations,
                self._system.operation_tables,
                self._system.history_state,
            )
        )
        text = f"""WITH _seqs AS (
  SELECT t.op, max(t.last_seq) AS seq FROM {tables} t
  JOIN {operations} o ON o.op = t.op AND o.position IS NULL GROUP BY t.op
), _found AS (
  SELECT o.op, o.only_table, o.only_seq, $1::BIGINT + row_number() OVER _order AS position,
    greatest($2::TEXT, max(o.stamped) OVER _order) AS stamped
  FROM {operations} o LEFT JOIN _seqs s ON s.op = o.op WHERE o.position IS NULL
  WINDOW _order AS (
    ORDER BY coalesce(s.seq, o.only_seq, 0), o.op
  )
), _operations AS (
  UPDATE {operations} o SET position = f.position, stamped = f.stamped, xid = NULL
  FROM _found f WHERE o.op = f.op
), _tables AS (
  UPDATE {tables} t SET position = f.position FROM _found f WHERE t.op = f.op
), _noted AS (
  INSERT INTO {tables} (table_id, op, position, last_seq)
  SELECT f.only_table, f.op, f.position, f.only_seq FROM _found f WHERE f.only_table IS NOT NULL
)
UPDATE {state} s SET position = f.position, stamped = f.stamped
FROM (SELECT max(position) AS position, max(stamped) AS stamped FROM _found) f
WHERE f.position IS NOT NULL RETURNING s.position"""  # noqa: S608 - our own names
        return Statement(text, (last, max(stamped, next_millisecond(moment))))


def next_millisecond(moment: str) -> str:
    """The moment one millisecond after a stored one; an empty text stays empty."""
    if not moment:
        return ""
    return canonical_date(datetime.fromisoformat(moment) + timedelta(milliseconds=1))
