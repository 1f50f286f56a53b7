"""Loader: writes the rows of a stream, in a transaction and with a connection of their own.

A group of the writer has savepoints, for which SQLite would copy every page that a load changes. A load also
has a larger cache, because its rows touch pages again and again, and sorts in files, not in memory. It queues
for the file like another process. Its commit fills the WAL, which is copied after its turn: other writers do
not wait for that.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any, TypeVar

import apsw

from rowkeep.errors.catalogue import Busy, ShuttingDown, StorageUnavailable
from rowkeep.storage.sqlite.checkpoints import Checkpoints
from rowkeep.storage.sqlite.connections import Connection, OverBudget, translated
from rowkeep.storage.sqlite.file_identity import FileIdentity
from rowkeep.storage.sqlite.threads import Stoppable
from rowkeep.storage.sqlite.write_queue import WriteQueue

T = TypeVar("T")

CACHE_KIBIBYTES = 24 * 1024

SETTINGS = ("PRAGMA temp_store = FILE", f"PRAGMA cache_size = -{CACHE_KIBIBYTES}")


class Loader:
    """The loads of one file."""

    def __init__(
        self,
        connect: Callable[[], Connection],
        place: FileIdentity,
        turns: WriteQueue,
        executor: Executor,
        wait_seconds: float,
    ) -> None:
        """``turns`` is not shared with others."""
        self._connect = connect
        self._place = place
        self._turns = turns
        self._executor = executor
        self._wait_seconds = wait_seconds
        self._running: dict[Stoppable, Future[Any]] = {}
        self._is_stopping = False
        self._one = asyncio.Lock()
        self._checkpoints: Checkpoints | None = None

    def commits_to(self, checkpoints: Checkpoints) -> None:
        """Check the WAL after each load."""
        self._checkpoints = checkpoints

    @property
    def is_running(self) -> bool:
        return self._one.locked() or bool(self._running)

    async def run(self, work: Callable[[Connection], T], *, is_dry_run: bool) -> T:
        """Do ``work`` in a transaction. Raises Busy if it does not begin in time. If the caller is cancelled
        before the commit, nothing is written."""
        try:
            async with asyncio.timeout(self._wait_seconds):
                await self._one.acquire()
        except TimeoutError:
            raise Busy("Another stream is being stored. Nothing was written; try again.") from None
        try:
            if self._is_stopping:
                raise ShuttingDown()
            loop = asyncio.get_running_loop()
            stoppable = Stoppable()
            running = self._executor.submit(self._in_thread, work, stoppable, is_dry_run)
            self._running[stoppable] = running
            running.add_done_callback(lambda _: loop.call_soon_threadsafe(self._ended, stoppable))
        except BaseException:
            self._one.release()
            raise
        ending = asyncio.wrap_future(running)
        try:
            return await asyncio.shield(ending)
        except asyncio.CancelledError:
            # nobody asks for its error any more: it must not be logged as one that was overlooked
            ending.add_done_callback(_retrieve)
            stoppable.stop(loop, running, ShuttingDown())
            raise

    def _ended(self, stoppable: Stoppable) -> None:
        del self._running[stoppable]
        self._one.release()

    def _in_thread(self, work: Callable[[Connection], T], stoppable: Stoppable, is_dry_run: bool) -> T:
        connection = self._connect()
        pages = 0

        def note(_connection: Any, _database: str, count: int) -> int:
            nonlocal pages
            pages = count
            return apsw.SQLITE_OK

        try:
            for setting in SETTINGS:
                connection.execute(setting).fetchall()
            connection.set_wal_hook(note)
            in_time = self._turns.take(self._wait_seconds)
            try:
                with stoppable.on(connection):
                    result = self._transaction(connection, work, in_time, is_dry_run)
            except (OverBudget, apsw.InterruptError):
                raise stoppable.reason or StorageUnavailable() from None
            finally:
                self._turns.give()
            if pages and self._checkpoints is not None:
                self._checkpoints.committed(connection, "main", pages)
            return result
        finally:
            connection.close()

    def _transaction(
        self, connection: Connection, work: Callable[[Connection], T], in_time: bool, is_dry_run: bool
    ) -> T:
        with translated():
            connection.begin(waits=in_time)
        try:
            result = work(connection)
            # writes to a deleted file never fail
            self._place.check()
            connection.refuse_if_stopped()
            with translated():
                connection.execute("ROLLBACK" if is_dry_run else "COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        return result

    def stop(self) -> None:
        """Stop what runs, and reject what waits."""
        self._is_stopping = True
        loop = asyncio.get_running_loop()
        for stoppable, running in self._running.items():
            stoppable.stop(loop, running, ShuttingDown())


def _retrieve(ended: asyncio.Future[Any]) -> None:
    if not ended.cancelled():
        ended.exception()
