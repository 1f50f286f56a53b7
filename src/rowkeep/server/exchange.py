"""Exchange: one request and its response, as a task that can be cancelled with an error.

uvicorn writes the head of a response and then its body, and checks each header of each response. Here, a
response of known length is written in one piece, because each write is a system call that wakes the client,
and equal heads are checked only once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import lru_cache
from typing import Any, TypeAlias

import structlog
from uvicorn.protocols.http.httptools_impl import (
    HEADER_RE,
    HEADER_VALUE_RE,
    STATUS_LINE,
    RequestResponseCycle,
)

from rowkeep.errors.catalogue import InternalError, RowkeepError
from rowkeep.http.app import is_interruptible, is_unlimited
from rowkeep.http.cors import ERROR

log = structlog.get_logger(__name__)

Headers: TypeAlias = tuple[tuple[bytes, bytes], ...]

MAX_WHOLE_BYTES = 64 * 1024
"""A longer body is not copied to its head, because one system call could not send both anyway."""

VARYING = frozenset((b"x-request-id", b"traceparent", b"server-timing", b"ratelimit", b"operation-id"))
"""Headers that differ for each response. Their values are Rowkeep's own, and valid."""

SEPARATE = VARYING | {b"content-length"}
"""Headers that are not part of a cached head."""

CACHED_HEADS = 256
"""The number of cached heads. They differ by status, content type and date, which changes once a second."""


class Exchange(RequestResponseCycle):
    """uvicorn's cycle, which can also be cancelled, and sends Rowkeep's own responses for errors."""

    app: Any
    task: asyncio.Task[None]
    error_app: Callable[..., Awaitable[None]]
    """Sends an error."""
    tasks: set[asyncio.Task[None]]
    """The tasks that the server waits for when it stops."""
    keeps_alive: bool
    """Whether the client wants the connection to stay open. It stays open only if the request was read
    completely."""
    error: RowkeepError | None = None
    """The error that a cancelled request returns; None if the client is gone."""
    began = 0.0
    """The time of the first sweep that found this request."""
    _is_begun = False
    _is_cancelled = False
    _ends_with_connection = False
    """Whether the response has neither a length nor chunks, for a client that only knows HTTP/1.0."""
    _start: Any = None
    """The message that starts the response, until the first part of the body follows."""

    @property
    def is_interruptible(self) -> bool:
        """Whether the request is cancelled when its client disconnects or its time limit is over."""
        return is_interruptible(self.scope)  # type: ignore[arg-type] # the same as a mapping

    @property
    def is_unlimited(self) -> bool:
        """Whether the request has no time limit."""
        return is_unlimited(self.scope)  # type: ignore[arg-type] # the same as a mapping

    def cancel(self, error: RowkeepError | None) -> None:
        """Cancel the request. The error is sent if the response has not started."""
        if self.error is None:
            self.error = error
        self._is_cancelled = True
        if self._is_begun:  # a task that is cancelled before it starts would end without a response
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
        self.tasks.discard(self.task)
        # nothing is left to cancel. The context of a task refers to its exchange, so the two would be freed
        # only by the collector of garbage
        self._is_begun = False
        del self.task

    async def receive(self) -> Any:
        """ASGI's ``receive``. A body that has arrived completely is returned at once."""
        if self.more_body or not self.message_event.is_set() or self.waiting_for_100_continue:
            return await super().receive()
        if self.disconnected or self.response_complete:
            return {"type": "http.disconnect"}
        self.flow.resume_reading()
        self.message_event.clear()
        body, self.body = self.body, bytearray()
        return {"type": "http.request", "body": bytes(body), "more_body": False}

    async def send(self, message: Any) -> None:
        """ASGI's ``send``. The start of a response is delayed until its body follows."""
        if self._ends_with_connection and message["type"] == "http.response.body":
            self.expected_content_length = len(message.get("body", b""))
        start = self._start
        if start is not None:
            self._start = None
            fields, length, varying = _parts_of(start)
            body = message.get("body", b"")
            is_whole = length == b"%d" % len(body) and not message.get("more_body", False)
            if is_whole and len(body) <= MAX_WHOLE_BYTES and self.scope["method"] != "HEAD":
                await self._send_whole(start["status"], fields, varying, body)
                return
            if length is None and self.scope["http_version"] == "1.0":
                # without chunks: the end of the connection is the end of the response
                self._ends_with_connection, self.keep_alive, self.chunked_encoding = True, False, False
                self.expected_content_length = len(body)
            await super().send(start)
        elif not self.response_started and message["type"] == "http.response.start":
            self._start = message
            return
        await super().send(message)

    async def _send_whole(self, status: int, fields: Headers, varying: bytes, body: bytes) -> None:
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if self.disconnected:
            return
        self.response_started = self.response_complete = True
        self.waiting_for_100_continue = False
        head = _head(status, (*self.default_headers, *fields), self.keep_alive)
        self.transport.write(b"%b%bcontent-length: %d\r\n\r\n%b" % (head, varying, len(body), body))
        self.message_event.set()
        if not self.keep_alive:
            self.transport.close()
        self.on_response()

    async def _fail(self) -> None:
        """Handle a missing or incomplete response."""
        self.keep_alive = False
        if self.response_started and self._ends_with_connection:
            # a reset, because the client would take a normal end for the end of the response
            self.transport.abort()
        elif self.response_started:
            self.transport.close()
        else:
            error = self.error or InternalError()
            scope: Any = {**self.scope, ERROR: error}
            await self.error_app(scope, self.receive, self.send)


def _parts_of(start: Any) -> tuple[Headers, bytes | None, bytes]:
    """The headers of a response that can be equal to those of others, its length, and the lines of the
    headers that differ for each response."""
    fields, length, varying = [], None, b""
    for field in start.get("headers", ()):
        name = field[0]
        if name not in SEPARATE:
            fields.append(field)
        elif name == b"content-length":
            length = field[1]
        else:
            varying += b"%b: %b\r\n" % field
    return tuple(fields), length, varying


@lru_cache(CACHED_HEADS)
def _head(status: int, fields: Headers, keeps_alive: bool) -> bytes:
    """The status line and headers of a response. Raises RuntimeError for characters that headers cannot
    contain."""
    for name, value in fields:
        if HEADER_RE.search(name) or HEADER_VALUE_RE.search(value):
            raise RuntimeError("A header of the response is invalid.")
    lines = [b"%b: %b\r\n" % (name.lower(), value) for name, value in fields]
    if not keeps_alive:
        lines.append(b"connection: close\r\n")
    return b"".join((STATUS_LINE[status], *lines))


def _nothing() -> None:
    pass
