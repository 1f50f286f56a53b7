"""Writes: inserts, updates and deletes of rows in a workspace's file, each run by its writer in a savepoint.

All writes of rows use this module, after a check of the version in the same transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import islice, repeat
from operator import add, itemgetter, length_hint
from typing import TypeVar

import apsw
import msgspec

from rowkeep.model.history import Operation
from rowkeep.model.ids import IdSource, Stamp
from rowkeep.model.tables import Index
from rowkeep.plan.rows.upserts import UpsertPlan
from rowkeep.plan.rows.writes import DeletePlan, InsertPlan, UpdatePlan
from rowkeep.sql.binding import delete_values, update_values
from rowkeep.sql.dialects import SQLITE
from rowkeep.sql.history_table import HistoryTable
from rowkeep.sql.physical_table import PhysicalTable
from rowkeep.sql.rows import TableSql
from rowkeep.storage.contract import (
    PartlyInserted,
    ReferenceConflict,
    Row,
    Sift,
    StaleCatalog,
    UniqueConflict,
    UpdatedRows,
    WriteKey,
)
from rowkeep.storage.response_sizes import fitting
from rowkeep.storage.sqlite.connections import VERSION, run_script, translated
from rowkeep.storage.sqlite.keys import claim, claim_all
from rowkeep.storage.sqlite.reads import decoded
from rowkeep.storage.sqlite.recording import insert_recorded, record_operation
from rowkeep.storage.sqlite.writer import Joinable

T = TypeVar("T")

MIN_BULK = 1000
"""The inserts of so many rows are recorded together, without the trigger."""


class Insert(Joinable[Stamp]):
    """Rows to be written. Single rows of one app for one table are written together; into a table with a
    history, each has its own ``operation``."""

    def __init__(
        self,
        sql: TableSql,
        plan: InsertPlan,
        version: int,
        ids: IdSource,
        key: WriteKey | None = None,
        operation: Operation | None = None,
    ) -> None:
        self._sql = sql
        self._plan = plan
        self._version = version
        self._ids = ids
        # rows that refer to each other are only accepted in one request
        is_joinable = len(plan.rows) == 1 and not plan.rekeyed and not sql.refers_to_itself
        self._write_key = key
        self._operation = operation
        self.key = (sql, plan.writer, version, key is None) if is_joinable else self

    def __call__(self, connection: apsw.Connection) -> Stamp:
        rows = iter(self._plan.rows)
        operations = [] if self._operation is None else [self._operation]
        try:
            return self._write(connection, self._plan.rows, rows, operations, self._claim)
        except UniqueConflict as conflict:
            # the rows that the iterator still contains were not reached
            reached = len(self._plan.rows) - length_hint(rows)
            raise named_conflict(conflict, self._sql, reached - 1) from conflict

    def join(self, connection: apsw.Connection, works: Sequence[Insert]) -> Iterable[Stamp]:
        rows = [work._plan.rows[0] for work in works]
        operations = [work._operation for work in works if work._operation is not None]
        claim = partial(_claim_each, works)
        return self._write(connection, rows, iter(rows), operations, claim).each()

    def _claim(self, connection: apsw.Connection, stamp: Stamp) -> None:
        assert self._write_key is not None  # noqa: S101 - only then it is called
        claim(connection, self._write_key, stamp)

    def _write(
        self,
        connection: apsw.Connection,
        rows: Sequence[Row],
        reached: Iterator[Row],
        operations: Sequence[Operation],
        claim_keys: Callable[[apsw.Connection, Stamp], None],
    ) -> Stamp:
        """``operations``: one for each row, or one for all rows, or none."""
        sql = self._sql
        with translated():
            check_version(connection, self._version)
            rekey(sql, self._plan, connection)
            stamp = self._ids.stamp(len(rows))
            if self._write_key is not None:
                claim_keys(connection, stamp)
            if operations and len(operations) == len(rows):
                cells = _cells(sql, rows, reached, stamp, self._plan.writer)
                with references_wait(sql, connection):
                    insert_recorded(connection, sql, cells, operations, stamp.written_on)
                return stamp
            for operation in operations:
                record_operation(operation, stamp.written_on, connection)
            _write_rows(connection, sql, rows, reached, stamp, self._plan.writer)
        return stamp


def _write_rows(
    connection: apsw.Connection,
    sql: TableSql,
    rows: Sequence[Row],
    reached: Iterator[Row],
    stamp: Stamp,
    writer: str,
) -> None:
    with references_wait(sql, connection):
        write_rows(connection, sql, rows, reached, stamp, writer)


def write_rows(
    connection: apsw.Connection,
    sql: TableSql,
    rows: Sequence[Row],
    reached: Iterator[Row],
    stamp: Stamp,
    writer: str,
) -> None:
    """Insert rows, taken from ``reached`` one by one."""
    if sql.table.history is None or len(rows) < MIN_BULK:
        _insert_rows(connection, sql, rows, reached, stamp, writer)
        return
    drop, record, create = HistoryTable(sql.table, SQLITE, None).bulk_of_inserts()
    connection.execute(drop.text)
    _insert_rows(connection, sql, rows, reached, stamp, writer)
    connection.executemany(record.text, zip(stamp.ids(), strict=False))
    connection.execute(create.text)


def _insert_rows(
    connection: apsw.Connection,
    sql: TableSql,
    rows: Sequence[Row],
    reached: Iterator[Row],
    stamp: Stamp,
    writer: str,
) -> None:
    connection.executemany(sql.insert.text, _cells(sql, rows, reached, stamp, writer))


def _cells(
    sql: TableSql, rows: Sequence[Row], reached: Iterator[Row], stamp: Stamp, writer: str
) -> Iterator[Row]:
    """The parameters of the statement that inserts a row, for each one."""
    on, by = repeat(stamp.written_on), repeat(writer)
    cells = map(add, reached, zip(on, on, by, by, stamp.ids(), strict=False))
    if sql.keyed:
        keys = zip(*(map(itemgetter(at), rows) for at in sql.keyed), strict=True)
        cells = map(add, cells, keys)
    return cells


def insert_partly(
    sql: TableSql,
    plan: InsertPlan,
    sift: Sift,
    version: int,
    ids: IdSource,
    key: WriteKey | None,
    connection: apsw.Connection,
) -> PartlyInserted:
    with translated():
        check_version(connection, version)
    # the search must find cells under an old key as well
    rekey(sql, plan, connection)
    stamp = ids.stamp(len(plan.rows))
    sifted = run_script(connection, partial(sift, stamp.written_on))
    accepted = sifted.accepted
    inserted = PartlyInserted(msgspec.structs.replace(stamp, count=len(accepted)), sifted)
    if accepted or not plan.rows:
        if key is not None:
            claim(connection, key, inserted)
        rows = plan.rows if len(accepted) == len(plan.rows) else [plan.rows[at] for at in accepted]
        with translated():
            _write_rows(connection, sql, rows, iter(rows), inserted.stamp, plan.writer)
    return inserted


def update(
    sql: TableSql, plan: UpdatePlan, version: int, ids: IdSource, connection: apsw.Connection
) -> UpdatedRows:
    statements = sql.update(plan.shape)
    with translated():
        check_version(connection, version)
    rekey(sql, plan, connection)
    bound = statements.update.bind(update_values(plan, plan.cells, ids.stamp(0).written_on))
    try:
        with translated():
            cursor = connection.execute(bound.text, bound.parameters)
            # one record too many shows that there are more; the rest is not fetched
            try:
                found = fitting(islice(cursor, plan.max_records + 1), plan.max_bytes)
            finally:
                cursor.close(True)
    except UniqueConflict as conflict:
        raise named_conflict(conflict, sql, None) from conflict
    count = connection.changes()
    # what it raises makes the writer undo this job, and no other of its group
    plan.bounds.check(count)
    rows = found.rows
    if not statements.width or found.is_cut or len(rows) > plan.max_records:
        return UpdatedRows(count, None)
    rows.sort(key=itemgetter(statements.width - 1))  # by _id, the last column of a record
    return UpdatedRows(count, decoded(rows, statements.decoders), found.size)


def delete(sql: TableSql, plan: DeletePlan, version: int, connection: apsw.Connection) -> int:
    with translated():
        check_version(connection, version)
        bound = sql.delete(plan.where.shape).bind(delete_values(plan))
        connection.execute(bound.text, bound.parameters).fetchall()
    count = connection.changes()
    plan.bounds.check(count)
    return count


def _claim_each(works: Sequence[Insert], connection: apsw.Connection, stamp: Stamp) -> None:
    claim_all(connection, [work._write_key for work in works if work._write_key is not None], stamp.each())


# common to all writes


def check_version(connection: apsw.Connection, version: int) -> None:
    """Raises StaleCatalog if the definitions or grants have changed since a plan was made."""
    if connection.execute(VERSION).fetchall() != [(version,)]:
        raise StaleCatalog()


def rekey(sql: TableSql, plan: InsertPlan | UpdatePlan | UpsertPlan, connection: apsw.Connection) -> None:
    for name, cells in plan.rekeyed.items():
        with translated():
            connection.executemany(sql.rekey(name).text, cells)


@contextmanager
def references_wait(sql: TableSql, connection: apsw.Connection) -> Iterator[None]:
    """Rows of one request can refer to each other in any order: references to the table itself are checked
    after the last row. (PostgreSQL always does so.)"""
    if not sql.refers_to_itself:
        yield
        return
    # until the end of the transaction, that is of the whole group; it is correct for the other jobs as well
    connection.execute("PRAGMA defer_foreign_keys = ON")
    try:
        yield
        if connection.status(apsw.SQLITE_DBSTATUS_DEFERRED_FKS)[0]:
            raise ReferenceConflict()
    finally:
        connection.execute("PRAGMA defer_foreign_keys = OFF")


def named_conflict(conflict: UniqueConflict, sql: TableSql, row: int | None) -> UniqueConflict:
    """SQLite reports the columns of a failed unique index: ``UNIQUE constraint failed: t.a, t.b``."""
    index_columns = str(conflict.__cause__).rpartition("failed: ")[2]
    failed = [part.rpartition(".")[2] for part in index_columns.split(", ")]
    return UniqueConflict(_unique_index(sql.physical, failed), row)


def _unique_index(physical: PhysicalTable, failed: list[str]) -> Index | None:
    for index in physical.table.indexes:
        names = [getattr(physical.identity(part.name), "name", None) for part in index.columns]
        if index.is_unique and names == failed:
            return index
    return None
