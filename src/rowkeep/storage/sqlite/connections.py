"""Connections: how a file is opened, how a script is run on it, and what its errors mean."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import apsw
import structlog

from rowkeep.errors import Busy, StorageUnavailable
from rowkeep.model.decimals import decimal_key
from rowkeep.model.folding import fold
from rowkeep.sql.dialects import DECIMAL_KEY, FOLD
from rowkeep.storage.base import ReferenceConflict, Script, StaleCatalog, UniqueConflict

T = TypeVar("T")
log = structlog.get_logger(__name__)

CACHED_STATEMENTS = 512
BUSY_NAP_SECONDS = 0.002
WAL_LIMIT_BYTES = 64 * 1024 * 1024

SETTINGS = (
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    f"PRAGMA journal_size_limit = {WAL_LIMIT_BYTES}",
    "PRAGMA temp_store = MEMORY",
    "PRAGMA cache_size = -16384",
)


class OverBudget(Exception):
    """A statement took more steps than its connection allows at once."""


def connect(path: Path, busy_timeout_seconds: float) -> apsw.Connection:
    """A connection that waits for locks in short naps: SQLite's own waits grow so long that a process that
    writes much would starve the others."""
    with translated():
        connection = apsw.Connection(str(path), statementcachesize=CACHED_STATEMENTS)
        connection.set_busy_handler(_busy_handler(busy_timeout_seconds))
        # plans are kept for all values: without this, every other LIMIT has its statement compiled anew
        connection.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)
        # what stands in double quotes is a name, never a text, also where there is no such column
        connection.config(apsw.SQLITE_DBCONFIG_DQS_DML, 0)
        connection.config(apsw.SQLITE_DBCONFIG_DQS_DDL, 0)
        _set_wal(connection, busy_timeout_seconds)
        for setting in SETTINGS:
            connection.execute(setting).fetchall()
    connection.create_scalar_function(FOLD, _fold, 1, deterministic=True)
    connection.create_scalar_function(DECIMAL_KEY, _decimal_key, 1, deterministic=True)
    return connection


def _set_wal(connection: apsw.Connection, timeout_seconds: float) -> None:
    """Where several give a new file its WAL at once, SQLite refuses some without asking the busy handler."""
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


def _fold(*cells: Any) -> str | None:
    return None if cells[0] is None else fold(cells[0])


def _decimal_key(*cells: Any) -> str | None:
    return None if cells[0] is None else decimal_key(cells[0])


@contextmanager
def translated() -> Iterator[None]:
    """Driver errors end here: what leaves is ours."""
    try:
        yield
    except apsw.ConstraintError as error:
        if getattr(error, "extendedresult", 0) in (
            apsw.SQLITE_CONSTRAINT_UNIQUE,
            apsw.SQLITE_CONSTRAINT_PRIMARYKEY,
        ):
            raise UniqueConflict() from error
        if getattr(error, "extendedresult", 0) == apsw.SQLITE_CONSTRAINT_FOREIGNKEY:
            raise ReferenceConflict() from error
        raise
    except (apsw.BusyError, apsw.LockedError) as error:
        raise Busy() from error
    except apsw.InterruptError as error:
        raise OverBudget() from error
    except apsw.SchemaChangeError as error:
        raise StaleCatalog() from error
    except apsw.SQLError as error:
        if str(error).startswith(("no such table", "no such column")) or "has no column named" in str(error):
            raise StaleCatalog() from error
        raise
    except (
        apsw.FullError,
        apsw.IOError,
        apsw.CantOpenError,
        apsw.ReadOnlyError,
        apsw.CorruptError,
        apsw.NotADBError,
        apsw.PermissionsError,
    ) as error:
        log.error("sqlite failed", error=str(error), kind=type(error).__name__)
        raise StorageUnavailable() from error


def run_script(connection: apsw.Connection, script: Script[T]) -> T:
    """Run a script's statements one by one; the transaction is the caller's."""
    steps = script()
    with translated():
        try:
            wanted = next(steps)
            while True:
                wanted = steps.send(connection.execute(wanted.text, wanted.parameters).fetchall())
        except StopIteration as stop:
            result: T = stop.value
            return result
