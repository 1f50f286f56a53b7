"""Row responses: converts the results of the row services to the JSON of the Data API."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import TypeAlias

import msgspec

from rowkeep.codec.rows import RowEncoder, encode, meta_info
from rowkeep.codec.stored_cells import Row
from rowkeep.http.request import Request
from rowkeep.services.offload import Offload
from rowkeep.services.row_requests import Deleted, Inserted, QueryPage, Updated
from rowkeep.services.table_list import UsableTables

Body: TypeAlias = bytes | Sequence[bytes]
"""The body of a response: in one piece, or in parts if it is large."""

PART_BYTES = 1024 * 1024
"""Larger results are encoded in parts of about this size; other requests run in between."""

TABLES_AT_ONCE = 50
"""How many tables of a list are encoded at a time; other requests run in between."""


async def inserted(result: Inserted, minimal: bool, offload: Offload) -> Body:
    """The records of an insert, or their number. Stored rows are always returned, however busy the server
    is."""
    request = result.request
    if minimal:
        counted = encode({"nInserted": len(request.rows)})
        if request.is_large:
            offload.release(request.rows)
        return counted
    written = partial(
        result.table.codec.encode_written,
        request.rows,
        result.stamp,
        result.writer,
        request.is_array,
        PART_BYTES + 1 if request.is_large else 0,
    )
    if not request.is_large:
        return written()
    try:
        return await offload.run(written, is_refusable=False)
    finally:
        offload.release(request.rows)


def release(result: Inserted, offload: Offload) -> None:
    """The rows of a large insert are not needed any more."""
    if result.request.is_large:
        offload.release(result.request.rows)


def inserted_at_once(minimal: bool, request: Request, result: Inserted) -> Body | None:
    """The same as :func:`inserted`; None if the rows take more than :data:`PART_BYTES`."""
    if minimal:
        return n_inserted(result)
    if request.received_bytes > PART_BYTES:
        return None
    sent = result.request
    return result.table.codec.encode_written(sent.rows, result.stamp, result.writer, sent.is_array)


def n_inserted(result: Inserted) -> bytes:
    return encode({"nInserted": len(result.request.rows)})


async def updated(result: Updated) -> Body:
    """The records of an update, if they are returned, and their number."""
    small = updated_at_once(result)
    if small is not None or result.rows is None:
        return small or n_modified(result)
    parts = await _record_parts(result.table.codec, result.rows, None, result.size)
    return [b'{"records":[', *parts, b'],"nModified":%d}' % result.count]


def updated_at_once(result: Updated) -> bytes | None:
    """The same; None if the records take more than :data:`PART_BYTES`."""
    if result.rows is None:
        return n_modified(result)
    if result.size > PART_BYTES:
        return None
    return encode({"records": result.table.codec.records(result.rows), "nModified": result.count})


def n_modified(result: Updated) -> bytes:
    return encode({"nModified": result.count})


def deleted(result: Deleted) -> bytes:
    """The number of deleted rows."""
    return encode({"nDeleted": result.count})


async def queried(page: QueryPage) -> Body:
    """One page of a query."""
    fields, relation = page.fields, page.relation
    response: dict[str, object] = {"hasMore": page.has_more}
    if page.total is not None:
        response["total"] = page.total
    response["metaInfo"] = (
        relation.meta if fields is None else meta_info(map(relation.sql.physical.columns.__getitem__, fields))
    )
    cursor = {} if page.next_cursor is None else {"nextCursor": page.next_cursor}
    if page.size <= PART_BYTES:
        return encode({**response, "queryResult": relation.codec.records(page.rows, fields), **cursor})
    parts = await _record_parts(relation.codec, page.rows, fields, page.size)
    end = b"]" + (b"," + encode(cursor)[1:] if cursor else b"}")
    return [encode(response)[:-1] + b',"queryResult":[', *parts, end]


async def usable_tables(tables: UsableTables) -> bytes:
    """The list of tables and views that a caller can use."""
    encoded: list[msgspec.Raw] = []
    for table in tables:
        encoded.append(msgspec.Raw(encode(table)))
        if len(encoded) % TABLES_AT_ONCE == 0:
            await asyncio.sleep(0)
    return encode({"tables": encoded})


async def _record_parts(
    codec: RowEncoder, rows: Sequence[Row], fields: tuple[str, ...] | None, size: int
) -> list[bytes]:
    """The records of rows of about ``size`` bytes in all, in the format of the elements of a JSON array.

    Encoding blocks the interpreter in any thread, so it is done in parts on the event loop.
    """
    step = max(1, len(rows) * PART_BYTES // size)
    parts = []
    for start in range(0, len(rows), step):
        await asyncio.sleep(0)
        encoded = codec.encode_records(rows[start : start + step], fields)
        parts.append(encoded[1:-1] if start == 0 else b"," + encoded[1:-1])
    return parts
