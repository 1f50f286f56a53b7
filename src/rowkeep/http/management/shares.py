"""Shares: the owners of tables and views and the users that these are shared with; their endpoints, with the
types and samples of what these return."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Literal

from msgspec import Meta

from rowkeep.errors import catalogue as errors
from rowkeep.http.management.endpoint import Endpoint, Flag, ManagementRequest
from rowkeep.http.management.workspaces import WORKSPACE
from rowkeep.http.response_types import Name, ResponseBody, UserId
from rowkeep.http.sample_values import USER
from rowkeep.model.tables import Table
from rowkeep.model.user_requests import OwnerBody, ShareBody
from rowkeep.model.users import Need, Share, Shares, User
from rowkeep.model.views import View
from rowkeep.services.sharing import Thing


class OwnerResponse(ResponseBody):
    """The owner of a table or view."""

    user: UserId
    email: str
    name: str


class ShareResponse(ResponseBody):
    """A user that a table or view is shared with."""

    user: UserId
    email: str
    name: str
    right: Literal["read", "edit", "manage"]


class SharesResponse(ResponseBody):
    owner: OwnerResponse | None
    shares: list[ShareResponse]


class OwnedThingResponse(ResponseBody):
    kind: Literal["table", "view"]
    name: Name


class NewOwnerResponse(ResponseBody):
    owner: OwnerResponse
    changed: Annotated[
        list[OwnedThingResponse], Meta(description="All tables and views that changed their owner.")
    ]


def owner_form(user: User) -> dict[str, Any]:
    """The JSON of an owner."""
    return {"user": user.id, "email": user.email, "name": user.name}


def share_form(share: Share) -> dict[str, Any]:
    """The JSON of a share."""
    return owner_form(share.user) | {"right": share.right.value}


def shares_form(shares: Shares) -> dict[str, Any]:
    """The JSON of the owner and the shares of a table or view."""
    owner = None if shares.owner is None else owner_form(shares.owner)
    return {"owner": owner, "shares": [share_form(each) for each in shares.shares]}


def new_owner_form(done: tuple[User, Sequence[Table | View]]) -> dict[str, Any]:
    """The JSON of a new owner, with what changed its owner."""
    user, things = done
    changed = [
        {"kind": "table" if isinstance(thing, Table) else "view", "name": thing.name} for thing in things
    ]
    return {"owner": owner_form(user), "changed": changed}


def _thing(request: ManagementRequest) -> Thing:
    path = request.path
    return (path["view"], True) if "view" in path else (path["table"], False)


async def _set_owner(services: Any, request: ManagementRequest) -> tuple[User, Sequence[Table | View]]:
    workspace, dry_run = request.path["workspace"], request.flags["dryRun"]
    given: tuple[User, Sequence[Table | View]] = await services.sharing.set_owner(
        workspace, _thing(request), request.body, dry_run=dry_run
    )
    return given


DRY_RUN = Flag("dryRun", "Return what would change its owner, and change nothing.")

_OWNER = {"user": USER, "email": "ada@example.com", "name": "Ada Lovelace"}
_SHARE = _OWNER | {"right": "edit"}


def _share_endpoints(kind: str, no_thing: type[errors.RowkeepError]) -> Iterator[Endpoint]:
    """The endpoints for shares of tables, and the same for views."""
    thing, path, suffix = f"a {kind}", f"{WORKSPACE}/{kind}s/{{{kind}}}", kind.capitalize()
    no_such = (errors.NoSuchWorkspace, no_thing)
    yield Endpoint(
        method="GET",
        path=f"{path}/shares",
        name=f"list{suffix}Shares",
        summary=f"List the owner of {thing} and the users that it is shared with",
        need=Need.MANAGE,
        call=lambda services, request: services.sharing.shares(request.path["workspace"], _thing(request)),
        form=shares_form,
        response=SharesResponse,
        errors=no_such,
        response_samples={"Shares": {"owner": _OWNER | {"name": "Grace Hopper"}, "shares": [_SHARE]}},
    )
    yield Endpoint(
        method="PUT",
        path=f"{path}/shares/{{user}}",
        name=f"set{suffix}Share",
        action="share.set",
        summary=f"Share {thing} with a user, or change the user's right",
        need=Need.MANAGE,
        call=lambda services, request: services.sharing.set_share(
            request.path["workspace"], _thing(request), request.path["user"], request.body.right
        ),
        body=ShareBody,
        form=share_form,
        response=ShareResponse,
        errors=(*no_such, errors.NoSuchUser),
        request_samples={"Edit rows": {"right": "edit"}},
        response_samples={"A share": _SHARE},
    )
    yield Endpoint(
        method="DELETE",
        path=f"{path}/shares/{{user}}",
        name=f"remove{suffix}Share",
        action="share.remove",
        summary=f"Stop sharing {thing} with a user",
        need=Need.MANAGE,
        call=lambda services, request: services.sharing.remove_share(
            request.path["workspace"], _thing(request), request.path["user"]
        ),
        status=204,
        errors=(*no_such, errors.NoSuchUser),
    )


def _owner_endpoint(kind: str, no_thing: type[errors.RowkeepError]) -> Endpoint:
    """The endpoint for the owner of a table, and the same for a view."""
    return Endpoint(
        method="PUT",
        path=f"{WORKSPACE}/{kind}s/{{{kind}}}/owner",
        name=f"set{kind.capitalize()}Owner",
        action="owner.set",
        summary=f"Give a {kind} to another user; grants of apps do not change",
        need=Need.OWN,
        call=_set_owner,
        body=OwnerBody,
        flags=(DRY_RUN,),
        form=new_owner_form,
        response=NewOwnerResponse,
        errors=(errors.NoSuchWorkspace, no_thing, errors.NoSuchUser),
        request_samples={"With what it needs": {"user": "ada@example.com", "along": True}},
        response_samples={"A new owner": {"owner": _OWNER, "changed": [{"kind": kind, "name": "people"}]}},
    )


ENDPOINTS: tuple[Endpoint, ...] = (
    *_share_endpoints("table", errors.NoSuchTable),
    _owner_endpoint("table", errors.NoSuchTable),
    *_share_endpoints("view", errors.NoSuchView),
    _owner_endpoint("view", errors.NoSuchView),
)
