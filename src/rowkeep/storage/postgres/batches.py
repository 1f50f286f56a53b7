"""Batches: the operations of a row script, run one after the other in one transaction.

Its isolation is REPEATABLE READ, so that all reads see one snapshot and the writes of the batch. PostgreSQL
aborts such a transaction if others have changed its rows meanwhile; then it is run again.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Generic, TypeVar, cast

import asyncpg

from rowkeep.model.history import Operation
from rowkeep.model.ids import IdSource
from rowkeep.sql.dialects import POSTGRES
from rowkeep.sql.history_operations import bound_operation
from rowkeep.sql.idempotency import key_sql
from rowkeep.sql.rows import PostgresTableSql
from rowkeep.sql.statements import Statement
from rowkeep.storage.contract import (
    BatchKind,
    DeleteRows,
    InsertedRows,
    InsertRows,
    RecordedWrite,
    ReferencesWait,
    RowOperation,
    RowScript,
    RowSteps,
    SelectRows,
    StaleCatalog,
    StoredOperation,
    UndoOperation,
    UniqueConflict,
    UpdateRows,
    UpsertRows,
    WriteKey,
    operation_of,
)
from rowkeep.storage.postgres.keys import keyed
from rowkeep.storage.postgres.pool import Call, Pool, ScriptEnded, advance, rows_of
from rowkeep.storage.postgres.reads import select_by
from rowkeep.storage.postgres.upserts import named_upsert_conflict, upsert_on
from rowkeep.storage.postgres.waiting import ConnectionLane
from rowkeep.storage.postgres.writes import (
    UNFIT,
    check_version,
    delete_on,
    insert_on,
    named_conflict,
    named_insert_conflict,
    place_of,
    roll_back,
    update_on,
)
from rowkeep.storage.response_sizes import query_timeout

T = TypeVar("T")

BEGIN = "BEGIN ISOLATION LEVEL REPEATABLE READ"
MAX_TRIES = 200
"""More than there is time for, in general: a batch is tried until busy_timeout_seconds are over."""

FIRST_LOCK_TIMEOUT = "SET LOCAL lock_timeout = 200"
"""A batch that waits longer than this many milliseconds for locked rows is done again, alone.
PostgreSQL notices after a second that two wait for each other, and then ends only one of many."""

_planners = ThreadPoolExecutor(2, thread_name_prefix="rowkeep-batch")
"""The threads for the steps of large batches."""


class Batch(Generic[T]):
    """One batch of one workspace."""

    def __init__(
        self,
        pool: Pool,
        lane: ConnectionLane,
        ids: IdSource,
        namespace: str,
        version: int,
        kind: BatchKind,
    ) -> None:
        self._pool = pool
        self._call = Call(lane, is_limited=True, turns=None if kind.only_reads else lane.batches)
        self._ids = ids
        self._namespace = namespace
        self._version = version
        self._kind = kind
        self._current: RowOperation | UndoOperation | Statement | None = None
        self._attempts = 0
        self._copied: set[tuple[str, str]] = set()
        """The tables that rows were copied to."""

    async def run(self, script: RowScript[T], key: WriteKey | None) -> T:
        has_written = key is not None

        async def work(connection: asyncpg.Connection) -> T:
            return await self._in_time(connection, script, has_written)

        try:
            if key is not None:
                return await keyed(self._pool, self._call, self._namespace, key, work, BEGIN, MAX_TRIES)
            return await self._pool.transaction(work, self._call, BEGIN, MAX_TRIES)
        except UniqueConflict as conflict:
            raise self._named(conflict) from conflict

    async def _in_time(self, connection: asyncpg.Connection, script: RowScript[T], has_written: bool) -> T:
        """The limit of a statement is that of all statements of the batch together."""
        seconds = self._pool.max_seconds
        try:
            async with asyncio.timeout(seconds):
                return await self._checked(connection, script, has_written)
        except TimeoutError:
            raise query_timeout(seconds) from None

    async def _checked(self, connection: asyncpg.Connection, script: RowScript[T], has_written: bool) -> T:
        try:
            if not has_written and not self._kind.only_reads:
                await self._write_first(connection)
            self._attempts += 1
            if self._attempts == 1 and not self._kind.only_reads:
                await connection.execute(FIRST_LOCK_TIMEOUT)
            result = await self._steps(connection, script())
        except asyncpg.LockNotAvailableError as error:
            if self._attempts > 1:
                raise
            # it is done again, alone
            raise asyncpg.SerializationError from error
        except UNFIT as error:
            # rows of an older definition do not fit the table
            if isinstance(error, asyncpg.PostgresError) and not connection.is_closed():
                await roll_back(connection, error)
                await check_version(connection, self._namespace, self._version)
            raise
        if self._kind.dry_run or (self._kind.only_reads and not has_written):
            # a table can have changed since the snapshot, which has the old version
            await connection.execute("ROLLBACK AND CHAIN")
            await check_version(connection, self._namespace, self._version)
        else:
            await self._check_unchanged(connection)
        return result

    async def _check_unchanged(self, connection: asyncpg.Connection) -> None:
        """Fails if the version was raised since the snapshot, which has the old one. (Whoever raises it now
        waits for this transaction, because of its locks on the tables, or is not seen by it.)"""
        read = f'SELECT version FROM "{self._namespace}"._rowkeep_workspace'  # noqa: S608 - our own name
        if await connection.fetchval(f"{read} FOR SHARE SKIP LOCKED") not in (None, self._version):
            for place in self._copied:
                self._pool.forget_types(place)
            raise StaleCatalog()

    async def _write_first(self, connection: asyncpg.Connection) -> None:
        """Begin with a write, although it finds nothing: a cluster needs that (see docs/scale-out.md)."""
        nothing = key_sql(POSTGRES, self._namespace).no_key
        await connection.execute(nothing.text, *nothing.parameters)

    async def _steps(self, connection: asyncpg.Connection, steps: RowSteps[T]) -> T:
        result: Any = None
        is_recorded = False
        while True:
            try:
                wanted = self._current = await self._next(steps, result)
            except ScriptEnded as ended:
                found: T = ended.result
                return found
            operation = None if is_recorded else operation_of(wanted)
            if operation is not None:
                await self._store(connection, operation)
                is_recorded = True
            result = await self._do(connection, wanted)

    async def _store(self, connection: asyncpg.Connection, operation: Operation) -> None:
        bound = bound_operation(POSTGRES, self._namespace, operation, self._ids.stamp(0).written_on)
        await connection.execute(bound.text, *bound.parameters)

    async def _next(self, steps: RowSteps[T], result: Any) -> RowOperation | UndoOperation | Statement:
        if not self._kind.is_large:
            return advance(steps, result)
        return await asyncio.get_running_loop().run_in_executor(_planners, advance, steps, result)

    async def _do(
        self, connection: asyncpg.Connection, wanted: RowOperation | UndoOperation | Statement
    ) -> Any:
        if isinstance(wanted, RecordedWrite):
            return await rows_of(connection, wanted.statement)
        if isinstance(wanted, ReferencesWait | StoredOperation | InsertedRows):
            # references are checked with each statement
            return None
        if isinstance(wanted, InsertRows):
            stamp = self._ids.stamp(len(wanted.plan.rows))
            self._copied.add(place_of(wanted.sql))
            await insert_on(connection, self._pool, wanted.sql, wanted.plan, self._version, stamp)
            return stamp
        if isinstance(wanted, UpsertRows):
            sql = cast("PostgresTableSql", wanted.sql)
            stamp = self._ids.stamp(len(wanted.plan.rows))
            return await upsert_on(connection, sql, wanted.plan, self._version, stamp)
        if isinstance(wanted, UpdateRows):
            return await update_on(connection, self._ids, wanted.sql, wanted.plan, self._version)
        if isinstance(wanted, DeleteRows):
            return await delete_on(connection, wanted.sql, wanted.plan, self._version)
        if isinstance(wanted, SelectRows):

            def fetch(text: str, parameters: Any) -> Any:
                return connection.fetch(text, *parameters)

            return await select_by(fetch, wanted.sql, wanted.plan, self._version)
        return await rows_of(connection, wanted)

    def _named(self, conflict: UniqueConflict) -> UniqueConflict:
        failed = self._current
        if isinstance(failed, InsertRows):
            return named_insert_conflict(conflict, failed.sql.table, failed.plan)
        if isinstance(failed, UpsertRows):
            return named_upsert_conflict(conflict, cast("PostgresTableSql", failed.sql), failed.plan)
        if isinstance(failed, UpdateRows | RecordedWrite):
            return named_conflict(conflict, failed.sql.table, None)
        return conflict
