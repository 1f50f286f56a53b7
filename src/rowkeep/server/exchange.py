"""Exchange: one request and its response, as a task that can be cancelled for a reason."""

from __future__ import annotations

import asyncio
from typing import Any

import structlog
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from rowkeep.errors.catalogue import InternalError, RowkeepError
from rowkeep.http.app import is_interruptible
from rowkeep.http.cors import ERROR

log = structlog.get_logger(__name__)


class Exchange(RequestResponseCycle):
    """uvicorn's cycle, but that it may be cancelled, and that every response is Rowkeep's own."""

    task: asyncio.Task[None]
    error_app: ASGIApp
    """What sends an error."""
    keeps_alive: bool
    """Whether the client wants to keep the connection; it is kept only if the request was read whole."""
    error: RowkeepError | None = None
    """What a cancelled request is answered with; None if nobody waits for an answer."""
    began = 0.0
    """When a sweep saw it first."""
    _is_begun = False
    _is_cancelled = False

    @property
    def is_interruptible(self) -> bool:
        """Whether it ends when its client goes or its time is over."""
        return is_interruptible(self.scope)  # type: ignore[arg-type] # the same, as a mapping

    def cancel(self, error: RowkeepError | None) -> None:
        """Cancel the work. The error is sent if no response has begun."""
        if self.error is None:
            self.error = error
        self._is_cancelled = True
        if self._is_begun:  # a task that is cancelled before it began would end without an answer
            self.task.cancel()

    async def run_asgi(self, app: Any) -> None:
        self._is_begun = True
        try:
            if not self._is_cancelled:
                await app(self.scope, self.receive, self.send)
        except asyncio.CancelledError:
            pass
        except Exception as error:
            log.error("request failed", path=self.scope["path"], exc_info=error)
        if not self.response_complete and not self.disconnected:
            await self._fail()
        self.on_response = _nothing

    async def _fail(self) -> None:
        """No response came, or not all of it."""
        self.keep_alive = False
        if self.response_started:
            self.transport.close()
        else:
            error = self.error or InternalError()
            scope: Any = {**self.scope, ERROR: error}
            await self.error_app(scope, self.receive, self.send)  # type: ignore[arg-type] # the same, as mappings


def _nothing() -> None:
    pass
