"""Stream replies: the response to a stream of rows: counts, and for a partial one the errors of its lines."""

from __future__ import annotations

import httpx
import msgspec

from rowkeep.files.bulk import BulkReply
from rowkeep.files.responses import RequestProblem


class StreamReply(BulkReply, frozen=True, rename="camel"):
    """The counts of a stream. ``omitted`` is how many errors there are besides those in the response. If
    ``stopped_at`` is set, nothing was stored from this line on."""

    omitted: int = msgspec.field(name="nErrorsOmitted", default=0)
    stopped_at: int | None = msgspec.field(name="stoppedAtLine", default=None)


_counts = msgspec.json.Decoder(StreamReply)
_problems = msgspec.json.Decoder(RequestProblem)


def stream_reply(response: httpx.Response) -> StreamReply:
    """What a response that is 2xx says."""
    first, *lines = response.content.splitlines()
    return msgspec.structs.replace(
        _counts.decode(first),
        errors=[_problems.decode(line) for line in lines],
        is_replayed=response.headers.get("idempotency-replayed") == "true",
        size=len(response.content),
    )
