"""Checkpoints: the WAL is copied into its file in a thread of its own, while others write.

SQLite itself does this in the commit that makes the WAL too long: whoever commits waits until a thousand
pages are copied and flushed, and so does everybody who waits for a turn to write. Here a commit only starts
it.

Such a copy cannot reach the end of a WAL that keeps growing, and only a WAL that is copied to its end begins
again. So once the WAL is long, the rest, which is short, is copied while it is our turn to write.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any

import apsw

from rowkeep.errors.catalogue import Busy, StorageUnavailable
from rowkeep.storage.sqlite.connections import WAL_LIMIT_BYTES, Connection, OverBudget, translated
from rowkeep.storage.sqlite.write_queue import WriteQueue

PAGE_BYTES = 4096

PAGES_OF_A_COPY = 1000
"""How many new pages of the WAL start a copy."""

LONG_PAGES = 4000
"""A WAL of so many pages (16 MB) is copied to its end, and begins again. To find a page in the WAL, SQLite
takes one look-up for each 4,000 pages or so."""

LIMIT_PAGES = WAL_LIMIT_BYTES // PAGE_BYTES
"""A WAL of so many pages (64 MB) is copied in the commit, as SQLite does: the thread is too slow."""

LOCK_SECONDS = 0.02
"""How long the last part of a copy, for which all writers wait, waits for those that read older pages. What
cannot be copied is left to the next copy."""

TURN_SECONDS = 10.0
"""How long a copy waits for its turn to write."""

FAILURES = (Busy, StorageUnavailable, OverBudget)


class Checkpoints:
    """The checkpoints of one file, as far as this process does them. Another process that copies the same WAL
    does no harm: SQLite lets one of them go on."""

    def __init__(self, connect: Callable[[float], Connection], executor: Executor, turns: WriteQueue) -> None:
        """``connect`` opens a connection that waits so many seconds for locks; ``turns`` is for us only."""
        self._connect = connect
        self._executor = executor
        self._turns = turns
        self._connection: Connection | None = None
        self._pages = 0
        """How many pages the WAL had after the last commit of this process."""
        self._copied = 0
        """How many of them need no copy, as far as is known."""
        self.is_running = False

    def follow(self, writer: Connection) -> None:
        """Look at the WAL after each commit of this connection, in place of SQLite's own checkpoints."""
        writer.set_wal_hook(self._committed)

    def _committed(self, writer: Any, _database: str, pages: int) -> int:
        """The WAL has so many pages after a commit. It must not fail: what is committed stays so."""
        if pages < self._pages:
            self._copied = 0  # the WAL began again
        self._pages = pages
        if pages >= LIMIT_PAGES:
            self._copy(writer, apsw.SQLITE_CHECKPOINT_PASSIVE)
        elif pages - self._copied >= PAGES_OF_A_COPY and not self.is_running:
            self.is_running = True
            self._executor.submit(self._run)
        return apsw.SQLITE_OK

    def _run(self) -> None:
        try:
            if self._connection is None:
                self._connection = self._connect(LOCK_SECONDS)
            self._copy(self._connection, apsw.SQLITE_CHECKPOINT_PASSIVE)
            if self._pages >= LONG_PAGES:
                # what was written meanwhile, so that little is left for our turn
                self._copy(self._connection, apsw.SQLITE_CHECKPOINT_PASSIVE)
                self._copy_rest(self._connection)
        except FAILURES:
            self._copied = self._pages
        finally:
            self.is_running = False

    def _copy_rest(self, connection: Connection) -> None:
        """Copy to the end of the WAL, while nobody writes."""
        in_time = self._turns.take(TURN_SECONDS)
        try:
            if in_time:
                self._copy(connection, apsw.SQLITE_CHECKPOINT_FULL)
        finally:
            self._turns.give()

    def _copy(self, connection: apsw.Connection, mode: int) -> None:
        """Copy the pages that the WAL has now. If that fails, or another process does it at the moment, it is
        tried again when the WAL has grown; an error of the disk has been logged."""
        try:
            with translated():
                _, self._copied = connection.wal_checkpoint(mode=mode)
        except FAILURES:
            self._copied = self._pages

    def close(self) -> None:
        """Close the connection; nothing may be running."""
        if self._connection is not None:
            self._connection.close()
