"""Local transport: requests to the application in this process, with responses that are read as they are
made. (httpx's own transport to an application holds each response in memory as a whole.)"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeAlias

import httpx

Application: TypeAlias = Callable[[Any, Any, Any], Awaitable[None]]
"""An ASGI application."""


class LocalTransport(httpx.AsyncBaseTransport):
    """Sends requests to an application. What the application raises, the request raises."""

    def __init__(self, app: Application) -> None:
        self._app = app

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        exchange = _Exchange(self._app, request)
        try:
            status, headers = await exchange.start()
        except BaseException:
            await exchange.end()
            raise
        return httpx.Response(status, headers=headers, stream=_Body(exchange))


class _Exchange:
    """One request and its response: a part of the body waits until the one before it was read."""

    def __init__(self, app: Application, request: httpx.Request) -> None:
        self._is_head = request.method == "HEAD"
        stream = request.stream
        assert isinstance(stream, httpx.AsyncByteStream)  # noqa: S101 - an asynchronous client makes no other
        self._sent = aiter(stream)
        self._is_sent = False
        self._is_read = asyncio.Event()
        self._started: asyncio.Future[tuple[int, Any]] = asyncio.get_running_loop().create_future()
        self._parts: asyncio.Queue[bytes | None] = asyncio.Queue(1)
        self._task = asyncio.ensure_future(app(_scope(request), self._receive, self._send))

    async def start(self) -> tuple[int, Any]:
        """Status and headers of the response."""
        first: set[asyncio.Future[Any]] = {self._started, self._task}
        await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
        if not self._started.done():
            self._raise_end()
        return self._started.result()

    async def part(self) -> bytes | None:
        """The next part of the response; None at its end."""
        if self._parts.empty() and not self._task.done():
            waiting = asyncio.ensure_future(self._parts.get())
            await asyncio.wait({waiting, self._task}, return_when=asyncio.FIRST_COMPLETED)
            if waiting.done():
                return waiting.result()
            waiting.cancel()
        if self._parts.empty():
            self._raise_end()
        return self._parts.get_nowait()

    def _raise_end(self) -> None:
        """The application has ended before the response did."""
        self._task.result()
        raise httpx.RemoteProtocolError("the response ended before its last part")

    async def end(self) -> None:
        """Cancel what still runs, and wait for it."""
        self._is_read.set()
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _receive(self) -> Any:
        if self._is_sent:
            await self._is_read.wait()
            return {"type": "http.disconnect"}
        try:
            return {"type": "http.request", "body": await anext(self._sent), "more_body": True}
        except StopAsyncIteration:
            self._is_sent = True
            return {"type": "http.request", "body": b"", "more_body": False}

    async def _send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self._started.set_result((message["status"], message["headers"]))
            return
        body = message.get("body", b"")
        if body and not self._is_head:
            await self._parts.put(body)
        if not message.get("more_body", False):
            await self._parts.put(None)


def _scope(request: httpx.Request) -> dict[str, Any]:
    url = request.url
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": request.method,
        # compressing what stays in this process would only take time
        "headers": [
            (name.lower(), value) for name, value in request.headers.raw if name.lower() != b"accept-encoding"
        ],
        "scheme": url.scheme,
        "path": url.path,
        "raw_path": url.raw_path.split(b"?")[0],
        "query_string": url.query,
        "server": (url.host, url.port),
        "client": ("127.0.0.1", 0),
        "root_path": "",
    }


class _Body(httpx.AsyncByteStream):
    def __init__(self, exchange: _Exchange) -> None:
        self._exchange = exchange

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while (part := await self._exchange.part()) is not None:
            yield part

    async def aclose(self) -> None:
        await self._exchange.end()
