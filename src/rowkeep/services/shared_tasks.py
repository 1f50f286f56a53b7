"""Shared tasks: what one of all processes does in each period, such as deleting old rows."""

from __future__ import annotations

from functools import partial
from secrets import token_hex

from rowkeep.catalog.catalog import Catalog
from rowkeep.errors.catalogue import Busy, NoSuchWorkspace, QueryTimeout, StorageUnavailable
from rowkeep.model.ids import Clock
from rowkeep.storage.contract import StaleCatalog
from rowkeep.storage.scripts.leases import Leases

GONE = (StaleCatalog, NoSuchWorkspace, StorageUnavailable, Busy, QueryTimeout)
"""A workspace was deleted, is missing (which others log) or has no time now: a task continues without it."""


class SharedTask:
    """The turns of a task, once in ``seconds`` over all processes."""

    def __init__(self, name: str, seconds: int, catalog: Catalog, clock: Clock) -> None:
        self._name = name
        self._seconds = seconds
        self._clock = clock
        self._database = catalog.store.catalog
        self._leases = Leases(self._database.dialect, self._database.namespace)
        self._holder = token_hex(8)

    async def take_turn(self) -> bool:
        """Whether this process does the task now: nobody has done it in this period."""
        now = int(self._clock().timestamp())
        # its own lease has to expire, too: it is how often the task is done
        is_free = partial(self._leases.is_free, self._name, "", now, self._seconds)
        take = partial(self._leases.take, self._name, self._holder, now, self._seconds)
        return await self._database.read(is_free) and await self._database.write(take)
