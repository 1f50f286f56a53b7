"""Leases: scripts that let one of several processes do a task."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from rowkeep.sql.dialects import Dialect
from rowkeep.sql.statements import STATEMENTS
from rowkeep.sql.system_tables import catalog_tables
from rowkeep.storage.contract import Row, Steps
from rowkeep.storage.migrations import alone

CLOCKS_SECONDS = 60
"""How much the clocks of processes may differ, in addition to the time of a lease."""


class Leases:
    """The leases of an installation, in its catalog. Times are in seconds since 1970.

    A lease that expires later than any process can want was taken while a clock was wrong. It counts as
    expired: otherwise nobody would do the task until that time.
    """

    def __init__(self, dialect: Dialect, namespace: str | None) -> None:
        self._dialect = dialect
        self._namespace = namespace
        self._leases = catalog_tables(namespace).leases

    def _do(self, clause: sa.Executable) -> Steps[Sequence[Row]]:
        return (yield STATEMENTS.statement(clause, self._dialect))

    def is_free(self, task: str, holder: str, now: int, seconds: int) -> Steps[bool]:
        """Whether ``holder`` can take a task for so long."""
        leases = self._leases.c
        taken = sa.select(leases.task).where(
            leases.task == task,
            leases.holder != holder,
            leases.expires > now,
            leases.expires <= _latest(now, seconds),
        )
        return not (yield from self._do(taken))

    def take(self, task: str, holder: str, now: int, seconds: int) -> Steps[bool]:
        """Let ``holder`` do a task for so long, unless another one does it; whether it was free."""
        leases = self._leases
        expires = now + seconds
        yield from alone(self._dialect, self._namespace)
        is_free = sa.or_(
            leases.c.holder == holder,
            leases.c.expires <= now,
            leases.c.expires > _latest(now, seconds),
        )
        update = sa.update(leases).where(leases.c.task == task, is_free)
        if (yield from self._do(update.values(holder=holder, expires=expires).returning(leases.c.task))):
            return True
        if (yield from self._do(sa.select(leases.c.task).where(leases.c.task == task))):
            return False
        yield from self._do(sa.insert(leases).values(task=task, holder=holder, expires=expires))
        return True

    def release(self, task: str, holder: str) -> Steps[None]:
        """Let others do a task at once, if ``holder`` has it."""
        leases = self._leases
        yield from self._do(sa.delete(leases).where(leases.c.task == task, leases.c.holder == holder))


def _latest(now: int, seconds: int) -> int:
    """The latest time at which a lease of another process can expire."""
    return now + 2 * seconds + CLOCKS_SECONDS
