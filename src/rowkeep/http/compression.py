"""Compression: responses in gzip or zstd, if the client accepts it and they are large enough to gain.

Responses that can contain secrets are never compressed: the size of a compressed response depends on all that
is in it, so that someone who can add to it could guess the rest. In the management API, which shows secrets
once, only responses to GET are compressed.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Protocol, TypeAlias

from starlette.types import ASGIApp, Receive, Scope, Send

from rowkeep.http.codings import GZIP, ZSTD, best_coding, zstd
from rowkeep.http.header_fields import fields_of
from rowkeep.http.responses import WITHOUT_BODY

COMPRESSIBLE = frozenset(
    (
        b"application/json", b"application/problem+json", b"application/x-ndjson", b"text/csv", b"text/html",
        b"text/css", b"text/javascript", b"text/plain", b"image/svg+xml",
    )
)  # fmt: skip
"""The media types that are compressed."""

GZIP_LEVEL = 4
ZSTD_LEVEL = 3
"""On records, higher levels take much longer and gain little."""

GZIP_WINDOW = 31
"""zlib's number for gzip with the largest window."""

LARGE_BYTES = 32 * 1024
"""Larger parts are compressed in a thread."""

THREADS = 2
_executor = ThreadPoolExecutor(THREADS, "rowkeep-compress")

Headers: TypeAlias = list[tuple[bytes, bytes]]
HasSecrets: TypeAlias = Callable[[Scope], bool]


class Compressor(Protocol):
    """Compresses the parts of one response."""

    def part(self, data: bytes) -> bytes:
        """A part that the client can unpack at once."""

    def end(self, data: bytes) -> bytes:
        """The last part."""


class _Gzip:
    def __init__(self) -> None:
        self._inner = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, GZIP_WINDOW)

    def part(self, data: bytes) -> bytes:
        return self._inner.compress(data) + self._inner.flush(zlib.Z_SYNC_FLUSH)

    def end(self, data: bytes) -> bytes:
        return self._inner.compress(data) + self._inner.flush()


class _Zstd:
    def __init__(self) -> None:
        self._inner = zstd.ZstdCompressor(level=ZSTD_LEVEL)

    def part(self, data: bytes) -> bytes:
        return self._inner.compress(data, zstd.ZstdCompressor.FLUSH_BLOCK)

    def end(self, data: bytes) -> bytes:
        return self._inner.compress(data, zstd.ZstdCompressor.FLUSH_FRAME)


_COMPRESSORS: dict[str, Callable[[], Compressor]] = {GZIP: _Gzip, ZSTD: _Zstd}


def with_compression(app: ASGIApp, min_bytes: int, has_secrets: HasSecrets) -> ASGIApp:
    """The application with compressed responses of at least ``min_bytes``; unchanged if that is 0."""
    if min_bytes == 0:
        return app

    def compressing(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        accepted = fields_of(scope).get(b"accept-encoding")
        if accepted is not None:
            coding = best_coding(accepted.decode("latin-1"))
            if coding is not None and not has_secrets(scope):
                return app(scope, receive, _CompressedResponse(send, coding, min_bytes))
        return app(scope, receive, send)

    return compressing


class _CompressedResponse:
    """ASGI's ``send`` for a response that is compressed if that is worth it."""

    def __init__(self, send: Send, coding: str, min_bytes: int) -> None:
        self._send = send
        self._coding = coding
        self._min_bytes = min_bytes
        self._start: Any = None
        self._compressor: Compressor | None = None
        self._passes = False

    async def __call__(self, message: Any) -> None:
        if self._passes:
            await self._send(message)
        elif message["type"] == "http.response.start":
            if self._is_worth_it(message):
                self._start = message
            else:
                self._passes = True
                await self._send(message)
        else:
            await self._send_body(message.get("body", b""), is_last=not message.get("more_body", False))

    def _is_worth_it(self, start: Any) -> bool:
        if start["status"] in WITHOUT_BODY:
            return False
        headers = dict(start["headers"])
        media_type = headers.get(b"content-type", b"").partition(b";")[0]
        if media_type not in COMPRESSIBLE or b"content-encoding" in headers:
            return False
        length = headers.get(b"content-length")
        return length is None or int(length) >= self._min_bytes

    async def _send_body(self, body: bytes, *, is_last: bool) -> None:
        compressor = self._compressor
        if compressor is None:
            compressor = self._compressor = _COMPRESSORS[self._coding]()
            if is_last:
                await self._send_whole(body, await _run(compressor.end, body))
                return
            await self._send(self._compressed_start())
        compress = compressor.end if is_last else compressor.part
        sent = await _run(compress, body) if body or is_last else b""
        await self._send({"type": "http.response.body", "body": sent, "more_body": not is_last})

    async def _send_whole(self, body: bytes, compressed: bytes) -> None:
        """A response in one part: it keeps its length, so that it can be sent at once."""
        if len(compressed) >= len(body):
            await self._send(self._start)
            await self._send({"type": "http.response.body", "body": body})
        else:
            await self._send(self._compressed_start((b"content-length", b"%d" % len(compressed))))
            await self._send({"type": "http.response.body", "body": compressed})

    def _compressed_start(self, *more: tuple[bytes, bytes]) -> Any:
        fields = [field for field in self._start["headers"] if field[0] != b"content-length"]
        return {**self._start, "headers": [(b"content-encoding", self._coding.encode()), *fields, *more]}


async def _run(compress: Callable[[bytes], bytes], body: bytes) -> bytes:
    if len(body) <= LARGE_BYTES:
        return compress(body)
    return await asyncio.get_running_loop().run_in_executor(_executor, partial(compress, body))
