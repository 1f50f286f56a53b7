"""Partial responses: the results of partial bulks as the JSON of the Data API."""

from __future__ import annotations

from functools import partial
from itertools import chain

from rowkeep.codec.record_parts import encode
from rowkeep.http.request import Request
from rowkeep.http.row_responses import PART_BYTES, Body
from rowkeep.services.offload import Offload
from rowkeep.services.row_requests import PartlyInserted


async def partly_inserted(result: PartlyInserted, minimal: bool, offload: Offload) -> Body:
    """The records, errors and counts of a partial bulk."""
    request = result.request
    if not request.is_large:
        return _encoded(minimal, result)
    try:
        return await offload.run(partial(_encoded, minimal, result), is_refusable=False)
    finally:
        release(result, offload)


def release(result: PartlyInserted, offload: Offload) -> None:
    """The rows of a large bulk are not needed any more."""
    if result.request.is_large:
        offload.release(result.request.rows, result.rows)


def partly_inserted_at_once(minimal: bool, request: Request, result: PartlyInserted) -> Body | None:
    """The same; None if the rows take more than :data:`PART_BYTES`."""
    return None if request.received_bytes > PART_BYTES else _encoded(minimal, result)


def partial_counts(result: PartlyInserted) -> bytes:
    return encode(_counts(result))


def _counts(result: PartlyInserted) -> dict[str, object]:
    counts: dict[str, object] = {"nInserted": result.n_inserted, "nFailed": result.n_failed}
    return counts | ({"dryRun": True} if result.request.options.dry_run else {})


def _encoded(minimal: bool, result: PartlyInserted) -> Body:
    problems = chain.from_iterable(each.problems for each in result.failed_rows())
    after = {"errors": [each.entry() for each in problems]} | _counts(result)
    if minimal or result.request.options.dry_run:
        return encode(after)
    return result.table.codec.encode_partly_written(
        result.rows, result.numbers, result.request.count, result.stamp, result.writer, after
    )
