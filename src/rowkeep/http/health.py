"""Health: whether the process runs, the store is available, and the background tasks work."""

from __future__ import annotations

import asyncio

from starlette.types import Receive, Scope, Send

from rowkeep.catalog.catalog import Catalog
from rowkeep.errors.catalogue import RowkeepError, StorageUnavailable
from rowkeep.http.responses import error_response, json_response
from rowkeep.services.background import BackgroundTasks

READY_SECONDS = 2.0
"""How long /readyz waits for the store."""


class Alive:
    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        await json_response({"status": "alive"}).send(send)


class Ready:
    def __init__(self, catalog: Catalog, tasks: BackgroundTasks) -> None:
        self._catalog = catalog
        self._tasks = tasks

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        try:
            async with asyncio.timeout(READY_SECONDS):
                await self._catalog.store.catalog.read(self._catalog.installation.key_fingerprint)
            answer = json_response({"status": "ready", "tasks": self._tasks.health()})
        except TimeoutError:
            answer = error_response(
                StorageUnavailable(f"The database did not respond within {READY_SECONDS:g} seconds.")
            )
        except RowkeepError as error:
            answer = error_response(error)
        await answer.send(send)
