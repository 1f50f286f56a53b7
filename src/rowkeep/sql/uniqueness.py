"""Uniqueness: what is asked when an engine has refused rows because of a unique index."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from rowkeep.model.tables import Index
from rowkeep.sql.expressions import Expression
from rowkeep.sql.physical_table import PhysicalTable
from rowkeep.sql.statements import Template, template


def part_name(row: int, at: int) -> str:
    """The parameter for part number ``at`` of the key number ``row`` that is searched for."""
    return f"k{row}_{at}"


def present_keys(physical: PhysicalTable, index: Index, count: int, own: Sequence[str] = ()) -> Template:
    """Which of ``count`` keys the index has, each by its number. If a row has the cells of ``own`` columns
    too, which follow in each key, it is the row itself, and does not count."""
    names = [*(part.name for part in index.columns), *own]
    kinds = [physical.kind(name) for name in names]
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
        physical.identity(name) == kind.compared(sought.c[f"part_{at}"])
        for at, (name, kind) in enumerate(zip(names, kinds, strict=True))
    ]
    width = len(index.columns)
    matches = sa.and_(*same[:width])
    if own:
        # a comparison with null is not true
        matches &= sa.case((sa.and_(*same[width:]), sa.false()), else_=sa.true())
    found = sa.select(sought.c.number).select_from(sought.join(physical.from_clause, matches)).distinct()
    return template(found, physical.dialect)
