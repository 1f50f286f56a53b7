"""Steps: what all scripts over the tables of one workspace have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any, TypeAlias

import sqlalchemy as sa

from rowkeep.sql.dialects import Dialect
from rowkeep.sql.statements import STATEMENTS, Statement, Template, template
from rowkeep.sql.system_tables import (
    ANY_WORKSPACE,
    WorkspaceTables,
    any_workspace,
    in_workspace,
    workspace_tables,
)
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

    def _do_known(self, known: KnownStatement, **values: Any) -> Steps[Sequence[Row]]:
        """The same for a statement that most requests run: nothing of it is built again."""
        sql = _known(known, self.dialect, ANY_WORKSPACE if self.namespace else None)
        return (yield in_workspace(sql.bind(values), self.namespace))


KnownStatement: TypeAlias = Callable[[WorkspaceTables], sa.Executable]
"""Builds a statement from the system tables of a workspace, with parameters instead of values."""


@lru_cache(None)
def _known(known: KnownStatement, dialect: Dialect, namespace: str | None) -> Template:
    return template(known(workspace_tables(namespace)), dialect)


def run(statements: Iterable[Statement]) -> Steps[None]:
    """Run statements whose rows are not needed."""
    for each in statements:  # noqa: UP028 - a list cannot receive rows
        yield each
