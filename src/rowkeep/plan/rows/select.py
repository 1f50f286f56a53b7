"""Select: a query becomes a plan for one page."""

from __future__ import annotations

import msgspec
from msgspec import UNSET

from rowkeep.errors.catalogue import DuplicateColumn, InvalidBody, InvalidCursor, InvalidParameter, preview
from rowkeep.model.data_requests import QueryBody, RowRange, SortKey
from rowkeep.model.filters import Shape, Where
from rowkeep.model.values.scalars import Cell, Misfit, canonical_date, parsed_date
from rowkeep.plan.rows.cursors import CursorSigner, fingerprint_of
from rowkeep.plan.rows.filters import plan_where
from rowkeep.plan.rows.relation import Names, Relation
from rowkeep.plan.rows.sort import MAX_SORT, Sort
from rowkeep.settings import Settings

ALL_ROWS = 2**63 - 2
"""The limit of a stream without a limit."""


class SelectShape(msgspec.Struct, frozen=True):
    """The parts of a query that determine its SQL. With a cursor, ``after`` says which of its values are
    null."""

    fields: tuple[str, ...] | None
    where: Shape | None
    sort: Sort
    is_counted: bool
    after: tuple[bool, ...] | None = None


class SelectPlan(msgspec.Struct, frozen=True):
    """The plan for one page. ``after`` has the values of the cursor; ``has_cursors`` says whether a cursor
    can be made from the last row of the page; ``max_bytes`` is the approximate maximum size of all its
    rows."""

    target: Relation
    shape: SelectShape
    where: Where
    after: list[Cell]
    limit: int
    offset: int
    max_bytes: int
    has_cursors: bool = True
    as_of: str = ""
    """The moment of the past that is read; empty for the rows as they are now."""

    @property
    def is_limited(self) -> bool:
        """Whether it ends before the last row that matches, or begins after the first."""
        return self.limit < ALL_ROWS or self.offset > 0

    def is_whole(self, found: int) -> bool:
        """Whether a page with this many rows is the last one, so that the total needs no count."""
        return found <= self.limit and self.shape.after is None and (found > 0 or self.offset == 0)

    @property
    def fingerprint(self) -> str:
        return _fingerprint(self.target, self.where, self.shape.sort, self.as_of)


def plan_select(
    target: Relation, body: QueryBody, page: RowRange, settings: Settings, signer: CursorSigner
) -> SelectPlan:
    """Raises what plan_where raises, and InvalidParameter, InvalidBody, UnknownColumn, DuplicateColumn,
    InvalidCursor."""
    if page.limit > settings.max_page_size:
        raise InvalidParameter(
            f"sys_limit can be at most {settings.max_page_size} (the setting max_page_size); got "
            f"{page.limit}. Use nextCursor to read further pages."
        )
    return _plan(target, body, page, settings, signer)


def plan_stream(
    target: Relation, body: QueryBody, rows: RowRange, settings: Settings, signer: CursorSigner
) -> SelectPlan:
    """The plan for all rows in one stream, which has no maximum number of rows. Raises the same except for
    a large limit."""
    plan = _plan(target, body, rows, settings, signer)
    return msgspec.structs.replace(plan, shape=msgspec.structs.replace(plan.shape, is_counted=False))


def _plan(
    target: Relation, body: QueryBody, page: RowRange, settings: Settings, signer: CursorSigner
) -> SelectPlan:
    where = plan_where(target, body.query, settings.max_filter_expressions, guarded=False)
    fields = None if body.fields is UNSET else _plan_fields(target.names, body.fields)
    sort = target.order.complete({} if body.sort is UNSET else _plan_sort(target.names, body.sort))
    has_cursors = target.order.has_cursors(sort)
    as_of = "" if body.as_of is UNSET else _plan_moment(body.as_of)
    after: list[Cell] = []
    nulls = None
    if body.cursor is not UNSET:
        if page.offset is not None:
            raise InvalidCursor("Send either cursor or sys_offset, not both.", pointer="/cursor")
        if not has_cursors:
            raise InvalidCursor(
                "This view has no cursors, because its rows have no unique key. Use sys_offset.",
                pointer="/cursor",
            )
        after = _with_booleans(
            target, sort, signer.read(body.cursor, _fingerprint(target, where, sort, as_of))
        )
        nulls = tuple(cell is None for cell in after)
    shape = SelectShape(fields, where.shape, sort, body.count == "exact", nulls)
    return SelectPlan(
        target,
        shape,
        where,
        after,
        page.limit,
        page.offset or 0,
        settings.max_response_bytes,
        has_cursors,
        as_of,
    )


def _fingerprint(target: Relation, where: Where, sort: Sort, as_of: str) -> str:
    types = tuple(target.names.find(name, "/sort").type for name, _ in sort)
    return fingerprint_of(f"{target.id}@{as_of}" if as_of else target.id, where, sort, types)


def _with_booleans(target: Relation, sort: Sort, cells: list[Cell]) -> list[Cell]:
    """The values of a cursor that may be of the other engine, from which the store was restored: SQLite has
    0 and 1."""
    return [
        bool(cell) if type(cell) is int and target.names.find(name, "/sort").type == "boolean" else cell
        for (name, _), cell in zip(sort, cells, strict=True)
    ]


def _plan_moment(sent: str) -> str:
    """The moment as times are stored."""
    try:
        return canonical_date(parsed_date(sent))
    except Misfit as misfit:
        raise InvalidBody(f'"asOf" {misfit}; got {preview(sent)}.', pointer="/asOf") from None


def _plan_fields(names: Names, sent: list[str]) -> tuple[str, ...]:
    if not sent:
        raise InvalidBody('"fields" must name at least one column.', pointer="/fields")
    found: list[str] = []
    for at, name in enumerate(sent):
        column = names.find(name, f"/fields/{at}")
        if column.name in found:
            raise DuplicateColumn(f'Column {column.name} is in "fields" twice.', pointer=f"/fields/{at}")
        found.append(column.name)
    return tuple(found)


def _plan_sort(names: Names, sent: list[SortKey]) -> dict[str, bool]:
    """The columns to sort by, each with whether it is descending."""
    keys: dict[str, bool] = {}
    if len(sent) > MAX_SORT:
        raise InvalidBody(f'"sort" can have at most {MAX_SORT} columns; got {len(sent)}.', pointer="/sort")
    for at, key in enumerate(sent):
        column = names.find(key.field, f"/sort/{at}/field")
        name = column.name
        if not column.is_sortable:
            kind = "encrypted" if column.is_encrypted else f"of type {column.type}"
            raise InvalidBody(f"Cannot sort by {name}: it is {kind}.", pointer=f"/sort/{at}/field")
        if name in keys:
            raise DuplicateColumn(f'Column {name} is in "sort" twice.', pointer=f"/sort/{at}/field")
        keys[name] = key.order == "desc"
    return keys
