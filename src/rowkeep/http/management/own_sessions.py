"""Own sessions: the endpoints with which a user sees where the user is signed in, and signs out there."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

from msgspec import Meta

from rowkeep.errors import catalogue as errors
from rowkeep.http.management.endpoint import Endpoint
from rowkeep.http.response_types import Moment, ResponseBody
from rowkeep.http.sample_values import WHEN
from rowkeep.model.users import Need, Session
from rowkeep.model.values.scalars import canonical_date
from rowkeep.services.sessions import MAX_LISTED

PATH = "/sessions"


class OwnSessionResponse(ResponseBody):
    """A session of the signed-in user."""

    id: Annotated[str, Meta(pattern="^se-[0-9a-f]{24}$")]
    current: Annotated[bool, Meta(description="Whether this request has its cookie.")]
    agent: Annotated[
        str, Meta(description="What the browser says about itself (`User-Agent`), at most 300 characters.")
    ]
    address: Annotated[str, Meta(description="The IP address of the sign-in.")]
    created_on: Moment
    last_seen_on: Annotated[Moment, Meta(description="The last use, to the minute.")]
    expires_on: Moment


class OwnSessionsResponse(ResponseBody):
    sessions: Annotated[
        list[OwnSessionResponse],
        Meta(description=f"At most {MAX_LISTED}: the current one, then the most recently used."),
    ]


def _moment(seconds: int) -> str:
    return canonical_date(datetime.fromtimestamp(seconds, UTC))


def session_form(session: Session) -> dict[str, Any]:
    """The JSON of a session."""
    return {
        "id": session.id,
        "current": session.is_current,
        "agent": session.device.agent,
        "address": session.device.address,
        "createdOn": _moment(session.created),
        "lastSeenOn": _moment(session.last_seen),
        "expiresOn": _moment(session.expires),
    }


def sessions_form(sessions: Sequence[Session]) -> dict[str, Any]:
    """The JSON of the sessions of a user."""
    return {"sessions": [session_form(each) for each in sessions]}


_SAMPLE = {
    "id": "se-9f86d081884c7d659a2feaa0",
    "current": True,
    "agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "address": "192.0.2.7",
    "createdOn": WHEN,
    "lastSeenOn": WHEN,
    "expiresOn": "2020-04-04T07:02:09.652Z",
}

ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        method="GET",
        path=PATH,
        name="listOwnSessions",
        summary="List one's own sessions: where one is signed in",
        need=Need.SIGN_IN,
        call=lambda services, request: services.sessions.list(request.actor),
        form=sessions_form,
        response=OwnSessionsResponse,
        errors=(errors.Forbidden,),
        response_samples={"A session": {"sessions": [_SAMPLE]}},
    ),
    Endpoint(
        method="DELETE",
        path=PATH,
        name="endOtherSessions",
        action="session.end",
        stores_entry=True,
        summary="End all of one's own sessions but the current one",
        need=Need.SIGN_IN,
        call=lambda services, request: services.sessions.end_others(request.actor),
        status=204,
        errors=(errors.Forbidden,),
    ),
    Endpoint(
        method="DELETE",
        path=f"{PATH}/{{session}}",
        name="endOwnSession",
        action="session.end",
        stores_entry=True,
        summary="End one of one's own sessions: sign out there",
        need=Need.SIGN_IN,
        call=lambda services, request: services.sessions.end_one(request.actor, request.path["session"]),
        status=204,
        errors=(errors.Forbidden, errors.NoSuchSession),
    ),
)
