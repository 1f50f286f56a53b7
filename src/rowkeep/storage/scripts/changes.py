"""Changes: scripts that read the recorded changes of a table, page by page, in the order of the feed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate, takewhile
from typing import Any, TypeAlias

import msgspec
import sqlalchemy as sa

from rowkeep.errors.catalogue import HistoryExpired
from rowkeep.model.change_feeds import NO_CHANGE, FeedCursor, FeedEnd, FeedPlace
from rowkeep.model.tables import Column
from rowkeep.sql.change_feed import ChangesSql
from rowkeep.storage.contract import Row, StaleCatalog, Steps
from rowkeep.storage.scripts.history import HistoryScripts
from rowkeep.storage.scripts.state import WorkspaceState
from rowkeep.storage.scripts.steps import WorkspaceSteps

SqlOfDropped: TypeAlias = Callable[[tuple[Column, ...]], ChangesSql]
"""The statements of a table whose records have these former columns."""


class WantedChanges(msgspec.Struct, frozen=True):
    """A page of the changes of a table: at most ``limit``, which take about ``max_bytes``. With a
    ``row_key``, only the changes of this row."""

    table_id: str
    version: int
    after: FeedPlace
    limit: int
    max_bytes: int
    row_key: str | None = None


class FoundChanges(msgspec.Struct, frozen=True):
    """A page as it was read: its rows, the cursors before the first and after the last of them, whether there
    are more, and the place of the newest change of the table. Without ``sql``, operations must be ordered
    first."""

    sql: ChangesSql | None
    rows: Sequence[Row] = ()
    start: FeedCursor = NO_CHANGE
    next: FeedCursor = NO_CHANGE
    has_more: bool = False
    newest: FeedCursor = NO_CHANGE


UNORDERED = FoundChanges(None)


class ChangeScripts(WorkspaceSteps):
    """The scripts of one workspace."""

    def __init__(self, state: WorkspaceState, history: HistoryScripts) -> None:
        super().__init__(state.dialect, state.namespace)
        self._state = state
        self._history = history

    def page(
        self, wanted: WantedChanges, sql_of: SqlOfDropped, *, is_ordered: bool = False
    ) -> Steps[FoundChanges]:
        """A page, from one snapshot. Unless it ``is_ordered``, :data:`UNORDERED` if there are operations
        without a place in the feed. Raises StaleCatalog, HistoryExpired."""
        if (yield from self._state.version()) != wanted.version:
            raise StaleCatalog()
        if not is_ordered and (yield from self._history.has_unordered()):
            return UNORDERED
        records = yield from self._history.records_of(wanted.table_id)
        if records is None:
            raise StaleCatalog()
        sql = sql_of(records.dropped)
        first = FeedCursor(records.first_position, records.first_seq)
        newest = max(first, (yield from self.newest(wanted.table_id, sql)))
        after = wanted.after
        if isinstance(after, FeedEnd):
            after = first if after is FeedEnd.OLDEST else newest
        _check_place(after, first, newest, records.since)
        return (yield from self._found(wanted, sql, after, newest))

    def _found(
        self, wanted: WantedChanges, sql: ChangesSql, after: FeedCursor, newest: FeedCursor
    ) -> Steps[FoundChanges]:
        sizes_of, page_of = sql.of_table if wanted.row_key is None else sql.of_row
        sizes = yield sql.bound(sizes_of, after, wanted.limit + 1, wanted.row_key)
        fitting = takewhile(lambda size: size <= wanted.max_bytes, accumulate(row[2] for row in sizes))
        # one change is returned, however large it is: otherwise no reader would get beyond it
        count = min(wanted.limit, max(1, sum(1 for _ in fitting)))
        if not sizes:
            return FoundChanges(sql, (), after, after, False, newest)
        rows = yield sql.bound(page_of, after, count, wanted.row_key)
        end = FeedCursor(*rows[-1][:2])
        return FoundChanges(sql, rows, after, end, len(sizes) > len(rows), max(newest, end))

    def newest(self, table_id: str, sql: ChangesSql) -> Steps[FeedCursor]:
        """The newest change of a table; NO_CHANGE if there is none."""
        rows: Sequence[Any]
        if self.dialect.has_concurrent_writers:
            ordered = self._system.operation_tables.c
            rows = yield from self._do(
                sa.select(ordered.position, ordered.last_seq)
                .where(ordered.table_id == table_id, ordered.position.is_not(None))
                .order_by(ordered.position.desc())
                .limit(sa.literal_column("1"))
            )
        else:
            rows = yield sql.newest
        return FeedCursor(rows[0][0], rows[0][1]) if rows else NO_CHANGE

    def moved(
        self, places: dict[str, ChangesSql], *, is_ordered: bool = False
    ) -> Steps[tuple[int, bool, dict[str, FeedCursor]]]:
        """The version, whether operations must be ordered, and the newest change of each of these tables,
        except those that are gone."""
        version = yield from self._state.version()
        if not is_ordered and (yield from self._history.has_unordered()):
            return version, True, {}
        histories = self._system.histories.c
        known = yield from self._do(sa.select(histories.table_id).where(histories.table_id.in_(places)))
        newest: dict[str, FeedCursor] = {}
        for (table_id,) in known:
            newest[table_id] = yield from self.newest(table_id, places[table_id])
        return version, False, newest


def _check_place(after: FeedCursor, first: FeedCursor, newest: FeedCursor, since: str) -> None:
    if after < first:
        raise HistoryExpired(
            f"The changes after this cursor are no longer recorded: the records begin at {since}. Read the "
            "table again, and continue with a cursor from after=now."
        )
    if after > newest:
        raise HistoryExpired(
            "The cursor is later than the newest change: the workspace was restored from an older backup, or "
            "its history was turned off and on. Read the table again, and continue with a cursor from "
            "after=now."
        )
