"""Batch responses: the results of a batch as JSON, each as the response to a request of its own."""

from __future__ import annotations

import asyncio
from typing import Any

from msgspec import Raw

from rowkeep.codec.rows import encode
from rowkeep.http import row_responses
from rowkeep.http.row_responses import PART_BYTES, Body
from rowkeep.services.batch_results import Result
from rowkeep.services.batches import BatchDone
from rowkeep.services.offload import Offload
from rowkeep.services.row_requests import Deleted, Inserted, QueryPage, Updated, Upserted

AT_ONCE_BYTES = 64 * 1024
"""How many bytes of results are encoded at a time; other requests run in between."""

RECORD_BYTES = 512
"""About what a record takes in addition to the cells that were sent for it."""


async def batched(batch: BatchDone, offload: Offload) -> Body:
    """All results, in parts if they are large."""
    if batch.request.sent.dry_run:
        return counted(batch)
    parts: list[bytes] = [b'{"results":[']
    encoded = 0
    for number, result in enumerate(batch.results):
        if number:
            parts.append(b",")
        body = await _response(result, batch.request.returns_rows, offload)
        pieces = [body] if isinstance(body, bytes) else body
        parts += pieces
        encoded += sum(map(len, pieces))
        if encoded > AT_ONCE_BYTES:
            encoded = 0
            await asyncio.sleep(0)
    parts.append(b"]}")
    return b"".join(parts) if sum(map(len, parts)) <= PART_BYTES else parts


async def _response(result: Result, returns_rows: bool, offload: Offload) -> Body:
    if isinstance(result, Inserted | Upserted):
        if returns_rows:
            return await row_responses.inserted(result, False, offload)
        row_responses.release(result, offload)
        return row_responses.n_inserted(result)
    if isinstance(result, Updated):
        return await row_responses.updated(result) if returns_rows else row_responses.n_modified(result)
    if isinstance(result, Deleted):
        return row_responses.deleted(result)
    return await row_responses.queried(result)


def batched_at_once(batch: BatchDone) -> bytes | None:
    """The same; None if the results may take more than :data:`PART_BYTES`."""
    returns_rows = batch.request.returns_rows
    size = batch.request.size + sum(_size(result, returns_rows) for result in batch.results)
    if size > PART_BYTES:
        return None
    responses = (_response_at_once(result, returns_rows) for result in batch.results)
    return b'{"results":[%b]}' % b",".join(responses)


def _size(result: Result, returns_rows: bool) -> int:
    """About how many bytes a response takes."""
    if isinstance(result, Upserted) and returns_rows:
        return result.written.size
    if isinstance(result, Inserted) and returns_rows:
        return RECORD_BYTES * len(result.request.rows)
    if isinstance(result, QueryPage) or (isinstance(result, Updated) and returns_rows):
        return result.size
    return 0


def _response_at_once(result: Result, returns_rows: bool) -> bytes:
    if isinstance(result, Inserted | Upserted):
        return row_responses.inserted_small(result) if returns_rows else row_responses.n_inserted(result)
    if isinstance(result, Updated):
        small = row_responses.updated_at_once(result) if returns_rows else None
        return small or row_responses.n_modified(result)
    if isinstance(result, Deleted):
        return row_responses.deleted(result)
    return row_responses.queried_small(result)


def counted(batch: BatchDone) -> bytes:
    """The number of rows of each result, without records."""
    counts: dict[str, Any] = {"results": list(map(_counts, batch.results))}
    return encode(({"dryRun": True} if batch.request.sent.dry_run else {}) | counts)


def _counts(result: Result) -> Any:
    if isinstance(result, Inserted | Upserted):
        return Raw(row_responses.n_inserted(result))
    if isinstance(result, Updated):
        return {"nModified": result.count}
    if isinstance(result, Deleted):
        return {"nDeleted": result.count}
    total = {} if result.total is None else {"total": result.total}
    return {"hasMore": result.has_more, **total}
