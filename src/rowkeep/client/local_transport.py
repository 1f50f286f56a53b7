"""Local transport: requests to the application in this process, with responses that are read as they are
made. (httpx's own transport to an application holds each response in memory as a whole.)"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import httpx
from starlette.types import ASGIApp


class LocalTransport(httpx.AsyncBaseTransport):
    """Sends requests to an application. What the application raises, the request raises."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        exchange = _Exchange(request)
        task = asyncio.create_task(exchange.run(self._app))
        try:
            status, headers = await exchange.started
        except BaseException:
            await _ended(task)
            raise
        return httpx.Response(status, headers=headers, stream=_Body(exchange, task))


class _Exchange:
    """One request and its response: a part of the body waits until the one before it was read."""

    def __init__(self, request: httpx.Request) -> None:
        self._request = request
        stream = request.stream
        assert isinstance(stream, httpx.AsyncByteStream)  # noqa: S101 - an asynchronous client makes no other
        self._sent = aiter(stream)
        self._is_sent = False
        self.started: asyncio.Future[tuple[int, Any]] = asyncio.get_running_loop().create_future()
        self._is_read = asyncio.Event()
        self.parts: asyncio.Queue[bytes | Exception | None] = asyncio.Queue(1)

    async def run(self, app: ASGIApp) -> None:
        url = self._request.url
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": self._request.method,
            # compressing what stays in this process would only take time
            "headers": [
                (name.lower(), value)
                for name, value in self._request.headers.raw
                if name.lower() != b"accept-encoding"
            ],
            "scheme": url.scheme,
            "path": url.path,
            "raw_path": url.raw_path.split(b"?")[0],
            "query_string": url.query,
            "server": (url.host, url.port),
            "client": ("127.0.0.1", 0),
            "root_path": "",
        }
        end: Exception = httpx.RemoteProtocolError("the response ended before its last part")
        try:
            await app(scope, self._receive, self._send)
        except Exception as error:
            end = error
        if self.started.done():
            await self.parts.put(end)
        else:
            self.started.set_exception(end)

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
            self.started.set_result((message["status"], message["headers"]))
            return
        body = message.get("body", b"")
        if body and self._request.method != "HEAD":
            await self.parts.put(body)
        if not message.get("more_body", False):
            await self.parts.put(None)

    def close(self) -> None:
        """Nobody reads any more."""
        self._is_read.set()


class _Body(httpx.AsyncByteStream):
    def __init__(self, exchange: _Exchange, task: asyncio.Task[None]) -> None:
        self._exchange = exchange
        self._task = task

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while (part := await self._exchange.parts.get()) is not None:
            if isinstance(part, Exception):
                raise part
            yield part

    async def aclose(self) -> None:
        self._exchange.close()
        await _ended(self._task)


async def _ended(task: asyncio.Task[None]) -> None:
    """Cancel what still runs of a request, and wait for it."""
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
