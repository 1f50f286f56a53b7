"""Endpoints: the definition of an endpoint as a row of a table, from which routing, checks and OpenAPI
follow."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from rowkeep.errors.catalogue import InvalidParameter, RowkeepError, preview
from rowkeep.model.users import Actor, Asker, Device, ListedThings, Need
from rowkeep.services.lists import ListRequest

COMPLETED = "rowkeep.completed"
"""The key in the state of a scope that says that the request has begun to change something, and is completed
even if its client disconnects."""


class Flag(msgspec.Struct, frozen=True):
    """A query parameter that is ``true`` or ``false``; false if it is missing."""

    name: str
    meaning: str


class Text(msgspec.Struct, frozen=True):
    """A query parameter that is a text; None if it is missing."""

    name: str
    meaning: str
    schema: dict[str, Any]


class Redirect(msgspec.Struct, frozen=True):
    """A response that sends the browser to another page."""

    location: str
    cookies: tuple[tuple[bytes, bytes], ...] = ()


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """One endpoint of the management API. ``need`` is what a user needs to call it; ``sets_cookie`` says that
    it starts a session, or ends one; ``takes_any_parameters`` that unknown query parameters are ignored,
    because others choose them; ``takes_file`` that the body is a file of any type, which is passed on as it
    arrives; ``download`` is the media type of a response that is a file. ``action`` is that of its entries in
    the audit log, for an endpoint that changes something; ``stores_entry`` that its services store the entry
    in the transaction of the change.
    ``gives_tag`` says that the response has an ETag, ``takes_tag`` that the request can have an If-Match.

    ``call`` receives the services and a :class:`ManagementRequest`; ``form`` converts its result to JSON. The
    other fields are for the OpenAPI document: ``response`` is the type of that JSON, ``other_response`` an
    alternative type, ``errors`` are those in addition to the errors of every endpoint, and samples are by
    title.
    """

    method: str
    path: str
    name: str
    summary: str
    need: Need = Need.ADMIN
    sets_cookie: bool = False
    takes_any_parameters: bool = False
    takes_file: bool = False
    action: str | None = None
    stores_entry: bool = False
    gives_tag: bool = False
    takes_tag: bool = False
    call: Callable[[Any, ManagementRequest], Awaitable[Any]]
    form: Callable[[Any], Any] | None = None
    body: type | None = None
    download: str | None = None
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
    """The query parameters that an endpoint accepts."""
    lists = LIST_PARAMETERS if endpoint.is_list else ()
    return (*lists, *(flag.name for flag in endpoint.flags), *(text.name for text in endpoint.texts))


class Sender(msgspec.Struct, frozen=True):
    """Who sent a request: ``actor`` is None where no authentication is needed. ``session`` is the token in
    the cookie, ``is_secure`` whether the browser uses https."""

    actor: Actor | None
    session: str | None
    flow: str | None
    device: Device
    is_secure: bool


class ManagementRequest(msgspec.Struct, frozen=True):
    """The decoded and checked parts of a request."""

    path: dict[str, str]
    body: Any
    list: ListRequest
    sender: Sender
    flags: dict[str, bool] = {}
    texts: dict[str, str | None] = {}
    expected: str | None = None
    """The tag in If-Match, for endpoints that take one."""

    @property
    def actor(self) -> Actor:
        """Who sent the request, for endpoints that need authentication."""
        assert self.sender.actor is not None  # noqa: S101 - the endpoint needs it
        return self.sender.actor

    @property
    def asker(self) -> Asker:
        """For whom a list of tables or views is. Raises InvalidParameter."""
        text = self.texts.get("list") or ListedThings.ALL.value
        if text not in list(ListedThings):
            raise InvalidParameter(f"list must be {', '.join(ListedThings)}; got {preview(text)}.")
        user = self.actor.user
        return Asker(ListedThings(text), None if user is None else user.id, self.actor.is_admin)
