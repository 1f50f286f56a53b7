"""Writer: one at a time for each file, and everything that waits is committed together.

A commit costs an fsync. The writer takes all jobs that wait, runs each in a savepoint of its own, commits
once, and only then lets their answers go: so many small writers share one fsync. Neighbours that do the same
share the savepoint and the statements too; if one of them fails, each is tried on its own.
"""

from __future__ import annotations

import asyncio
import threading
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Sequence
from concurrent.futures import Executor
from functools import partial
from itertools import groupby
from typing import Any, Generic, TypeVar

import apsw

from rowkeep.errors import StorageUnavailable
from rowkeep.storage.sqlite.connections import translated

T = TypeVar("T")

MAX_GROUP = 256


class Joinable(ABC, Generic[T]):
    """Work that can be done together with its like: with all that have the same ``key``."""

    key: Hashable

    @abstractmethod
    def __call__(self, connection: apsw.Connection) -> T:
        """Do it alone."""

    @abstractmethod
    def join(self, connection: apsw.Connection, works: Sequence[Any]) -> Iterable[T]:
        """Do all of them, this one included; what each gives, in their order. Raises if one fails."""


class Job:
    """One transaction to be: what to do, and who waits for it."""

    __slots__ = ("error", "future", "key", "result", "work")

    def __init__(self, work: Callable[[apsw.Connection], Any], future: asyncio.Future[Any]) -> None:
        self.work = work
        self.key: Hashable = work.key if isinstance(work, Joinable) else self
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
        self.is_running = False
        """Whether something is being written, or waits for it."""

    async def run(self, work: Callable[[apsw.Connection], T]) -> T:
        """Do ``work`` in a transaction; its result comes back once it is on disk, its error once it is
        undone. ``work`` may be run with that of others in one commit, and knows nothing of it."""
        loop = asyncio.get_running_loop()
        job = Job(work, loop.create_future())
        with self._lock:
            self._waiting.append(job)
            starts = not self.is_running
            self.is_running = True
        if starts:
            self._executor.submit(self._drain, loop)
        result: T = await job.future
        return result

    def _drain(self, loop: asyncio.AbstractEventLoop) -> None:
        while True:
            with self._lock:
                group = [self._waiting.popleft() for _ in range(min(len(self._waiting), MAX_GROUP))]
                if not group:
                    self.is_running = False
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
            for _, same in groupby(group, _key):
                jobs = list(same)
                if len(jobs) == 1 or not self._run_joined(jobs):
                    for job in jobs:
                        self._run(job)
            with translated():
                connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    def _run(self, job: Job) -> None:
        job.error = self._in_savepoint(partial(_alone, job))

    def _run_joined(self, jobs: list[Job]) -> bool:
        """Run jobs of one key together; False if that failed, and nothing of them is done."""
        return self._in_savepoint(partial(_joined, jobs)) is None

    def _in_savepoint(self, run: Callable[[apsw.Connection], None]) -> Exception | None:
        """What ``run`` raised, and then nothing of it is done."""
        connection = self._connection
        failure = None
        connection.execute("SAVEPOINT job")
        try:
            run(connection)
        except Exception as error:
            if not connection.in_transaction:
                # a full disk, say: SQLite gave up the whole transaction, and with it the jobs before this
                raise StorageUnavailable() from error
            failure = error
            connection.execute("ROLLBACK TO job")
        connection.execute("RELEASE job")
        return failure


def _key(job: Job) -> Hashable:
    return job.key


def _alone(job: Job, connection: apsw.Connection) -> None:
    job.result = job.work(connection)


def _joined(jobs: list[Job], connection: apsw.Connection) -> None:
    works: list[Any] = [job.work for job in jobs]
    for job, result in zip(jobs, works[0].join(connection, works), strict=True):
        job.result = result


def _fail(group: list[Job], error: BaseException) -> None:
    for job in group:
        job.error = error


def _deliver(group: list[Job]) -> None:
    for job in group:
        job.deliver()
