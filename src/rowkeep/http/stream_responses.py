"""Stream responses: what became of a stream, as counts, and of a partial one as NDJSON with its errors."""

from __future__ import annotations

from collections.abc import Iterator

from rowkeep.codec.record_parts import encode
from rowkeep.http.row_responses import PART_BYTES, Body
from rowkeep.services.stream_requests import StreamResult

NDJSON = b"application/x-ndjson"


def counts(result: StreamResult) -> bytes:
    return encode(result.counts)


def streamed(result: StreamResult) -> Body:
    """The counts; if there are errors, they follow, one on each line."""
    if not result.errors:
        return counts(result)
    return list(_parts(result))


def _parts(result: StreamResult) -> Iterator[bytes]:
    """Lines together, as many as are sent at once."""
    lines, size = [counts(result)], 0
    for line in result.errors:
        lines.append(line)
        size += len(line)
        if size > PART_BYTES:
            yield b"\n".join([*lines, b""])
            lines, size = [], 0
    if lines:
        yield b"\n".join([*lines, b""])
