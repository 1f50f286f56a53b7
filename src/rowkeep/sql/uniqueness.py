"""Uniqueness: what is asked when an engine has refused rows because of a unique index."""

from __future__ import annotations

import sqlalchemy as sa

from rowkeep.model.tables import Index
from rowkeep.sql.expressions import Expression
from rowkeep.sql.physical_table import PhysicalTable
from rowkeep.sql.statements import Template, template


def part_name(row: int, at: int) -> str:
    """The parameter that holds a key's part number ``at``, of the key number ``row``."""
    return f"k{row}_{at}"


def present_keys(physical: PhysicalTable, index: Index, count: int) -> Template:
    """Which of ``count`` keys the index has, each by its number."""
    kinds = [physical.kind(part.name) for part in index.columns]
    number: Expression = sa.column("number", sa.Integer)
    parts = [sa.column(f"part_{at}", kind.parameter) for at, kind in enumerate(kinds)]
    values = sa.values(number, *parts, name="sought").data(
        [
            (
                sa.literal_column(str(row), sa.Integer),
                *(kind.open_parameter(part_name(row, at)) for at, kind in enumerate(kinds)),
            )
            for row in range(count)
        ]
    )
    sought = values.cte("sought")
    same = [
        physical.identity(part.name) == kind.compared(sought.c[f"part_{at}"])
        for at, (part, kind) in enumerate(zip(index.columns, kinds, strict=True))
    ]
    found = sa.select(sought.c.number).select_from(sought.join(physical.from_clause, sa.and_(*same)))
    return template(found, physical.dialect)
