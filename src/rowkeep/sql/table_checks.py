"""Checks: conditions that stored rows must fulfil before a table is changed, as SQL."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa

from rowkeep.model.tables import ROW_KEY, Column, Table
from rowkeep.plan.table_changes.checks import Check, Need
from rowkeep.plan.table_changes.diff import Change
from rowkeep.sql.dialects import Dialect
from rowkeep.sql.expressions import Expression
from rowkeep.sql.physical_table import PhysicalTable
from rowkeep.sql.statements import Statement, statement

SAMPLE_ROWS = 10
"""How many of the rows that do not fit are shown."""


def target_of(column: Column, own: PhysicalTable, referred: Mapping[str, Table]) -> tuple[PhysicalTable, str]:
    """The table and the column that a column of the table ``own`` refers to; ``referred`` has other tables,
    by id."""
    assert column.reference is not None  # noqa: S101 - the column has a reference
    itself = column.reference.table == own.table.id
    table = own.table if itself else referred[column.reference.table]
    there = PhysicalTable(table, own.dialect, own.from_clause.schema)
    return there, next(each.name for each in table.all_columns if each.id == column.reference.column)


class CheckSql:
    """The statements of the checks of one change; ``referred`` has the tables that the changed one refers to,
    by id."""

    def __init__(
        self, change: Change, dialect: Dialect, namespace: str | None, referred: Mapping[str, Table]
    ) -> None:
        self._dialect = dialect
        self._referred = referred
        self._was = PhysicalTable(change.before, dialect, namespace)
        self._now = PhysicalTable(change.after, dialect, namespace)

    def violations(self, check: Check) -> tuple[Statement, Statement]:
        """Count the rows that fail a check; and select some of them: their ids and the columns' values."""
        physical = self._now if check.is_late else self._was
        found = (
            self._duplicates(physical, check) if check.need is Need.DISTINCT else self._unfit(physical, check)
        )
        row = found.selected_columns[0]
        count = sa.select(sa.func.count()).select_from(found.subquery("found"))
        sample = found.order_by(row).limit(sa.literal_column(str(SAMPLE_ROWS)))
        return statement(count, self._dialect), statement(sample, self._dialect)

    def columns(self, check: Check) -> list[Column]:
        """The columns whose values a sample shows."""
        physical = self._now if check.is_late else self._was
        return [physical.columns[name] for name in check.names]

    def _unfit(self, physical: PhysicalTable, check: Check) -> sa.Select[Any]:
        rows = sa.select(*shown(physical, check.names)).select_from(physical.from_clause)
        if check.need is Need.NO_ROWS:
            return rows
        if check.need is Need.NO_EMPTY or check.column is None:
            return rows.where(physical.identity(check.names[0]).is_(None))
        if check.need is Need.PRESENT:
            return rows.where(self._is_missing(check.column))
        column = physical.column(check.names[0])
        limits = {sa.func.length: check.column.max_length, sa.func.octet_length: check.column.max_bytes}
        return rows.where(
            sa.or_(*(measure(column) > limit for measure, limit in limits.items() if limit is not None))
        )

    def _is_missing(self, column: Column) -> Expression:
        """Whether the row that a cell refers to is missing; null refers to nothing."""
        there, name = target_of(column, self._now, self._referred)
        parent = there.from_clause.alias("_referred")
        cell = self._now.identity(column.name)
        same = parent.c[there.identity(name).name] == cell
        found = sa.exists(
            sa.select(sa.literal_column("1")).select_from(parent).where(same).correlate_except(parent)
        )
        return sa.and_(cell.is_not(None), sa.not_(found))

    def _duplicates(self, physical: PhysicalTable, check: Check) -> sa.Select[Any]:
        columns = [physical.identity(name) for name in check.names]
        copies = sa.func.count().over(partition_by=columns).label("copies")
        inner = (
            sa.select(*shown(physical, check.names), copies)
            .select_from(physical.from_clause)
            .where(*(column.is_not(None) for column in columns))
            .subquery("counted")
        )
        *answered, counted = inner.c
        return sa.select(*answered).where(counted > sa.literal_column("1"))


def shown(physical: PhysicalTable, names: Iterable[str]) -> list[Expression]:
    """The id of each row, and these columns for responses, as ``v0``, ``v1`` and so on."""
    answered = [physical.answered(name).element for name in names]
    return [
        physical.column(ROW_KEY).label("row"),
        *(value.label(f"v{at}") for at, value in enumerate(answered)),
    ]
