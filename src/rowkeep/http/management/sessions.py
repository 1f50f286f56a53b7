"""Sessions: the endpoints with which people sign in and out, with the types and samples of what these
return."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from rowkeep.errors import catalogue as errors
from rowkeep.http.management.endpoint import Endpoint, ManagementRequest, Sender
from rowkeep.http.response_types import Name, ResponseBody, UserId, WriterId
from rowkeep.http.sample_values import USER
from rowkeep.http.session_cookie import COOKIE, set_cookie
from rowkeep.model.ids import writer_of
from rowkeep.model.user_requests import (
    FirstUserBody,
    LinkBody,
    NewPasswordBody,
    OwnNameBody,
    PasswordChangeBody,
    SignInBody,
)
from rowkeep.model.users import Need, Role, User
from rowkeep.services.lists import ListRequest
from rowkeep.services.sessions import SignedIn, signed_in_user
from rowkeep.services.users import MAX_SHOWN_WORKSPACES, WorkspaceOfUser


class SessionWorkspaceResponse(ResponseBody):
    """A workspace that the user sees."""

    name: Name
    role: Annotated[
        Literal["manager", "editor", "viewer"] | None,
        Meta(description="`null`: the user sees only what is the user's own or shared with the user."),
    ]


class SessionResponse(ResponseBody):
    """The signed-in user."""

    id: UserId
    email: str
    name: str
    admin: bool
    writer: Annotated[
        WriterId, Meta(description="The value of `Created_By` and `Updated_By` in rows that the user writes.")
    ]
    workspaces: Annotated[
        list[SessionWorkspaceResponse],
        Meta(
            description=f"At most {MAX_SHOWN_WORKSPACES}, by name; `GET /api/v1/workspaces` has all. An "
            "administrator is a manager of every workspace."
        ),
    ]


class SignInMethodsResponse(ResponseBody):
    """How people can sign in."""

    password: bool
    open_id: Annotated[bool, Meta(description="Whether `GET /api/v1/session/openid` can be used.")]
    first_user: Annotated[bool, Meta(description="Whether there is no user yet.")]


class CurrentUser(msgspec.Struct, frozen=True):
    """A user, and the workspaces that the user sees."""

    user: User
    workspaces: list[WorkspaceOfUser]


class Started(msgspec.Struct, frozen=True):
    """A new session, and its user."""

    signed_in: SignedIn
    current: CurrentUser


async def _current(services: Any, user: User) -> CurrentUser:
    request = ListRequest(MAX_SHOWN_WORKSPACES)
    listing = await services.users.workspaces(user, request)
    return CurrentUser(user, list(listing.items))


async def _started(services: Any, request: ManagementRequest, signed_in: SignedIn) -> Started:
    if request.sender.session is not None:
        # a browser has one session: the former one would remain without an owner
        await services.sessions.end(request.sender.session)
    return Started(signed_in, await _current(services, signed_in.user))


async def _sign_in(services: Any, request: ManagementRequest) -> Started:
    signed_in = await services.sessions.sign_in(request.body, request.sender.device)
    return await _started(services, request, signed_in)


async def _first(services: Any, request: ManagementRequest) -> Started:
    signed_in = await services.sessions.first(request.body, request.sender.device)
    return await _started(services, request, signed_in)


async def _set_password(services: Any, request: ManagementRequest) -> Started:
    signed_in = await services.sessions.set_password(request.body, request.sender.device)
    return await _started(services, request, signed_in)


async def _use_link(services: Any, request: ManagementRequest) -> Started:
    signed_in = await services.sessions.sign_in_by_link(request.body, request.sender.device)
    return await _started(services, request, signed_in)


async def _change_password(services: Any, request: ManagementRequest) -> Started:
    signed_in = await services.sessions.change_password(request.actor, request.body, request.sender.device)
    return await _started(services, request, signed_in)


async def _rename(services: Any, request: ManagementRequest) -> CurrentUser:
    user = await services.users.rename(signed_in_user(request.actor), request.body)
    return await _current(services, user)


async def _get(services: Any, request: ManagementRequest) -> CurrentUser:
    return await _current(services, signed_in_user(request.actor))


async def _methods(services: Any, _request: ManagementRequest) -> dict[str, bool]:
    has_users = await services.sessions.has_users()
    return {"password": True, "openId": services.openid.is_on, "firstUser": not has_users}


async def _end(services: Any, request: ManagementRequest) -> None:
    if request.sender.session is not None:
        await services.sessions.end(request.sender.session)


def current_form(current: CurrentUser) -> dict[str, Any]:
    """The JSON of the signed-in user."""
    user = current.user
    return {
        "id": user.id,
        "email": user.email,
        "name": user.name,
        "admin": user.is_admin,
        "writer": writer_of(user.id),
        "workspaces": [
            {"name": each.workspace.name, "role": each.role and each.role.value}
            for each in current.workspaces
        ],
    }


def started_form(started: Started) -> dict[str, Any]:
    """The JSON of the user of a new session."""
    return current_form(started.current)


def session_cookie(done: Any, sender: Sender, root_path: str) -> tuple[bytes, bytes]:
    """The header with the cookie of a new session, or that deletes the cookie."""
    if isinstance(done, Started):
        token, seconds = done.signed_in.token, done.signed_in.seconds
    else:
        token, seconds = "", 0
    return set_cookie(COOKIE, token, seconds, root_path, secure=sender.is_secure)


_SESSION = {
    "id": USER,
    "email": "ada@example.com",
    "name": "Ada Lovelace",
    "admin": False,
    "writer": "st-0ab8f7a8-3d66-5b7e-8d53-3f0c3a5b6c21",
    "workspaces": [{"name": "main", "role": Role.EDITOR.value}],
}
_SESSIONS = {"A user": _SESSION}
_PASSWORD = "correct horse battery"  # noqa: S105 - a sample
_LINK = "rkl_Zp1l0kq8eX3oYt4wB7uV9cR2sD5fG6hJ8kL0mN1pQ3s"

ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        method="POST",
        path="/session",
        name="signIn",
        action="session.sign-in",
        stores_entry=True,
        summary="Sign in with e-mail address and password; the response sets a cookie",
        need=Need.NOTHING,
        sets_cookie=True,
        call=_sign_in,
        body=SignInBody,
        form=started_form,
        response=SessionResponse,
        status=201,
        errors=(errors.SignInFailed, errors.TooManySignIns),
        request_samples={"Ada": {"email": "ada@example.com", "password": _PASSWORD}},
        response_samples=_SESSIONS,
    ),
    Endpoint(
        method="GET",
        path="/session",
        name="getSession",
        summary="Get the signed-in user, with workspaces and roles",
        need=Need.SIGN_IN,
        call=_get,
        form=current_form,
        response=SessionResponse,
        errors=(errors.Forbidden,),
        response_samples=_SESSIONS,
    ),
    Endpoint(
        method="PATCH",
        path="/session",
        name="changeOwnName",
        action="user.rename",
        stores_entry=True,
        summary="Change one's own name",
        need=Need.SIGN_IN,
        call=_rename,
        body=OwnNameBody,
        form=current_form,
        response=SessionResponse,
        errors=(errors.Forbidden,),
        request_samples={"A name": {"name": "Ada Lovelace"}},
        response_samples=_SESSIONS,
    ),
    Endpoint(
        method="DELETE",
        path="/session",
        name="signOut",
        action="session.end",
        stores_entry=True,
        summary="Sign out: end the session of the cookie",
        need=Need.NOTHING,
        sets_cookie=True,
        call=_end,
        status=204,
    ),
    Endpoint(
        method="POST",
        path="/session/first",
        name="createFirstUser",
        action="session.first-user",
        stores_entry=True,
        summary="Create the first administrator with the one-time link of `rowkeep serve`, and sign in",
        need=Need.NOTHING,
        sets_cookie=True,
        call=_first,
        body=FirstUserBody,
        form=started_form,
        response=SessionResponse,
        status=201,
        errors=(errors.InvalidLink, errors.NameTaken),
        request_samples={
            "Ada": {
                "token": _LINK,
                "email": "ada@example.com",
                "name": "Ada Lovelace",
                "password": _PASSWORD,
            }
        },
        response_samples={"An administrator": _SESSION | {"admin": True}},
    ),
    Endpoint(
        method="POST",
        path="/session/reset",
        name="setPassword",
        action="session.password.set",
        stores_entry=True,
        summary="Set a password with a one-time link, which ends all other sessions, and sign in",
        need=Need.NOTHING,
        sets_cookie=True,
        call=_set_password,
        body=NewPasswordBody,
        form=started_form,
        response=SessionResponse,
        status=201,
        errors=(errors.InvalidLink,),
        request_samples={"A password": {"token": _LINK, "password": _PASSWORD}},
        response_samples=_SESSIONS,
    ),
    Endpoint(
        method="POST",
        path="/session/link",
        name="signInByLink",
        action="session.link",
        stores_entry=True,
        summary="Sign in with a one-time link, such as that of `rowkeep demo`",
        need=Need.NOTHING,
        sets_cookie=True,
        call=_use_link,
        body=LinkBody,
        form=started_form,
        response=SessionResponse,
        status=201,
        errors=(errors.InvalidLink,),
        request_samples={"A link": {"token": _LINK}},
        response_samples=_SESSIONS,
    ),
    Endpoint(
        method="PUT",
        path="/session/password",
        name="changePassword",
        action="session.password.change",
        stores_entry=True,
        summary="Change one's own password, which ends all other sessions",
        need=Need.SIGN_IN,
        sets_cookie=True,
        call=_change_password,
        body=PasswordChangeBody,
        form=started_form,
        response=SessionResponse,
        errors=(errors.Forbidden, errors.SignInFailed, errors.TooManySignIns),
        request_samples={
            "A password": {"currentPassword": _PASSWORD, "password": "another horse, another battery"}
        },
        response_samples=_SESSIONS,
    ),
    Endpoint(
        method="GET",
        path="/session/methods",
        name="getSignInMethods",
        summary="Get how people can sign in",
        need=Need.NOTHING,
        call=_methods,
        response=SignInMethodsResponse,
        response_samples={"A password": {"password": True, "openId": False, "firstUser": False}},
    ),
)
