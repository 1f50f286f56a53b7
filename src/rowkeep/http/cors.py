"""CORS: access to the Data API for browser pages of the origins in the settings."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from rowkeep.errors.catalogue import InvalidParameter, RowkeepError, preview
from rowkeep.http.data import DATA_ENDPOINTS
from rowkeep.http.data import PREFIX as DATA_PREFIX
from rowkeep.http.methods import with_head
from rowkeep.http.responses import error_response
from rowkeep.http.root_path import under_prefix
from rowkeep.setting_rules import origins
from rowkeep.settings import Settings

REQUEST_HEADERS = (
    "auth", "authorization", "content-encoding", "content-type", "idempotency-key", "last-event-id", "prefer",
    "traceparent", "x-request-id",
)  # fmt: skip
"""The request headers that a page may send in addition to those that are always allowed."""

RESPONSE_HEADERS = (
    "Idempotency-Replayed",
    "Operation-Id",
    "Preference-Applied",
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
    "Server-Timing",
    "Traceparent",
    "X-Request-Id",
)
"""The response headers that a page may read in addition to those that are always allowed."""

ERROR = "rowkeep.error"
"""The key of the error in a scope."""

MAX_AGE_SECONDS = 7200
"""How long a browser may cache a preflight; Chromium accepts no more."""


def with_cors(app: ASGIApp, settings: Settings) -> ASGIApp:
    """The application with CORS for ``cors_origins``, or the unchanged application if that is not set."""
    allowed = origins(settings.cors_origins)
    if not allowed:
        return app
    return _Cors(
        app,
        allow_origins=allowed,
        allow_methods=sorted(with_head({call.method: call for call in DATA_ENDPOINTS})),
        allow_headers=REQUEST_HEADERS,
        expose_headers=RESPONSE_HEADERS,
        max_age=MAX_AGE_SECONDS,
        # an allowed origin is allowed on any network
        allow_private_network=True,
    )


def error_app(settings: Settings) -> ASGIApp:
    """An application that sends the error in the scope (``ERROR``), for requests that end outside the main
    application, for example after a time-out. Responses of the Data API have the same CORS headers as
    always."""
    data = with_cors(_send_error, settings)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        is_data = scope["path"].startswith(DATA_PREFIX)
        await (data if is_data else _send_error)(scope, receive, send)

    return under_prefix(app, settings.root_path)


async def _send_error(scope: Scope, _receive: Receive, send: Send) -> None:
    error: RowkeepError = scope[ERROR]
    await error_response(error).send(send)


class _Cors(CORSMiddleware):
    """Starlette's middleware, but a rejected preflight gets a problem, as every other rejected request
    does."""

    def preflight_response(self, request_headers: Headers) -> Response:
        response = super().preflight_response(request_headers)
        if response.status_code == 200:
            return response
        problem = error_response(InvalidParameter(_refusal(bytes(response.body).decode(), request_headers)))
        headers = {name: value for name, value in response.headers.items() if not name.startswith("content-")}
        return Response(problem.body, problem.status, headers, problem.content_type.decode())


def _refusal(failures: str, headers: Headers) -> str:
    """The message for the failures in Starlette's response to a preflight."""
    parts = {
        "origin": f"the origin {_shown(headers, 'origin')} (the setting cors_origins lists allowed origins)",
        "method": f"the method {_shown(headers, 'access-control-request-method')}",
        "headers": f"one of the headers {_shown(headers, 'access-control-request-headers')}",
    }
    refused = [text for name, text in parts.items() if name in failures]
    return f"CORS does not allow {' and '.join(refused)}."


def _shown(headers: Headers, name: str) -> str:
    return preview(headers.get(name, ""))
