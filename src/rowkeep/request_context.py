"""Request context: what is known about the request that the current task serves, for logs."""

from __future__ import annotations

from contextvars import ContextVar


class RequestContext:
    """One request."""

    __slots__ = ("id", "started")

    def __init__(self, request_id: str, started: float) -> None:
        self.id = request_id
        self.started = started


CURRENT: ContextVar[RequestContext | None] = ContextVar("request", default=None)
