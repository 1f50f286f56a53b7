"""Change events: recorded changes as server-sent events (WHATWG HTML, section 9.2)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from rowkeep.codec.change_records import ChangeRecord

RETRY_MILLISECONDS = 2000
"""After how long a client connects again."""

KEEP_ALIVE = b": keep-alive\n\n"
"""A comment, which clients ignore: without it, proxies close a connection that is idle."""

LINE_END = "\n"


def first_event(cursor: str) -> bytes:
    """The start of a stream. An id without data only sets the cursor of the client."""
    return _event(id=cursor, retry=RETRY_MILLISECONDS)


def change_events(changes: Iterable[ChangeRecord]) -> bytes:
    """An event for each change; its id is the cursor after it."""
    return b"".join([_event(id=each.id, data=msgspec.json.encode(each).decode()) for each in changes])


def end_event(problem: dict[str, Any]) -> bytes:
    """The last event of a stream that ends with an error."""
    return _event(event="end", data=msgspec.json.encode(problem).decode())


def _event(**parts: Any) -> bytes:
    # it is loaded with the first stream: a server without streams does not need it
    from sse_starlette.event import ServerSentEvent

    return ServerSentEvent(**parts, sep=LINE_END).encode()
