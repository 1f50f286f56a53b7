"""Event streams: the changes of a table as server-sent events, for as long as the client reads them.

The encoding is that of ``sse-starlette``. Its response class is not used: it runs four tasks for each
connection, and finds out about disconnects and the stop of the server in its own ways, where Rowkeep's server
cancels the task of a request itself.
"""

from __future__ import annotations

import structlog
from starlette.types import Send

from rowkeep.codec.change_events import KEEP_ALIVE, end_event, first_event
from rowkeep.errors.catalogue import RowkeepError
from rowkeep.http.media_types import EVENT_STREAM
from rowkeep.http.responses import PRIVATE, Headers, problem_of
from rowkeep.services.changes import ChangeReader

FIELDS = (
    *PRIVATE,
    (b"vary", b"accept"),
    (b"content-type", EVENT_STREAM.encode()),
    # nginx would otherwise collect events before it sends them
    (b"x-accel-buffering", b"no"),
)

log = structlog.get_logger(__name__)


class EventStream:
    """A response without an end. The next changes are read only when the client has read enough of the
    previous ones, so that a slow reader takes the memory of one page at most. With ``head_only``, it ends
    after its headers."""

    def __init__(
        self,
        reader: ChangeReader,
        headers: tuple[tuple[bytes, bytes], ...] = (),
        *,
        head_only: bool = False,
    ) -> None:
        self._reader = reader
        self._head_only = head_only
        self._fields: Headers = [*headers, *FIELDS]

    def with_headers(self, headers: tuple[tuple[bytes, bytes], ...]) -> EventStream:
        self._fields += headers
        return self

    async def send(self, send: Send) -> None:
        """Send events until the client leaves, its rights end, or the server stops."""
        reader = self._reader
        try:
            await send({"type": "http.response.start", "status": 200, "headers": self._fields})
            if not self._head_only:
                await self._send_events(send)
        except RowkeepError as error:
            log.info("event stream ended", reason=error.msg, code=error.code)
            await _send(send, end_event(problem_of(error)))
        finally:
            reader.close()
        await send({"type": "http.response.body", "body": b""})

    async def _send_events(self, send: Send) -> None:
        reader = self._reader
        await _send(send, first_event(reader.start))
        while not reader.is_over:
            page = await reader.next()
            await _send(send, KEEP_ALIVE if page is None else page.events)


async def _send(send: Send, events: bytes) -> None:
    await send({"type": "http.response.body", "body": events, "more_body": True})
