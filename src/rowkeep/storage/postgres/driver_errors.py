"""Driver errors: what an error of the server or of its driver means to a caller.

Where PostgreSQL is the coordinator of a cluster, it passes errors of other nodes on: without the name of the
constraint as a field, with a message that names one shard (``_ix_80bd2b34f707a775_0_102022``), and, from
COPY, with the state of internal errors. So names are read from messages too, and so is the kind of error
where its state does not say it.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import asyncpg
import structlog

from rowkeep.errors.catalogue import (
    Busy,
    InvalidDefinition,
    StorageFull,
    StorageReadOnly,
    StorageUnavailable,
    TooManyColumns,
)
from rowkeep.sql.changes import refused_change
from rowkeep.storage.contract import (
    BeyondRange,
    ChangeRefused,
    ReferenceConflict,
    StaleCatalog,
    UnfitCells,
    UniqueConflict,
)

log = structlog.get_logger(__name__)

COPY_LINE = re.compile(r"COPY .*, line (\d+)")

CONSTRAINT = re.compile(r"\b_(?:ix|pk|fk)_\w+")
"""A name of ours in a message. No name of a user begins like that."""

STALE = (
    asyncpg.UndefinedTableError,
    asyncpg.UndefinedColumnError,
    asyncpg.InvalidSchemaNameError,
    # columns of the old names, but of other types: no such operator or function, no such cast
    asyncpg.DatatypeMismatchError,
    asyncpg.UndefinedFunctionError,
    asyncpg.AmbiguousFunctionError,
    asyncpg.CannotCoerceError,
    asyncpg.InvalidCachedStatementError,
    asyncpg.OutdatedSchemaCacheError,
)
BUSY = (
    asyncpg.LockNotAvailableError,
    asyncpg.QueryCanceledError,
    asyncpg.TooManyConnectionsError,
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    TimeoutError,
)
REFUSED = (
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.ConnectionRejectionError,
)
"""Why a server takes no connection, whoever asks again."""
UNAVAILABLE = (
    *REFUSED,
    asyncpg.InsufficientPrivilegeError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.InsufficientResourcesError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    ConnectionError,
    OSError,
)


NO_TRIGGERS = (
    "The database refuses the triggers that record changes, so no table can have a history. The server log "
    "has the reason; on Citus, triggers need citus.enable_unsafe_triggers."
)

OF_NODES: tuple[tuple[str, Callable[[], Exception]], ...] = (
    ("duplicate key value", UniqueConflict),
    ("violates foreign key constraint", ReferenceConflict),
    ("canceling statement due to", Busy),
    ("canceling the transaction", Busy),
    ("deadlock detected", Busy),
    ("could not serialize access", Busy),
    ("No space left on device", StorageFull),
    ("in a read-only transaction", StorageReadOnly),
    ("failed to COPY to shard", StorageUnavailable),
    ("failed to complete COPY", StorageUnavailable),
    ("could not commit transaction", StorageUnavailable),
    ("connection marked as essential", StorageUnavailable),
    ("connection to the remote node", StorageUnavailable),
    ("connection not open", StorageUnavailable),
    ("server closed the connection unexpectedly", StorageUnavailable),
    ("terminating connection due to", StorageUnavailable),
    ("the database system is", StorageUnavailable),
)
"""What errors of other nodes mean, by their messages, where their state says only that something failed."""


def refused_connection(error: asyncpg.PostgresError) -> asyncpg.PostgresError:
    """The error of a server that takes no connection, as one whose kind says so: such as a right or a
    parameter that is missing, which other statements can also fail for."""
    is_known = isinstance(error, BUSY + UNAVAILABLE) and not isinstance(
        error, asyncpg.InsufficientPrivilegeError
    )
    return error if is_known else asyncpg.ConnectionRejectionError(str(error))


class _Translation:
    """Driver errors end here: what leaves is ours."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        if error is not None:
            raise_ours(error)


_TRANSLATION = _Translation()


def translated() -> _Translation:
    """``with translated():`` around calls of the driver. It has no state, so there is one instance."""
    return _TRANSLATION


def raise_ours(error: BaseException) -> None:
    """Raise what a caller gets for an error of the driver; for another error nothing is raised."""
    ours = _meaning(error)
    if ours is not None:
        raise ours from error


def refusal(error: asyncpg.PostgresError) -> Exception | None:
    """What it means to the caller that the engine refused rows; None for another error."""
    if isinstance(error, asyncpg.UniqueViolationError | asyncpg.ForeignKeyViolationError):
        return _meaning(error)
    refused = refused_change(str(error))
    return None if refused is None else ChangeRefused(*refused)


def _meaning(error: BaseException) -> Exception | None:
    """What a driver's error means to a caller; None for what is not the driver's."""
    if isinstance(error, asyncpg.UniqueViolationError):
        return UniqueConflict()
    if isinstance(error, asyncpg.ForeignKeyViolationError):
        return ReferenceConflict()
    if isinstance(error, asyncpg.NumericValueOutOfRangeError):
        return BeyondRange()
    if isinstance(error, asyncpg.PostgresError) and (refused := refused_change(str(error))) is not None:
        return ChangeRefused(*refused)
    if isinstance(error, asyncpg.InvalidTextRepresentationError):
        return UnfitCells()
    if isinstance(error, asyncpg.TooManyColumnsError):
        return TooManyColumns()
    if isinstance(error, asyncpg.FeatureNotSupportedError) and "trigger" in str(error):
        return _logged(error, InvalidDefinition(NO_TRIGGERS, pointer="/history"))
    if isinstance(error, STALE):
        return StaleCatalog()
    if isinstance(error, BUSY):
        return Busy()
    if isinstance(error, asyncpg.DiskFullError):
        return _logged(error, StorageFull())
    if isinstance(error, UNAVAILABLE):
        return _logged(error, StorageUnavailable())
    if isinstance(error, asyncpg.ReadOnlySQLTransactionError):
        return _logged(error, StorageReadOnly())
    return _meaning_on_node(error) if isinstance(error, asyncpg.PostgresError) else None


def _meaning_on_node(error: asyncpg.PostgresError) -> Exception | None:
    text = str(error)
    for part, kind in OF_NODES:
        if part in text:
            ours = kind()
            return _logged(error, ours) if isinstance(ours, StorageUnavailable) else ours
    return None


def _logged(error: BaseException, ours: Exception) -> Exception:
    log.warning("postgresql failed", error=str(error), kind=type(error).__name__)
    return ours


def constraint_of(error: BaseException | None) -> str:
    """The name of the constraint or index that an error is about, as the server gives it; empty if it does
    not. The name on a shard ends in the shard's number."""
    named = getattr(error, "constraint_name", None)
    if named:
        return str(named)
    found = CONSTRAINT.search(str(error))
    return found[0] if found else ""


def copied_line(error: BaseException | None) -> int | None:
    """Which row of a COPY failed, counted from 0."""
    found = COPY_LINE.search(getattr(error, "context", None) or "")
    return int(found.group(1)) - 1 if found else None
