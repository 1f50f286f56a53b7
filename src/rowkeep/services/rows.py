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
from rowkeep.model.access import Right
from rowkeep.model.data_requests import DEFAULT_OPTIONS, InsertOptions
from rowkeep.plan.rows.cursors import CursorSigner
from rowkeep.plan.rows.select import SelectPlan, plan_select
from rowkeep.plan.rows.writes import InsertPlan, plan_delete, plan_update
from rowkeep.services.access import Access, Caller, Credential
from rowkeep.services.conflicts import (
    delete_reference_error,
    insert_reference_error,
    insert_unique_error,
    update_reference_error,
    update_unique_error,
)
from rowkeep.services.idempotency import Idempotency, KeyedRequest, Replayed
from rowkeep.services.offload import Offload
from rowkeep.services.row_requests import (
    CompiledRelation,
    Deleted,
    DeleteRequest,
    Inserted,
    InsertRequest,
    QueryPage,
    QueryRequest,
    ReadRequest,
    Updated,
    UpdateRequest,
    Upserted,
)
from rowkeep.services.table_list import UsableTables, table_list
from rowkeep.services.timings import end_phase
from rowkeep.services.upserts import refuse_repeated_keys, upsert
from rowkeep.settings import Settings
from rowkeep.storage.contract import (
    BeyondRange,
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

    def __init__(self, access: Access, settings: Settings, offload: Offload, keys: Idempotency) -> None:
        self._access = access
        self._keys = keys
        self._settings = settings
        self._offload = offload

    def insert(
        self,
        credential: Credential,
        table: str,
        read: Callable[[CompiledTable], Awaitable[InsertRequest]],
        keyed: KeyedRequest[Inserted | Upserted] | None = None,
    ) -> Awaitable[Inserted | Upserted | Replayed]:
        """Insert or upsert all rows of the request, or none. Its rows are decoded by the table's own codec,
        so ``read`` is given the table."""

        async def insert(caller: Caller) -> Inserted | Upserted:
            compiled = await caller.table(table, *INSERT_RIGHTS)
            if keyed is not None:
                await keyed.read()
            request = await read(compiled)
            options = request.options
            if options is not DEFAULT_OPTIONS:
                _refuse_unsupported(options)
            if len(request.rows) > MAX_ROWS:
                raise InvalidBody(
                    f"A bulk insert can have at most {MAX_ROWS} rows; got {len(request.rows)}.",
                    pointer="/data",
                )

            if options.is_upsert:
                make_key = partial(self._write_key, caller, keyed)
                return await upsert(caller, compiled, request, self._settings, self._offload, make_key)

            def plan_insert() -> InsertPlan:
                if options.on_conflict is not UNSET:
                    refuse_repeated_keys(compiled, request, options.on_conflict)
                stored_cells = compiled.codec.stored_cells
                return InsertPlan(
                    stored_cells.store(request.rows), caller.writer, stored_cells.rekeyed(request.rows)
                )

            plan = await self._offload.run(plan_insert) if request.is_large else plan_insert()
            key = self._write_key(
                caller, keyed, lambda stamp: Inserted(compiled, request, stamp, caller.writer)
            )
            end_phase("plan")
            try:
                stamp = await caller.workspace.database.insert(
                    compiled.sql, plan, caller.snapshot.version, key
                )
            except UniqueConflict as conflict:
                raise await insert_unique_error(
                    caller.workspace, compiled, request.rows, plan.rows, conflict, request.is_array
                ) from conflict
            except ReferenceConflict:
                raise await insert_reference_error(
                    caller.workspace, compiled, request.rows, plan.rows, request.is_array
                ) from None
            end_phase("db")
            return Inserted(compiled, request, stamp, caller.writer)

        return self._run(credential, keyed, insert)

    def update(
        self,
        credential: Credential,
        table: str,
        read: ReadRequest[UpdateRequest],
        keyed: KeyedRequest[Updated] | None = None,
    ) -> Awaitable[Updated | Replayed]:
        """Update the rows that the request's filter matches."""

        async def update(caller: Caller) -> Updated:
            compiled = await caller.table(table, *UPDATE_RIGHTS)
            if keyed is not None:
                await keyed.read()
            request = await read()
            plan = plan_update(
                compiled.target,
                compiled.codec,
                request.body,
                caller.writer,
                self._settings,
                minimal=not request.returns_rows,
                app=caller.app,
            )
            if len(plan.where.values) > SHORT_FILTER:
                await _compiled(compiled.sql.update, plan.shape)
            key = None
            if keyed is not None:
                key = self._keys.write_key(caller, keyed, partial(_updated, compiled))
            end_phase("plan")
            try:
                updated = await caller.workspace.database.update(
                    compiled.sql, plan, caller.snapshot.version, key
                )
            except UniqueConflict as conflict:
                raise update_unique_error(compiled, conflict) from conflict
            except ReferenceConflict:
                raise await update_reference_error(caller.workspace, compiled, plan) from None
            end_phase("db")
            return _updated(compiled, updated)

        return self._run(credential, keyed, update)

    def delete(
        self,
        credential: Credential,
        table: str,
        read: ReadRequest[DeleteRequest],
        keyed: KeyedRequest[Deleted] | None = None,
    ) -> Awaitable[Deleted | Replayed]:
        """Delete the rows that the request's filter matches."""

        async def delete(caller: Caller) -> Deleted:
            compiled = await caller.table(table, *DELETE_RIGHTS)
            if keyed is not None:
                await keyed.read()
            request = await read()
            plan = plan_delete(compiled.target, request.body, self._settings, caller.app)
            if len(plan.where.values) > SHORT_FILTER:
                await _compiled(compiled.sql.delete, plan.where.shape)
            key = None if keyed is None else self._keys.write_key(caller, keyed, Deleted)
            end_phase("plan")
            try:
                count = await caller.workspace.database.delete(
                    compiled.sql, plan, caller.snapshot.version, key
                )
            except ReferenceConflict:
                raise await delete_reference_error(caller.workspace, compiled, plan) from None
            end_phase("db")
            return Deleted(count)

        return self._run(credential, keyed, delete)

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
            return self._select(caller, caller.table(table, *QUERY_RIGHTS), read)

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
        if len(plan.where.values) > SHORT_FILTER:
            await _compiled(compiled.sql.select, plan.shape)
        end_phase("plan")
        try:
            found = await caller.workspace.database.select(compiled.sql, plan, caller.snapshot.version)
        except BeyondRange:
            raise InvalidValue(
                "A sum in this view is too large for its type. Use a narrower filter."
            ) from None
        end_phase("db")
        has_more = found.next_key is not None
        next_cursor = next_cursor_of(plan, found, cursors)
        return QueryPage(
            compiled, plan.shape.fields, found.rows, found.size, found.total, has_more, next_cursor
        )

    def tables(self, credential: Credential, read: ReadRequest[None]) -> Awaitable[UsableTables]:
        """The tables and views that the caller can use, with its rights."""

        async def tables(caller: Caller) -> UsableTables:
            await read()
            return await table_list(caller)

        return self._access.run(credential, tables)


def _refuse_unsupported(options: InsertOptions) -> None:
    if options.is_partial:
        raise InvalidBody('"mode" must be "atomic"; got "partial".', pointer="/mode")
    if options.dry_run:
        raise InvalidBody('"dryRun" is not supported. Remove it.', pointer="/dryRun")


def next_cursor_of(plan: SelectPlan, found: Selected, cursors: CursorSigner) -> str | None:
    """The cursor after a page, if there are more rows and the rows have cursors."""
    if found.next_key is None or not plan.has_cursors:
        return None
    return cursors.sign(plan.fingerprint, found.next_key)


def _updated(compiled: CompiledTable, updated: UpdatedRows) -> Updated:
    return Updated(compiled, updated.count, updated.rows, updated.size)


async def _compiled(compile_shape: Callable[[T], object], shape: T) -> None:
    """Compile the statement of a long filter in a thread, so that other requests continue; the database then
    finds it in the cache."""
    await asyncio.get_running_loop().run_in_executor(_compiler, compile_shape, shape)
