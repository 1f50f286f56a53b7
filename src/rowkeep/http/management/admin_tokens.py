"""Admin tokens: their endpoints, with the types and samples of what these return."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import UNSET, Meta

from rowkeep.errors import catalogue as errors
from rowkeep.http.management.endpoint import Endpoint, ManagementRequest
from rowkeep.http.management.lists import list_form
from rowkeep.http.response_types import (
    AdminTokenId,
    Moment,
    NextCursor,
    ResponseBody,
    WriterId,
)
from rowkeep.http.sample_values import WHEN
from rowkeep.model import access
from rowkeep.model.ids import writer_of
from rowkeep.model.management_requests import AdminTokenBody
from rowkeep.services import admin_tokens


class AdminTokenResponse(ResponseBody):
    id: AdminTokenId
    name: str
    created_on: Moment


class NewAdminTokenResponse(AdminTokenResponse):
    token: Annotated[str, Meta(description="Shown only in this response.")]


class CurrentAdminTokenResponse(AdminTokenResponse):
    """The admin token of the request."""

    writer: Annotated[
        WriterId, Meta(description="The value of `Created_By` and `Updated_By` in rows that it writes.")
    ]


class AdminTokensResponse(ResponseBody):
    admin_tokens: list[AdminTokenResponse]
    next_cursor: NextCursor = UNSET


_TOKEN_SAMPLE = {"id": "at-5e7ef67172034b39ac000003", "name": "deploy", "createdOn": WHEN}


def token_form(token: access.AdminToken) -> dict[str, Any]:
    """The JSON of an admin token, without its text."""
    return {"id": token.id, "name": token.name, "createdOn": token.created_on}


def new_token_form(created: admin_tokens.NewAdminToken) -> dict[str, Any]:
    """The JSON of an admin token, with its text."""
    return token_form(created.token) | {"token": created.text}


def current_token_form(token: access.AdminToken) -> dict[str, Any]:
    """The JSON of the token of the request, with its id as a writer of rows."""
    return token_form(token) | {"writer": writer_of(token.id)}


async def _current(request: ManagementRequest) -> access.AdminToken:
    """Raises NoSuchAdminToken for a user."""
    if request.actor.admin_token is None:
        raise errors.NoSuchAdminToken("The request has no admin token. Use GET /api/v1/session.")
    return request.actor.admin_token


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        method="GET",
        path="/admin-tokens",
        name="listAdminTokens",
        summary="List admin tokens",
        call=lambda services, request: services.admin_tokens.list(request.list),
        form=list_form("adminTokens", token_form),
        response=AdminTokensResponse,
        is_list=True,
        response_samples={"Admin tokens": {"adminTokens": [_TOKEN_SAMPLE]}},
    ),
    Endpoint(
        method="POST",
        path="/admin-tokens",
        name="createAdminToken",
        action="admin-token.create",
        stores_entry=True,
        summary="Create an admin token; it is shown only in this response",
        call=lambda services, request: services.admin_tokens.create(request.body),
        body=AdminTokenBody,
        form=new_token_form,
        response=NewAdminTokenResponse,
        status=201,
        errors=(errors.InvalidName,),
        request_samples={"A token": {"name": "deploy"}},
        response_samples={
            "An admin token": _TOKEN_SAMPLE | {"token": "rka_Zp1l0kq8eX3oYt4wB7uV9cR2sD5fG6hJ8kL0mN1pQ3s"}
        },
    ),
    Endpoint(
        method="GET",
        path="/admin-tokens/current",
        name="getCurrentAdminToken",
        summary="Get the admin token of this request, with its id as a writer",
        call=lambda _services, request: _current(request),
        form=current_token_form,
        response=CurrentAdminTokenResponse,
        errors=(errors.NoSuchAdminToken,),
        response_samples={
            "An admin token": _TOKEN_SAMPLE | {"writer": "st-2d3b0a0e-6b1c-5f0e-9d57-0d3c6a1f7b11"}
        },
    ),
    Endpoint(
        method="DELETE",
        path="/admin-tokens/{id}",
        name="deleteAdminToken",
        action="admin-token.delete",
        stores_entry=True,
        summary="Revoke an admin token",
        call=lambda services, request: services.admin_tokens.delete(request.path["id"]),
        status=204,
        errors=(errors.NoSuchAdminToken, errors.DeleteNotAllowed),
    ),
)
