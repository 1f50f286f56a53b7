"""Writer: one for each file; it commits all waiting jobs together.

A commit costs an fsync. The writer takes all waiting jobs, runs each in a savepoint of its own, commits once,
and only then returns their results: so many small writes share one fsync. Consecutive jobs of the same kind
also share the savepoint and the statements; if one of them fails, each is run again separately.

A job can be stopped: removed from the queue, or interrupted. SQLite undoes the whole transaction of an
interrupted statement, so the other jobs of its group are run again. Once a commit has begun, nothing is
stopped.
"""

from __future__ import annotations

import asyncio
import threading
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Sequence
from concurrent.futures import Executor
from enum import Enum, auto
from functools import partial
from itertools import groupby
from typing import Any, Generic, TypeVar, cast

import apsw

from rowkeep.errors.catalogue import Busy, QueryTimeout, ShuttingDown, StorageUnavailable
from rowkeep.metrics import GROUP_COMMITS, add_sqlite_writes, count_retry
from rowkeep.settings import Settings
from rowkeep.storage.response_sizes import query_timeout
from rowkeep.storage.sqlite.connections import Connection, OverBudget, translated
from rowkeep.storage.sqlite.function_turns import TURNS
from rowkeep.storage.sqlite.write_queue import WriteQueue

T = TypeVar("T")

MAX_GROUP = 256

MAX_GROUP_SECONDS = 0.05
"""A group that took longer is committed before the rest of its jobs is run: other processes wait for their
turn, and the rest must not run again because one of its jobs was stopped."""

STOPS = (QueryTimeout, ShuttingDown)
"""The reasons to stop a job."""

WATCH_SECONDS = 0.25
"""How often jobs are checked that wait or run for too long."""


class Joinable(ABC, Generic[T]):
    """Work that can be run together with similar work: all that has the same ``key``."""

    key: Hashable

    @abstractmethod
    def __call__(self, connection: Connection) -> T:
        """Run it alone."""

    @abstractmethod
    def join(self, connection: Connection, works: Sequence[Any]) -> Iterable[T]:
        """Run all of them, including this one; returns their results, in their order. Raises if one fails."""


class State(Enum):
    """The state of a job. From TAKEN on it belongs to a group; an ENDED job is on disk, or has failed."""

    WAITING = auto()
    TAKEN = auto()
    COMMITTING = auto()
    ENDED = auto()


class Job:
    """A transaction in the queue: its work, and the future of its caller. ``is_limited`` says whether it can
    take at most ``max_query_seconds``."""

    __slots__ = ("error", "future", "is_limited", "key", "result", "since", "state", "stopped", "work")

    def __init__(
        self, work: Callable[[Connection], Any], future: asyncio.Future[Any], is_limited: bool
    ) -> None:
        self.work = work
        # the key of a Joinable; the check of an abstract class takes longer
        self.key: Hashable = getattr(work, "key", self)
        self.future = future
        self.is_limited = is_limited
        self.state = State.WAITING
        self.since = time.monotonic()
        """The time at which it began to wait, or to run."""
        self.stopped: Exception | None = None
        """Why it must be stopped, if so."""
        self.result: Any = None
        self.error: BaseException | None = None

    def deliver(self) -> None:
        if self.future.done():
            return
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.result)


class _UndoneError(Exception):
    """``job`` was stopped, and SQLite undid the whole transaction: the jobs before it must be run again."""

    def __init__(self, job: Job) -> None:
        super().__init__()
        self.job = job


class GroupWriter:
    """The writer of one file. It uses a thread of ``executor`` only while there is something to write."""

    def __init__(
        self,
        connection: Connection,
        executor: Executor,
        turns: WriteQueue,
        settings: Settings,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        """``check`` raises StorageMissing if the file is no longer at its path."""
        self._check = check
        self._connection = connection
        self._executor = executor
        self._turns = turns
        self._wait_seconds = settings.busy_timeout_seconds
        self._max_seconds = settings.max_query_seconds
        self._waiting: deque[Job] = deque()
        self._current: Job | None = None
        """The running job, which can be interrupted; never a statement of the writer itself."""
        self._lock = threading.Lock()
        self._watch: asyncio.TimerHandle | None = None
        self._is_stopping = False
        self.is_running = False
        """Whether something is being written, or waits for it."""

    async def run(self, work: Callable[[Connection], T], *, is_limited: bool = False) -> T:
        """Run ``work`` in a transaction. The result is returned once it is on disk, an error once it is
        rolled back. ``work`` can run with other work in one commit, and more than once, without noticing it.

        Raises Busy if it does not begin in time, and QueryTimeout if it ``is_limited`` and takes too long. If
        the caller is cancelled, nothing is written; if it is on disk already, or in a commit, this returns as
        if the caller were not cancelled.
        """
        loop = asyncio.get_running_loop()
        job = Job(work, loop.create_future(), is_limited)
        with self._lock:
            self._waiting.append(job)
            starts = not self.is_running
            self.is_running = True
        if starts:
            self._executor.submit(self._drain, loop)
        self._watch = self._watch or loop.call_later(WATCH_SECONDS, self._look, loop)
        add_sqlite_writes(1)
        try:
            result: T = await job.future
        except asyncio.CancelledError:
            return cast("T", await self._leave(job, loop))
        finally:
            add_sqlite_writes(-1)
        return result

    async def _leave(self, job: Job, loop: asyncio.AbstractEventLoop) -> Any:
        """Stop a job whose caller was cancelled. A job that cannot be stopped any more returns its result."""
        with self._lock:
            if job.state is State.WAITING:
                self._waiting.remove(job)
            if job.state is State.WAITING or job is self._current:
                self._stop(job, ShuttingDown())
                raise asyncio.CancelledError
            if job.state is State.TAKEN:
                job.stopped = ShuttingDown()
            job.future = loop.create_future()
        if job.state is State.ENDED:
            job.deliver()
        try:
            return await job.future
        except ShuttingDown:
            raise asyncio.CancelledError from None

    def _stop(self, job: Job, reason: Exception) -> None:
        """Request that a job is stopped; the caller has the lock."""
        job.stopped = job.stopped or reason
        if job is self._current:
            self._connection.interrupt()

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        """Reject jobs that waited too long, and interrupt one that runs too long or must be stopped. An
        interrupt between two statements has no effect, so it is repeated."""
        now = time.monotonic()
        late = []
        with self._lock:
            while self._waiting and self._waiting[0].since < now - self._wait_seconds:
                job = self._waiting.popleft()
                job.state = State.ENDED
                job.error = Busy(
                    f"The request waited {self._wait_seconds:g} s for other writes (the setting "
                    "busy_timeout_seconds). Nothing was written; try again."
                )
                late.append(job)
            current = self._current
            if current is not None:
                if current.is_limited and now - current.since > self._max_seconds:
                    self._stop(current, query_timeout(self._max_seconds))
                elif current.stopped is not None:
                    self._stop(current, current.stopped)
            looks_again = self.is_running
        for job in late:
            job.deliver()
        self._watch = loop.call_later(WATCH_SECONDS, self._look, loop) if looks_again else None

    def stop(self) -> None:
        """Stop the running update or delete, and reject those that wait; inserts and scripts are
        completed."""
        with self._lock:
            self._is_stopping = True
            if self._current is not None and self._current.is_limited:
                self._stop(self._current, ShuttingDown())

    def _drain(self, loop: asyncio.AbstractEventLoop) -> None:
        while self._has_more():
            # jobs that arrive while other processes write are part of the group
            in_time = self._turns.take(self._wait_seconds)
            try:
                group = self._take_group()
                ended = self._end_group(group, in_time)
            finally:
                self._turns.give()
            with self._lock:
                for job in ended:
                    job.state = State.ENDED
                for job in reversed(group[len(ended) :]):
                    job.state = State.WAITING
                    self._waiting.appendleft(job)
            loop.call_soon_threadsafe(_deliver, ended, len(ended) < len(group))

    def _has_more(self) -> bool:
        with self._lock:
            self.is_running = bool(self._waiting)
            return self.is_running

    def _take_group(self) -> list[Job]:
        with self._lock:
            group = [self._waiting.popleft() for _ in range(min(len(self._waiting), MAX_GROUP))]
            for job in group:
                job.state = State.TAKEN
            return group

    def _end_group(self, group: list[Job], in_time: bool) -> list[Job]:
        """The jobs of a group that have their result or error, beginning with the first."""
        try:
            with translated():
                return self._commit_others(group, in_time) if group else []
        except BaseException as error:
            # nothing of the group is on disk: every caller must get the error, of any type
            _fail(group, error)
            return group

    def _commit_others(self, group: list[Job], in_time: bool) -> list[Job]:
        """Run the jobs of a group, except stopped ones; returns those that were run, beginning with the
        first. Raises only if none of them was committed."""
        while True:
            try:
                return self._commit(group, in_time)
            except _UndoneError as undone:
                # this took time, so the jobs after it are left to the next group
                group = group[: group.index(undone.job) + 1]

    def _commit(self, group: list[Job], in_time: bool) -> list[Job]:
        """Run the jobs of a group in one transaction, as many as there is time for. If our turn did not come
        ``in_time``, the file must be free immediately."""
        connection = self._connection
        done: list[Job] = []
        with translated():
            connection.begin(waits=in_time)
        until = time.monotonic() + MAX_GROUP_SECONDS
        try:
            for _, same in groupby(group, _key):
                jobs = list(same)
                if len(jobs) == 1 or any(map(_is_stopped, jobs)) or not self._run_joined(jobs):
                    for job in jobs:
                        self._run(job)
                done += jobs
                if time.monotonic() > until:
                    break
            # writes to a deleted file never fail
            self._check()
            with self._lock:
                for job in done:
                    job.state = State.COMMITTING
            with translated():
                connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        return done

    def _run(self, job: Job) -> None:
        job.error = self._in_savepoint(partial(self._alone, job))
        if job.stopped is not None and not self._connection.in_transaction:
            raise _UndoneError(job)

    def _alone(self, job: Job, connection: Connection) -> None:
        with self._lock:
            if self._is_stopping and job.is_limited:
                job.stopped = job.stopped or ShuttingDown()
            if job.stopped is not None:
                raise job.stopped
            job.since = time.monotonic()
            self._current = job
        connection.turns = TURNS if job.is_limited else None
        connection.stopped = lambda: job.stopped
        try:
            job.result = job.work(connection)
        except (OverBudget, apsw.InterruptError):
            raise job.stopped or StorageUnavailable() from None
        finally:
            with self._lock:
                self._current = None
            connection.end_turn()
            connection.turns = connection.stopped = None
        if job.stopped is not None:
            raise job.stopped

    def _run_joined(self, jobs: list[Job]) -> bool:
        """Run jobs with one key together; False if that failed, and all of them are rolled back."""
        return self._in_savepoint(partial(_joined, jobs)) is None

    def _in_savepoint(self, run: Callable[[Connection], None]) -> Exception | None:
        """The error of ``run``, if any; then its changes are rolled back."""
        connection = self._connection
        failure = None
        connection.execute("SAVEPOINT job")
        try:
            run(connection)
        except Exception as error:
            if not connection.in_transaction:
                if isinstance(error, STOPS):
                    return error
                # for example a full disk: SQLite rolled back the whole transaction, with the jobs before this
                # one
                if isinstance(error, StorageUnavailable):
                    raise
                raise StorageUnavailable() from error
            failure = error
            connection.execute("ROLLBACK TO job")
        connection.execute("RELEASE job")
        return failure


def _key(job: Job) -> Hashable:
    return job.key


def _is_stopped(job: Job) -> bool:
    return job.stopped is not None


def _joined(jobs: list[Job], connection: Connection) -> None:
    works: list[Any] = [job.work for job in jobs]
    for job, result in zip(jobs, works[0].join(connection, works), strict=True):
        # an earlier attempt that was rolled back may have set an error
        job.result, job.error = result, None


def _fail(group: list[Job], error: BaseException) -> None:
    for job in group:
        job.error = error


def _deliver(group: list[Job], is_partial: bool) -> None:
    """``is_partial``: other jobs of the group were stopped or left for the next one."""
    if group:
        GROUP_COMMITS.observe(len(group))
    if is_partial:
        count_retry("group")
    for job in group:
        job.deliver()
