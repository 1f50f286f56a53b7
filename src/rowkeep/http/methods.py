"""Methods: the requests for one path, by method. HEAD is allowed wherever GET is (RFC 9110, section 9.1): its
response has the status and the headers of GET, and the server omits the body."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from starlette.types import ASGIApp, Receive, Scope, Send

from rowkeep.errors.catalogue import MethodNotAllowed
from rowkeep.http.responses import error_response

GET, HEAD = "GET", "HEAD"
READING = (GET, HEAD)

T = TypeVar("T")


def with_head(calls: Mapping[str, T]) -> dict[str, T]:
    """Calls by method, with that of GET for HEAD too."""
    found: dict[str, T] = {}
    for method, call in calls.items():
        found[method] = call
        if method == GET:
            found[HEAD] = call
    return found


class Methods:
    """Dispatches the requests for one path by method. Starlette's own 405 has another body, and does not list
    the methods of other routes."""

    def __init__(self, calls: Mapping[str, ASGIApp]) -> None:
        self._calls = with_head(calls)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        call = self._calls.get(scope["method"])
        if call is None:
            allowed = ", ".join(self._calls)
            await error_response(MethodNotAllowed(scope["method"], allowed)).send(send)
        else:
            await call(scope, receive, send)


def readable(answer: ASGIApp) -> Methods:
    """A path that can only be read."""
    return Methods({GET: answer})
