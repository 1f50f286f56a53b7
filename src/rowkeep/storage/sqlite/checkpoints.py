"""Checkpoints: a separate thread copies the WAL into its file, while others write.

SQLite itself does this in the commit that makes the WAL too long: that commit, and everyone who waits to
write, waits until a thousand pages are copied and flushed. Here a commit only starts the copy.

Such a copy cannot reach the end of a WAL that keeps growing, and a WAL begins again only after a complete
copy. So once the WAL is long, the rest, which is short, is copied during a turn of its own in the write
queue.

Reads that overlap without end always need some of the pages. Beyond a limit the writers therefore wait until
the reads that run have ended, for a time that grows with the WAL. They never wait for streams, whose clients
decide how long they take: until the last stream has ended, the WAL grows.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any

import apsw

from rowkeep.errors.catalogue import Busy, StorageUnavailable
from rowkeep.storage.sqlite.connections import WAL_LIMIT_BYTES, Connection, OverBudget, translated
from rowkeep.storage.sqlite.open_streams import OpenStreams
from rowkeep.storage.sqlite.write_queue import WriteQueue

PAGE_BYTES = 4096

PAGES_OF_A_COPY = 1000
"""How many new pages of the WAL start a copy."""

LONG_PAGES = 4000
"""A WAL of this many pages (16 MB) is copied to its end, and begins again. To find a page in the WAL, SQLite
needs about one look-up for each 4,000 pages."""

LIMIT_PAGES = WAL_LIMIT_BYTES // PAGE_BYTES
"""A WAL of this many pages (64 MB) is copied in the commit, as SQLite does: the thread is too slow."""

LOCK_SECONDS = 0.02
"""How long the last part of a copy, for which all writers wait, waits for readers of older pages. Pages that
cannot be copied are left to the next copy."""

RESTART_SECONDS = 1.0
"""How long all writers wait for the running reads to end, for each :data:`LIMIT_PAGES` of the WAL."""

PAGES_OF_A_RESTART = LIMIT_PAGES // 4
"""How many more pages the WAL must have before writers wait for reads again."""

TURN_SECONDS = 10.0
"""How long a copy waits for its turn to write."""

FAILURES = (Busy, StorageUnavailable, OverBudget)


class Checkpoints:
    """The checkpoints that this process makes for one file. If another process copies the same WAL, no harm
    is done: SQLite lets only one of them continue."""

    def __init__(
        self,
        connect: Callable[[float], Connection],
        executor: Executor,
        turns: WriteQueue,
        longest_wait_seconds: float,
        streams: OpenStreams,
    ) -> None:
        """``connect`` opens a connection that waits this many seconds for locks; ``turns`` is not shared with
        others. Writers wait for reads no longer than ``longest_wait_seconds``, and not for ``streams``."""
        self._streams = streams
        self._connect = connect
        self._executor = executor
        self._turns = turns
        self._longest_wait_seconds = longest_wait_seconds
        self._connection: Connection | None = None
        self._pages = 0
        """How many pages the WAL had after the last commit of this process."""
        self._copied = 0
        """How many of them are known to be copied."""
        self._restarted = 0
        """How many pages the WAL had when writers last waited for reads."""
        self.is_running = False

    def follow(self, writer: Connection) -> None:
        """Check the WAL after each commit of this connection, instead of SQLite's own checkpoints."""
        writer.set_wal_hook(self.committed)

    def committed(self, writer: Any, _database: str, pages: int) -> int:
        """The WAL has this many pages after a commit. This must not fail: the commit cannot be undone."""
        if pages < self._pages:
            self._copied = 0  # the WAL began again
            self._restarted = 0
        self._pages = pages
        if pages >= LIMIT_PAGES:
            self._copy(writer, apsw.SQLITE_CHECKPOINT_PASSIVE)
        is_due = pages - self._copied >= PAGES_OF_A_COPY or self._needs_restart()
        if is_due and not self.is_running:
            self.is_running = True
            try:
                self._executor.submit(self._run)
            except RuntimeError:  # the store is being closed, which copies the WAL as well
                self.is_running = False
        return apsw.SQLITE_OK

    def _needs_restart(self) -> bool:
        return self._pages >= max(LIMIT_PAGES, self._restarted + PAGES_OF_A_RESTART)

    def _run(self) -> None:
        try:
            if self._connection is None:
                self._connection = self._connect(LOCK_SECONDS)
            self._copy(self._connection, apsw.SQLITE_CHECKPOINT_PASSIVE)
            if self._streams.any:
                # what they read cannot be copied; it is when the WAL has grown after their end
                self._copied = self._pages
                return
            if self._pages >= LONG_PAGES:
                # the pages written meanwhile, so that little is left for our turn
                self._copy(self._connection, apsw.SQLITE_CHECKPOINT_PASSIVE)
                self._in_a_turn(self._copy_rest, self._connection)
            if self._needs_restart():
                self._in_a_turn(self._restart, self._connection)
        except FAILURES:
            self._copied = self._pages
        finally:
            self.is_running = False

    def _in_a_turn(self, copy: Callable[[Connection], None], connection: Connection) -> None:
        """Copy while nobody writes."""
        in_time = self._turns.take(TURN_SECONDS)
        try:
            if in_time:
                copy(connection)
        finally:
            self._turns.give()

    def _copy_rest(self, connection: Connection) -> None:
        """Copy to the end of the WAL, except pages that a read keeps from being copied."""
        self._copy(connection, apsw.SQLITE_CHECKPOINT_FULL)

    def _restart(self, connection: Connection) -> None:
        """Wait for the running reads, and copy to the end of the WAL, so that it begins again. New reads do
        not need it once all of it is copied."""
        self._restarted = self._pages
        seconds = min(self._pages / LIMIT_PAGES * RESTART_SECONDS, self._longest_wait_seconds)
        connection.set_wait(seconds)
        try:
            self._copy(connection, apsw.SQLITE_CHECKPOINT_RESTART)
        finally:
            connection.set_wait(LOCK_SECONDS)

    def _copy(self, connection: apsw.Connection, mode: int) -> None:
        """Copy the current pages of the WAL. If this fails, or another process is copying, it is repeated
        when the WAL has grown; a disk error is already logged."""
        try:
            with translated():
                _, self._copied = connection.wal_checkpoint(mode=mode)
        except FAILURES:
            self._copied = self._pages

    def close(self) -> None:
        """Close the connection; nothing may be running."""
        if self._connection is not None:
            self._connection.close()
