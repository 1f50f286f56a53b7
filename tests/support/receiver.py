"""Receiver: an HTTP server on this machine that receives webhooks, and can fail in the ways of real ones."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import msgspec


class Received(NamedTuple):
    """One request."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def message(self) -> Any:
        return msgspec.json.decode(self.body)


OK = b"HTTP/1.1 204 No Content\r\n\r\n"
FAILED = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n"
GONE = b"HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n"
LATER = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 900\r\nContent-Length: 0\r\n\r\n"
NONSENSE = b"this is not HTTP\r\n\r\n"
NOTHING = b""
"""The connection is closed."""
CUT = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort"
CUT_GONE = b"HTTP/1.1 410 Gone\r\nContent-Length: 100\r\n\r\nshort"
"""The connection is closed before the body is complete."""
WAITS = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nslow"
"""The body never ends."""
NO_CHUNK = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nno chunk\r\n"
ENDLESS = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1000\r\n" + b"x" * 4096 + b"\r\n"
"""The last part is repeated."""
HANG = None
"""There is no response."""


class Receiver:
    """``responses`` are those of each path, one after the other; the last one is repeated. Without any, it is
    OK. ``before`` is called before a response."""

    def __init__(self) -> None:
        self.requests: list[Received] = []
        self.responses: dict[str, list[bytes | None]] = defaultdict(list)
        self.before: Callable[[Received], None] = lambda _received: None
        self.arrived = asyncio.Condition()
        self.port = 0

    def url(self, path: str = "/hook") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def on(self, path: str) -> list[Received]:
        """The requests to a path."""
        return [each for each in self.requests if each.path == path]

    async def wait_for(self, count: int) -> None:
        """Wait until so many requests have arrived."""
        async with self.arrived:
            await self.arrived.wait_for(lambda: len(self.requests) >= count)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                await self._exchange(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError, EOFError):
            pass
        finally:
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.strip().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = await reader.readexactly(int(headers["content-length"]))
        received = Received(first.split()[1], headers, body)
        async with self.arrived:
            self.requests.append(received)
            self.arrived.notify_all()
        self.before(received)
        responses = self.responses[received.path]
        response = (responses.pop(0) if len(responses) > 1 else responses[0]) if responses else OK
        if response is HANG:
            await reader.read()
            raise EOFError
        writer.write(response)
        while response is ENDLESS:
            writer.write(response[response.index(b"1000\r\n") :])
            await writer.drain()
        await writer.drain()
        if response in (NOTHING, NONSENSE, CUT, CUT_GONE, NO_CHUNK):
            raise EOFError


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    """A receiver on a free port."""
    receiver = Receiver()
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
