"""Health: whether everything that requests need is there: the catalog, the master key, the databases of all
workspaces, and a device that can be written."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from functools import partial

from rowkeep.catalog.catalog import Catalog
from rowkeep.catalog.workspace import OpenWorkspace
from rowkeep.errors.catalogue import (
    Busy,
    NotReady,
    RowkeepError,
    SetupError,
    StorageMissing,
    StorageUnavailable,
)
from rowkeep.limited_log import LimitedLog
from rowkeep.storage.contract import StaleCatalog
from rowkeep.storage.migrations import CATALOG_STEPS, WORKSPACE_STEPS, completed_steps

READY_SECONDS = 2.0
"""How long a request for the state waits for the store."""

MIN_SECONDS = 2.0
"""The minimum time between two looks at the store: whoever asks more often gets the same result."""

SHARE_OF_TIME = 0.1
"""The maximum share of time for looks at a store with very many workspaces."""

WORKSPACES_AT_ONCE = 100
"""How many of the workspaces in use are read in one look; the next one continues with others."""

SHOWN = 5

NEWER = "A database has the system tables of a newer version of Rowkeep. Update this server."
OLDER = "A database has the system tables of an older version of Rowkeep. Restart the servers to migrate it."


class Health:
    """The faults of a store. ``clock`` is in seconds."""

    def __init__(self, catalog: Catalog, clock: Callable[[], float] = time.monotonic) -> None:
        self._catalog = catalog
        self._clock = clock
        self._looking = asyncio.Lock()
        self._found: RowkeepError | None = None
        self._next_look = float("-inf")
        self._position = 0
        self._log = LimitedLog()

    async def state(self) -> RowkeepError | None:
        """The same as :meth:`fault`, or why it is not known."""
        try:
            async with asyncio.timeout(READY_SECONDS):
                return await self.fault()
        except TimeoutError:
            return StorageUnavailable(f"The database did not respond within {READY_SECONDS:g} seconds.")
        except RowkeepError as error:
            return error

    async def fault(self) -> RowkeepError | None:
        """The first fault of the store, with the problems of all of its faults. The messages name no
        workspace, which the log does. Whether the catalog can be read is asked each time; all else is at
        most a few seconds old.

        Raises StorageUnavailable, StorageMissing or Busy if the catalog cannot be read.
        """
        await self._catalog.fingerprint()
        async with self._looking:
            if self._clock() >= self._next_look:
                started = self._clock()
                self._found = _all_in_one([each async for each in self._look()])
                ended = self._clock()
                self._next_look = ended + max(MIN_SECONDS, (ended - started) / SHARE_OF_TIME)
        return self._found

    async def _look(self) -> AsyncIterator[RowkeepError]:
        catalog = self._catalog.store.catalog
        steps = await catalog.read(partial(completed_steps, catalog.dialect, catalog.namespace))
        if steps != len(CATALOG_STEPS):
            yield self._other_version("catalog", steps, len(CATALOG_STEPS))
        for check in (self._catalog.check_master_key, self._catalog.store.check_device):
            fault = await _fault_of(check)
            if fault is not None:
                self._log.error("not ready", key=fault.msg, reason=fault.msg)
                yield fault
        missing = [each.physical for each in await self._catalog.missing_databases()]
        if missing:
            yield self._of_databases(StorageMissing, "missing", missing)
        unreadable = await self._catalog.store.unreadable()
        if unreadable:
            yield self._of_databases(StorageUnavailable, "unreadable", unreadable)
        newer = await self._catalog.newer_databases()
        if newer:
            yield self._newer([each.physical for each in newer])
        async for fault in self._of_workspaces_in_use(set(missing + unreadable)):
            yield fault

    async def _of_workspaces_in_use(self, known: set[str]) -> AsyncIterator[RowkeepError]:
        """The faults of workspaces that this process has used, one for all faults of a kind."""
        found: dict[type[RowkeepError], RowkeepError] = {}
        for opened in self._some_in_use():
            if opened.workspace.physical in known:
                continue
            try:
                await opened.read_keys()
                database = opened.database
                steps = await database.read(partial(completed_steps, database.dialect, database.namespace))
            except (StaleCatalog, Busy):
                # the workspace is being deleted, or has much to do
                continue
            except StorageUnavailable as error:
                name = opened.workspace.physical
                self._log.error("workspace not ready", key=name, database=name, reason=error.msg)
                found[type(error)] = type(error)()
                continue
            if steps != len(WORKSPACE_STEPS):
                fault = self._other_version(opened.workspace.physical, steps, len(WORKSPACE_STEPS))
                found[NotReady] = fault
        for each in found.values():
            yield each

    def _some_in_use(self) -> list[OpenWorkspace]:
        """Some of the workspaces in use, in turn."""
        every = self._catalog.in_use()
        first = self._position if self._position < len(every) else 0
        self._position = first + WORKSPACES_AT_ONCE
        return every[first : first + WORKSPACES_AT_ONCE]

    def _of_databases(
        self, kind: type[StorageUnavailable], what: str, names: Sequence[str]
    ) -> StorageUnavailable:
        shown = list(names[:SHOWN])
        self._log.error("workspace databases " + what, key=what, count=len(names), databases=shown)
        databases = (
            "database of 1 workspace is" if len(names) == 1 else f"databases of {len(names):,} workspaces are"
        )
        return kind(f"The {databases} {what}. The server log has the names.")

    def _newer(self, databases: Sequence[str]) -> NotReady:
        """The fault of databases that could not be opened."""
        shown = list(databases[:SHOWN])
        self._log.error("workspaces of a newer version", key="newer", count=len(databases), databases=shown)
        return NotReady(NEWER)

    def _other_version(self, database: str, steps: int, expected: int) -> NotReady:
        self._log.error("migrations pending", key=database, database=database, steps=steps, expected=expected)
        return NotReady(NEWER if steps > expected else OLDER)


def _all_in_one(faults: Sequence[RowkeepError]) -> RowkeepError | None:
    if not faults:
        return None
    first = faults[0]
    first.problems = tuple(problem for fault in faults for problem in fault.problems)
    return first


async def _fault_of(check: Callable[[], Awaitable[None]]) -> RowkeepError | None:
    try:
        await check()
    except SetupError as error:
        return NotReady(str(error))
    except RowkeepError as error:
        return error
    return None
