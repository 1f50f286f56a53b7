"""Metrics page: ``/metrics``, the metrics of all workers together in the text format of Prometheus."""

from __future__ import annotations

from collections.abc import Awaitable

from starlette.types import ASGIApp, Receive, Scope, Send

from rowkeep.errors.catalogue import NoSuchEndpoint, Unauthenticated
from rowkeep.http.body_budget import BodyBudget
from rowkeep.http.methods import READING
from rowkeep.http.request import Request
from rowkeep.http.responses import Response, error_response, reply
from rowkeep.services.admin_tokens import AdminTokens
from rowkeep.settings import Settings


class MetricsPage:
    """Serves /metrics. Without ``admin_tokens``, it needs no token."""

    def __init__(self, admin_tokens: AdminTokens | None) -> None:
        self._admin_tokens = admin_tokens
        # no body is read
        self._budget = BodyBudget(1, 1, 1.0)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await reply(self._answer(Request(scope, receive, self._budget)), scope, send)

    async def _answer(self, request: Request) -> Response:
        """Raises Unauthenticated."""
        if self._admin_tokens is not None:
            token = request.bearer()
            if token is None:
                raise Unauthenticated("no token")
            await self._admin_tokens.check(token)
        # the library takes memory, which servers that nobody scrapes do not need
        from rowkeep.http.metrics_text import CONTENT_TYPE, metrics_text

        return Response(200, metrics_text(), CONTENT_TYPE)


def with_metrics_port(app: ASGIApp, settings: Settings) -> ASGIApp:
    """The application that serves only /metrics, without a token, on ``metrics_port``; unchanged if that is
    not set."""
    port = settings.metrics_port
    if port == 0:
        return app
    page = MetricsPage(None)

    def separated(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        server = scope.get("server")
        if server is None or server[1] != port:
            return app(scope, receive, send)
        if scope["path"] == "/metrics" and scope["method"] in READING:
            return page(scope, receive, send)
        return error_response(NoSuchEndpoint()).send(send)

    return separated
