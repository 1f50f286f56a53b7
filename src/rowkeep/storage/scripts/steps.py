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
        """The same for a statement that many requests run: nothing of it is built again."""
        sql = _known(known, self.dialect, self._any_namespace)
        return (yield in_workspace(sql.bind(values), self.namespace))

    def _insert(self, table: str, **values: Any) -> Steps[None]:
        """Insert a row, with values for all columns of the system table that has this attribute."""
        sql = _insertion(table, self.dialect, self._any_namespace)
        yield in_workspace(sql.bind(values), self.namespace)

    def _delete(self, value: str, *rows: RowsOf) -> Steps[None]:
        """Delete the rows with this value, from all tables in one statement if the engine can."""
        for sql in _deletions(rows, self.dialect, self._any_namespace):
            yield in_workspace(sql.bind({"value": value}), self.namespace)

    @property
    def _any_namespace(self) -> str | None:
        return ANY_WORKSPACE if self.namespace else None


RowsOf: TypeAlias = tuple[str, str]
"""The attribute of a system table, and a column of it."""

KnownStatement: TypeAlias = Callable[[WorkspaceTables], sa.Executable]
"""Builds a statement from the system tables of a workspace, with parameters instead of values."""


@lru_cache(None)
def _known(known: KnownStatement, dialect: Dialect, namespace: str | None) -> Template:
    return template(known(workspace_tables(namespace)), dialect)


@lru_cache(None)
def _insertion(table: str, dialect: Dialect, namespace: str | None) -> Template:
    return template(sa.insert(getattr(workspace_tables(namespace), table)), dialect)


@lru_cache(None)
def _deletions(rows: tuple[RowsOf, ...], dialect: Dialect, namespace: str | None) -> list[Template]:
    system, value = workspace_tables(namespace), sa.bindparam("value", type_=sa.Text())
    tables = [(getattr(system, table), column) for table, column in rows]
    clauses = [sa.delete(table).where(table.c[column] == value) for table, column in tables]
    if dialect.joins_deletions:
        first, *others = clauses
        clauses = [first.add_cte(*(each.cte(f"deleted_{at}") for at, each in enumerate(others)))]
    return [template(each, dialect) for each in clauses]


def run(statements: Iterable[Statement]) -> Steps[None]:
    """Run statements whose rows are not needed."""
    for each in statements:  # noqa: UP028 - a list cannot receive rows
        yield each
