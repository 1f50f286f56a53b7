"""Updated_On: the moment of an update, later than the stored one."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa
from sqlalchemy.sql import quoted_name

from rowkeep.sql.expressions import Expression
from rowkeep.sql.names import column_name
from rowkeep.sql.physical_table import PhysicalTable


def with_later_moment(
    physical: PhysicalTable, cells: Mapping[quoted_name, Expression]
) -> dict[quoted_name, Expression]:
    """The cells with an ``Updated_On`` that is later than the stored one, also for several updates in one
    millisecond and if the clock went back."""
    name = column_name("Updated_On")
    stored, now = physical.from_clause.c[name], cells[name]
    later = physical.dialect.next_millisecond(stored)
    return {**cells, name: sa.case((now > stored, now), else_=later)}
