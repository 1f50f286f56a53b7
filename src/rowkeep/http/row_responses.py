"""Row responses: converts the results of the row services to the JSON of the Data API."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeAlias

import msgspec

from rowkeep.codec.rows import Encoded, encode
from rowkeep.http.request import Request
from rowkeep.services.offload import Offload
from rowkeep.services.row_requests import Deleted, Inserted, QueryPage, Updated, Upserted
from rowkeep.services.table_list import UsableTables
from rowkeep.services.undo import Undone

Body: TypeAlias = bytes | Sequence[bytes]
"""The body of a response: in one piece, or in parts if it is large."""

PART_BYTES = 1024 * 1024
"""Larger results are encoded in parts of about this size; other requests run in between."""

TABLES_AT_ONCE = 50
"""How many tables of a list are encoded at a time; other requests run in between."""


async def inserted(result: Inserted | Upserted, minimal: bool, offload: Offload) -> Body:
    """The records of an insert, or their number. Stored rows are always returned, however busy the server
    is."""
    if isinstance(result, Upserted):
        return await _upserted(result, offload)
    request = result.request
    if minimal or request.options.dry_run:
        counted = n_inserted(result)
        release(result, offload)
        return counted
    written = partial(_written, result, PART_BYTES + 1 if request.is_large else 0)
    if not request.is_large:
        return written()
    try:
        return await offload.run(written, is_refusable=False)
    finally:
        release(result, offload)


def _written(result: Inserted, sent_bytes: int = 0) -> Encoded:
    request = result.request
    outcomes = ["inserted"] * len(request.rows)
    return result.table.codec.encode_written(
        request.rows,
        result.stamp,
        result.writer,
        request.is_array,
        sent_bytes,
        {} if request.options.action is None else {"outcomes": outcomes},
    )


def release(result: Inserted | Upserted, offload: Offload) -> None:
    """The rows of a large insert are not needed any more."""
    if result.request.is_large:
        offload.release(result.request.rows)


def inserted_at_once(minimal: bool, request: Request, result: Inserted | Upserted) -> Body | None:
    """The same as :func:`inserted`; None if the rows take more than :data:`PART_BYTES`."""
    if isinstance(result, Upserted):
        return _upserted_at_once(result)
    if minimal:
        return n_inserted(result)
    return None if request.received_bytes > PART_BYTES else _written(result)


def n_inserted(result: Inserted | Upserted) -> bytes:
    """How many rows were inserted; for an upsert, also how many were not."""
    action = result.request.options.action
    if isinstance(result, Upserted):
        others = result.written.others
        updated, ignored = (others, 0) if action == "update" else (0, others)
        counts = _counts(result.written.inserted, updated, ignored)
    else:
        rows = len(result.request.rows)
        counts = {"nInserted": rows} if action is None else _counts(rows, 0, 0)
    return encode(counts | _dry_run(result.request.options.dry_run))


def _counts(inserted: int, updated: int, ignored: int) -> dict[str, object]:
    return {"nInserted": inserted, "nUpdated": updated, "nIgnored": ignored}


async def _upserted(result: Upserted, offload: Offload) -> Body:
    """What an upsert did with each row, with the records if they are returned; else how often it did what."""
    try:
        written = result.written
        small = _upserted_at_once(result)
        if small is not None or written.rows is None:
            return small or n_inserted(result)
        parts = await _parts(result.table.codec.some_records, written.rows, written.size)
        return [b'{"records":[', *parts, b'],"outcomes":%b}' % encode(written.outcomes)]
    finally:
        release(result, offload)


def _upserted_at_once(result: Upserted) -> bytes | None:
    """The same; None if the records take more than :data:`PART_BYTES`."""
    written = result.written
    if written.rows is None:
        return n_inserted(result)
    if written.size > PART_BYTES:
        return None
    records = result.table.codec.some_records(written.rows)
    return encode({"records": records, "outcomes": written.outcomes})


def inserted_small(result: Inserted | Upserted) -> bytes:
    """The records of a few rows."""
    if isinstance(result, Upserted):
        return _upserted_at_once(result) or n_inserted(result)
    encoded = _written(result)
    return encoded if isinstance(encoded, bytes) else b"".join(encoded)


async def updated(result: Updated) -> Body:
    """The records of an update, if they are returned, and their number."""
    small = updated_at_once(result)
    if small is not None or result.rows is None:
        return small or n_modified(result)
    parts = await _parts(result.table.codec.records, result.rows, result.size)
    return [b'{"records":[', *parts, b'],"nModified":%d}' % result.count]


def updated_at_once(result: Updated) -> bytes | None:
    """The same; None if the records take more than :data:`PART_BYTES`."""
    if result.rows is None:
        return n_modified(result)
    if result.size > PART_BYTES:
        return None
    return encode({"records": result.table.codec.records(result.rows), "nModified": result.count})


def n_modified(result: Updated) -> bytes:
    return encode({"nModified": result.count} | _dry_run(result.is_dry_run))


def _dry_run(is_dry_run: bool) -> dict[str, object]:
    return {"dryRun": True} if is_dry_run else {}


def deleted(result: Deleted) -> bytes:
    """The number of deleted rows."""
    return encode({"nDeleted": result.count} | _dry_run(result.is_dry_run))


def undone(result: Undone) -> bytes:
    """What an undo did."""
    return encode(result.done.members() | _dry_run(result.is_dry_run))


async def queried(page: QueryPage) -> Body:
    """One page of a query."""
    small = queried_at_once(page)
    if small is not None:
        return small
    response, cursor = _around_page(page)
    parts = await _parts(partial(page.relation.codec.records, fields=page.fields), page.rows, page.size)
    end = b"]" + (b"," + encode(cursor)[1:] if cursor else b"}")
    return [encode(response)[:-1] + b',"queryResult":[', *parts, end]


def queried_at_once(page: QueryPage) -> bytes | None:
    """The same; None if the records take more than :data:`PART_BYTES`."""
    return None if page.size > PART_BYTES else queried_small(page)


def queried_small(page: QueryPage) -> bytes:
    """A page of a few rows."""
    response, cursor = _around_page(page)
    records = page.relation.codec.records(page.rows, page.fields)
    return encode({**response, "queryResult": records, **cursor})


def _around_page(page: QueryPage) -> tuple[dict[str, object], dict[str, str]]:
    """The members of a response before and after its records."""
    response: dict[str, object] = {"hasMore": page.has_more}
    if page.total is not None:
        response["total"] = page.total
    response["metaInfo"] = page.meta
    return response, {} if page.next_cursor is None else {"nextCursor": page.next_cursor}


async def usable_tables(tables: UsableTables) -> bytes:
    """The list of tables and views that a caller can use."""
    encoded: list[msgspec.Raw] = []
    for table in tables:
        encoded.append(msgspec.Raw(encode(table)))
        if len(encoded) % TABLES_AT_ONCE == 0:
            await asyncio.sleep(0)
    return encode({"tables": encoded})


async def _parts(records: Callable[[Any], list[Any]], rows: Sequence[Any], size: int) -> list[bytes]:
    """The records of rows of about ``size`` bytes in all, in the format of the elements of a JSON array.

    Encoding blocks the interpreter in any thread, so it is done in parts on the event loop.
    """
    step = max(1, len(rows) * PART_BYTES // size)
    parts = []
    for start in range(0, len(rows), step):
        await asyncio.sleep(0)
        encoded = encode(records(rows[start : start + step]))
        parts.append(encoded[1:-1] if start == 0 else b"," + encoded[1:-1])
    return parts
