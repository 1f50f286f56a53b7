"""Audit: the endpoint that lists the audit log, with the types and samples of what it returns."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, UnsetType

from rowkeep.errors import catalogue as errors
from rowkeep.http.management.endpoint import Endpoint, Text
from rowkeep.http.management.lists import list_form
from rowkeep.http.response_types import Moment, NextCursor, ResponseBody
from rowkeep.http.sample_values import WHEN
from rowkeep.model.audit import ACTIONS
from rowkeep.services.audit import read_filter
from rowkeep.services.audit_lines import entry_form

Action = Annotated[str, Meta(extra_json_schema={"enum": list(ACTIONS)})]


class AuditActorResponse(ResponseBody):
    kind: Literal["admin-token", "user", "app", "command", "server", "unknown"]
    id: Annotated[
        str | UnsetType,
        Meta(
            description="The id of the admin token or user, the client id of the app, or the user of the "
            "operating system. Of a refused request it is what the token claims."
        ),
    ] = UNSET
    name: str | UnsetType = UNSET


class AuditEntryResponse(ResponseBody):
    """An entry of the audit log. A key that does not apply is missing."""

    id: Annotated[str, Meta(pattern="^au-[0-9a-f]{24}$")]
    time: Moment
    actor: AuditActorResponse
    action: Action
    result: Annotated[
        Literal["started", "success", "failed", "refused"],
        Meta(description="`started`: the change is not finished, or was interrupted."),
    ]
    workspace: str | UnsetType = UNSET
    target: Annotated[str | UnsetType, Meta(description="Such as `table people, app cs-…`.")] = UNSET
    cause: Annotated[
        str | UnsetType, Meta(description="The code of the error, or why the request was refused.")
    ] = UNSET
    request_id: str | UnsetType = UNSET
    address: Annotated[str | UnsetType, Meta(description="The address of the client.")] = UNSET
    details: Annotated[
        dict[str, Any] | UnsetType, Meta(description="Values of the request, never secret or from rows.")
    ] = UNSET


class AuditResponse(ResponseBody):
    entries: list[AuditEntryResponse]
    next_cursor: NextCursor = UNSET


def _text(name: str, meaning: str, **schema: Any) -> Text:
    return Text(name, meaning, {"type": "string"} | schema)


_SAMPLE = {
    "id": "au-5e7ef67172034b39ac000005",
    "time": WHEN,
    "actor": {"kind": "user", "id": "us-5e7ef67172034b39ac000004", "name": "ada@example.com"},
    "action": "grant.set",
    "result": "success",
    "workspace": "main",
    "target": "table people, app cs-5b0845dc-9400-430d-99d3-f7343f1c627c",
    "address": "192.0.2.7",
    "details": {"read": True, "write": True, "delete": False},
}

ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        method="GET",
        path="/audit",
        name="listAuditEntries",
        summary="List the audit log, the newest entry first",
        call=lambda services, request: services.audit.list(read_filter(request.texts), request.list),
        form=list_form("entries", entry_form),
        response=AuditResponse,
        is_list=True,
        texts=(
            _text("since", "The time (RFC 3339) of the oldest entry.", format="date-time"),
            _text("until", "Entries from this time (RFC 3339) on are not listed.", format="date-time"),
            _text("actor", "The id or the name of an actor."),
            _text("action", "An action, or its first words: `user` also finds `user.create`."),
            _text("workspace", "The name of a workspace."),
        ),
        errors=(errors.Forbidden,),
        response_samples={"A grant": {"entries": [_SAMPLE]}},
    ),
)
