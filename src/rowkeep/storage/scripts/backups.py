"""Backups: the scripts that fill the databases of a store that is restored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from rowkeep.model.tables import Table
from rowkeep.sql.backups import backed_up_tables, insert_rows, next_ids
from rowkeep.sql.dialects import Dialect
from rowkeep.sql.physical_table import PhysicalTable
from rowkeep.sql.statements import Statement
from rowkeep.sql.table_copies import CopySql
from rowkeep.storage.contract import Steps
from rowkeep.storage.migrations import CATALOG_STEPS, WORKSPACE_STEPS, migrate
from rowkeep.storage.scripts.history import HistoryScripts
from rowkeep.storage.scripts.steps import run

AT_ONCE = 100
"""The rows of one INSERT."""


class Placed(Protocol):
    """What has a dialect and a namespace."""

    dialect: Dialect
    namespace: str | None


NamedRows = Sequence[Mapping[str, Any]]


class RestoreScripts:
    """The scripts of one database."""

    def __init__(self, dialect: Dialect, namespace: str | None, *, is_catalog: bool) -> None:
        self.dialect = dialect
        self.namespace = namespace
        self._steps = CATALOG_STEPS if is_catalog else WORKSPACE_STEPS
        self.system = backed_up_tables(namespace, is_catalog=is_catalog)
        self.history = HistoryScripts(dialect, namespace)

    def create(self, steps: int) -> Steps[int]:
        """Create the database as it is after so many migrations; returns how many it had already."""
        return (yield from migrate(self._steps[:steps], self.dialect, self.namespace))

    def insert(self, name: str, rows: NamedRows) -> Steps[None]:
        """Add rows to a system table."""
        for first in range(0, len(rows), AT_ONCE):
            yield insert_rows(self.system[name], rows[first : first + AT_ONCE], self.dialect)

    def count_on(self, name: str) -> Steps[None]:
        """Number new rows of a system table after the largest number."""
        yield from run(next_ids(self.system[name], self.dialect))

    def create_tables(self, tables: Sequence[Table], by_id: Mapping[str, Table]) -> Steps[None]:
        """Create tables without indexes."""
        for table in tables:
            yield self._statements(table, by_id)[0][0]
            if table.history is not None:
                yield from run((yield from self.history.table_of(table)).create_empty())

    def build_indexes(self, table: Table, by_id: Mapping[str, Table]) -> Steps[None]:
        yield from run(self._statements(table, by_id)[1])

    def add_references(self, tables: Sequence[Table], by_id: Mapping[str, Table]) -> Steps[None]:
        """Add the references of tables, where they are not a part of them."""
        for table in tables:
            yield from run(self._statements(table, by_id)[2])

    def begin_histories(self, tables: Sequence[Table]) -> Steps[None]:
        """Record changes from now on, after those that were restored."""
        recorded = [table for table in tables if table.history is not None]
        for table in recorded:
            yield from run((yield from self.history.table_of(table)).triggers())
        if recorded:
            yield from self.count_on("_rowkeep_operations")
            yield from self.history.settle(recorded)

    def _statements(self, table: Table, by_id: Mapping[str, Table]) -> Sequence[Sequence[Statement]]:
        physical = PhysicalTable(table, self.dialect, self.namespace, by_id)
        statements = physical.create()
        first = 1 + len(physical.indexes)
        return statements[:1], statements[1:first], statements[first:]


def count_rows(place: Placed, table: Table) -> Steps[int]:
    """The rows of a table in a database."""
    rows = yield CopySql(table, place.dialect, place.namespace).count()
    return int(rows[0][0])


def nothing() -> Steps[None]:
    """A script without statements."""
    yield from ()
