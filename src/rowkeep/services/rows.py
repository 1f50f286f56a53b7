"""Records: insert, update, delete and query, for apps and administrators (contract, section 2)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Protocol, TypeVar

import msgspec

from rowkeep.catalog.snapshot import LiveTable
from rowkeep.codec.json_bodies import body_decoder
from rowkeep.codec.rows import Cells, InsertLimits, RowEncoder, encode, meta_info
from rowkeep.codec.stored_cells import Row
from rowkeep.errors.catalogue import InvalidBody, InvalidValue, MalformedJson
from rowkeep.model.access import Right
from rowkeep.model.data_requests import DeleteBody, Page, QueryBody, UpdateBody
from rowkeep.model.filters import Where
from rowkeep.plan.rows.relation import Target
from rowkeep.plan.rows.select import SelectPlan, plan_select
from rowkeep.plan.rows.writes import InsertPlan, plan_delete, plan_update
from rowkeep.services.access import Access, Caller, Credential
from rowkeep.services.conflicts import (
    deleted_astray,
    inserted_astray,
    inserted_twice,
    updated_astray,
    updated_twice,
)
from rowkeep.services.offload import LARGE_BYTES, LARGE_CELLS, Offload
from rowkeep.services.table_list import table_list
from rowkeep.settings import Settings
from rowkeep.sql.pages import Pages
from rowkeep.storage.contract import BeyondRange, ReferenceConflict, Selected, UniqueConflict

MAX_ROWS = 10_000_000
"""Of one bulk. Their ids must fit the counter of an ObjectId, which has 24 bits."""

T = TypeVar("T")

SHORT_FILTER = 16
"""The statement of a filter with more values takes some milliseconds to compile."""

_compiler = ThreadPoolExecutor(1, thread_name_prefix="rowkeep-compiler")
"""One thread: each one that runs Python makes the event loop wait longer for its turn."""

PART_BYTES = 1024 * 1024
"""Records that take more are encoded in parts of about this size; between two of them others have a turn."""

_query_decoder = body_decoder(QueryBody)
_update_decoder = body_decoder(UpdateBody)
_delete_decoder = body_decoder(DeleteBody)


class Wish(Protocol):
    """What the caller sent. Nothing of it is looked at before the caller may do what it asks for."""

    @property
    def minimal(self) -> bool:
        """Whether an answer of counts alone is preferred."""

    def page(self) -> Page:
        """``sys_limit`` and ``sys_offset``. Raises InvalidParameter."""

    def no_parameters(self) -> None:
        """Raises InvalidParameter if there are query parameters."""

    def no_idempotency_key(self) -> None:
        """Raises InvalidParameter if the header Idempotency-Key is there."""

    async def body(self) -> bytes:
        """The body, empty if there is none. Raises BodyTooLarge, UnsupportedMediaType."""


class LiveRows(Protocol):
    """What rows are read from: a table or a view, with all that is compiled from its definition."""

    @property
    def codec(self) -> RowEncoder: ...

    @property
    def sql(self) -> Pages: ...

    @property
    def target(self) -> Target: ...

    @property
    def meta(self) -> msgspec.Raw:
        """What a query's answer says of all columns."""


class Records:
    """The Data API. Every method gives the encoded answer, and raises what its plan and its storage raise,
    beside Unauthenticated, NoSuchTable and Forbidden."""

    def __init__(self, access: Access, settings: Settings, offload: Offload) -> None:
        self._access = access
        self._settings = settings
        self._offload = offload
        self._limits = InsertLimits(settings.max_bulk_cells, settings.max_json_depth)

    async def insert(
        self, credential: Credential, table: str, wish: Wish, *, must_be_array: bool = False
    ) -> bytes:
        """One row, or an array of rows: all of them are written, or none."""

        async def insert(caller: Caller) -> bytes:
            live = await caller.table(table, Right.WRITE)
            wish.no_parameters()
            wish.no_idempotency_key()
            sent = await wish.body()
            planned = partial(self._planned, live, caller.writer, sent, must_be_array=must_be_array)
            is_large = len(sent) > LARGE_BYTES or live.codec.cells_of(sent) > LARGE_CELLS
            rows, many, plan = await self._offload.run(planned) if is_large else planned()
            try:
                stamp = await caller.workspace.database.insert(live.sql, plan, caller.snapshot.version)
            except UniqueConflict as conflict:
                raise inserted_twice(live, rows, conflict, many) from conflict
            except ReferenceConflict:
                raise await inserted_astray(caller.workspace, live, rows, plan.rows, many) from None
            if wish.minimal:
                return encode({"nInserted": len(rows)})
            written = partial(live.codec.encode_written, rows, stamp, caller.writer, many)
            return await self._offload.run(written, is_refusable=False) if is_large else written()

        return await self._access.run(credential, insert)

    def _planned(
        self, live: LiveTable, writer: str, sent: bytes, *, must_be_array: bool
    ) -> tuple[list[Cells], bool, InsertPlan]:
        """The rows of an insert as they were sent, whether they are an array, and as they will be stored."""
        rows, many = live.codec.decode_rows(sent, self._limits)
        if must_be_array and not many:
            raise InvalidBody('"data" must be an array of rows; got an object.', pointer="/data")
        if len(rows) > MAX_ROWS:
            raise InvalidBody(
                f"A bulk insert can have at most {MAX_ROWS} rows; got {len(rows)}.", pointer="/data"
            )
        forms = live.codec.forms
        return rows, many, InsertPlan(forms.store(rows), writer, forms.rekeyed(rows))

    async def update(self, credential: Credential, table: str, wish: Wish) -> bytes:
        async def update(caller: Caller) -> bytes:
            live = await caller.table(table, Right.READ, Right.WRITE)
            wish.no_parameters()
            wish.no_idempotency_key()
            body = await self._offload.decode(await wish.body(), _update_decoder, marks_halves=True)
            plan = plan_update(
                live.target, live.codec, body, caller.writer, self._settings, minimal=wish.minimal
            )
            await _compiled(live.sql.update, plan.shape, plan.where)
            try:
                updated = await caller.workspace.database.update(live.sql, plan, caller.snapshot.version)
            except UniqueConflict as conflict:
                raise updated_twice(live, conflict) from conflict
            except ReferenceConflict:
                raise await updated_astray(caller.workspace, live, plan) from None
            if updated.rows is None:
                return encode({"nModified": updated.count})
            records = await _encoded(live.codec, updated.rows, None, updated.size)
            return encode({"records": records, "nModified": updated.count})

        return await self._access.run(credential, update)

    async def delete(self, credential: Credential, table: str, wish: Wish) -> bytes:
        async def delete(caller: Caller) -> bytes:
            live = await caller.table(table, Right.READ, Right.DELETE)
            wish.no_parameters()
            wish.no_idempotency_key()
            sent = await wish.body()
            if not sent:
                raise MalformedJson(
                    'The body is empty. Send the filter: {"query": {"expressions": [...]}}. If a proxy '
                    "drops the body of DELETE, use POST .../delete."
                )
            body = await self._offload.decode(sent, _delete_decoder, marks_halves=True)
            plan = plan_delete(live.target, body, self._settings)
            await _compiled(live.sql.delete, plan.where.shape, plan.where)
            try:
                deleted = await caller.workspace.database.delete(live.sql, plan, caller.snapshot.version)
            except ReferenceConflict:
                raise await deleted_astray(caller.workspace, live, plan) from None
            return encode({"nDeleted": deleted})

        return await self._access.run(credential, delete)

    async def query(self, credential: Credential, table: str, wish: Wish) -> bytes:
        async def query(caller: Caller) -> bytes:
            return await self._read(caller, await caller.table(table, Right.READ), wish)

        return await self._access.run(credential, query)

    async def tables(self, credential: Credential, wish: Wish) -> bytes:
        """The tables and views that the caller may use, with the rights it has."""

        async def tables(caller: Caller) -> bytes:
            wish.no_parameters()
            if await wish.body():
                raise InvalidBody("This endpoint takes no request body. Remove it.")
            return await table_list(caller)

        return await self._access.run(credential, tables)

    async def query_view(self, credential: Credential, view: str, wish: Wish) -> bytes:
        """The same of a view. Raises NoSuchView instead of NoSuchTable."""

        async def query(caller: Caller) -> bytes:
            return await self._read(caller, await caller.view(view), wish)

        return await self._access.run(credential, query)

    async def _read(self, caller: Caller, live: LiveRows, wish: Wish) -> bytes:
        page = wish.page()
        sent = await wish.body()
        body = await self._offload.decode(sent, _query_decoder, marks_halves=True) if sent else QueryBody()
        cursors = caller.workspace.cursors
        plan = plan_select(live.target, body, page, self._settings, cursors)
        await _compiled(live.sql.select, plan.shape, plan.where)
        try:
            selected = await caller.workspace.database.select(live.sql, plan, caller.snapshot.version)
        except BeyondRange:
            raise InvalidValue(
                "A sum in this view is too large for its type. Use a narrower filter."
            ) from None
        next_cursor = None
        if selected.next_key is not None and plan.has_cursors:
            next_cursor = cursors.sign(plan.fingerprint, selected.next_key)
        records: object = None
        if selected.size > PART_BYTES:
            records = await _encoded(live.codec, selected.rows, plan.shape.fields, selected.size)
        return _page_answer(live, plan, selected, records, next_cursor)


async def _compiled(compile_shape: Callable[[T], object], shape: T, where: Where) -> None:
    """Have the statement of a long filter compiled in a thread, where others have their turns meanwhile; the
    database then finds it in the cache."""
    if len(where.values) > SHORT_FILTER:
        await asyncio.get_running_loop().run_in_executor(_compiler, compile_shape, shape)


async def _encoded(
    codec: RowEncoder, rows: Sequence[Row], fields: tuple[str, ...] | None, size: int
) -> msgspec.Raw:
    """The records of these rows, which take about ``size`` bytes, as a JSON array. Encoding holds the
    interpreter, in whatever thread it runs; so it is done in parts on the event loop."""
    if size <= PART_BYTES:
        return msgspec.Raw(codec.encode_records(rows, fields))
    step = max(1, len(rows) * PART_BYTES // size)
    parts = []
    for start in range(0, len(rows), step):
        await asyncio.sleep(0)
        parts.append(codec.encode_records(rows[start : start + step], fields)[1:-1])
    return msgspec.Raw(b"[%s]" % b",".join(parts))


def _page_answer(
    live: LiveRows, plan: SelectPlan, selected: Selected, encoded: object, next_cursor: str | None
) -> bytes:
    """The response; ``encoded`` are its records, if they are encoded already."""
    fields = plan.shape.fields
    answer: dict[str, object] = {"hasMore": selected.next_key is not None}
    if selected.total is not None:
        answer["total"] = selected.total
    answer["metaInfo"] = live.meta
    if fields is not None:
        answer["metaInfo"] = meta_info(map(live.sql.schema.columns.__getitem__, fields))
    answer["queryResult"] = encoded or live.codec.records(selected.rows, fields)
    if next_cursor is not None:
        answer["nextCursor"] = next_cursor
    return encode(answer)
