"""Rows: insert, update, delete and query, for apps and administrators (contract, section 2)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

from msgspec import UNSET

from rowkeep.catalog.snapshot import CompiledTable
from rowkeep.errors.catalogue import InvalidBody, InvalidValue
from rowkeep.metrics import ROWS_DELETED, ROWS_UPDATED, count_inserted, count_read
from rowkeep.model.access import Right
from rowkeep.plan.rows.cursors import CursorSigner
from rowkeep.plan.rows.select import SelectPlan, plan_select
from rowkeep.plan.rows.writes import InsertPlan, plan_delete, plan_update
from rowkeep.services.access import Access, Caller, Credential
from rowkeep.services.conflicts import (
    explained_reference,
    find_delete_reference,
    find_insert_reference,
    find_update_reference,
    insert_unique_error,
    update_unique_error,
)
from rowkeep.services.idempotency import Idempotency, KeyedRequest, Replayed
from rowkeep.services.offload import Offload
from rowkeep.services.partial_inserts import PartialInsert, all_failed
from rowkeep.services.past_rows import PastRows
from rowkeep.services.refused_changes import update_change_error
from rowkeep.services.row_requests import (
    CompiledRelation,
    Deleted,
    DeleteRequest,
    Inserted,
    InsertRequest,
    InsertResult,
    PartlyInserted,
    PartlyUpserted,
    QueryPage,
    QueryRequest,
    ReadRequest,
    Updated,
    UpdateRequest,
)
from rowkeep.services.table_list import UsableTables, table_list
from rowkeep.services.timings import end_phase
from rowkeep.services.upserts import key_of, refuse_repeated_keys, upsert
from rowkeep.settings import Settings
from rowkeep.sql.explain import template_texts
from rowkeep.storage.contract import (
    BeyondRange,
    ChangeRefused,
    ReferenceConflict,
    Selected,
    UniqueConflict,
    UpdatedRows,
    WriteKey,
)

MAX_ROWS = 10_000_000
"""The maximum number of rows in one bulk. Their ids must fit the counter of an ObjectId, which has 24
bits."""

INSERT_RIGHTS = (Right.WRITE,)
UPDATE_RIGHTS = (Right.READ, Right.WRITE)
DELETE_RIGHTS = (Right.READ, Right.DELETE)
QUERY_RIGHTS = (Right.READ,)

T = TypeVar("T")
R = TypeVar("R")
W = TypeVar("W")

SHORT_FILTER = 16
"""The statement of a filter with more values takes a few milliseconds to compile."""

_compiler = ThreadPoolExecutor(1, thread_name_prefix="rowkeep-compiler")
"""One thread: every thread that runs Python makes the event loop wait longer."""


class Rows:
    """The rows of tables and views. Every method authenticates the caller, checks its rights, and only then
    reads the request.

    Each raises Unauthenticated, NoSuchTable (NoSuchView) and Forbidden, what reading the request raises, and
    what its plan and storage raise.
    """

    def __init__(
        self, access: Access, settings: Settings, offload: Offload, keys: Idempotency, past: PastRows
    ) -> None:
        self._access = access
        self._past = past
        self._keys = keys
        self._settings = settings
        self._offload = offload

    def insert(
        self,
        credential: Credential,
        table: str,
        read: Callable[[CompiledTable], Awaitable[InsertRequest]],
        given_key: KeyedRequest[InsertResult] | None = None,
    ) -> Awaitable[InsertResult | Replayed]:
        """Insert or upsert all rows of the request, or none; in a partial bulk, those that can be stored. Its
        rows are decoded by the table's own codec, so ``read`` is given the table.

        Raises AllRowsFailed for a partial bulk of which no row can be stored."""

        async def insert(caller: Caller) -> InsertResult:
            compiled = await caller.table(table, INSERT_RIGHTS)
            if given_key is not None:
                await given_key.read()
            request = await read(compiled)
            options = request.options
            keyed = _key_of(given_key, is_dry_run=options.dry_run)
            if request.failed and not request.rows:
                keyed = None  # none of its rows can be stored, so it is refused and its key stays free
            if request.count > MAX_ROWS:
                raise InvalidBody(
                    f"A bulk insert can have at most {MAX_ROWS} rows; got {request.count}.",
                    pointer="/data",
                )

            if options.is_upsert:
                make_key = partial(self._write_key, caller, keyed)
                upserted = await upsert(caller, compiled, request, self._settings, self._offload, make_key)
                return await self._unless_all_failed(upserted)

            plan_insert = partial(insert_plan, caller, compiled, request)
            plan = await self._offload.run(plan_insert) if request.is_large else plan_insert()
            if options.is_partial:
                return await self._insert_partly(caller, compiled, request, plan, keyed)
            key = self._write_key(
                caller, keyed, lambda stamp: Inserted(compiled, request, stamp, caller.writer)
            )
            end_phase("plan")
            try:
                with caller.slow.write("insert", lambda: compiled.sql.insert.text):
                    stamp = await caller.workspace.database.insert(
                        compiled.sql, plan, caller.snapshot.version, key
                    )
            except UniqueConflict as conflict:
                raise await insert_unique_error(
                    caller.workspace, compiled, request.rows, plan.rows, conflict, request.is_array
                ) from conflict
            except ReferenceConflict:
                find = find_insert_reference
                raise await explained_reference(
                    caller, find, compiled, request.rows, plan.rows, request.is_array
                ) from None
            end_phase("db")
            if not options.dry_run:
                count_inserted(request.count)
            return Inserted(compiled, request, stamp, caller.writer)

        return self._run(credential, given_key, insert)

    async def _insert_partly(
        self,
        caller: Caller,
        compiled: CompiledTable,
        request: InsertRequest,
        plan: InsertPlan,
        keyed: KeyedRequest[InsertResult] | None,
    ) -> PartlyInserted:
        """Raises AllRowsFailed."""
        bulk = PartialInsert(caller, compiled, request, self._settings.max_bulk_errors)
        key = self._write_key(caller, keyed, bulk.result)
        end_phase("plan")
        with caller.slow.write("insert", lambda: compiled.sql.insert.text):
            result = await bulk.insert(plan, key)
        end_phase("db")
        if not request.options.dry_run:
            count_inserted(result.n_inserted)
        return await self._unless_all_failed(result)

    async def _unless_all_failed(self, result: W) -> W:
        """Raises AllRowsFailed for a partial result of which no row is stored."""
        if (
            isinstance(result, PartlyInserted | PartlyUpserted)
            and result.request.count
            and not result.n_stored
        ):
            made = partial(all_failed, result)
            raise await self._offload.run(made) if result.request.is_large else made()
        return result

    def update(
        self,
        credential: Credential,
        table: str,
        read: ReadRequest[UpdateRequest],
        given_key: KeyedRequest[Updated] | None = None,
    ) -> Awaitable[Updated | Replayed]:
        """Update the rows that the request's filter matches."""

        async def update(caller: Caller) -> Updated:
            compiled = await caller.table(table, UPDATE_RIGHTS)
            if given_key is not None:
                await given_key.read()
            request = await read()
            keyed = _key_of(given_key, is_dry_run=request.body.dry_run)
            plan = plan_update(
                compiled.target,
                compiled.codec,
                request.body,
                caller.writer,
                self._settings,
                minimal=not request.returns_rows,
                app=caller.app,
                operation=caller.operation(compiled.table),
            )
            if len(plan.where.values) > SHORT_FILTER:
                await compiled_in_thread(compiled.sql.update, plan.shape)
            key = None
            if keyed is not None:
                key = self._keys.write_key(caller, keyed, partial(_updated, compiled, False))
            end_phase("plan")
            try:
                with caller.slow.write("update", lambda: template_texts(compiled.sql.update(plan.shape))):
                    updated = await caller.workspace.database.update(
                        compiled.sql, plan, caller.snapshot.version, key
                    )
            except UniqueConflict as conflict:
                raise await update_unique_error(caller.workspace, compiled, plan, conflict) from conflict
            except ChangeRefused as refused:
                raise update_change_error(compiled, plan, request.body.data, refused) from None
            except ReferenceConflict:
                raise await explained_reference(caller, find_update_reference, compiled, plan) from None
            end_phase("db")
            if not plan.is_dry_run:
                ROWS_UPDATED.add(updated.count)
            return _updated(compiled, plan.is_dry_run, updated)

        return self._run(credential, given_key, update)

    def delete(
        self,
        credential: Credential,
        table: str,
        read: ReadRequest[DeleteRequest],
        given_key: KeyedRequest[Deleted] | None = None,
    ) -> Awaitable[Deleted | Replayed]:
        """Delete the rows that the request's filter matches."""

        async def delete(caller: Caller) -> Deleted:
            compiled = await caller.table(table, DELETE_RIGHTS)
            if given_key is not None:
                await given_key.read()
            request = await read()
            keyed = _key_of(given_key, is_dry_run=request.body.dry_run)
            plan = plan_delete(
                compiled.target,
                request.body,
                self._settings,
                caller.app,
                caller.operation(compiled.table),
            )
            if len(plan.where.values) > SHORT_FILTER:
                await compiled_in_thread(compiled.sql.delete, plan.where.shape)
            key = None if keyed is None else self._keys.write_key(caller, keyed, Deleted)
            end_phase("plan")
            try:
                with caller.slow.write(
                    "delete", lambda: template_texts(compiled.sql.delete(plan.where.shape))
                ):
                    count = await caller.workspace.database.delete(
                        compiled.sql, plan, caller.snapshot.version, key
                    )
            except ReferenceConflict:
                raise await explained_reference(caller, find_delete_reference, compiled, plan) from None
            end_phase("db")
            if not plan.is_dry_run:
                ROWS_DELETED.add(count)
            return Deleted(count, plan.is_dry_run)

        return self._run(credential, given_key, delete)

    def _write_key(
        self, caller: Caller, keyed: KeyedRequest[R] | None, result_of: Callable[[Any], R]
    ) -> WriteKey | None:
        return None if keyed is None else self._keys.write_key(caller, keyed, result_of)

    def _run(
        self,
        credential: Credential,
        keyed: KeyedRequest[R] | None,
        write: Callable[[Caller], Awaitable[R]],
    ) -> Awaitable[R | Replayed]:
        """Run a write, under its key if it has one."""
        if keyed is None:
            return self._access.run(credential, write)
        return self._access.run(credential, partial(self._keys.run, keyed, write))

    def query(
        self, credential: Credential, table: str, read: ReadRequest[QueryRequest]
    ) -> Awaitable[QueryPage]:
        """A page of the rows of a table."""

        def query(caller: Caller) -> Awaitable[QueryPage]:
            return self._select(caller, caller.table(table, QUERY_RIGHTS), read)

        return self._access.run(credential, query)

    def query_view(
        self, credential: Credential, view: str, read: ReadRequest[QueryRequest]
    ) -> Awaitable[QueryPage]:
        """A page of the rows of a view. Raises NoSuchView instead of NoSuchTable."""

        def query(caller: Caller) -> Awaitable[QueryPage]:
            return self._select(caller, caller.view(view), read)

        return self._access.run(credential, query)

    async def _select(
        self, caller: Caller, usable: Awaitable[CompiledRelation], read: ReadRequest[QueryRequest]
    ) -> QueryPage:
        """A page of what the caller can use."""
        compiled = await usable
        request = await read()
        cursors = caller.workspace.cursors
        plan = plan_select(compiled.target, request.body, request.page, self._settings, cursors)
        sql = compiled.sql if not plan.as_of else await self._past.sql(caller, compiled, plan)
        if len(plan.where.values) > SHORT_FILTER:
            await compiled_in_thread(sql.select, plan.shape)
        end_phase("plan")
        try:
            database = caller.workspace.database
            with caller.slow.read(database, sql, plan):
                found = await database.select(sql, plan, caller.snapshot.version)
        except BeyondRange:
            raise too_large_sum() from None
        end_phase("db")
        count_read(len(found.rows))
        has_more = found.next_key is not None
        next_cursor = next_cursor_of(plan, found, cursors)
        return QueryPage(
            compiled, plan.shape.fields, found.rows, found.size, found.total, has_more, next_cursor
        )

    def tables(self, credential: Credential, read: ReadRequest[None]) -> Awaitable[UsableTables]:
        """The tables and views that the caller can use, with its rights."""

        async def tables(caller: Caller) -> UsableTables:
            await caller.count()
            await read()
            return await table_list(caller)

        return self._access.run(credential, tables)


def insert_plan(caller: Caller, compiled: CompiledTable, request: InsertRequest) -> InsertPlan:
    """Raises DuplicateKey, and what :func:`key_of` raises."""
    options = request.options
    if options.on_conflict is not UNSET and options.is_partial:
        key_of(compiled, options.on_conflict)
    elif options.on_conflict is not UNSET:
        refuse_repeated_keys(compiled, request, options.on_conflict)
    stored_cells = compiled.codec.stored_cells
    stored, rekeyed = stored_cells.store(request.rows), stored_cells.rekeyed(request.rows)
    operation = caller.operation(compiled.table)
    return InsertPlan(stored, caller.writer, rekeyed, options.dry_run, operation)


def _key_of(keyed: KeyedRequest[R] | None, *, is_dry_run: bool) -> KeyedRequest[R] | None:
    """The key that a write is stored under. A dry run has none: its key is neither looked for nor stored."""
    if keyed is not None and is_dry_run:
        keyed.ignore()
        return None
    return keyed


def next_cursor_of(plan: SelectPlan, found: Selected, cursors: CursorSigner) -> str | None:
    """The cursor after a page, if there are more rows and the rows have cursors."""
    if found.next_key is None or not plan.has_cursors:
        return None
    return cursors.sign(plan.fingerprint, found.next_key)


def too_large_sum() -> InvalidValue:
    """The error for a sum in a view."""
    return InvalidValue("A sum in this view is too large for its type. Use a narrower filter.")


def _updated(compiled: CompiledTable, is_dry_run: bool, updated: UpdatedRows) -> Updated:
    return Updated(compiled, updated.count, updated.rows, updated.size, is_dry_run)


async def compiled_in_thread(compile_shape: Callable[[T], object], shape: T) -> None:
    """Compile the statement of a long filter in a thread, so that other requests continue; the database then
    finds it in the cache."""
    await asyncio.get_running_loop().run_in_executor(_compiler, compile_shape, shape)
