"""References: queries that explain why an engine rejected a write because of a reference."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from rowkeep.model.filters import Where
from rowkeep.model.tables import Column
from rowkeep.sql.conditions import condition, where_name
from rowkeep.sql.physical_table import PhysicalTable
from rowkeep.sql.statements import Statement, statement, template


def present(physical: PhysicalTable, name: str, cells: Sequence[Any]) -> Statement:
    """Selects those of these cells that a column contains."""
    kind = physical.kind(name)
    wanted = [kind.compared(sa.bindparam(None, cell, type_=kind.parameter)) for cell in cells]
    found = sa.select(physical.answered(name)).where(physical.identity(name).in_(wanted))
    return statement(found, physical.dialect)


def is_referred_to(
    parent: PhysicalTable, there: str, where: Where, child: PhysicalTable, column: Column
) -> Statement:
    """Selects whether a row of ``child`` has a ``column`` that refers to ``there`` in a row that a filter
    finds."""
    referring = child.from_clause.alias("_referring")
    refers = referring.c[child.identity(column.name).name] == parent.identity(there)
    found: sa.Select[Any] = sa.select(sa.literal_column("1")).select_from(
        parent.from_clause.join(referring, refers)
    )
    if where.shape is not None:
        found = found.where(condition(parent, where.shape))
    values = {where_name(at): value for at, value in enumerate(where.values)}
    return template(sa.select(found.exists()), parent.dialect).bind(values)
