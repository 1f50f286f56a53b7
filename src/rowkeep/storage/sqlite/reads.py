"""Reads: the pages of a workspace's file, each from one snapshot."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import Any

import apsw

from rowkeep.plan.rows.select import SelectPlan
from rowkeep.sql.binding import select_values
from rowkeep.sql.pages import Decoders, Pages
from rowkeep.sql.statements import Statement
from rowkeep.storage.contract import Row, Selected, StaleCatalog
from rowkeep.storage.response_sizes import fitting_page, sizes
from rowkeep.storage.sqlite.connections import Connection, Moved, raise_ours


def select(sql: Pages, plan: SelectPlan, version: int | None, connection: Connection) -> Selected:
    """A page. ``version`` is None in a transaction that has compared it.

    Outside of a transaction each statement reads a snapshot of its own. That of the page has the version if a
    later one still has it, because versions only grow. Raises Moved if the total is of another snapshot.
    """
    statements = sql.select(plan.shape)
    values = select_values(plan, sql.constants)
    total: Any = None
    try:
        page = statements.page.bind(values)
        rows, size, is_cut = _page(connection, page, plan.max_bytes)
        snapshot = connection.data_version()
        if version is not None and connection.version(snapshot) != version:
            raise StaleCatalog()
        if statements.count is not None and plan.is_whole(len(rows)) and not is_cut:
            total = plan.offset + len(rows)
        elif statements.count is not None:
            count = statements.count.bind(values)
            total = connection.execute(count.text, count.parameters).fetchall()[0][0]
            if connection.data_version() != snapshot:
                raise Moved()
    except apsw.Error as error:
        raise_ours(error)
    next_key = None
    if len(rows) > plan.limit or is_cut:
        rows = rows[: plan.limit]
        next_key = [rows[-1][at] for at in statements.key] if rows else None
    if rows and len(rows[0]) > statements.width:
        rows = list(map(itemgetter(slice(statements.width)), rows))
    return Selected(decoded(rows, statements.decoders), total, next_key, size)


def _page(connection: Connection, page: Statement, max_bytes: int) -> tuple[Sequence[Row], int, bool]:
    """The rows that fit, about how many bytes they take (0 for few), and whether some rows did not fit."""
    cursor = connection.execute(page.text, page.parameters)
    if connection.max_cell_bytes is None:
        try:
            found = fitting_page(cursor, max_bytes)
        finally:
            cursor.close(True)
        return found.rows, found.size, found.is_cut
    rows = cursor.fetchall()
    # a few cells that are not large always fit
    may_be_large = bool(rows) and len(rows) * len(rows[0]) * connection.max_cell_bytes > max_bytes
    size = sum(sizes(rows)) if may_be_large else 0
    if size > max_bytes:
        found = fitting_page(rows, max_bytes)
        return found.rows, found.size, found.is_cut
    return rows, size, False


def decoded(rows: Sequence[Row], decoders: Decoders) -> Sequence[Row]:
    """The rows with their cells as in responses, one column at a time."""
    if not decoders or not rows:
        return rows
    columns: list[Iterable[object]] = list(zip(*rows, strict=True))
    for at, decode in decoders:
        if at < len(columns):
            columns[at] = map(decode, columns[at])
    return list(zip(*columns, strict=True))
