"""Parameters: those of paths, query strings and headers, and the security schemes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any, get_args

import msgspec

from rowkeep.http.management.endpoint import Endpoint, Flag, Text
from rowkeep.http.openapi.bodies import CURSOR, NAME_SCHEMA
from rowkeep.http.request import MAX_OFFSET
from rowkeep.http.response_types import UUID
from rowkeep.http.sample_values import ROW
from rowkeep.http.session_cookie import COOKIE
from rowkeep.model.change_feeds import DEFAULT_CHANGES, MAX_CHANGES, MAX_WAIT_SECONDS
from rowkeep.model.data_requests import ConflictAction, InsertMode, RowRange
from rowkeep.model.users import Need
from rowkeep.services import lists
from rowkeep.settings import Settings

_IN_PATH: dict[str, tuple[str, dict[str, Any], str]] = {
    "workspace": ("The name of the workspace, regardless of case.", NAME_SCHEMA, "main"),
    "table": ("The name of the table, regardless of case.", NAME_SCHEMA, "people"),
    "rowId": ("The `_id` of the row.", {"type": "string", "pattern": "^[0-9a-f]{24}$"}, ROW),
    "view": ("The name of the view, regardless of case.", NAME_SCHEMA, "adults"),
    "clientId": (
        "The client id of the app.",
        {"type": "string", "pattern": f"^cs-{UUID}$"},
        "cs-3f8a1f0e-5b0c-4c39-9f0b-8d0f6f8f6f11",
    ),
    "user": (
        "The id or the e-mail address of the user.",
        {"type": "string", "minLength": 1},
        "us-5e7ef67172034b39ac000004",
    ),
    "session": (
        "The id of the session.",
        {"type": "string", "pattern": "^se-[0-9a-f]{24}$"},
        "se-9f86d081884c7d659a2feaa0",
    ),
    "file": (
        "The id of the uploaded file.",
        {"type": "string", "pattern": "^fi-[0-9a-f]{24}$"},
        "fi-5f0e9d573c6a1f7b112d3b0a",
    ),
    "chart": (
        "The id of the chart.",
        {"type": "string", "pattern": "^ch-[0-9a-f]{24}$"},
        "ch-5e7ef67172034b39ac000008",
    ),
    "webhook": (
        "The id of the webhook.",
        {"type": "string", "pattern": "^wh-[0-9a-f]{24}$"},
        "wh-5e7ef67172034b39ac000006",
    ),
    "delivery": (
        "The id of the delivery.",
        {"type": "string", "pattern": "^dl-[0-9a-f]{24}$"},
        "dl-5e7ef67172034b39ac000007",
    ),
    "id": (
        "The id of the admin token.",
        {"type": "string", "pattern": "^at-[0-9a-f]{24}$"},
        "at-5e7ef67172034b39ac000003",
    ),
}

APP_SECURITY: list[dict[str, list[str]]] = [{"appToken": []}, {"appBearer": []}]
ADMIN_SECURITY: list[dict[str, list[str]]] = [{"adminToken": []}, {"session": []}]


def security_of(need: Need) -> list[dict[str, list[str]]]:
    """How a request authenticates itself."""
    return [] if need is Need.NOTHING else ADMIN_SECURITY


_SIGNED = (
    "A JWT that the app signs with its secret or private key, with the app's algorithm. "
    "The payload has `appId`, the client id, and optionally `exp`, `nbf` and `iat`, "
    "which are checked."
)


def security_schemes() -> dict[str, Any]:
    return {
        "appToken": {
            "type": "apiKey",
            "in": "header",
            "name": "auth",
            "description": f"{_SIGNED} If `Authorization` is sent too, both must have the same token.",
        },
        "appBearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": _SIGNED},
        "adminToken": {
            "type": "http",
            "scheme": "bearer",
            "description": "The token of an administrator, such as the first one, which "
            "`rowkeep serve` creates for an empty store.",
        },
        "session": {
            "type": "apiKey",
            "in": "cookie",
            "name": COOKIE,
            "description": "The session of a user, which `POST /api/v1/session` starts. Requests other than "
            "GET and HEAD must have the header `Origin` of this server, or `Sec-Fetch-Site: same-origin`.",
        },
    }


def path_parameters(path: str) -> list[dict[str, Any]]:
    """The parameters in a path."""
    return [_in_path(name) for name in re.findall(r"\{(\w+)\}", path)]


def _in_path(name: str) -> dict[str, Any]:
    description, schema, example = _IN_PATH[name]
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": description,
        "schema": schema,
        "example": example,
    }


def row_page_parameters(settings: Settings) -> list[dict[str, Any]]:
    """The parameters of a query."""
    default = msgspec.structs.asdict(RowRange())["limit"]
    return [
        _in_query(
            "sys_limit",
            "The maximum number of rows to return. A value above the maximum is rejected.",
            {"type": "integer", "minimum": 1, "maximum": settings.max_page_size, "default": default},
        ),
        _in_query(
            "sys_offset",
            "The number of rows to skip. For many pages, `cursor` in the body is much faster.",
            {"type": "integer", "minimum": 0, "maximum": MAX_OFFSET},
        ),
    ]


def feed_parameters(names: Iterable[str], *, has_events: bool) -> list[dict[str, Any]]:
    """The parameters of a feed of changes."""
    limit = {"type": "integer", "minimum": 1, "maximum": MAX_CHANGES, "default": DEFAULT_CHANGES}
    wait = {"type": "integer", "minimum": 0, "maximum": MAX_WAIT_SECONDS, "default": 0}
    known = {
        "after": _in_query(
            "after",
            "Return the changes after this one: a `nextCursor`, the `id` of a change, or `now` for those "
            "from now on. Without it, the changes begin with the oldest one that is recorded.",
            {"type": "string"},
        ),
        "limit": _in_query("limit", "The maximum number of changes to return.", limit),
        "wait": _in_query("wait", "How many seconds to wait for the next change if there is none.", wait),
    }
    given = [known[name] for name in names]
    if has_events:
        given.append(
            {
                "name": "Last-Event-ID",
                "in": "header",
                "description": "Only with `Accept: text/event-stream`: the `id` of the last event that was "
                "received, used instead of `after`.",
                "schema": {"type": "string"},
            }
        )
    return given


def list_page_parameters() -> list[dict[str, Any]]:
    """The parameters of a list in the management API."""
    limit = {"type": "integer", "minimum": 1, "maximum": lists.MAX_LIMIT, "default": lists.DEFAULT_LIMIT}
    return [
        _in_query("limit", "The maximum number of entries to return.", limit),
        _in_query("cursor", "The `nextCursor` of the previous response.", CURSOR),
    ]


def flag_parameters(flags: Iterable[Flag]) -> list[dict[str, Any]]:
    """Parameters that are true or false."""
    return [_in_query(flag.name, flag.meaning, {"type": "boolean", "default": False}) for flag in flags]


def text_parameters(texts: Iterable[Text]) -> list[dict[str, Any]]:
    return [_in_query(text.name, text.meaning, text.schema) for text in texts]


def _in_query(name: str, description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "query", "description": description, "schema": schema}


def expected_tag_parameter() -> dict[str, Any]:
    return {
        "name": "If-Match",
        "in": "header",
        "description": "The `ETag` of the definition that the change is based on (RFC 9110). If the "
        "definition was changed meanwhile, the request is rejected with 412. Without it, or with `*`, any "
        "definition is replaced.",
        "schema": {"type": "string"},
        "examples": {"tag": {"value": '"5e7ef67172034b39ac00030000000001"'}},
    }


def known_tag_parameter() -> dict[str, Any]:
    return {
        "name": "If-None-Match",
        "in": "header",
        "description": "The `ETag` of the definition that the client has, or several with commas between "
        "them (RFC 9110). If one is still that of the definition, the response is 304, without content.",
        "schema": {"type": "string"},
        "examples": {"tag": {"value": '"5e7ef67172034b39ac00030000000001"'}},
    }


def stream_parameters() -> list[dict[str, Any]]:
    """The options of a stream, which a JSON body has as members."""
    conflict = (
        "The columns of a unique index, with commas between them, as `onConflict` in a JSON body. Needs "
    )
    return [
        _in_query(name, f"Only for a stream. {meaning}", schema)
        for name, meaning, schema in (
            ("mode", "As in a JSON body.", {"enum": list(get_args(InsertMode))}),
            ("onConflict", f"{conflict}`action`.", {"type": "string", "minLength": 1}),
            ("action", "As in `onConflict` of a JSON body.", {"enum": list(get_args(ConflictAction))}),
            ("dryRun", "As in a JSON body.", {"type": "boolean", "default": False}),
        )
    ]


def prefer_parameter() -> dict[str, Any]:
    return {
        "name": "Prefer",
        "in": "header",
        "description": "`return=minimal` (RFC 7240) requests a response with counts only; other preferences "
        "are ignored.",
        "schema": {"type": "string"},
        "examples": {"minimal": {"value": "return=minimal"}},
    }


def idempotency_key_parameter() -> dict[str, Any]:
    return {
        "name": "Idempotency-Key",
        "in": "header",
        "description": "Makes the request safe to repeat: the same request under the same key is done once, "
        "and gets the response of the first time. 1 to 255 printable ASCII characters, bare or in double "
        "quotes, such as a UUID. A key is stored for the time of the setting `idempotency_hours`.",
        "schema": {"type": "string", "minLength": 1},
        "examples": {"uuid": {"value": "5e7ef671-7203-4b39-ac00-000300000001"}},
    }


def write_headers() -> dict[str, Any]:
    """The headers of responses to writes."""
    return {
        "Operation-Id": {
            "description": "The id of the operation. All changes of the request have it in the history of "
            "the tables that have one; a response that is sent again has that of the first time. A batch "
            "that only reads has none.",
            "schema": {"type": "string", "pattern": "^[0-9a-f]{24}$"},
            "examples": {"id": {"value": "6567a1b25e7ef6717203ac01"}},
        },
        "Idempotency-Replayed": {
            "description": "Present if this is the stored response to an earlier request with the same "
            "`Idempotency-Key`; nothing was written this time.",
            "schema": {"const": "true"},
        },
    }


RATE_HEADERS = ("RateLimit-Policy", "RateLimit")


def rate_limit_headers() -> dict[str, Any]:
    """The headers of responses to apps that have a rate limit."""
    texts = (
        'The limit, such as `"default";q=600;w=60`: 600 requests in 60 seconds. Present if the app has a '
        "`rateLimit`, or the setting `rate_limit` is on; also in errors after the token was accepted.",
        'How many requests are left, such as `"default";r=599;t=60`: 599 more, and in 60 seconds the oldest '
        "request is no longer counted.",
    )
    return {
        name: {"description": text, "schema": {"type": "string"}}
        for name, text in zip(RATE_HEADERS, texts, strict=True)
    }


def response_headers(endpoint: Endpoint) -> dict[str, Any]:
    """The headers of a response of the management API."""
    if endpoint.status == HTTPStatus.SEE_OTHER:
        return {"Location": {"description": "The next page.", "schema": {"type": "string"}}}
    if endpoint.gives_tag:
        description = "Identifies the content of the definition, for `If-Match` and `If-None-Match`."
        return {"ETag": {"description": description, "schema": {"type": "string"}}}
    if not endpoint.sets_cookie:
        return {}
    return {
        "Set-Cookie": {
            "description": f"The cookie `{COOKIE}` of the session; after signing out, it is deleted.",
            "schema": {"type": "string"},
        }
    }


def preference_applied() -> dict[str, Any]:
    return {
        "Preference-Applied": {
            "description": "Present if a preference was applied.",
            "schema": {"const": "return=minimal"},
        }
    }
