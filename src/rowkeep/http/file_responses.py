"""File responses: files that are sent in parts, from disk."""

from __future__ import annotations

import asyncio
import os
from typing import BinaryIO
from urllib.parse import quote

import msgspec
from starlette.types import Send

from rowkeep.http.responses import PRIVATE

PART_BYTES = 256 * 1024


class Download(msgspec.Struct, frozen=True):
    """A response that is a file, which is closed afterwards."""

    name: str
    content_type: bytes
    content: BinaryIO


class FileResponse:
    """A file as an attachment, so that browsers store it and never show it."""

    def __init__(self, download: Download, headers: tuple[tuple[bytes, bytes], ...] = ()) -> None:
        self._content: BinaryIO = download.content
        size = os.fstat(self._content.fileno()).st_size
        self._left = size
        name = quote(download.name, safe="")
        self._fields = [
            *headers,
            *PRIVATE,
            (b"content-type", download.content_type),
            (b"content-length", b"%d" % size),
            (b"content-disposition", f"attachment; filename*=UTF-8''{name}".encode()),
        ]

    def with_headers(self, headers: tuple[tuple[bytes, bytes], ...]) -> FileResponse:
        self._fields += headers
        return self

    async def send(self, send: Send) -> None:
        """Send the parts, each when the client has read enough of the previous ones."""
        with self._content as content:
            await send({"type": "http.response.start", "status": 200, "headers": self._fields})
            while self._left > 0:
                # a file that grows meanwhile must not be longer than announced
                part = await asyncio.to_thread(content.read, min(PART_BYTES, self._left))
                if not part:
                    return
                self._left -= len(part)
                await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
