"""Task: one of all processes delivers the messages of all webhooks.

It has a lease, which it renews. Each second it looks at the workspaces that have webhooks, and starts each
lane that has something to do and is not running already: a slow receiver holds up its own lanes only.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import AbstractAsyncContextManager, suppress
from functools import partial
from secrets import token_hex
from typing import TypeAlias

from rowkeep.catalog.catalog import Catalog
from rowkeep.catalog.workspace import OpenWorkspace
from rowkeep.errors.catalogue import (
    Busy,
    HistoryOff,
    NoSuchTable,
    NoSuchWorkspace,
    QueryTimeout,
    StorageUnavailable,
)
from rowkeep.model.access import Workspace
from rowkeep.model.ids import Clock
from rowkeep.services.audit import AuditLog
from rowkeep.services.webhooks.changes import ChangesSource
from rowkeep.services.webhooks.lanes import Lanes, is_due
from rowkeep.services.webhooks.sender import Sender
from rowkeep.settings import Settings
from rowkeep.storage.contract import StaleCatalog
from rowkeep.storage.scripts.leases import Leases
from rowkeep.storage.scripts.webhooks import Lane

TASK = "webhooks"
LEASE_SECONDS = 30
"""After so long another process continues, if the one that delivers was killed."""

LOOK_SECONDS = 5.0
"""How often the other processes look whether it was."""

MAX_SENDING = 64
"""The maximum number of messages that are being sent at the same time."""

MAX_SENDING_OF_WORKSPACE = 16
MAX_SENDING_OF_WEBHOOK = 4
"""The same of one workspace, and of one webhook: slow receivers leave enough for others."""

CLEANING_SECONDS = 3600
DELETED_AT_ONCE = 500
STOP_SECONDS = 0.05

PASSING = (
    *(StaleCatalog, NoSuchWorkspace, NoSuchTable, HistoryOff),
    *(StorageUnavailable, Busy, QueryTimeout),
)
"""A workspace that was deleted or changed meanwhile, is missing (which others log), or has no time now: it is
looked at again a second later."""

Key: TypeAlias = tuple[int, str, str]
"""The id of a workspace, of a webhook and of a table."""


class Turn(AbstractAsyncContextManager[None]):
    """One of the messages that a webhook may send at the same time, of those of its workspace, and of those
    of all."""

    def __init__(self, *bounds: asyncio.Semaphore) -> None:
        self._bounds = bounds

    async def __aenter__(self) -> None:
        taken: list[asyncio.Semaphore] = []
        try:
            for each in self._bounds:
                await each.acquire()
                taken.append(each)
        except BaseException:
            for each in taken:
                each.release()
            raise

    async def __aexit__(self, *_error: object) -> None:
        for each in self._bounds:
            each.release()


class WebhookTask:
    """Delivers messages while this process has the lease."""

    def __init__(self, catalog: Catalog, settings: Settings, clock: Clock, source: ChangesSource) -> None:
        self._catalog = catalog
        self._clock = clock
        self._source = source
        self._sender = Sender(settings)
        self._keep_seconds = settings.webhook_delivery_days * 24 * 3600
        self._audit = AuditLog(catalog, settings, clock)
        self._holder = token_hex(8)
        self._leases = Leases(catalog.store.catalog.dialect, catalog.store.catalog.namespace)
        self._held_until = 0.0
        self._refused = float("-inf")
        self._lanes = Lanes(catalog, source, self._sender, self._audit, clock, self.is_held)
        self._running: dict[Key, asyncio.Task[bool]] = {}
        self._started: dict[Key, str] = {}
        self._every = asyncio.Semaphore(MAX_SENDING)
        self._bounds: dict[tuple[int, str], asyncio.Semaphore] = {}
        """Those of workspaces and webhooks that are running; the webhook of a workspace's is empty."""
        self._ends: dict[Key, str] = {}
        """Where a lane was, and the end of its table's changes, when the lane had nothing to do."""
        self._cleaned = float("-inf")

    def is_held(self) -> bool:
        """Whether this process still has the lease; by its own clock, which does not jump."""
        return time.monotonic() < self._held_until

    async def run(self) -> None:
        """Start what has something to do. Raises the error of a lane that has failed."""
        await self._end_lanes()
        installation, database = self._catalog.installation, self._catalog.store.catalog
        workspaces = await database.read(installation.workspaces_with_webhooks)
        if not workspaces or not await self._hold():
            await self._stop_lanes()
            return
        for workspace in workspaces:
            try:
                await self._start_lanes(workspace)
            except PASSING:
                continue
        if time.monotonic() >= self._cleaned + CLEANING_SECONDS:
            self._cleaned = time.monotonic()
            for workspace in workspaces:
                await self._clean(workspace)

    async def stop(self) -> None:
        """Stop all lanes, and let another process continue at once."""
        await self._stop_lanes()
        await self._sender.close()
        if self.is_held():
            self._held_until = 0.0
            with suppress(Busy, StorageUnavailable):
                await self._catalog.store.catalog.write(partial(self._leases.release, TASK, self._holder))

    async def settle(self) -> None:
        """Wait until all lanes that were started have nothing to do."""
        while self._running:
            await asyncio.wait(self._running.values())
            await self._end_lanes()

    async def _hold(self) -> bool:
        """Take the lease, or renew it early enough."""
        if time.monotonic() < self._held_until - LEASE_SECONDS * 2 / 3:
            return True
        before, now = time.monotonic(), int(self._clock().timestamp())
        if not self._held_until and before < self._refused + LOOK_SECONDS:
            return False
        database = self._catalog.store.catalog
        is_free = partial(self._leases.is_free, TASK, self._holder, now, LEASE_SECONDS)
        take = partial(self._leases.take, TASK, self._holder, now, LEASE_SECONDS)
        if await database.read(is_free) and await database.write(take):
            # the lease is in whole seconds
            self._held_until = before + LEASE_SECONDS - 1
            return True
        self._held_until, self._refused = 0.0, before
        return False

    async def _start_lanes(self, workspace: Workspace) -> None:
        opened = await self._catalog.named(workspace.name)
        lanes = await opened.database.read(opened.scripts.webhooks.lanes)
        if not lanes:
            return
        tables = {each.table_id for each in lanes if each.cursor is not None}
        ends = await self._source.ends(opened, sorted(tables))
        now = self._clock().timestamp()
        for lane in lanes:
            key = (workspace.id, lane.webhook_id, lane.table_id)
            end = f"{lane.cursor} {ends.get(lane.table_id)}"
            is_new = lane.pending == 0 and lane.cursor is not None and self._ends.get(key) != end
            if key not in self._running and (is_new or (lane.pending > 0 and is_due(lane.due, now))):
                self._started[key] = end
                self._start(key, opened, lane)

    def _start(self, key: Key, opened: OpenWorkspace, lane: Lane) -> None:
        turn = Turn(
            self._bound((key[0], lane.webhook_id), MAX_SENDING_OF_WEBHOOK),
            self._bound((key[0], ""), MAX_SENDING_OF_WORKSPACE),
            self._every,
        )
        run = self._lanes.run(opened, lane.webhook_id, lane.table_id, turn)
        self._running[key] = asyncio.create_task(run, name=f"webhook {lane.webhook_id}")

    def _bound(self, place: tuple[int, str], size: int) -> asyncio.Semaphore:
        if place not in self._bounds:
            self._bounds[place] = asyncio.Semaphore(size)
        return self._bounds[place]

    async def _end_lanes(self) -> None:
        """Forget the lanes that have ended. Raises the error of one that has failed."""
        failure: BaseException | None = None
        for key, task in list(self._running.items()):
            if task.done():
                del self._running[key]
                started = self._started.pop(key)
                error = None if task.cancelled() else task.exception()
                if error is not None:
                    failure = failure if isinstance(error, PASSING) else error
                elif not task.cancelled() and task.result():
                    self._ends[key] = started
        running = {
            (workspace, each) for workspace, webhook_id, _ in self._running for each in ("", webhook_id)
        }
        for place in self._bounds.keys() - running:
            del self._bounds[place]
        if failure is not None:
            raise failure

    async def _stop_lanes(self) -> None:
        running = set(self._running.values())
        while running:
            for each in running:
                each.cancel()
            _, running = await asyncio.wait(running, timeout=STOP_SECONDS)
        self._running.clear()
        self._started.clear()
        self._ends.clear()

    async def _clean(self, workspace: Workspace) -> None:
        """Delete old messages, and forget a workspace that has no webhooks any more."""
        before = int(self._clock().timestamp()) - self._keep_seconds
        try:
            opened = await self._catalog.named(workspace.name)
            deliveries = opened.scripts.deliveries
            while await opened.database.read(partial(deliveries.has_old, before)):
                await opened.database.write(partial(deliveries.delete_old, before, DELETED_AT_ONCE))
            is_used = opened.scripts.webhooks.is_used
            if await opened.database.read(is_used):
                return
            installation, catalog = self._catalog.installation, self._catalog.store.catalog
            await catalog.write(partial(installation.forget_webhooks, workspace))
            if await opened.database.read(is_used):
                # one was created just now
                await catalog.write(partial(installation.record_webhooks, workspace))
        except PASSING:
            return
