"""Batches: the operations of a row script, run one after the other in one savepoint or one snapshot."""

from __future__ import annotations

from typing import Any, TypeVar, cast

import apsw

from rowkeep.model.ids import IdSource
from rowkeep.sql.rows import SqliteTableSql
from rowkeep.sql.statements import Statement
from rowkeep.storage.contract import (
    DeleteRows,
    InsertedRows,
    InsertRows,
    RecordedWrite,
    ReferenceConflict,
    ReferencesWait,
    RowOperation,
    RowScript,
    StoredOperation,
    UndoOperation,
    UniqueConflict,
    UpdateRows,
    UpsertRows,
    operation_of,
)
from rowkeep.storage.sqlite.connections import Connection, rows_of, translated
from rowkeep.storage.sqlite.reads import select
from rowkeep.storage.sqlite.recording import record_operation
from rowkeep.storage.sqlite.upserts import upsert
from rowkeep.storage.sqlite.writes import (
    Insert,
    check_version,
    delete,
    named_conflict,
    update,
)

T = TypeVar("T")


def run_batch(script: RowScript[T], version: int, ids: IdSource, connection: Connection) -> T:
    """Run the operations of a batch."""
    with translated():
        check_version(connection, version)
    steps = script()
    is_recorded = references_wait = False
    try:
        wanted = next(steps)
        while True:
            connection.refuse_if_stopped()
            operation = None if is_recorded else operation_of(wanted)
            if operation is not None:
                record_operation(operation, ids.stamp(0).written_on, connection)
                is_recorded = True
            references_wait = references_wait or isinstance(wanted, ReferencesWait)
            wanted = steps.send(_run(wanted, version, ids, connection))
    except StopIteration as stop:
        result: T = stop.value
        return result
    finally:
        if references_wait:
            # those of other jobs of the group must not
            connection.execute("PRAGMA defer_foreign_keys = OFF")


def _run(
    wanted: RowOperation | UndoOperation | Statement, version: int, ids: IdSource, connection: Connection
) -> Any:
    if isinstance(wanted, InsertRows):
        return Insert(wanted.sql, wanted.plan, version, ids)(connection)
    if isinstance(wanted, UpsertRows):
        return upsert(cast("SqliteTableSql", wanted.sql), wanted.plan, version, ids, connection)
    if isinstance(wanted, UpdateRows):
        return update(wanted.sql, wanted.plan, version, ids, connection)
    if isinstance(wanted, DeleteRows):
        return delete(wanted.sql, wanted.plan, version, connection)
    if isinstance(wanted, Statement):
        with translated():
            return rows_of(connection, wanted)
    if isinstance(wanted, RecordedWrite):
        return _write_recorded(wanted, connection)
    if isinstance(wanted, ReferencesWait):
        return _references(connection, wait=not wanted.is_over)
    if isinstance(wanted, StoredOperation | InsertedRows):
        return None
    return select(wanted.sql, wanted.plan, None, connection)


def _write_recorded(wanted: RecordedWrite, connection: Connection) -> None:
    try:
        with translated():
            rows_of(connection, wanted.statement)
    except UniqueConflict as conflict:
        raise named_conflict(conflict, wanted.sql, None) from conflict


def _references(connection: Connection, *, wait: bool) -> None:
    """Raises ReferenceConflict at the end, if a row refers to a missing one."""
    if wait:
        connection.execute("PRAGMA defer_foreign_keys = ON")
    elif connection.status(apsw.SQLITE_DBSTATUS_DEFERRED_FKS)[0]:
        raise ReferenceConflict()
