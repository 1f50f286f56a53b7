"""Streamed rows: rows that are sent while they are read."""

from __future__ import annotations

import asyncio

import structlog
from starlette.types import Send

from rowkeep.errors.catalogue import RowkeepError
from rowkeep.http.media_types import CONTENT_TYPES
from rowkeep.http.responses import PRIVATE
from rowkeep.services.streamed_queries import StreamedRows, StreamForm

QUERY_VARY = b"accept, accept-encoding"
"""The request headers that decide about the form of the response to a query."""

log = structlog.get_logger(__name__)


class StreamResponse:
    """A response without a length. If it cannot be completed, it ends without its last chunk, so that the
    client sees that rows are missing."""

    def __init__(
        self, rows: StreamedRows, form: StreamForm, headers: tuple[tuple[bytes, bytes], ...] = ()
    ) -> None:
        self._rows = rows
        self._fields = [
            *headers, *PRIVATE, (b"vary", QUERY_VARY), (b"content-type", CONTENT_TYPES[form]),
        ]  # fmt: skip

    def with_headers(self, headers: tuple[tuple[bytes, bytes], ...]) -> StreamResponse:
        self._fields += headers
        return self

    async def send(self, send: Send) -> None:
        """Send the parts, each when the client has read enough of the previous ones."""
        sent = 0
        rows = self._rows
        try:
            async with asyncio.timeout_at(rows.deadline):
                await send({"type": "http.response.start", "status": 200, "headers": self._fields})
                while not rows.is_done:
                    part = await rows.part()
                    await send({"type": "http.response.body", "body": part, "more_body": True})
                    sent += len(part)
        except TimeoutError:
            log.warning("stream cut", reason="the setting max_streamed_query_seconds", sent_bytes=sent)
            return
        except RowkeepError as error:
            log.warning("stream cut", reason=error.msg, code=error.code, sent_bytes=sent)
            return
        finally:
            rows.close()
        await send({"type": "http.response.body", "body": b""})
