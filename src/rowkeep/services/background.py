"""Background tasks: work that a server repeats while it runs.

One supervisor starts all of them, logs errors, runs failed tasks again, and stops all of them before the
store is closed.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from types import TracebackType

import msgspec
import structlog

from rowkeep.metrics import count_task

log = structlog.get_logger(__name__)

FIRST_RETRY_SECONDS = 1.0
FIRST_TURNS_SECONDS = 0.5
"""How long after a start a task waits at most for the first runs of those before it."""
STOP_SECONDS = 0.05
"""The time between two requests to a task to stop."""


class BackgroundTask(msgspec.Struct, frozen=True):
    """``run`` is awaited at the start, and again ``seconds`` after each end.

    If it fails, it is retried after a second, then two, four and so on, up to ``seconds``. ``stop`` ends what
    it has started.
    """

    name: str
    run: Callable[[], Awaitable[None]]
    seconds: float
    stop: Callable[[], Awaitable[None]] | None = None


class BackgroundTasks:
    """Runs tasks while its context is open. At the start they take turns: together they would open a database
    connection each."""

    def __init__(self, tasks: Iterable[BackgroundTask] = ()) -> None:
        self._tasks = tuple(tasks)
        self._failures = dict.fromkeys((task.name for task in self._tasks), 0)
        self._running: list[asyncio.Task[None]] = []
        self._is_open = False

    def add(self, task: BackgroundTask) -> None:
        """Add another task, which is started at once if the others are running."""
        self._tasks = (*self._tasks, task)
        self._failures[task.name] = 0
        if self._is_open:
            self._start(task, None)

    def health(self) -> dict[str, str]:
        """``ok`` or ``failing`` for each task, by name: the result of its last run."""
        return {name: "failing" if failures else "ok" for name, failures in self._failures.items()}

    async def __aenter__(self) -> BackgroundTasks:
        self._is_open = True
        before = None
        for task in self._tasks:
            before = self._start(task, before)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        running = set(self._running)
        while running:
            # again and again: a write that is committed already returns in spite of a cancellation
            for each in running:
                each.cancel()
            _, running = await asyncio.wait(running, timeout=STOP_SECONDS)
        for task in self._tasks:
            if task.stop is not None:
                await task.stop()

    def _start(self, task: BackgroundTask, before: asyncio.Event | None) -> asyncio.Event:
        """Start a task after its turn has come. Returns what is set when its first run has ended."""
        ended = asyncio.Event()
        self._running.append(asyncio.create_task(self._repeat(task, before, ended), name=task.name))
        return ended

    async def _repeat(self, task: BackgroundTask, before: asyncio.Event | None, ended: asyncio.Event) -> None:
        if before is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(FIRST_TURNS_SECONDS):
                    await before.wait()
        pause = await self._run_once(task)
        ended.set()
        while True:
            await asyncio.sleep(pause)
            pause = await self._run_once(task)

    async def _run_once(self, task: BackgroundTask) -> float:
        """Run a task. Returns the seconds until its next run."""
        try:
            await task.run()
        except Exception as error:
            count_task(task.name, None)
            failures = self._failures[task.name]
            self._failures[task.name] = failures + 1
            pause = min(task.seconds, FIRST_RETRY_SECONDS * 2.0 ** min(failures, 32))
            log.error("background task failed", task=task.name, retry_seconds=pause, exc_info=error)
            return pause
        self._failures[task.name] = 0
        count_task(task.name, time.time())
        return task.seconds
