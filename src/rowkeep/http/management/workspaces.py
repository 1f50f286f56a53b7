"""Workspaces: their endpoints, with the types and samples of what these return."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET

from rowkeep.errors import catalogue as errors
from rowkeep.http.management.endpoint import Endpoint, ManagementRequest
from rowkeep.http.management.lists import list_form
from rowkeep.http.response_types import (
    Moment,
    Name,
    NextCursor,
    ResponseBody,
)
from rowkeep.http.sample_values import WHEN
from rowkeep.model import access
from rowkeep.model.management_requests import WorkspaceBody
from rowkeep.model.users import Need
from rowkeep.services.lists import Listing


class WorkspaceResponse(ResponseBody):
    name: Name
    created_on: Moment


class WorkspacesResponse(ResponseBody):
    workspaces: list[WorkspaceResponse]
    next_cursor: NextCursor = UNSET


_WORKSPACE_SAMPLE = {"name": "main", "createdOn": WHEN}

WORKSPACE = "/workspaces/{workspace}"
"""The path of one workspace."""


def workspace_form(workspace: access.Workspace) -> dict[str, Any]:
    """The JSON of a workspace."""
    return {"name": workspace.name, "createdOn": workspace.created_on}


async def _list(services: Any, request: ManagementRequest) -> Listing[access.Workspace]:
    user = request.actor.user
    if user is None:
        listing: Listing[access.Workspace] = await services.workspaces.list(request.list)
        return listing
    seen = await services.users.workspaces(user, request.list)
    return Listing([each.workspace for each in seen.items], seen.next_cursor)


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        method="GET",
        path="/workspaces",
        name="listWorkspaces",
        summary="List the workspaces that the caller sees",
        need=Need.SIGN_IN,
        call=_list,
        form=list_form("workspaces", workspace_form),
        response=WorkspacesResponse,
        is_list=True,
        response_samples={"Workspaces": {"workspaces": [_WORKSPACE_SAMPLE]}},
    ),
    Endpoint(
        method="POST",
        path="/workspaces",
        name="createWorkspace",
        action="workspace.create",
        stores_entry=True,
        summary="Create a workspace",
        call=lambda services, request: services.workspaces.create(request.body),
        body=WorkspaceBody,
        form=workspace_form,
        response=WorkspaceResponse,
        status=201,
        errors=(errors.InvalidName, errors.NameTaken),
        request_samples={"A workspace": {"name": "support"}},
        response_samples={"A workspace": _WORKSPACE_SAMPLE | {"name": "support"}},
    ),
    Endpoint(
        method="GET",
        path=WORKSPACE,
        name="getWorkspace",
        summary="Get a workspace",
        need=Need.WORKSPACE,
        call=lambda services, request: services.workspaces.get(request.path["workspace"]),
        form=workspace_form,
        response=WorkspaceResponse,
        errors=(errors.NoSuchWorkspace,),
        response_samples={"A workspace": _WORKSPACE_SAMPLE},
    ),
    Endpoint(
        method="DELETE",
        path=WORKSPACE,
        name="deleteWorkspace",
        action="workspace.delete",
        stores_entry=True,
        summary="Delete a workspace with all its tables, apps and grants",
        call=lambda services, request: services.workspaces.delete(request.path["workspace"]),
        status=204,
        errors=(errors.NoSuchWorkspace, errors.DeleteNotAllowed),
    ),
)
