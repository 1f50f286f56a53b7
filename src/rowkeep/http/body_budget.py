"""Body budget: a limit on the memory of one process for request bodies, over all requests."""

from __future__ import annotations

import asyncio

from rowkeep.errors.catalogue import Busy

SMALL_BYTES = 4096
"""Bodies up to this size are not counted; the maximum number of connections limits their total size."""


class BodyBudget:
    """The limits of request bodies, and the bytes in memory.

    One request at a time may exceed ``max_buffered_bytes``. So partly read requests cannot all wait for each
    other, and a body larger than the whole budget can still be read if it is the only one.
    """

    def __init__(self, max_body_bytes: int, max_buffered_bytes: int, wait_seconds: float) -> None:
        self.max_body_bytes = max_body_bytes
        self.max_digits = len(str(max_body_bytes))
        """A length with fewer digits is allowed."""
        self.held_bytes = 0
        self._max_bytes = max_buffered_bytes
        self._wait_seconds = wait_seconds
        self._beyond: object | None = None
        self._waiting: set[asyncio.Future[None]] = set()

    def take(self, size: int, request: object) -> bool:
        """Count bytes that a request has read. Returns False if the request must wait before it reads
        more."""
        self.held_bytes += size
        if self.held_bytes <= self._max_bytes or self._beyond is request:
            return True
        if self._beyond is None:
            self._beyond = request
            return True
        return False

    async def wait(self, request: object) -> None:
        """Wait until the request may read more. Raises Busy if that takes longer than the limit."""
        try:
            async with asyncio.timeout(self._wait_seconds):
                while self.held_bytes > self._max_bytes and self._beyond is not None:
                    turn = asyncio.get_running_loop().create_future()
                    self._waiting.add(turn)
                    try:
                        await turn
                    finally:
                        self._waiting.discard(turn)
        except TimeoutError:
            raise Busy(
                "Too many large request bodies are being processed (the setting max_buffered_bytes). "
                "Nothing was written; try again later or send smaller bodies."
            ) from None
        if self.held_bytes > self._max_bytes:
            self._beyond = request

    def give_back(self, size: int, request: object) -> None:
        """Release the bytes of a request that has ended."""
        self.held_bytes -= size
        if self._beyond is request:
            self._beyond = None
        for turn in self._waiting:
            if not turn.done():
                turn.set_result(None)
