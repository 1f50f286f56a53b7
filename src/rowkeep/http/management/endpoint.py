"""Endpoints: what a call is, as a row of a table. Routing, checks and OpenAPI follow from the rows."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec
from starlette.types import ASGIApp, Receive, Scope, Send

from rowkeep.errors.catalogue import MethodNotAllowed, RowkeepError
from rowkeep.http.responses import error_response
from rowkeep.model.access import AdminToken
from rowkeep.services.lists import ListRequest


class Flag(msgspec.Struct, frozen=True):
    """A query parameter that is ``true`` or ``false``, and false if it is not there."""

    name: str
    meaning: str


class Text(msgspec.Struct, frozen=True):
    """A query parameter that is a text, and None if it is not there."""

    name: str
    meaning: str
    schema: dict[str, Any]


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """One endpoint of the management API.

    ``call`` is given the services and a :class:`ManagementRequest`; ``form`` makes JSON of its result. The
    rest is for the OpenAPI document: ``response`` is the type of that JSON, ``other_response`` what may be
    returned instead, ``errors`` those besides what every endpoint may return, samples are by title.
    """

    method: str
    path: str
    name: str
    summary: str
    call: Callable[[Any, ManagementRequest], Awaitable[Any]]
    form: Callable[[Any], Any] | None = None
    body: type | None = None
    response: type | None = None
    other_response: type | None = None
    status: int = 200
    is_list: bool = False
    flags: tuple[Flag, ...] = ()
    texts: tuple[Text, ...] = ()
    errors: tuple[type[RowkeepError], ...] = ()
    request_samples: dict[str, Any] = {}
    response_samples: dict[str, Any] = {}


LIST_PARAMETERS = ("limit", "cursor")


def parameters_of(endpoint: Endpoint) -> tuple[str, ...]:
    """The query parameters that a call knows."""
    lists = LIST_PARAMETERS if endpoint.is_list else ()
    return (*lists, *(flag.name for flag in endpoint.flags), *(text.name for text in endpoint.texts))


class ManagementRequest(msgspec.Struct, frozen=True):
    """The parts of a request that an endpoint works with, decoded and checked."""

    path: dict[str, str]
    body: Any
    list: ListRequest
    admin_token: AdminToken
    flags: dict[str, bool] = {}
    texts: dict[str, str | None] = {}


class Methods:
    """The calls of one path by method. Starlette's own 405 has another body, and forgets other routes."""

    def __init__(self, calls: Mapping[str, ASGIApp]) -> None:
        self._calls = calls

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        call = self._calls.get(scope["method"])
        if call is None:
            allowed = ", ".join(self._calls)
            await error_response(MethodNotAllowed(scope["method"], allowed)).send(send)
        else:
            await call(scope, receive, send)


def readable(answer: ASGIApp) -> Methods:
    """A path that is only read: GET, and HEAD, whose body the server leaves out."""
    return Methods({"GET": answer, "HEAD": answer})
