"""Batch turns: when the batches of one workspace run.

Batches lock rows in the order of their operations, so two that change the same rows can lock them in opposite
orders, and PostgreSQL ends one of them. If all of these were done again at once, they would meet in the same
way. So a batch that is done again runs alone: it waits until the others have ended, and new ones wait for it.
That holds within one process.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class BatchTurns:
    """The turns of one workspace. They are taken in the order in which they are asked for."""

    def __init__(self) -> None:
        self._alone = asyncio.Lock()
        self._running = 0
        self._is_idle = asyncio.Event()
        self._is_idle.set()

    @asynccontextmanager
    async def together(self) -> AsyncIterator[None]:
        """Run at the same time as others."""
        async with self._alone:
            self._running += 1
            self._is_idle.clear()
        try:
            yield
        finally:
            self._running -= 1
            if self._running == 0:
                self._is_idle.set()

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """Run while no other batch runs."""
        async with self._alone:
            await self._is_idle.wait()
            yield
