"""Uniqueness: what is asked when an engine has refused rows because of a unique index."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from rowkeep.model.filters import Where
from rowkeep.model.tables import ROW_KEY, Index
from rowkeep.sql.conditions import condition, where_name
from rowkeep.sql.expressions import Expression
from rowkeep.sql.physical_table import PhysicalTable
from rowkeep.sql.statements import Statement, Template, template


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


def has_duplicates_after(
    physical: PhysicalTable, index: Index, given: Mapping[str, Any], where: Where
) -> Statement:
    """Selects whether two rows would have the same key in an index if the rows that a filter finds got the
    ``given`` cells. The others of the key, which they keep, can be null."""
    names = [part.name for part in index.columns]
    own = [physical.identity(name).label(f"own_{name}") for name in names if name not in given]
    rows = sa.select(physical.identity(ROW_KEY).label("own_row"), *own).select_from(physical.from_clause)
    if where.shape is not None:
        rows = rows.where(condition(physical, where.shape))
    updated = rows.cte("updated")
    own_parts = [updated.c[each.name] for each in own]
    values = {where_name(at): value for at, value in enumerate(where.values)}
    same = []
    for at, name in enumerate(names):
        kind, part = physical.kind(name), part_name(0, at)
        if name in given:
            values[part] = given[name]
        cell = kind.compared(kind.open_parameter(part)) if name in given else updated.c[f"own_{name}"]
        same.append(physical.identity(name) == cell)
    is_other = physical.identity(ROW_KEY) != updated.c.own_row
    stored: sa.Select[Any] = sa.select(sa.literal_column("1")).select_from(
        updated.join(physical.from_clause, sa.and_(is_other, *same))
    )
    several = (
        sa.select(sa.func.count())  # SQLite takes HAVING without groups only next to an aggregate
        .select_from(updated)
        .where(*(part.is_not(None) for part in own_parts))
        .group_by(*own_parts)
        .having(sa.func.count() > sa.literal_column("1"))
    )
    return template(sa.select(sa.or_(stored.exists(), several.exists())), physical.dialect).bind(values)
