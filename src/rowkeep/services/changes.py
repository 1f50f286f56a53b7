"""Changes: the recorded changes of a table, page by page, and a feed of them that never skips one.

A reader never holds a transaction or a connection while it waits. Its token, app and grant are checked again
before each page, and at each keep-alive: the feed ends as soon as they do not hold.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import cached_property, partial

import msgspec

from rowkeep.catalog.snapshot import CompiledTable
from rowkeep.catalog.workspace import OpenWorkspace
from rowkeep.codec.change_cursors import read_change_cursor, write_change_cursor
from rowkeep.codec.change_events import change_events
from rowkeep.codec.change_records import ChangeRecord
from rowkeep.errors.catalogue import HistoryOff, InvalidCursor, InvalidParameter, ShuttingDown, preview
from rowkeep.metrics import ROWS_READ
from rowkeep.model.access import Right
from rowkeep.model.change_feeds import NOW, FeedCursor, FeedEnd, FeedPlace, FeedRequest
from rowkeep.model.ids import ROW_ID
from rowkeep.services.access import Access, Caller, Credential
from rowkeep.services.change_hub import ChangeHub, Place, SharedReads
from rowkeep.services.compiled_changes import ChangesCache, CompiledChanges
from rowkeep.services.offload import LARGE_CELLS, Offload
from rowkeep.services.row_requests import ReadRequest
from rowkeep.settings import Settings
from rowkeep.storage.scripts.changes import UNORDERED, FoundChanges, WantedChanges

KEEP_ALIVE_SECONDS = 15.0
"""After how long without a change an open feed sends something, and checks the rights of its reader."""

EVENTS_PER_PART = 100
"""How many changes a feed reads at a time."""


class ChangePage:
    """A page of changes. Readers that wanted the same one share it."""

    def __init__(
        self,
        table_id: str,
        changes: Sequence[ChangeRecord],
        found: FoundChanges,
    ) -> None:
        self.table_id = table_id
        self.changes = changes
        self.start = found.start
        self.next = found.next
        self.newest = found.newest
        self.has_more = found.has_more

    @property
    def next_cursor(self) -> str:
        return write_change_cursor(self.table_id, self.next)

    @cached_property
    def events(self) -> bytes:
        """The changes as server-sent events."""
        return change_events(self.changes)


class _Read(msgspec.Struct, frozen=True):
    """What one attempt to read has found: the page, and where its reader would wait for more."""

    workspace: OpenWorkspace
    page: ChangePage
    place: Place


class Changes:
    """The changes of tables with a history."""

    def __init__(self, access: Access, hub: ChangeHub, settings: Settings, offload: Offload) -> None:
        self.hub = hub
        self._access = access
        self._max_bytes = settings.max_response_bytes
        self._offload = offload
        self._cache = ChangesCache()
        self._shared = SharedReads()

    async def page(self, credential: Credential, table: str, read: ReadRequest[FeedRequest]) -> ChangePage:
        """A page of the feed. If there is no change after the cursor, it waits for one as long as the request
        says. Raises NoSuchTable, Forbidden, HistoryOff, InvalidCursor, HistoryExpired, Busy."""
        request, first = await self._access.run(credential, partial(self._first, table, read))
        if first.page.changes or not request.wait:
            return first.page
        self.hub.enter(first.workspace)
        try:
            return await self._waited(credential, table, request, first)
        finally:
            self.hub.leave(first.workspace)

    async def _waited(
        self, credential: Credential, table: str, request: FeedRequest, found: _Read
    ) -> ChangePage:
        loop = asyncio.get_running_loop()
        until = loop.time() + request.wait
        while True:
            left = until - loop.time()
            if found.page.changes or left <= 0 or self.hub.is_stopping:
                return found.page
            await self.hub.wait(found.workspace, found.place, left)
            found = await self.read_on(credential, table, found, request.limit)

    async def row(
        self, credential: Credential, table: str, row_id: str, read: ReadRequest[FeedRequest]
    ) -> ChangePage:
        """A page of the changes of one row. Raises what :meth:`page` raises, and InvalidParameter for an
        invalid ``_id``."""

        async def read_row(caller: Caller) -> ChangePage:
            compiled = await caller.table(table, (Right.READ,))
            if not ROW_ID.fullmatch(row_id):
                raise InvalidParameter(
                    f"The _id in the path must be 24 hexadecimal digits (lower case); got {preview(row_id)}."
                )
            request = await read()
            _check_history(compiled)
            after = _place_of(compiled.table.id, request)
            wanted = _wanted(caller, compiled, self._max_bytes, after, request.limit, row_id)
            return await self._page(caller.workspace, compiled, wanted)

        return await self._access.run(credential, read_row)

    async def follow(
        self, credential: Credential, table: str, read: ReadRequest[FeedRequest]
    ) -> ChangeReader:
        """A reader of the feed, which must be closed. Raises what :meth:`page` raises."""
        if self.hub.is_stopping:
            raise ShuttingDown()
        _, first = await self._access.run(credential, partial(self._first, table, read))
        self.hub.enter(first.workspace)
        return ChangeReader(self, credential, table, first)

    async def _first(
        self, table: str, read: ReadRequest[FeedRequest], caller: Caller
    ) -> tuple[FeedRequest, _Read]:
        compiled = await caller.table(table, (Right.READ,))
        request = await read()
        _check_history(compiled)
        wanted = _wanted(
            caller, compiled, self._max_bytes, _place_of(compiled.table.id, request), request.limit
        )
        ticket = self.hub.ticket()
        page = await self._page(caller.workspace, compiled, wanted)
        return request, self._found(caller, compiled, page, ticket)

    async def _next(self, table: str, after: FeedCursor, limit: int, table_id: str, caller: Caller) -> _Read:
        compiled = await self._same_table(table, table_id, caller)
        wanted = _wanted(caller, compiled, self._max_bytes, after, limit)
        workspace, ticket = caller.workspace, self.hub.ticket()
        # not shared with a read from before the last write
        key = (workspace.workspace.id, wanted, self.hub.last_wake(workspace, table_id))
        page = await self._shared.get(key, partial(self._page, workspace, compiled, wanted))
        return self._found(caller, compiled, page, ticket)

    async def _same_table(self, table: str, table_id: str, caller: Caller) -> CompiledTable:
        """The table that a reader follows, if it still has the right to read it."""
        compiled = await caller.table(table, (Right.READ,))
        _check_history(compiled)
        if compiled.table.id != table_id:
            raise InvalidCursor("The table was deleted, and another one has its name now.")
        return compiled

    def _found(self, caller: Caller, compiled: CompiledTable, page: ChangePage, ticket: int) -> _Read:
        sql = self._cache.of(caller.workspace, compiled).sql(())
        place = Place(compiled.table.id, sql, page.newest, caller.snapshot.version, ticket)
        return _Read(caller.workspace, page, place)

    async def _page(
        self, workspace: OpenWorkspace, compiled: CompiledTable, wanted: WantedChanges
    ) -> ChangePage:
        changes = self._cache.of(workspace, compiled)
        script = partial(workspace.scripts.changes.page, wanted, changes.sql)
        found = await workspace.database.read(script)
        if found is UNORDERED:
            await workspace.database.write(workspace.scripts.history.order_operations)
            found = await workspace.database.read(partial(script, is_ordered=True))
        records = await self._records(changes, found)
        ROWS_READ.add(len(records))
        return ChangePage(compiled.table.id, records, found)

    async def _records(self, changes: CompiledChanges, found: FoundChanges) -> Sequence[ChangeRecord]:
        if found.sql is None or not found.rows:
            return ()
        encode = partial(changes.records, found.sql, found.rows)
        if len(found.rows) * len(found.rows[0]) > LARGE_CELLS:
            return await self._offload.run(encode)
        return encode()

    async def read_on(
        self, credential: Credential, table: str, found: _Read, limit: int = EVENTS_PER_PART
    ) -> _Read:
        """The page after one that was read. Raises what :meth:`page` raises."""
        again = partial(self._next, table, found.page.next, limit, found.place.table_id)
        return await self._access.run(credential, again, again=True)

    async def check(self, credential: Credential, table: str, found: _Read) -> None:
        """Check that a reader may still read."""
        check = partial(self._same_table, table, found.place.table_id)
        await self._access.run(credential, check, again=True)


class ChangeReader:
    """A reader that follows the feed of one table. It must be closed."""

    def __init__(self, changes: Changes, credential: Credential, table: str, first: _Read) -> None:
        self._changes = changes
        self._credential = credential
        self._table = table
        self._workspace = first.workspace
        self._found = first
        self._is_new = True
        self._is_closed = False

    @property
    def start(self) -> str:
        """The cursor before the first change."""
        page = self._found.page
        return write_change_cursor(page.table_id, page.start)

    @property
    def is_over(self) -> bool:
        """Whether the server stops."""
        return self._changes.hub.is_stopping

    async def next(self) -> ChangePage | None:
        """The next changes; None if there were none for :data:`KEEP_ALIVE_SECONDS`, or if the server stops.
        Raises what :meth:`Changes.page` raises."""
        if self._is_new:
            self._is_new = False
            if self._found.page.changes:
                return self._found.page
        hub, loop = self._changes.hub, asyncio.get_running_loop()
        until = loop.time() + KEEP_ALIVE_SECONDS
        while not self.is_over:
            page = self._found.page
            is_at_end = not (page.changes and page.has_more)
            if is_at_end and not await hub.wait(
                self._found.workspace, self._found.place, max(0.0, until - loop.time())
            ):
                await self._changes.check(self._credential, self._table, self._found)
                return None
            self._found = await self._changes.read_on(self._credential, self._table, self._found)
            if self._found.page.changes:
                return self._found.page
        return None

    def close(self) -> None:
        """It can be called twice."""
        if not self._is_closed:
            self._is_closed = True
            self._changes.hub.leave(self._workspace)


def _check_history(compiled: CompiledTable) -> None:
    """Raises HistoryOff."""
    if compiled.table.history is None:
        raise HistoryOff(
            f"Table {compiled.table.name} has no history. To record its changes from now on, set "
            '"history": {"keepDays": 30} in its definition.'
        )


def _place_of(table_id: str, request: FeedRequest) -> FeedPlace:
    """Raises InvalidCursor."""
    if request.after is None:
        return FeedEnd.OLDEST
    return FeedEnd.NEWEST if request.after == NOW else read_change_cursor(table_id, request.after)


def _wanted(
    caller: Caller,
    compiled: CompiledTable,
    max_bytes: int,
    after: FeedPlace,
    limit: int,
    row_key: str | None = None,
) -> WantedChanges:
    return WantedChanges(compiled.table.id, caller.snapshot.version, after, limit, max_bytes, row_key)
