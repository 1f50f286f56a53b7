"""Health: whether the process runs, and whether it can serve all requests."""

from __future__ import annotations

from starlette.types import Receive, Scope, Send

from rowkeep.http.responses import Response, error_response, json_response
from rowkeep.services.background import BackgroundTasks
from rowkeep.services.health import Health


class Alive:
    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        await json_response({"status": "alive"}).send(send)


class Ready:
    def __init__(self, health: Health, tasks: BackgroundTasks) -> None:
        self._health = health
        self._tasks = tasks

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        await (await self._answer()).send(send)

    async def _answer(self) -> Response:
        fault = await self._health.state()
        if fault is not None:
            return error_response(fault)
        return json_response({"status": "ready", "tasks": self._tasks.health()})
