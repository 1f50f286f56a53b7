"""Answers: the one place that makes them, and the only one that makes an answer of an error."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import Any, TypeAlias

import msgspec
import structlog
from starlette.types import Scope, Send

from rowkeep.codec.rows import encode
from rowkeep.errors.catalogue import InternalError, RowkeepError
from rowkeep.http.refusal_log import log_refusal
from rowkeep.http.request import Disconnected

log = structlog.get_logger(__name__)

JSON = b"application/json"
PROBLEM = b"application/problem+json"
Headers: TypeAlias = list[tuple[bytes, bytes]]

PUBLIC: tuple[tuple[bytes, bytes], ...] = ((b"x-content-type-options", b"nosniff"),)
PRIVATE = (*PUBLIC, (b"cache-control", b"no-store"))
"""Responses hold rows and secrets: no cache may store one, unless it is of the documents."""


MAX_MESSAGE_BYTES = 512 * 1024
"""How much of a body is given to the transport at a time; between two messages other requests have a turn."""


class Response(msgspec.Struct, frozen=True):
    """A response, ready to be sent; a large body in several parts."""

    status: int
    body: bytes | Sequence[bytes]
    content_type: bytes = JSON
    headers: tuple[tuple[bytes, bytes], ...] = ()
    is_public: bool = False

    def fields(self) -> Headers:
        """All header fields."""
        headers: Headers = [*self.headers, *(PUBLIC if self.is_public else PRIVATE)]
        if self.status != 204:
            headers.append((b"content-type", self.content_type))
            headers.append((b"content-length", b"%d" % sum(map(len, self.parts))))
        return headers

    @property
    def parts(self) -> Sequence[bytes]:
        """The body in the parts that it is sent in."""
        return (self.body,) if isinstance(self.body, bytes) else self.body

    async def send(self, send: Send) -> None:
        """Send it, part after part: each when the client has read enough of those before it."""
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


def error_response(error: RowkeepError) -> Response:
    """Problem details (RFC 9457) that bear the older shape too (contract, section 6)."""
    body = {
        "type": f"urn:rowkeep:error:{error.code.replace('_', '-')}",
        "title": error.title,
        "status": error.status,
        "code": error.code,
        "detail": error.problems[0].msg,
        "errors": [
            {"msg": problem.msg, "code": problem.code}
            | ({} if problem.pointer is None else {"pointer": problem.pointer})
            | dict(problem.more)
            for problem in error.problems
        ],
    }
    headers = tuple((name.lower().encode(), value.encode()) for name, value in error.headers.items())
    return Response(error.status, encode(body), PROBLEM, headers)


async def reply(answer: Awaitable[Response], scope: Scope, send: Send) -> None:
    """Send an answer, or what became of it instead: the outermost place, where every request ends.

    A fault of ours must neither leave a client without an answer nor show in it; the log has it all.
    """
    try:
        made = await answer
    except RowkeepError as error:
        if error.status in (401, 403):
            log_refusal(error, scope)
        made = error_response(error)
    except Disconnected:
        return
    except Exception as error:
        log.error("request failed", path=scope["path"], exc_info=error)
        made = error_response(InternalError())
    await made.send(send)
