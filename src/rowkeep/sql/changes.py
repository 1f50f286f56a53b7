"""Changes: the new value of a cell from the stored one, calculated by the engine.

The statement itself ends with an error if a result does not fit its column, so that nothing is changed and no
second statement is needed. The error names the column, by its place in the update, and the row.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import msgspec
import sqlalchemy as sa

from rowkeep.model.changes import Change
from rowkeep.model.tables import ROW_KEY, Column
from rowkeep.sql.expressions import Expression
from rowkeep.sql.names import column_name
from rowkeep.sql.physical_table import PhysicalTable

MAX_CELL_BYTES = "max_cell_bytes"
"""The parameter with the maximum size of a text that a change makes."""

_MARK = re.compile(r"\[rowkeep change (\d+) of ([0-9a-f]{24})(?: in (\d+))?\]")


class ChangeLimits(msgspec.Struct, frozen=True):
    """The maximum size of a text that a change makes, and the place of the row in the request, if the
    statement knows it."""

    max_cell_bytes: Expression
    place: Expression | None = None


USUAL = ChangeLimits(sa.bindparam(MAX_CELL_BYTES, type_=sa.BigInteger()))


def changed(
    physical: PhysicalTable,
    name: str,
    change: Change,
    operand: Expression,
    at: int,
    limits: ChangeLimits = USUAL,
) -> Expression:
    """The changed cell of a stored row; ``at`` is the place of the column in its update."""
    column, kind = physical.columns[name], physical.kind(name)
    stored = physical.from_clause.c[column_name(name)]
    if change is Change.INCREMENT:
        assert kind.added is not None  # noqa: S101 - every number has it
        result = kind.added(stored, operand)
    else:
        result = _appended(column, stored, operand, limits.max_cell_bytes)
    refusal = physical.dialect.refused(_mark(at, physical.from_clause.c[ROW_KEY], limits.place))
    return sa.func.coalesce(result, sa.cast(refusal, kind.parameter if kind.native is None else kind.native))


def _appended(
    column: Column, stored: Expression, operand: Expression, max_cell_bytes: Expression
) -> Expression:
    """A longer text, null if it is too long."""
    text = sa.func.coalesce(stored, _constant("")).op("||")(operand)
    size = sa.func.octet_length(text)
    limits = [size <= max_cell_bytes]
    if column.max_bytes is not None:
        limits.append(size <= sa.literal_column(str(column.max_bytes)))
    if column.max_length is not None:
        limits.append(sa.func.char_length(text) <= sa.literal_column(str(column.max_length)))
    return sa.case((sa.and_(*limits), text))


def _mark(at: int, row_key: Expression, place: Expression | None) -> Expression:
    """The text that names a refused change; it depends on the row, so that no engine calculates it before it
    needs it."""
    text: Expression = _constant(f"[rowkeep change {at} of ").op("||")(row_key)
    if place is not None:
        text = text.op("||")(_constant(" in ")).op("||")(sa.cast(place, sa.Text()))
    return text.op("||")(_constant("]"))


class RefusedAt(NamedTuple):
    """A refused change: the place of its column in the update, the ``_id`` of the stored row, and the place
    of the row in the request, if the statement knows it."""

    at: int
    row_key: str
    place: int | None


def refused_change(message: str) -> RefusedAt | None:
    """The refused change that an error of the engine names; None for another error."""
    found = _MARK.search(message)
    return None if found is None else RefusedAt(int(found[1]), found[2], int(found[3]) if found[3] else None)


def _constant(text: str) -> Expression:
    return sa.literal_column(f"'{text}'", sa.Text())
