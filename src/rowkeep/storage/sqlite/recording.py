"""Recording: operations are stored before the changes that the history has of them, in the same savepoint."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from operator import add
from typing import Any, TypeVar

import apsw

from rowkeep.model.history import Operation
from rowkeep.model.ids import IdSource
from rowkeep.sql.dialects import SQLITE
from rowkeep.sql.history_operations import numbered_operations
from rowkeep.sql.rows import TableSql
from rowkeep.storage.contract import Row
from rowkeep.storage.sqlite.connections import translated

T = TypeVar("T")


def record_operation(operation: Operation, on: str, connection: apsw.Connection) -> None:
    """Store an operation, which the history then has for all changes up to the next one."""
    statements = numbered_operations(SQLITE)
    with translated():
        (values,) = statements.values((operation,), on, _last(connection))
        connection.execute(statements.insert.text, values)


def recorded(operation: Operation | None, ids: IdSource, work: Callable[[Any], T]) -> Callable[[Any], T]:
    """Work of the writer that first stores its operation, if it has one."""
    return work if operation is None else partial(_recorded, operation, ids, work)


def _recorded(operation: Operation, ids: IdSource, work: Callable[[Any], T], connection: Any) -> T:
    record_operation(operation, ids.stamp(0).written_on, connection)
    return work(connection)


def insert_recorded(
    connection: apsw.Connection,
    sql: TableSql,
    cells: Iterable[Row],
    operations: Sequence[Operation],
    on: str,
) -> None:
    """Insert rows, each after its own operation. Together they take half the time of one statement after the
    other."""
    statements = numbered_operations(SQLITE)
    each = statements.values(operations, on, _last(connection))
    connection.executemany(f"{statements.insert.text};{sql.insert.text}", map(add, each, cells))


def _last(connection: apsw.Connection) -> Row:
    """The last operation."""
    found: Sequence[Row] = connection.execute(numbered_operations(SQLITE).last.text).fetchall()
    return found[0]
