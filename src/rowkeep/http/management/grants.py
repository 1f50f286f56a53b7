"""Grants: the types and samples of responses with grants."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from rowkeep.http.response_types import ClientId, Name, ResponseBody, ref
from rowkeep.http.sample_values import CLIENT_ID
from rowkeep.model.access import Grant, GrantOf
from rowkeep.model.management_requests import GrantBody


class TableGrantResponse(ResponseBody):
    """The rights of one app to one table."""

    client_id: ClientId
    app: Annotated[str, Meta(description="The app's name.")]
    table: Name
    read: bool
    write: bool
    delete: bool


class ViewGrantResponse(ResponseBody):
    """The right of one app to one view."""

    client_id: ClientId
    app: Annotated[str, Meta(description="The app's name.")]
    view: Name
    read: bool
    write: Annotated[bool, Meta(description="Always false.")]
    delete: Annotated[bool, Meta(description="Always false.")]


class TableGrantsResponse(ResponseBody):
    grants: list[TableGrantResponse]


class ViewGrantsResponse(ResponseBody):
    grants: list[ViewGrantResponse]


class GrantsResponse(ResponseBody):
    """Grants on tables and views, sorted by name."""

    grants: list[
        Annotated[
            Any, Meta(extra_json_schema={"anyOf": [ref("TableGrantResponse"), ref("ViewGrantResponse")]})
        ]
    ]


GRANT_SAMPLE = {
    "clientId": CLIENT_ID,
    "app": "helpdesk-bot",
    "table": "people",
    "read": True,
    "write": True,
    "delete": False,
}

VIEW_GRANT_SAMPLE = {
    "clientId": CLIENT_ID,
    "app": "helpdesk-bot",
    "view": "adults",
    "read": True,
    "write": False,
    "delete": False,
}


def grant_of(body: GrantBody) -> Grant:
    """The rights in a request body."""
    return Grant(body.read, body.write, body.delete)


def grant_form(given: GrantOf) -> dict[str, Any]:
    """The JSON of a grant."""
    rights = msgspec.structs.asdict(given.grant)
    kind = "view" if given.is_on_view else "table"
    return {"clientId": given.client_id, "app": given.app, kind: given.name, **rights}


def grants_form(grants: Sequence[GrantOf]) -> dict[str, Any]:
    """The JSON of a list of grants."""
    return {"grants": [grant_form(each) for each in grants]}
