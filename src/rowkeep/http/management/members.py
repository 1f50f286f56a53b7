"""Members: the users with a role in a workspace; their endpoints, with the types and samples of what these
return."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import UNSET

from rowkeep.errors import catalogue as errors
from rowkeep.http.management.endpoint import Endpoint
from rowkeep.http.management.lists import list_form
from rowkeep.http.management.workspaces import WORKSPACE
from rowkeep.http.response_types import NextCursor, ResponseBody, UserId
from rowkeep.http.sample_values import USER
from rowkeep.model.user_requests import MemberBody
from rowkeep.model.users import Member, Need


class MemberResponse(ResponseBody):
    """A user with a role in the workspace."""

    user: UserId
    email: str
    name: str
    role: Literal["manager", "editor", "viewer"]


class MembersResponse(ResponseBody):
    members: list[MemberResponse]
    next_cursor: NextCursor = UNSET


def member_form(member: Member) -> dict[str, Any]:
    """The JSON of a member."""
    user = member.user
    return {"user": user.id, "email": user.email, "name": user.name, "role": member.role.value}


_SAMPLE = {"user": USER, "email": "ada@example.com", "name": "Ada Lovelace", "role": "editor"}
_MEMBER = f"{WORKSPACE}/members/{{user}}"

ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        method="GET",
        path=f"{WORKSPACE}/members",
        name="listMembers",
        summary="List the users with a role in a workspace",
        need=Need.MEMBER,
        call=lambda services, request: services.sharing.members(request.path["workspace"], request.list),
        form=list_form("members", member_form),
        response=MembersResponse,
        is_list=True,
        errors=(errors.NoSuchWorkspace,),
        response_samples={"Members": {"members": [_SAMPLE]}},
    ),
    Endpoint(
        method="PUT",
        path=_MEMBER,
        name="setMember",
        action="member.set",
        summary="Give a user a role in a workspace, instead of the former one",
        need=Need.MANAGER,
        call=lambda services, request: services.sharing.set_role(
            request.path["workspace"], request.path["user"], request.body.role
        ),
        body=MemberBody,
        form=member_form,
        response=MemberResponse,
        errors=(errors.NoSuchWorkspace, errors.NoSuchUser),
        request_samples={"An editor": {"role": "editor"}},
        response_samples={"A member": _SAMPLE},
    ),
    Endpoint(
        method="DELETE",
        path=_MEMBER,
        name="removeMember",
        action="member.remove",
        summary="Take a user's role in a workspace away; shares remain",
        need=Need.MANAGER,
        call=lambda services, request: services.sharing.remove_member(
            request.path["workspace"], request.path["user"]
        ),
        status=204,
        errors=(errors.NoSuchWorkspace, errors.NoSuchUser),
    ),
)
