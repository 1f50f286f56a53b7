"""Writes: inserts, updates and deletes as checked plans."""

from __future__ import annotations

import msgspec

from rowkeep.codec import Cells, TableCodec
from rowkeep.errors import ProblemList
from rowkeep.model.cells import Cell
from rowkeep.model.filters import Shape, Where
from rowkeep.model.names import ColumnNames
from rowkeep.model.requests import DeleteBody, UpdateBody
from rowkeep.plan.where import plan_where
from rowkeep.settings import Settings


class InsertPlan(msgspec.Struct, frozen=True):
    """Rows to be written by ``writer``; ids and times are given when they are."""

    rows: list[Cells]
    writer: str


class UpdateShape(msgspec.Struct, frozen=True):
    columns: tuple[str, ...]
    where: Shape | None
    returns: bool


class UpdatePlan(msgspec.Struct, frozen=True):
    """Cells to be set in every row that matches. ``max_records`` is how many are answered; 0 for none."""

    shape: UpdateShape
    cells: tuple[Cell, ...]
    where: Where
    writer: str
    max_records: int


class DeletePlan(msgspec.Struct, frozen=True):
    where: Where


def plan_update(
    names: ColumnNames, codec: TableCodec, body: UpdateBody, writer: str, settings: Settings, *, minimal: bool
) -> UpdatePlan:
    """Raises what plan_where raises, then all problems of ``data`` together."""
    where = plan_where(names, body.query, settings.max_filter_expressions, guarded=True)
    problems = ProblemList()
    given = codec.read_cells(body.data, "/data", "", problems)
    problems.raise_if_any()
    max_records = 0 if minimal else settings.max_returned_records
    shape = UpdateShape(tuple(given), where.shape, returns=max_records > 0)
    return UpdatePlan(shape, tuple(given.values()), where, writer, max_records)


def plan_delete(names: ColumnNames, body: DeleteBody, settings: Settings) -> DeletePlan:
    """Raises what plan_where raises."""
    return DeletePlan(plan_where(names, body.query, settings.max_filter_expressions, guarded=True))
