"""Recorded changes: the changes of tables as their history has them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import msgspec

from rowkeep.catalog.workspace import OpenWorkspace
from rowkeep.codec.change_cursors import read_change_cursor, write_change_cursor
from rowkeep.codec.change_records import ChangeRecord
from rowkeep.errors.catalogue import HistoryOff, NoSuchTable
from rowkeep.model.change_feeds import FeedEnd, FeedPlace
from rowkeep.model.tables import Table
from rowkeep.services.compiled_changes import CompiledChanges
from rowkeep.services.webhooks.changes import ChangePage, EncodedChange
from rowkeep.storage.contract import StaleCatalog, Steps
from rowkeep.storage.scripts.changes import UNORDERED, FoundChanges, WantedChanges

MAX_BYTES = 4 * 1024 * 1024
"""About how much the changes of a page have together."""

KNOWN_TABLES = 1024


class _Known(msgspec.Struct, frozen=True):
    """A table whose changes were read, as it was defined then."""

    opened: OpenWorkspace
    table: Table
    changes: CompiledChanges


class RecordedChanges:
    """The changes of tables with a history; compiled once for each definition."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, str], _Known] = {}

    async def end(self, opened: OpenWorkspace, table_id: str) -> str:
        _, found = await self._page(opened, table_id, FeedEnd.NEWEST, 1)
        return write_change_cursor(table_id, found.start)

    async def after(self, opened: OpenWorkspace, table_id: str, cursor: str, limit: int) -> ChangePage:
        place = read_change_cursor(table_id, cursor) if cursor else FeedEnd.OLDEST
        known, found = await self._page(opened, table_id, place, limit)
        records: Sequence[ChangeRecord] = ()
        if found.sql is not None and found.rows:
            try:
                records = known.changes.records(found.sql, found.rows)
            except StaleCatalog:
                # the data keys were replaced: the next attempt has the new ones
                await opened.load_keys()
                raise
        return ChangePage(
            known.table.name,
            [EncodedChange(each.kind, each.on, msgspec.json.encode(each)) for each in records],
            write_change_cursor(table_id, found.next),
            found.has_more,
        )

    async def ends(self, opened: OpenWorkspace, table_ids: Sequence[str]) -> Mapping[str, str]:
        places = {}
        for table_id in table_ids:
            known = self._known.get((opened.workspace.id, table_id))
            if known is not None:
                places[table_id] = known.changes.sql(())
        if not places:
            return {}
        moved = partial(opened.scripts.changes.moved, places)
        _, is_unordered, newest = await opened.database.read(moved)
        if is_unordered:
            await opened.database.write(opened.scripts.history.order_operations)
            _, _, newest = await opened.database.read(partial(moved, is_ordered=True))
        return {table_id: write_change_cursor(table_id, place) for table_id, place in newest.items()}

    async def _page(
        self, opened: OpenWorkspace, table_id: str, after: FeedPlace, limit: int
    ) -> tuple[_Known, FoundChanges]:
        def script(*, is_ordered: bool = False) -> Steps[tuple[_Known, FoundChanges]]:
            version = yield from opened.scripts.state.version()
            known = yield from self._compiled(opened, table_id)
            wanted = WantedChanges(table_id, version, after, limit, MAX_BYTES)
            page = opened.scripts.changes.page
            return known, (yield from page(wanted, known.changes.sql, is_ordered=is_ordered))

        known, found = await opened.database.read(script)
        if found is UNORDERED:
            await opened.database.write(opened.scripts.history.order_operations)
            known, found = await opened.database.read(partial(script, is_ordered=True))
        self._remember(known)
        return known, found

    def _compiled(self, opened: OpenWorkspace, table_id: str) -> Steps[_Known]:
        """Raises NoSuchTable, HistoryOff."""
        tables = yield from opened.scripts.tables.by_ids({table_id})
        if table_id not in tables:
            raise NoSuchTable("The table was deleted.")
        table = tables[table_id]
        if table.history is None:
            raise HistoryOff(
                f"Table {table.name} has no history, which a webhook needs. Set "
                '"history": {"keepDays": 30} in its definition.'
            )
        known = self._known.get((opened.workspace.id, table_id))
        if known is not None and known.opened is opened and known.table == table:
            return known
        return _Known(opened, table, CompiledChanges(opened, table))

    def _remember(self, known: _Known) -> None:
        # that of a user's request is used only once: it has a guard
        if known.opened.owner is None:
            if len(self._known) >= KNOWN_TABLES:
                self._known.clear()
            self._known[known.opened.workspace.id, known.table.id] = known
