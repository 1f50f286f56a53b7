"""Connections: opening a file, running a script on it, and translating its errors."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn, TypeVar, cast

import apsw
import structlog

from rowkeep.errors.catalogue import Busy, StorageFull, StorageMissing, StorageReadOnly, StorageUnavailable
from rowkeep.model.values.case_folding import fold, fold_in_parts
from rowkeep.sql.dialects import FOLD
from rowkeep.sql.statements import Statement
from rowkeep.storage.contract import (
    BeyondRange,
    ReferenceConflict,
    Script,
    StaleCatalog,
    UnfitCells,
    UniqueConflict,
)
from rowkeep.storage.sqlite.function_turns import FunctionTurns
from rowkeep.storage.sqlite.functions import SHORT_TEXT, Turning, add_functions, take_turn

T = TypeVar("T")
log = structlog.get_logger(__name__)

CACHED_STATEMENTS = 512
BUSY_NAP_SECONDS = 0.002
CALLS_AT_ONCE = 100
"""How many calls of functions on short texts are made before the next check whether other threads are waiting
for a turn."""

WAL_LIMIT_BYTES = 64 * 1024 * 1024

VERSION = "SELECT version FROM _rowkeep_workspace"

SETTINGS = (
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    f"PRAGMA journal_size_limit = {WAL_LIMIT_BYTES}",
    "PRAGMA temp_store = MEMORY",
    "PRAGMA cache_size = -16384",
)


CONFLICTS: dict[int, type[Exception]] = {
    apsw.SQLITE_CONSTRAINT_UNIQUE: UniqueConflict,
    apsw.SQLITE_CONSTRAINT_PRIMARYKEY: UniqueConflict,
    apsw.SQLITE_CONSTRAINT_FOREIGNKEY: ReferenceConflict,
}
BROKEN = (
    apsw.IOError,
    apsw.CantOpenError,
    apsw.CorruptError,
    apsw.NotADBError,
    apsw.PermissionsError,
)


class Moved(Exception):
    """Two statements that must read the same snapshot have read different ones, because they were not run in
    a transaction."""


class OverBudget(Exception):
    """A statement exceeded the limits of its connection, or was interrupted."""


class Connection(Turning):
    """A connection that caches the version of the workspace for as long as the file is unchanged."""

    _version: int | None = None
    _version_of: int | None = None
    """SQLite's number for the state of the file in which the version was read."""
    wait: Callable[[int], bool] | None = None
    """The busy handler: decides whether SQLite tries again when the file is locked."""

    max_cell_bytes: int | None = None
    """For a connection of the event loop, the size of the largest cell that it reads; None for any size."""

    last_folded: tuple[str, str] | None = None
    """A long text, and its case-folded form: filters often compare a cell several times."""

    stopped: Callable[[], Exception | None] | None = None
    """For work of several statements: the reason to stop it, if there is one."""

    turns: FunctionTurns | None = None
    """The queue of threads that call functions written in Python; None on the event loop, and for inserts."""

    def take_turn(self) -> None:
        """Wait for a turn if threads queue for turns."""
        self.calls_left = CALLS_AT_ONCE
        if self.turns is not None:
            self.turns.take(self, self.stop_if_interrupted)

    def stop_if_interrupted(self) -> None:
        """SQLite does not check for interrupts while a function runs. Raises OverBudget."""
        if self.is_interrupted:
            raise OverBudget()

    def refuse_if_stopped(self) -> None:
        """Between two statements, where an interrupt has no effect. Raises the reason to stop."""
        reason = None if self.stopped is None else self.stopped()
        if reason is not None:
            raise reason

    def end_turn(self) -> None:
        """The statements of a transaction have ended."""
        self.last_folded = None
        if self.turns is not None:
            self.turns.give(self)

    def set_wait(self, seconds: float) -> None:
        """Wait this long for locks."""
        self.wait = _busy_handler(seconds)
        self.set_busy_handler(self.wait)

    def begin(self, *, waits: bool) -> None:
        """Begin a transaction that writes; ``waits`` is whether there is time to wait for SQLite's lock."""
        if waits:
            self.execute("BEGIN IMMEDIATE")
            return
        self.set_busy_handler(None)
        try:
            self.execute("BEGIN IMMEDIATE")
        finally:
            self.set_busy_handler(self.wait)

    def version(self, snapshot: int) -> int | None:
        """The version in the snapshot that was last read, which is what ``data_version`` gives: SQLite only
        notices that the file has changed when it begins to read. Outside of a transaction it can be a later
        version."""
        if snapshot != self._version_of:
            rows = self.execute(VERSION).fetchall()
            self._version = cast("int", rows[0][0]) if rows else None
            self._version_of = self.data_version()
        return self._version


def connect(path: Path, busy_timeout_seconds: float, *, create: bool) -> Connection:
    """A connection that waits for locks in short sleeps: SQLite's own waits grow so long that a process that
    writes a lot would block the others. ``create`` creates a missing file.

    Raises StorageMissing for a missing file that is not created.

    SQLite's own locks of a connection (without NOMUTEX) stay, though they take a twentieth of a query: Python
    can free a cursor in any thread, while another one uses the connection.
    """
    flags = apsw.SQLITE_OPEN_READWRITE | (apsw.SQLITE_OPEN_CREATE if create else 0)
    try:
        connection = Connection(str(path), flags=flags, statementcachesize=CACHED_STATEMENTS)
    except apsw.Error as error:
        if not path.exists():
            # the callers find out whether it may be missing, and log it if not
            raise StorageMissing() from FileNotFoundError(f"the file {path} does not exist")
        raise_ours(error)
    try:
        _set_up(connection, busy_timeout_seconds)
    except BaseException:
        # immediately: a stored error would keep the file open
        connection.close()
        raise
    return connection


def _set_up(connection: Connection, busy_timeout_seconds: float) -> None:
    connection.wait = _busy_handler(busy_timeout_seconds)
    with translated():
        connection.set_busy_handler(connection.wait)
        # plans are reused for all values: without this, a statement is compiled again for every other LIMIT
        connection.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)
        # text in double quotes is always a name, even if there is no such column
        connection.config(apsw.SQLITE_DBCONFIG_DQS_DML, 0)
        connection.config(apsw.SQLITE_DBCONFIG_DQS_DDL, 0)
        _set_wal(connection, busy_timeout_seconds)
        for setting in SETTINGS:
            connection.execute(setting).fetchall()
    connection.create_scalar_function(FOLD, _folding(connection), 1, deterministic=True)
    add_functions(connection)


def _folding(connection: Connection) -> Callable[..., str | None]:
    """The function that folds case. It runs within one step of SQLite, where nothing interrupts it: so on the
    event loop it rejects long texts, and elsewhere it checks between parts whether it must stop."""

    def turn() -> None:
        connection.stop_if_interrupted()
        connection.take_turn()

    def folded(*cells: Any) -> str | None:
        text = cells[0]
        if text is None:
            return None
        if not isinstance(text, str):
            raise UnfitCells()
        if len(text) > SHORT_TEXT and connection.max_cell_bytes is not None:
            raise OverBudget()
        take_turn(connection, text)
        if len(text) <= SHORT_TEXT:
            return fold(text)
        last = connection.last_folded
        if last is None or last[0] != text:
            last = connection.last_folded = (text, fold_in_parts(text, turn))
        return last[1]

    return folded


def _set_wal(connection: apsw.Connection, timeout_seconds: float) -> None:
    """If several connections set the WAL of a new file at once, SQLite rejects some without a call of the
    busy handler."""
    waits = _busy_handler(timeout_seconds)
    tries = 0
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL").fetchall()
            return
        except apsw.BusyError:
            if not waits(tries):
                raise
            tries += 1


def _busy_handler(timeout_seconds: float) -> Callable[[int], bool]:
    waited_until = 0.0

    def wait(tries: int) -> bool:
        nonlocal waited_until
        now = time.monotonic()
        if tries == 0:
            waited_until = now + timeout_seconds
        if now >= waited_until:
            return False
        time.sleep(BUSY_NAP_SECONDS)
        return True

    return wait


class _Translation:
    """Translates errors of the driver to ours; no other errors leave this block."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        if isinstance(error, apsw.Error):
            raise_ours(error)


_TRANSLATION = _Translation()


def translated() -> _Translation:
    """The context for calls of the driver, ``with translated():``. It has no state and is created once: one
    of contextlib's would cost a query more than its plan does."""
    return _TRANSLATION


def raise_ours(error: apsw.Error) -> NoReturn:
    """Raise what a caller gets for an error of the driver."""
    ours = _meaning(error)
    if ours is None:
        raise error
    raise ours from error


def _meaning(error: apsw.Error) -> Exception | None:
    """The error of a caller for a driver's error; None for a fault of ours."""
    if isinstance(error, apsw.ConstraintError):
        conflict = CONFLICTS.get(getattr(error, "extendedresult", 0))
        return None if conflict is None else conflict()
    if isinstance(error, apsw.BusyError | apsw.LockedError):
        return Busy()
    if isinstance(error, apsw.InterruptError):
        return OverBudget()
    if isinstance(error, apsw.SchemaChangeError):
        return StaleCatalog()
    if isinstance(error, apsw.SQLError):
        message = str(error)
        if message == "integer overflow":
            return BeyondRange()
        is_stale = message.startswith(("no such table", "no such column")) or "has no column named" in message
        return StaleCatalog() if is_stale else None
    if isinstance(error, apsw.FullError | apsw.ReadOnlyError):
        log.error("sqlite failed", error=str(error), kind=type(error).__name__)
        return StorageFull() if isinstance(error, apsw.FullError) else StorageReadOnly()
    if isinstance(error, BROKEN):
        log.error("sqlite failed", error=str(error), kind=type(error).__name__)
        return StorageUnavailable()
    return None


def rows_of(connection: apsw.Connection, wanted: Statement) -> list[Any]:
    if wanted.many is not None:
        return connection.executemany(wanted.text, wanted.many).fetchall()
    can_cache = not wanted.is_command
    return connection.execute(wanted.text, wanted.parameters, can_cache=can_cache).fetchall()


def in_transaction(
    connection: Connection, work: Callable[[Connection], T], before_end: Callable[[], None] | None = None
) -> T:
    """Run ``work``, which only reads, in one snapshot."""
    # a statement this short is better prepared again than in the place of a cached one
    connection.execute("BEGIN", can_cache=False)
    try:
        return work(connection)
    finally:
        if before_end is not None:
            before_end()
        connection.execute("ROLLBACK", can_cache=False)


def run_script(connection: apsw.Connection, script: Script[T]) -> T:
    """Run a script's statements one by one; the transaction is the caller's."""
    steps = script()
    with translated():
        try:
            wanted = next(steps)
            while True:
                wanted = steps.send(rows_of(connection, wanted))
        except StopIteration as stop:
            result: T = stop.value
            return result
