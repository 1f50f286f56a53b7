"""Users: their endpoints, with the types and samples of what these return."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from rowkeep.errors import catalogue as errors
from rowkeep.http.management.endpoint import Endpoint, ManagementRequest
from rowkeep.http.management.lists import list_form
from rowkeep.http.response_types import Moment, NextCursor, ResponseBody, UserId, WriterId
from rowkeep.http.sample_values import USER, WHEN
from rowkeep.model.ids import writer_of
from rowkeep.model.user_requests import UserBody, UserPatch
from rowkeep.model.users import OneTimeLink, User


class UserResponse(ResponseBody):
    id: UserId
    email: str
    name: str
    admin: bool
    disabled: bool
    created_on: Moment
    writer: WriterId


LINK = Annotated[
    str,
    Meta(
        description="The page where the user sets a password: a path of this server, or a URL if the setting "
        "`public_url` is set. It can be used once within a day, and is shown only in this response."
    ),
]


class NewUserResponse(UserResponse):
    link: LINK | UnsetType = UNSET


class UsersResponse(ResponseBody):
    users: list[UserResponse]
    next_cursor: NextCursor = UNSET


class ResetResponse(ResponseBody):
    link: LINK


class UserWithLink(msgspec.Struct, frozen=True):
    """A new user, and a link to set a password."""

    user: User
    link: str | None


def user_form(user: User) -> dict[str, Any]:
    """The JSON of a user."""
    return {
        "id": user.id,
        "email": user.email,
        "name": user.name,
        "admin": user.is_admin,
        "disabled": user.is_disabled,
        "createdOn": user.created_on,
        "writer": writer_of(user.id),
    }


def new_user_form(created: UserWithLink) -> dict[str, Any]:
    """The JSON of a new user."""
    return user_form(created.user) | ({} if created.link is None else {"link": created.link})


async def _create(services: Any, request: ManagementRequest) -> UserWithLink:
    user = await services.users.create(request.body)
    if request.body.password is not None:
        return UserWithLink(user, None)
    return UserWithLink(user, await services.sessions.new_link(OneTimeLink.RESET, user.id))


SAMPLE = {
    "id": USER,
    "email": "ada@example.com",
    "name": "Ada Lovelace",
    "admin": False,
    "disabled": False,
    "createdOn": WHEN,
    "writer": "st-0ab8f7a8-3d66-5b7e-8d53-3f0c3a5b6c21",
}
_LINK = {"link": "/console/reset#rkl_Zp1l0kq8eX3oYt4wB7uV9cR2sD5fG6hJ8kL0mN1pQ3s"}

ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        method="GET",
        path="/users",
        name="listUsers",
        summary="List users",
        call=lambda services, request: services.users.list(request.list),
        form=list_form("users", user_form),
        response=UsersResponse,
        is_list=True,
        response_samples={"Users": {"users": [SAMPLE]}},
    ),
    Endpoint(
        method="POST",
        path="/users",
        name="createUser",
        action="user.create",
        stores_entry=True,
        summary="Create a user",
        call=_create,
        body=UserBody,
        form=new_user_form,
        response=NewUserResponse,
        status=201,
        errors=(errors.NameTaken,),
        request_samples={"Ada": {"email": "ada@example.com", "name": "Ada Lovelace"}},
        response_samples={"A user": SAMPLE | _LINK},
    ),
    Endpoint(
        method="PATCH",
        path="/users/{user}",
        name="changeUser",
        action="user.change",
        stores_entry=True,
        summary="Change a user; a user that is disabled is signed out at once",
        call=lambda services, request: services.users.change(
            request.actor, request.path["user"], request.body
        ),
        body=UserPatch,
        form=user_form,
        response=UserResponse,
        errors=(errors.NoSuchUser, errors.NameTaken, errors.DeleteNotAllowed),
        request_samples={"Disable": {"disabled": True}},
        response_samples={"A user": SAMPLE | {"disabled": True}},
    ),
    Endpoint(
        method="DELETE",
        path="/users/{user}",
        name="deleteUser",
        action="user.delete",
        summary="Delete a user with all rights; the name remains, for the rows that the user wrote",
        call=lambda services, request: services.users.delete(request.actor, request.path["user"]),
        status=204,
        errors=(errors.NoSuchUser, errors.DeleteNotAllowed),
    ),
    Endpoint(
        method="POST",
        path="/users/{user}/reset",
        name="resetUser",
        action="user.reset",
        stores_entry=True,
        summary="Sign a user out everywhere, and get a one-time link to set a password",
        call=lambda services, request: services.sessions.new_link(OneTimeLink.RESET, request.path["user"]),
        form=lambda link: {"link": link},
        response=ResetResponse,
        status=201,
        errors=(errors.NoSuchUser,),
        response_samples={"A link": _LINK},
    ),
)
