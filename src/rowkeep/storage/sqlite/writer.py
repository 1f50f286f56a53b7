"""Writer: one at a time for each file, and everything that waits is committed together.

A commit costs an fsync. The writer takes all jobs that wait, runs each in a savepoint of its own, commits
once, and only then lets their answers go: so many small writers share one fsync.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any, TypeVar

import apsw

from rowkeep.errors import StorageUnavailable
from rowkeep.storage.sqlite.connections import translated

T = TypeVar("T")

MAX_GROUP = 256


class Job:
    """One transaction to be: what to do, and who waits for it."""

    __slots__ = ("error", "future", "result", "work")

    def __init__(self, work: Callable[[apsw.Connection], Any], future: asyncio.Future[Any]) -> None:
        self.work = work
        self.future = future
        self.result: Any = None
        self.error: BaseException | None = None

    def deliver(self) -> None:
        if self.future.done():
            return
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.result)


class GroupWriter:
    """The writer of one file. It takes a thread of ``executor`` only while there is something to write."""

    def __init__(self, connection: apsw.Connection, executor: Executor) -> None:
        self._connection = connection
        self._executor = executor
        self._waiting: deque[Job] = deque()
        self._lock = threading.Lock()
        self._is_running = False

    async def run(self, work: Callable[[apsw.Connection], T]) -> T:
        """Do ``work`` in a transaction; its result comes back once it is on disk, its error once it is
        undone. ``work`` may be run with that of others in one commit, and knows nothing of it."""
        loop = asyncio.get_running_loop()
        job = Job(work, loop.create_future())
        with self._lock:
            self._waiting.append(job)
            starts = not self._is_running
            self._is_running = True
        if starts:
            self._executor.submit(self._drain, loop)
        result: T = await job.future
        return result

    def _drain(self, loop: asyncio.AbstractEventLoop) -> None:
        while True:
            with self._lock:
                group = [self._waiting.popleft() for _ in range(min(len(self._waiting), MAX_GROUP))]
                if not group:
                    self._is_running = False
                    return
            try:
                self._commit(group)
            except BaseException as error:
                # nothing of the group is on disk: whoever waits must hear of it, whatever it was
                _fail(group, error)
            loop.call_soon_threadsafe(_deliver, group)

    def _commit(self, group: list[Job]) -> None:
        """Run the jobs of a group in one transaction. Raises only if none of them was committed."""
        connection = self._connection
        with translated():
            connection.execute("BEGIN IMMEDIATE")
        try:
            for job in group:
                self._run(job)
            with translated():
                connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    def _run(self, job: Job) -> None:
        connection = self._connection
        connection.execute("SAVEPOINT job")
        try:
            job.result = job.work(connection)
        except Exception as error:
            if not connection.in_transaction:
                # a full disk, say: SQLite gave up the whole transaction, and with it the jobs before this
                raise StorageUnavailable() from error
            job.error = error
            connection.execute("ROLLBACK TO job")
        connection.execute("RELEASE job")


def _fail(group: list[Job], error: BaseException) -> None:
    for job in group:
        job.error = error


def _deliver(group: list[Job]) -> None:
    for job in group:
        job.deliver()
