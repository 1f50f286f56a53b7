"""Writes: inserts, updates and deletes as checked plans."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from rowkeep.codec.rows import TableCodec
from rowkeep.codec.stored_cells import Rekeyed
from rowkeep.errors.catalogue import ProblemList
from rowkeep.model.data_requests import DeleteBody, UpdateBody
from rowkeep.model.filters import Shape, Where
from rowkeep.plan.rows.filters import plan_where
from rowkeep.plan.rows.relation import Relation
from rowkeep.settings import Settings


class InsertPlan(msgspec.Struct, frozen=True):
    """Rows of the table's own columns in their stored form, to be written by ``writer`` after the cells in
    ``rekeyed`` were encrypted again; ids and times are assigned when they are written."""

    rows: Sequence[Sequence[Any]]
    writer: str
    rekeyed: Rekeyed = {}


class UpdateShape(msgspec.Struct, frozen=True):
    columns: tuple[str, ...]
    where: Shape | None
    returns: bool


class UpdatePlan(msgspec.Struct, frozen=True):
    """Cells to set in every matching row. ``max_records`` is the maximum number of records in the response, 0
    for none; ``max_bytes`` is their approximate maximum size."""

    shape: UpdateShape
    cells: tuple[object, ...]
    where: Where
    writer: str
    max_records: int
    max_bytes: int
    rekeyed: Rekeyed


class DeletePlan(msgspec.Struct, frozen=True):
    where: Where


def plan_update(
    target: Relation, codec: TableCodec, body: UpdateBody, writer: str, settings: Settings, *, minimal: bool
) -> UpdatePlan:
    """Raises what plan_where raises, then all errors in ``data`` together."""
    where = plan_where(target, body.query, settings.max_filter_expressions, guarded=True)
    problems = ProblemList()
    given = codec.read_cells(body.data, "/data", "", problems)
    problems.raise_if_any()
    cells = tuple(target.store(target.names.find(name, "/data"), cell) for name, cell in given.items())
    rekeyed = codec.stored_cells.rekeyed([tuple(given.values())], tuple(given))
    max_records = 0 if minimal else settings.max_returned_records
    shape = UpdateShape(tuple(given), where.shape, returns=max_records > 0)
    return UpdatePlan(shape, cells, where, writer, max_records, settings.max_response_bytes, rekeyed)


def plan_delete(target: Relation, body: DeleteBody, settings: Settings) -> DeletePlan:
    """Raises what plan_where raises."""
    return DeletePlan(plan_where(target, body.query, settings.max_filter_expressions, guarded=True))
