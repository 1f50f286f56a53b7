"""Change hub: wakes the readers that wait for changes of tables.

While somebody waits, one task for each workspace asks its database once a second, by one short transaction,
whether there is something new: for all waiting readers of this process together, and without a transaction or
a connection in between. A write of this process wakes the readers of its tables at once.

The task also sees when definitions, apps or grants have changed: then all readers are woken, and check their
rights again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, TypeVar

import msgspec
from cachetools import LRUCache

from rowkeep.catalog.workspace import OpenWorkspace
from rowkeep.errors.catalogue import Busy, RowkeepError
from rowkeep.limited_log import LimitedLog
from rowkeep.model.change_feeds import FeedCursor
from rowkeep.settings import Settings
from rowkeep.sql.change_feed import ChangesSql
from rowkeep.storage.contract import StaleCatalog

T = TypeVar("T")

faults = LimitedLog()

KNOWN_WAKES = 4096
"""For how many tables the last write is known; a reader of another one waits for the next look."""


class Place(msgspec.Struct, frozen=True):
    """Where a reader waits: the table, the statements of its changes, the newest change that was there when
    it read, and the version it read with. ``ticket`` was taken before it read."""

    table_id: str
    sql: ChangesSql
    seen: FeedCursor
    version: int
    ticket: int


class ChangeHub:
    """The waiting readers of this process."""

    def __init__(self, settings: Settings) -> None:
        self._poll_seconds = settings.change_poll_seconds
        self._max_readers = settings.max_change_readers
        self._readers = 0
        self._watches: dict[int, _Watch] = {}
        self._wakes = 0
        self._last_wakes: LRUCache[tuple[int, str], int] = LRUCache(KNOWN_WAKES)
        self.is_stopping = False

    def enter(self, workspace: OpenWorkspace) -> None:
        """A reader begins, and waits from time to time. Raises Busy if there are too many."""
        if self._readers >= self._max_readers:
            raise Busy(
                f"Too many requests wait for changes: at most {self._max_readers} at a time (the setting "
                "max_change_readers). Try again later, or request changes without wait."
            )
        self._readers += 1
        self._watch_of(workspace).readers += 1

    def leave(self, workspace: OpenWorkspace) -> None:
        self._readers -= 1
        watch = self._watches.get(workspace.workspace.id)
        if watch is not None:
            watch.readers -= 1
            if watch.readers <= 0:
                del self._watches[workspace.workspace.id]

    def ticket(self) -> int:
        """Taken by a reader before it reads, so that it does not miss a write before it waits."""
        return self._wakes

    def last_wake(self, workspace: OpenWorkspace, table_id: str) -> int:
        """The number of the last write of this process to a table."""
        return self._last_wakes.get((workspace.workspace.id, table_id), 0)

    def wake(self, workspace: OpenWorkspace, table_id: str) -> None:
        """This process has changed the table."""
        self._wakes += 1
        self._last_wakes[workspace.workspace.id, table_id] = self._wakes
        watch = self._watches.get(workspace.workspace.id)
        if watch is not None:
            watch.wake(table_id)

    async def wait(self, workspace: OpenWorkspace, place: Place, seconds: float) -> bool:
        """Wait until there may be a change after this place, or the reader must check its rights again; at
        most for some ``seconds``. False if nothing happened."""
        if self.is_stopping or self.last_wake(workspace, place.table_id) > place.ticket:
            return True
        watch = self._watch_of(workspace)
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        watch.waiting.setdefault(place.table_id, {})[future] = place
        handle = asyncio.get_running_loop().call_later(seconds, _end, future, False)
        watch.start()
        try:
            return await future
        finally:
            handle.cancel()
            watch.forget(place.table_id, future)

    def stop(self) -> None:
        """The server stops: wake all readers, which then end."""
        self.is_stopping = True
        for watch in self._watches.values():
            watch.wake_all()

    def _watch_of(self, workspace: OpenWorkspace) -> _Watch:
        key = workspace.workspace.id
        watch = self._watches.get(key)
        if watch is None:
            watch = self._watches[key] = _Watch(workspace, self._poll_seconds)
        # it may have been opened again
        watch.workspace = workspace
        return watch


class _Watch:
    """The readers that wait in one workspace."""

    def __init__(self, workspace: OpenWorkspace, poll_seconds: float) -> None:
        self.workspace = workspace
        self.readers = 0
        self.waiting: dict[str, dict[asyncio.Future[bool], Place]] = {}
        self._poll_seconds = poll_seconds
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        if self._task is None:
            self._task = asyncio.ensure_future(self._run())

    def wake(self, table_id: str) -> None:
        for future in self.waiting.get(table_id, ()):
            _end(future, True)

    def wake_all(self) -> None:
        for table_id in list(self.waiting):
            self.wake(table_id)

    def forget(self, table_id: str, future: asyncio.Future[bool]) -> None:
        futures = self.waiting.get(table_id, {})
        futures.pop(future, None)
        if not futures:
            self.waiting.pop(table_id, None)

    async def _run(self) -> None:
        """Look for changes as long as somebody waits."""
        try:
            while self.waiting:
                await asyncio.sleep(self._poll_seconds)
                await self._try_to_look()
        finally:
            self._task = None

    async def _try_to_look(self) -> None:
        try:
            await self._look()
        except StaleCatalog:
            # the workspace is being deleted: its readers find out
            self.wake_all()
        except RowkeepError as error:
            faults.warning(
                "changes not read", key=self.workspace.workspace.name, reason=error.msg, code=error.code
            )

    async def _look(self) -> None:
        workspace, scripts = self.workspace, self.workspace.scripts
        places = {table_id: next(iter(each.values())).sql for table_id, each in self.waiting.items() if each}
        look = partial(scripts.changes.moved, places)
        version, is_unordered, newest = await workspace.database.read(look)
        if is_unordered:
            await workspace.database.write(scripts.history.order_operations)
            version, _, newest = await workspace.database.read(partial(look, is_ordered=True))
        if workspace.newest is not None and workspace.newest.version != version:
            # once for all readers
            workspace.renew()
        for table_id, each in list(self.waiting.items()):
            at = newest.get(table_id)
            if any(place.version != version or at is None or at > place.seen for place in each.values()):
                self.wake(table_id)


def _end(future: asyncio.Future[bool], is_woken: bool) -> None:
    if not future.done():
        future.set_result(is_woken)


class SharedReads:
    """Reads that several readers want at the same time, such as all that a write has woken: one of them
    reads, and the others get its result."""

    def __init__(self) -> None:
        self._running: dict[object, asyncio.Future[Any]] = {}

    async def get(self, key: object, read: Callable[[], Awaitable[T]]) -> T:
        """The result of ``read``, or of the same read that is running already."""
        task = self._running.get(key)
        if task is None:
            task = self._running[key] = asyncio.ensure_future(read())
            task.add_done_callback(partial(self._ended, key))
        # a reader that leaves must not take the result from the others
        result: T = await asyncio.shield(task)
        return result

    def _ended(self, key: object, task: asyncio.Future[Any]) -> None:
        self._running.pop(key, None)
        if not task.cancelled():
            task.exception()  # all readers may have left: then nobody else asks for it
