"""Health: whether the process lives, and whether its storage answers."""

from __future__ import annotations

from starlette.types import Receive, Scope, Send

from rowkeep.catalog import Catalog
from rowkeep.errors import RowkeepError
from rowkeep.http.respond import error_answer, json_answer


class Alive:
    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        await json_answer({"status": "alive"}).send(send)


class Ready:
    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        try:
            await self._catalog.store.catalog.read(self._catalog.installation.key_fingerprint)
            answer = json_answer({"status": "ready"})
        except RowkeepError as error:
            answer = error_answer(error)
        await answer.send(send)
