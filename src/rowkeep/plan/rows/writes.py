"""Writes: inserts, updates and deletes as checked plans."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from rowkeep.codec.rows import TableCodec
from rowkeep.codec.stored_cells import Rekeyed
from rowkeep.errors.catalogue import Forbidden, ProblemList
from rowkeep.model.access import App
from rowkeep.model.changes import Change
from rowkeep.model.data_requests import DeleteBody, UpdateBody
from rowkeep.model.filters import Shape, Where
from rowkeep.model.history import Operation
from rowkeep.plan.rows.bounds import UNBOUNDED, Bounds, plan_bounds
from rowkeep.plan.rows.filters import plan_where
from rowkeep.plan.rows.relation import Relation
from rowkeep.settings import Settings


class InsertPlan(msgspec.Struct, frozen=True):
    """Rows of the table's own columns in their stored form, to be written by ``writer`` after the cells in
    ``rekeyed`` were encrypted again; ids and times are assigned when they are written. A dry run is undone
    after all checks. ``operation`` is what the history of the table records, if it has one."""

    rows: Sequence[Sequence[Any]]
    writer: str
    rekeyed: Rekeyed = {}
    is_dry_run: bool = False
    operation: Operation | None = None


class UpdateShape(msgspec.Struct, frozen=True):
    """``changes`` has the changes of the columns, None where a column is set; it is empty if all are set."""

    columns: tuple[str, ...]
    where: Shape | None
    returns: bool
    changes: tuple[Change | None, ...] = ()

    def change(self, at: int) -> Change | None:
        """The change of the column at this place; None if it is set."""
        return self.changes[at] if self.changes else None


class UpdatePlan(msgspec.Struct, frozen=True):
    """Cells to set in every matching row, or what their changes add. A text that a change makes has at most
    ``max_cell_bytes``. ``max_records`` is the maximum number of records in the response, 0
    for none; ``max_bytes`` is their approximate maximum size. The number of rows must be within
    ``bounds``. A dry run is undone after all checks."""

    shape: UpdateShape
    cells: tuple[object, ...]
    where: Where
    writer: str
    max_records: int
    max_bytes: int
    rekeyed: Rekeyed
    max_cell_bytes: int
    bounds: Bounds = UNBOUNDED
    is_dry_run: bool = False
    operation: Operation | None = None


class DeletePlan(msgspec.Struct, frozen=True):
    """The rows to delete. Their number must be within ``bounds``. A dry run is undone after all checks."""

    where: Where
    bounds: Bounds = UNBOUNDED
    is_dry_run: bool = False
    operation: Operation | None = None


def plan_update(
    target: Relation,
    codec: TableCodec,
    body: UpdateBody,
    writer: str,
    settings: Settings,
    *,
    minimal: bool,
    app: App | None = None,
    operation: Operation | None = None,
) -> UpdatePlan:
    """The update of an ``app``, or of an administrator. Raises what plan_bounds and plan_where raise, and
    Forbidden, then all errors in ``data`` together."""
    bounds = plan_bounds(body, app)
    where = _plan_guarded(target, body, settings, app)
    problems = ProblemList()
    changes: dict[str, Change] = {}
    given = codec.read_cells(body.data, "/data", "", problems, changes)
    problems.raise_if_any()
    cells = tuple(target.store(target.names.find(name, "/data"), cell) for name, cell in given.items())
    rekeyed = codec.stored_cells.rekeyed([tuple(given.values())], tuple(given))
    max_records = 0 if minimal or body.dry_run else settings.max_returned_records
    changed = tuple(map(changes.get, given)) if changes else ()
    shape = UpdateShape(tuple(given), where.shape, max_records > 0, changed)
    return UpdatePlan(
        shape,
        cells,
        where,
        writer,
        max_records,
        settings.max_response_bytes,
        rekeyed,
        settings.max_row_bytes,
        bounds,
        is_dry_run=body.dry_run,
        operation=operation,
    )


def plan_delete(
    target: Relation,
    body: DeleteBody,
    settings: Settings,
    app: App | None = None,
    operation: Operation | None = None,
) -> DeletePlan:
    """The delete of an ``app``, or of an administrator. Raises what plan_bounds and plan_where raise, and
    Forbidden."""
    bounds = plan_bounds(body, app)
    where = _plan_guarded(target, body, settings, app)
    return DeletePlan(where, bounds, is_dry_run=body.dry_run, operation=operation)


def _plan_guarded(
    target: Relation, body: UpdateBody | DeleteBody, settings: Settings, app: App | None
) -> Where:
    where = plan_where(target, body.query, settings.max_filter_expressions, guarded=True)
    if where.shape is None and app is not None and not app.allow_all:
        raise Forbidden(
            "The app may not change or delete all rows (allowAll is false). Send a filter with expressions.",
            pointer="/query/all",
        )
    return where
