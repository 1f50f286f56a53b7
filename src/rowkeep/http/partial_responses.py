"""Partial responses: the results of partial bulks and upserts as the JSON of the Data API."""

from __future__ import annotations

from functools import partial
from itertools import chain
from typing import TypeAlias

from rowkeep.codec.record_parts import encode, encoded_parts, with_records
from rowkeep.http.request import Request
from rowkeep.http.row_responses import PART_BYTES, Body
from rowkeep.services.offload import Offload
from rowkeep.services.row_requests import PartlyInserted, PartlyUpserted

PartlyWritten: TypeAlias = PartlyInserted | PartlyUpserted


async def partly_written(result: PartlyWritten, minimal: bool, offload: Offload) -> Body:
    """The records, errors and counts of a partial bulk."""
    if not result.request.is_large and result.size <= PART_BYTES:
        return _encoded(minimal, result)
    try:
        return await offload.run(partial(_encoded, minimal, result), is_refusable=False)
    finally:
        release(result, offload)


def release(result: PartlyWritten, offload: Offload) -> None:
    """The rows of a large bulk are not needed any more."""
    if result.request.is_large:
        others = [result.rows] if isinstance(result, PartlyInserted) else []
        offload.release(result.request.rows, *others)


def partly_written_at_once(minimal: bool, request: Request, result: PartlyWritten) -> Body | None:
    """The same; None if the rows take more than :data:`PART_BYTES`."""
    return None if max(request.received_bytes, result.size) > PART_BYTES else _encoded(minimal, result)


def partial_counts(result: PartlyWritten) -> bytes:
    return encode(_counts(result))


def _counts(result: PartlyWritten) -> dict[str, object]:
    return {**result.counts, **({"dryRun": True} if result.request.options.dry_run else {})}


def _encoded(minimal: bool, result: PartlyWritten) -> Body:
    problems = chain.from_iterable(each.problems for each in result.failed_rows())
    after = {"errors": [each.entry() for each in problems]} | _counts(result)
    if minimal or result.request.options.dry_run:
        return encode(after)
    if isinstance(result, PartlyUpserted):
        return _upserted(result, after)
    if result.request.options.action is not None:
        # with onConflict: all rows that did not fail are new
        stored = dict.fromkeys(result.numbers, "inserted")
        after = {"outcomes": list(map(stored.get, range(result.request.count))), **after}
    return result.table.codec.encode_partly_written(
        result.rows, result.numbers, result.request.count, result.stamp, result.writer, after
    )


def _upserted(result: PartlyUpserted, after: dict[str, object]) -> Body:
    """With the outcomes; without them and the records if these are too many."""
    written, count = result.written, range(result.request.count)
    if written.rows is None or written.outcomes is None:
        return encode(after)
    records = dict(zip(result.numbers, result.table.codec.some_records(written.rows), strict=True))
    outcomes = dict(zip(result.numbers, written.outcomes, strict=True))
    parts = list(encoded_parts(map(records.get, count)))
    return with_records({}, "records", parts, {"outcomes": list(map(outcomes.get, count)), **after})
