"""Exchange: one request and its response, as a task that can be cancelled with an error.

uvicorn writes the head of a response and then its body, and checks each header of each response. Here, a
response of known length is written in one piece, because each write is a system call that wakes the client,
and equal heads are checked only once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Generator
from functools import lru_cache
from typing import Any, TypeAlias

import structlog
from uvicorn.protocols.http.httptools_impl import (
    HEADER_RE,
    HEADER_VALUE_RE,
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from rowkeep.errors.catalogue import InternalError, RowkeepError
from rowkeep.http.app import is_interruptible, is_unlimited
from rowkeep.http.cors import ERROR

log = structlog.get_logger(__name__)

Headers: TypeAlias = tuple[tuple[bytes, bytes], ...]
ErrorApp: TypeAlias = Callable[..., Awaitable[None]]
"""Sends an error."""

MAX_WHOLE_BYTES = 64 * 1024
"""A longer body is not copied to its head, because one system call could not send both anyway."""

VARYING = frozenset((b"x-request-id", b"traceparent", b"server-timing", b"ratelimit", b"operation-id"))
"""Headers that differ for each response. Their values are Rowkeep's own, and valid."""

SEPARATE = VARYING | {b"content-length"}
"""Headers that are not part of a cached head."""

CACHED_HEADS = 256
"""The number of cached heads. They differ by status, content type and date, which changes once a second."""


class _Done:
    """What is awaited after everything is done."""

    def __await__(self) -> Generator[None]:
        return iter(())  # type: ignore[return-value] # nothing is sent to it


DONE = _Done()


class _NoEvent:
    """In the place of uvicorn's event of a cycle, which :meth:`Exchange.wake` replaces."""

    def set(self) -> None:
        pass


class Exchange(RequestResponseCycle):
    """uvicorn's cycle, which can also be cancelled, and sends Rowkeep's own responses for errors."""

    # class attributes, because most requests do not change them
    error: RowkeepError | None = None
    """The error that a cancelled request returns; None if the client is gone."""
    began = 0.0
    """The time of the first sweep that found this request."""
    chunked_encoding: bool | None = None
    expected_content_length = 0
    message_event: Any = _NoEvent()
    access_log = False
    _ends_with_connection = False
    """Whether the response has neither a length nor chunks, for a client that only knows HTTP/1.0."""

    def __init__(self, connection: HttpToolsProtocol, error_app: ErrorApp) -> None:
        """The request whose head ``connection`` has read."""
        # uvicorn's sets more attributes, and makes an event. What each request reads is set here, because
        # Python looks for attributes of a class much longer
        self.scope = connection.scope
        self.transport = connection.transport
        self.flow = connection.flow
        self.default_headers = connection.server_state.default_headers
        self.waiting_for_100_continue = connection.expect_100_continue
        self.on_response = connection.on_response_complete
        self.task: asyncio.Task[None]
        self.keeps_alive = False
        """Whether the client wants the connection to stay open. It stays open only if the request was read
        completely."""
        self.keep_alive = False
        self.disconnected = False
        self.body: bytes | bytearray = b""  # type: ignore[assignment] # uvicorn's is always a bytearray
        """What has arrived of the body, and was not received by the application."""
        self.more_body = True
        self.response_started = False
        self.response_complete = False
        self._has_news = False
        """Whether a part of the body, or its end, has arrived and was not received by the application."""
        self._news: asyncio.Event | None = None
        """What the application waits for if there are none."""
        self._is_in_app = False
        self._is_cancelled = False
        self._start: Any = None
        """The message that starts the response, until the first part of the body follows."""
        self._tasks = connection.tasks
        self._error_app = error_app

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
        # a task that is cancelled before it starts, or while it sends the error, would end without a response
        if self._is_in_app:
            self.task.cancel()

    async def run_asgi(self, app: Any) -> None:
        self._is_in_app = True
        try:
            if not self._is_cancelled:
                await app(self.scope, self.receive, self.send)
        except asyncio.CancelledError:
            pass
        except Exception as error:
            log.error("request failed", path=self.scope["path"], exc_info=error)
        self._is_in_app = False
        try:
            if not self.response_complete and not self.disconnected:
                await self._fail()
        finally:
            self.on_response = _nothing
            self._tasks.discard(self.task)
            # nothing is left to cancel. The context of a task refers to its exchange, so the two would be
            # freed only by the collector of garbage
            del self.task

    def set_body(self, body: bytes) -> None:
        """All of the body has arrived together with the head."""
        self.body = body
        self.more_body = False
        self._has_news = True

    def add_to_body(self, part: bytes) -> int:
        """A part of the body has arrived. Returns how many bytes the application has not received."""
        if not self.body:
            self.body = part
        elif isinstance(self.body, bytearray):
            self.body += part
        else:
            self.body = bytearray(self.body) + part
        self.wake()
        return len(self.body)

    def end_body(self) -> None:
        """The body is complete."""
        self.more_body = False
        self.wake()

    def wake(self) -> None:
        """There is something to receive, perhaps the news that the client is gone."""
        self._has_news = True
        if self._news is not None:
            self._news.set()

    async def receive(self) -> Any:
        """ASGI's ``receive``."""
        if self.waiting_for_100_continue and not self.transport.is_closing():
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self.waiting_for_100_continue = False
        if self.flow.read_paused:
            self.flow.resume_reading()
        if not (self._has_news or self.disconnected or self.response_complete):
            self._news = asyncio.Event()
            await self._news.wait()
            self._news = None
        if self.disconnected or self.response_complete:
            return {"type": "http.disconnect"}
        self._has_news = False
        body, self.body = self.body, b""
        return {"type": "http.request", "body": bytes(body), "more_body": self.more_body}

    def send(self, message: Any) -> Awaitable[None]:  # type: ignore[override] # it need not be a coroutine
        """ASGI's ``send``. The start of a response is delayed until its body follows."""
        start = self._start
        if start is not None:
            self._start = None
            return self._send_first(start, message)
        if not self.response_started and message["type"] == "http.response.start":
            self._start = message
            return DONE
        return self._send_part(message)

    def _send_first(self, start: Any, message: Any) -> Awaitable[None]:
        """Send the start of a response and the first part of its body, at once if that is all of it."""
        fields, length, varying = _parts_of(start)
        body = message.get("body", b"")
        size = b"%d" % len(body)
        is_whole = length == size and not message.get("more_body", False)
        if not is_whole or len(body) > MAX_WHOLE_BYTES or self.scope["method"] == "HEAD":
            return self._send_parts(start, length, message)
        head = _head(start["status"], (*self.default_headers, *fields), self.keep_alive)
        response = b"".join((head, varying, b"content-length: ", size, b"\r\n\r\n", body))
        if self.flow.write_paused:
            return self._write_later(response)
        self._write(response)
        return DONE

    async def _write_later(self, response: bytes) -> None:
        if not self.disconnected:
            await self.flow.drain()
        self._write(response)

    def _write(self, response: bytes) -> None:
        """Write a whole response."""
        if self.disconnected:
            return
        self.response_started = self.response_complete = True
        self.waiting_for_100_continue = False
        self.transport.write(response)
        if not self.keep_alive:
            self.transport.close()
        self.on_response()

    async def _send_parts(self, start: Any, length: bytes | None, message: Any) -> None:
        if length is None and self.scope["http_version"] == "1.0":
            # without chunks: the end of the connection is the end of the response
            self._ends_with_connection, self.keep_alive, self.chunked_encoding = True, False, False
        await super().send(start)
        await self._send_part(message)

    async def _send_part(self, message: Any) -> None:
        if self._ends_with_connection and message["type"] == "http.response.body":
            self.expected_content_length = len(message.get("body", b""))
        await super().send(message)

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
            await self._error_app(scope, self.receive, self.send)


def _parts_of(start: Any) -> tuple[Headers, bytes | None, bytes]:
    """The headers of a response that can be equal to those of others, its length, and the lines of the
    headers that differ for each response."""
    fields = start.get("headers", ())
    usual, length, varying = len(fields), None, b""
    # those that differ are the last ones of most responses
    for name, value in reversed(fields):
        if name == b"content-length":
            length = value
        elif name in VARYING:
            varying = b"%b: %b\r\n%b" % (name, value, varying)
        else:
            break
        usual -= 1
    if length is not None:
        return tuple(fields[:usual]), length, varying
    # headers for browsers are added after them
    length = next((value for name, value in fields if name == b"content-length"), None)
    varying = b"".join(b"%b: %b\r\n" % field for field in fields if field[0] in VARYING)
    return tuple(field for field in fields if field[0] not in SEPARATE), length, varying


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
