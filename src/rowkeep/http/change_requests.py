"""Change requests: the parameters of requests for changes."""

from __future__ import annotations

from rowkeep.errors.catalogue import InvalidBody, InvalidParameter
from rowkeep.http.media_types import wants_events
from rowkeep.http.request import Request, whole_number
from rowkeep.model.change_feeds import DEFAULT_CHANGES, MAX_CHANGES, MAX_WAIT_SECONDS, FeedRequest

LAST_EVENT_ID = b"last-event-id"


def is_for_events(request: Request) -> bool:
    """Whether the client wants a stream of server-sent events."""
    accept = request.header(b"accept")
    return accept is not None and wants_events(accept)


async def feed_request(request: Request) -> FeedRequest:
    """A page of the feed of a table. HEAD does not wait for changes, which it would not show. Raises
    InvalidParameter, InvalidBody."""
    given = await _given(request, "after", "limit", "wait")
    wait = whole_number(given, "wait", 0, MAX_WAIT_SECONDS) or 0
    return FeedRequest(given.get("after"), _limit(given), 0 if request.is_head else wait)


async def row_changes_request(request: Request) -> FeedRequest:
    """A page of the changes of one row. Raises InvalidParameter, InvalidBody."""
    given = await _given(request, "after", "limit")
    return FeedRequest(given.get("after"), _limit(given))


async def events_request(request: Request) -> FeedRequest:
    """A stream of events. After a break, the client sends the id of the last event in a header; the URL still
    has the first cursor. Raises InvalidParameter, InvalidBody."""
    given = await _given(request, "after", "limit", "wait")
    for name in ("limit", "wait"):
        if name in given:
            raise InvalidParameter(
                f"{name} cannot be used with Accept: text/event-stream, which has no pages. Remove it."
            )
    last = request.header(LAST_EVENT_ID)
    return FeedRequest(last or given.get("after"))


async def _given(request: Request, *known: str) -> dict[str, str]:
    request.no_idempotency_key()
    given = request.parameters(*known)
    if await request.body():
        raise InvalidBody("This endpoint takes no request body. Remove it.")
    return given


def _limit(given: dict[str, str]) -> int:
    return whole_number(given, "limit", 1, MAX_CHANGES) or DEFAULT_CHANGES
