"""Records: insert, update, delete and query, for apps (contract, section 2)."""

from __future__ import annotations

from typing import Protocol

import msgspec

from rowkeep.catalog import LiveTable
from rowkeep.codec import body_decoder, decode_body, encode, refuse_repeated_keys
from rowkeep.errors import Busy, InvalidBody, MalformedJson, NoSuchView, UniqueViolation, pointer, quoted
from rowkeep.model.access import Right
from rowkeep.model.requests import DeleteBody, Page, QueryBody, UpdateBody
from rowkeep.plan.select import SelectPlan, plan_select
from rowkeep.plan.write import InsertPlan, plan_delete, plan_update
from rowkeep.services.access import Access, Caller
from rowkeep.settings import Settings
from rowkeep.storage.base import Selected, UniqueConflict

MAX_ROWS = 10_000_000
"""Of one bulk. Their ids must fit the counter of an ObjectId, which has 24 bits."""

_query_decoder = body_decoder(QueryBody)
_update_decoder = body_decoder(UpdateBody)
_delete_decoder = body_decoder(DeleteBody)


class Wish(Protocol):
    """What the app sent. Nothing of it is looked at before the app may do what it asks for."""

    @property
    def minimal(self) -> bool:
        """Whether an answer of counts alone is preferred."""

    def page(self) -> Page:
        """``sys_limit`` and ``sys_offset``. Raises InvalidParameter."""

    def no_parameters(self) -> None:
        """Raises InvalidParameter if there are query parameters."""

    async def body(self) -> bytes:
        """The body, empty if there is none. Raises BodyTooLarge, UnsupportedMediaType."""


class Records:
    """The Data API. Every method gives the encoded answer, and raises what its plan and its storage raise,
    beside Unauthenticated, NoSuchTable and Forbidden."""

    def __init__(self, access: Access, settings: Settings) -> None:
        self._access = access
        self._settings = settings

    async def insert(self, token: str, table: str, wish: Wish, *, must_be_array: bool = False) -> bytes:
        """One row, or an array of rows: all of them are written, or none."""

        async def insert(caller: Caller) -> bytes:
            live = await caller.table(table, Right.WRITE)
            wish.no_parameters()
            rows, many = live.codec.decode_rows(await wish.body())
            if must_be_array and not many:
                raise InvalidBody("A bulk takes an array of rows in data.", pointer="/data")
            if len(rows) > MAX_ROWS:
                raise InvalidBody(f"A bulk has at most {MAX_ROWS} rows.", pointer="/data")
            plan = InsertPlan(rows, caller.app.writer)
            try:
                stamp = await caller.workspace.database.insert(live.sql, plan, caller.snapshot.version)
            except UniqueConflict as conflict:
                raise _inserted_twice(live, plan, conflict, many) from conflict
            if wish.minimal:
                return encode({"nInserted": len(rows)})
            return live.codec.encode_written(rows, stamp, caller.app.writer, many)

        return await self._access.run(token, insert)

    async def update(self, token: str, table: str, wish: Wish) -> bytes:
        async def update(caller: Caller) -> bytes:
            live = await caller.table(table, Right.READ, Right.WRITE)
            wish.no_parameters()
            sent = await wish.body()
            body = decode_body(sent, _update_decoder)
            refuse_repeated_keys(sent)
            plan = plan_update(
                live.names, live.codec, body, caller.app.writer, self._settings, minimal=wish.minimal
            )
            try:
                updated = await caller.workspace.database.update(live.sql, plan, caller.snapshot.version)
            except UniqueConflict as conflict:
                raise _updated_twice(live, conflict) from conflict
            if updated.rows is None:
                return encode({"nModified": updated.count})
            records = msgspec.Raw(live.codec.encode_records(updated.rows))
            return encode({"records": records, "nModified": updated.count})

        return await self._access.run(token, update)

    async def delete(self, token: str, table: str, wish: Wish) -> bytes:
        async def delete(caller: Caller) -> bytes:
            live = await caller.table(table, Right.READ, Right.DELETE)
            wish.no_parameters()
            sent = await wish.body()
            if not sent:
                raise MalformedJson('A delete has a body with its filter: {"query":{"expressions":[…]}}.')
            plan = plan_delete(live.names, decode_body(sent, _delete_decoder), self._settings)
            deleted = await caller.workspace.database.delete(live.sql, plan, caller.snapshot.version)
            return encode({"nDeleted": deleted})

        return await self._access.run(token, delete)

    async def query(self, token: str, table: str, wish: Wish) -> bytes:
        async def query(caller: Caller) -> bytes:
            live = await caller.table(table, Right.READ)
            page = wish.page()
            sent = await wish.body()
            body = decode_body(sent, _query_decoder) if sent else QueryBody()
            cursors = caller.workspace.cursors
            plan = plan_select(live.table, live.names, body, page, self._settings, cursors)
            selected = await caller.workspace.database.select(live.sql, plan, caller.snapshot.version)
            next_cursor = None
            if selected.next_key is not None:
                next_cursor = cursors.sign(plan.fingerprint, selected.next_key)
            return _page_answer(live, plan, selected, next_cursor)

        return await self._access.run(token, query)

    async def query_view(self, token: str, view: str) -> bytes:
        """There are no views yet, so there is none of any name."""

        async def query(_caller: Caller) -> bytes:
            raise NoSuchView(f"There is no view {quoted(view)}.")

        return await self._access.run(token, query)


def _page_answer(live: LiveTable, plan: SelectPlan, selected: Selected, next_cursor: str | None) -> bytes:
    fields = plan.shape.fields
    answer: dict[str, object] = {"hasMore": next_cursor is not None}
    if selected.total is not None:
        answer["total"] = selected.total
    answer["metaInfo"] = live.meta if fields is None else live.meta_of(fields)
    answer["queryResult"] = msgspec.Raw(live.codec.encode_records(selected.rows, fields))
    if next_cursor is not None:
        answer["nextCursor"] = next_cursor
    return encode(answer)


def _inserted_twice(live: LiveTable, plan: InsertPlan, conflict: UniqueConflict, many: bool) -> Exception:
    if conflict.index is None:
        return Busy()  # a row id met its like: as good as never, and a new try draws another
    where = pointer("data", conflict.row) if many and conflict.row is not None else "/data"
    said = f"Row {conflict.row}: " if many and conflict.row is not None else ""
    names = [part.name for part in conflict.index.columns]
    places = {column.name: at for at, column in enumerate(live.table.columns)}
    told = " and ".join(
        f"{name} {quoted(plan.rows[conflict.row][places[name]])}"
        for name in names
        if name in places and conflict.row is not None
    )
    return UniqueViolation(
        f"{said}{told or ' and '.join(names)} is there already, "
        f"and the index {conflict.index.name} is unique.",
        pointer=where + (pointer(names[0]) if len(names) == 1 and names[0] in places else ""),
    )


def _updated_twice(live: LiveTable, conflict: UniqueConflict) -> Exception:
    if conflict.index is None:
        return Busy()
    names = " and ".join(part.name for part in conflict.index.columns)
    return UniqueViolation(
        f"After this update two rows of {live.table.name} would have the same {names}, "
        f"and the index {conflict.index.name} is unique.",
        pointer="/data",
    )
