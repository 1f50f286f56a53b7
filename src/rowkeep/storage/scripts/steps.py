"""Steps: what all scripts over the tables of one workspace have in common."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import sqlalchemy as sa

from rowkeep.sql.dialects import Dialect
from rowkeep.sql.statements import STATEMENTS, Statement
from rowkeep.sql.system_tables import any_workspace, in_workspace
from rowkeep.storage.contract import Row, Steps


class WorkspaceSteps:
    """Runs statements over the system tables of one workspace."""

    def __init__(self, dialect: Dialect, namespace: str | None) -> None:
        self.dialect = dialect
        self.namespace = namespace
        self._system = any_workspace(namespace)

    def _do(self, clause: sa.Executable) -> Steps[Sequence[Row]]:
        """Run one statement; returns its rows."""
        return (yield in_workspace(STATEMENTS.statement(clause, self.dialect), self.namespace))


def run(statements: Iterable[Statement]) -> Steps[None]:
    """Run statements whose rows are not needed."""
    for each in statements:  # noqa: UP028 - a list cannot receive rows
        yield each
