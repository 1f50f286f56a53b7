"""Null server: returns the same bytes for each chunk, to measure the load generator alone."""

from __future__ import annotations

import asyncio
import sys
from typing import cast

import uvloop


class Sink(asyncio.Protocol):
    """Responds without parsing."""

    def __init__(self, answer: bytes) -> None:
        self._answer = answer
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's classes do not inherit from it

    def data_received(self, data: bytes) -> None:
        del data
        assert self._transport is not None
        self._transport.write(self._answer)


async def serve(port: int, length: int) -> None:
    """Serve responses with bodies of `length` bytes until the process is killed."""
    answer = (
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % length
        + b" " * length
    )
    server = await asyncio.get_running_loop().create_server(lambda: Sink(answer), "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(int(sys.argv[1]), int(sys.argv[2])))
