"""Responses: creates all responses, including those for errors."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import Any, Protocol, TypeAlias

import msgspec
import structlog
from starlette.types import Scope, Send

from rowkeep.codec.rows import encode
from rowkeep.errors.catalogue import InternalError, RowkeepError
from rowkeep.http.refusal_log import is_refusal, log_refusal
from rowkeep.http.request import Disconnected
from rowkeep.metrics import count_error
from rowkeep.services.rate_limits import take_rate_headers

log = structlog.get_logger(__name__)

JSON = b"application/json"
PROBLEM = b"application/problem+json"
Headers: TypeAlias = list[tuple[bytes, bytes]]

PUBLIC: tuple[tuple[bytes, bytes], ...] = ((b"x-content-type-options", b"nosniff"),)
PRIVATE = (*PUBLIC, (b"cache-control", b"no-store"))
"""Responses contain rows and secrets: caches must not store them, except those of the documents."""


WITHOUT_BODY = frozenset((204, 304))

MAX_MESSAGE_BYTES = 512 * 1024
"""How many bytes of a body are passed to the transport at a time; other requests run in between."""


class Response(msgspec.Struct, frozen=True):
    """A response that is ready to be sent; a large body has several parts."""

    status: int
    body: bytes | Sequence[bytes]
    content_type: bytes = JSON
    headers: tuple[tuple[bytes, bytes], ...] = ()
    is_public: bool = False
    vary: bytes = b"accept-encoding"
    """The request headers that decide about its form."""

    def fields(self) -> Headers:
        """All headers."""
        usual = PUBLIC if self.is_public else PRIVATE
        if self.status in WITHOUT_BODY:
            return [*usual, *self.headers]
        body = self.body
        length = len(body) if isinstance(body, bytes) else sum(map(len, body))
        return [
            *usual,
            (b"vary", self.vary),
            (b"content-type", self.content_type),
            *self.headers,
            # last, with what else is different in each response
            (b"content-length", b"%d" % length),
        ]

    def with_headers(self, headers: tuple[tuple[bytes, bytes], ...]) -> Response:
        """The same with more headers."""
        return msgspec.structs.replace(self, headers=(*self.headers, *headers))

    @property
    def parts(self) -> Sequence[bytes]:
        """The parts in which the body is sent."""
        return (self.body,) if isinstance(self.body, bytes) else self.body

    async def send(self, send: Send) -> None:
        """Send the parts one after the other, each when the client has read enough of the previous ones."""
        await send({"type": "http.response.start", "status": self.status, "headers": self.fields()})
        body = self.body
        if isinstance(body, bytes) and len(body) <= MAX_MESSAGE_BYTES:
            await send({"type": "http.response.body", "body": body})
            return
        for part in self.parts:
            for at in range(0, len(part), MAX_MESSAGE_BYTES):
                message = part[at : at + MAX_MESSAGE_BYTES]
                await send({"type": "http.response.body", "body": message, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


def json_response(content: Any, status: int = 200) -> Response:
    return Response(status, b"" if status == 204 else encode(content))


def problem_of(error: RowkeepError) -> dict[str, Any]:
    """Problem details (RFC 9457) that also contain the older format (contract, section 6)."""
    return {
        "type": f"urn:rowkeep:error:{error.code.replace('_', '-')}",
        "title": error.title,
        "status": error.status,
        "code": error.code,
        "detail": error.problems[0].msg,
        "errors": [problem.entry() for problem in error.problems],
        **error.members,
    }


def error_response(error: RowkeepError) -> Response:
    """The response for an error."""
    count_error(error.code)
    headers = tuple((name.lower().encode(), value.encode()) for name, value in error.headers.items())
    return Response(error.status, encode(problem_of(error)), PROBLEM, headers)


class Sendable(Protocol):
    """A response that sends itself."""

    def with_headers(self, headers: tuple[tuple[bytes, bytes], ...], /) -> Sendable:
        """The same with more headers."""
        ...

    async def send(self, send: Send, /) -> None: ...


async def reply(answer: Awaitable[Sendable], scope: Scope, send: Send) -> None:
    """Send a response, or the response for the error that occurred. Every request ends here.

    An internal error must never leave a client without a response, and its details are only in the log.
    """
    made: Sendable
    try:
        made = await answer
    except RowkeepError as error:
        if is_refusal(error):
            log_refusal(error, scope)
        made = error_response(error).with_headers(take_rate_headers())
    except Disconnected:
        return
    except Exception as error:
        log.error("request failed", path=scope["path"], exc_info=error)
        made = error_response(InternalError()).with_headers(take_rate_headers())
    await made.send(send)
