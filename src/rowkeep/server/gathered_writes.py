"""Gathering: a transport that sends a response in one piece.

uvicorn writes the head of an answer and then its body, and each write is a system call that wakes the
client. A short answer costs half as much in the kernel if it is sent at once.
"""

from __future__ import annotations

import asyncio
from typing import Any

MAX_GATHERED_BYTES = 64 * 1024
"""What is longer is not copied together with anything; it would not be sent by one call anyway."""


class GatheringTransport:
    """A transport that sends what is written in one turn of the event loop together, at its end."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._pieces: list[bytes] = []
        self._gathered_bytes = 0
        self.written_bytes = 0
        """All that was written so far."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        size = len(data)
        self.written_bytes += size
        self._gathered_bytes += size
        if self._gathered_bytes > MAX_GATHERED_BYTES:
            self.flush()
            self._transport.write(data)
            return
        if not self._pieces:
            self._loop.call_soon(self.flush)
        self._pieces.append(data)

    def close(self) -> None:
        self.flush()
        self._transport.close()

    def flush(self) -> None:
        """Send what is gathered."""
        self._gathered_bytes = 0
        if self._pieces:
            pieces, self._pieces = self._pieces, []
            self._transport.write(b"".join(pieces))

    def forget(self) -> None:
        """Do not send what is gathered: the connection is lost."""
        self._pieces.clear()
