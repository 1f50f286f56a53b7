"""Reads: the pages of a workspace, each by one statement."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from functools import partial
from operator import itemgetter
from typing import Any, TypeAlias, cast

import asyncpg

from rowkeep.plan.rows.select import SelectPlan
from rowkeep.sql.binding import select_values
from rowkeep.sql.pages import Pages, PostgresPages, SelectSql
from rowkeep.storage.contract import Row, Selected, StaleCatalog
from rowkeep.storage.postgres.lookups import Lookups
from rowkeep.storage.postgres.pool import Call, Pool
from rowkeep.storage.postgres.waiting import ConnectionLane
from rowkeep.storage.response_sizes import fitting_page, record_too_large

LEAD = 3
"""The version, the count and the bytes of large texts lead each row of an answer."""

SHORT_LEAD = 2
"""The version, and whether the row is small, lead each row of a short page."""

_is_small = itemgetter(1)

SHORT_PAGE_BYTES = 16_000_000
"""About what a short page takes at most, with all of its cells."""

CELL_BYTES = 64
"""About what a cell takes in memory beyond the text in it."""


Fetch: TypeAlias = Callable[[str, Sequence[Any]], Awaitable[list[Any]]]
"""Runs one statement: in a transaction of its own, or as a part of one."""


LookUp: TypeAlias = Callable[[SelectSql, Sequence[Any]], Awaitable[list[Any]]]
"""Reads a short page, perhaps together with others."""


def select(
    pool: Pool, lane: ConnectionLane, lookups: Lookups, sql: Pages, plan: SelectPlan, version: int
) -> Coroutine[Any, Any, Selected]:
    call = Call(lane, plan.target.id, is_limited=True)
    return select_by(partial(pool.fetch, call), sql, plan, version, partial(lookups.fetch, call))


async def select_by(
    fetch: Fetch, sql: Pages, plan: SelectPlan, version: int, look_up: LookUp | None = None
) -> Selected:
    statements = sql.select(plan.shape) if plan.offset else sql.limited(plan.shape, plan.limit)
    if statements.short is not None:
        if plan.max_bytes >= SHORT_PAGE_BYTES and statements.short.tries_next():
            page = statements.page
            parameters = page.parameters(select_values(plan, sql.constants))
            rows = await (
                fetch(page.text, parameters) if look_up is None else look_up(statements, parameters)
            )
            if not rows or rows[0][0] != version:
                raise StaleCatalog()
            short = _short_page(rows, statements, plan)
            if short is not None:
                return short
            statements.short.was_long()
        statements = cast("PostgresPages", sql).whole(plan.shape, plan.limit)
    page = statements.page
    rows = await fetch(page.text, page.parameters(select_values(plan, sql.constants)))
    if not rows or rows[0][0] != version:
        raise StaleCatalog()
    first = rows[0]
    total, size = first[1], first[2]
    if size > plan.max_bytes:
        return await _select_fitting(fetch, sql, plan, version)
    if first[LEAD + statements.never_null] is None:
        # only the row with the version: the page is empty
        return Selected((), plan.offset if plan.shape.is_counted and total is None else total, None)
    if total is None and plan.shape.is_counted:
        total = plan.offset + len(rows)
    return _page(rows, statements, plan, total, size, is_cut=False)


def _short_page(rows: Sequence[Any], statements: SelectSql, plan: SelectPlan) -> Selected | None:
    """A short page of these rows; None if it is not short."""
    is_counted = plan.shape.is_counted
    if rows[0][SHORT_LEAD + statements.never_null] is None:
        # only the row with the version: the page is empty
        return Selected((), 0 if is_counted else None, None)
    has_more = len(rows) > plan.limit
    if (is_counted and has_more) or not all(map(_is_small, rows)):
        return None
    total = len(rows) if is_counted else None
    found = list(map(itemgetter(slice(SHORT_LEAD, SHORT_LEAD + statements.width)), rows[: plan.limit]))
    last = rows[len(found) - 1]
    return Selected(found, total, [last[SHORT_LEAD + at] for at in statements.key] if has_more else None)


async def _select_fitting(fetch: Fetch, sql: Pages, plan: SelectPlan, version: int) -> Selected:
    """The start of a page that is too large as a whole, so that the rest of it never gets here."""
    statements = cast("PostgresPages", sql).cut(plan.shape)
    page = statements.page
    rows = await fetch(page.text, page.parameters(select_values(plan, sql.constants)))
    if not rows or rows[0][0] != version:
        raise StaleCatalog()
    _, total, found, *_ = rows[0]
    if rows[0][LEAD + statements.never_null] is None:
        if found:
            raise record_too_large(plan.max_bytes)
        return Selected((), total, None)
    return _page(rows, statements, plan, total, plan.max_bytes, is_cut=len(rows) < found)


def _page(
    rows: Sequence[Any],
    statements: SelectSql,
    plan: SelectPlan,
    total: int | None,
    size: int,
    *,
    is_cut: bool,
) -> Selected:
    """A page of these rows. ``size`` counts large texts alone; if that may be too little, the rows are
    measured as every engine does it, and the page ends where they take too much."""
    has_more = is_cut or len(rows) > plan.limit
    rows = rows[: plan.limit]
    found: Sequence[Row] = answered(rows, statements.width)
    if size + len(rows) * statements.width * CELL_BYTES > plan.max_bytes:
        fit = fitting_page(found, plan.max_bytes)
        found, size, has_more = fit.rows, fit.size, has_more or fit.is_cut
    last = rows[len(found) - 1]
    return Selected(found, total, [last[LEAD + at] for at in statements.key] if has_more else None, size)


def answered(rows: Sequence[asyncpg.Record], width: int) -> list[Any]:
    """The answered columns of each row, without what leads and what only sorts."""
    return list(map(itemgetter(slice(LEAD, LEAD + width)), rows))
