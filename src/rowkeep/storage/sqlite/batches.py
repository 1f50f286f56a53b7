"""Batches: the operations of a row script, run one after the other in one savepoint or one snapshot."""

from __future__ import annotations

from typing import Any, TypeVar, cast

from rowkeep.model.ids import IdSource
from rowkeep.sql.rows import SqliteTableSql
from rowkeep.sql.statements import Statement
from rowkeep.storage.contract import (
    DeleteRows,
    InsertRows,
    RowOperation,
    RowScript,
    UpdateRows,
    UpsertRows,
    operation_of,
)
from rowkeep.storage.sqlite.connections import Connection, rows_of, translated
from rowkeep.storage.sqlite.reads import select
from rowkeep.storage.sqlite.upserts import upsert
from rowkeep.storage.sqlite.writes import Insert, check_version, delete, record_operation, update

T = TypeVar("T")


def run_batch(script: RowScript[T], version: int, ids: IdSource, connection: Connection) -> T:
    """Run the operations of a batch."""
    with translated():
        check_version(connection, version)
    steps = script()
    is_recorded = False
    try:
        wanted = next(steps)
        while True:
            connection.refuse_if_stopped()
            operation = None if is_recorded else operation_of(wanted)
            if operation is not None:
                record_operation(operation, ids, connection)
                is_recorded = True
            wanted = steps.send(_run(wanted, version, ids, connection))
    except StopIteration as stop:
        result: T = stop.value
        return result


def _run(wanted: RowOperation | Statement, version: int, ids: IdSource, connection: Connection) -> Any:
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
    return select(wanted.sql, wanted.plan, None, connection)
