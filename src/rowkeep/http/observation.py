"""Observation: every request has an id and is counted, and can be logged, timed and traced."""

from __future__ import annotations

from collections.abc import Awaitable
from time import perf_counter
from typing import Any, Protocol

import structlog
from starlette.types import ASGIApp, Receive, Scope, Send

from rowkeep.errors.catalogue import excerpt
from rowkeep.http.header_fields import fields_of
from rowkeep.http.methods import GET, READING
from rowkeep.http.routes import OTHER, ROUTES, count_response
from rowkeep.http.trace_context import REQUEST_ID, RequestIds, TraceParent, read_traceparent
from rowkeep.metrics import REQUESTS_CANCELLED, add_in_progress
from rowkeep.request_context import CURRENT, RequestContext
from rowkeep.services.timings import Timings, start_timings
from rowkeep.settings import Settings

access_log = structlog.get_logger("rowkeep.access")

REQUEST_ID_HEADER = b"x-request-id"
TRACEPARENT_HEADER = b"traceparent"
OBSERVED = frozenset((REQUEST_ID_HEADER, TRACEPARENT_HEADER))
PAGES = ("/healthz", "/readyz", "/metrics", "/openapi.json", "/docs", "/console")
"""Pages outside both APIs; what is below them counts as the page."""


class Span(Protocol):
    """The span of one request in a trace."""

    @property
    def traceparent(self) -> TraceParent: ...

    def end(self, method: str, route: str, status: int, context: RequestContext, timings: Timings) -> None:
        """The request has ended."""
        ...


class Tracer(Protocol):
    """Makes the spans of requests."""

    def start(self, parent: TraceParent | None) -> Span: ...


class Observer:
    """Observes all requests of an application."""

    def __init__(
        self, app: ASGIApp, settings: Settings, tracer: Tracer | None = None, *, is_for_errors: bool = False
    ) -> None:
        """``is_for_errors``: the application sends the errors of requests that another one did not
        answer."""
        self._app = app
        self._ids = RequestIds()
        self._tracer = tracer
        self._logs = settings.access_log
        self._shows_timings = settings.server_timing
        self._is_for_errors = is_for_errors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        sent_id, parent = _sent(scope)
        former = CURRENT.get() if self._is_for_errors else None
        watched = _Watched(sent_id or self._ids.new(), perf_counter(), self, scope, send)
        if former is not None and not former.is_answered:
            watched.continue_from(former)
        CURRENT.set(watched)
        if self._tracer is not None:
            watched.span = self._tracer.start(parent)
            parent = watched.span.traceparent
        if parent is not None:
            watched.parent, watched.trace_id = parent, parent.trace_id
        if self._shows_timings or watched.span is not None:
            watched.timings = start_timings()
        add_in_progress()
        try:
            await self._app(scope, receive, watched)
        finally:
            add_in_progress(-1.0)
            if not watched.is_answered:
                watched.end_early()

    def refused(self, status: int, address: str | None) -> list[tuple[bytes, bytes]]:
        """Count a request whose head is incomplete or invalid; returns headers for its response."""
        current = RequestContext(self._ids.new(), perf_counter())
        ROUTES.count(0, status, 0.0)
        if self._logs:
            access_log.info(
                "request", method=OTHER[0], route=OTHER[1], status=status, address=address,
                request_id=current.id,
            )  # fmt: skip
        return [(REQUEST_ID_HEADER, current.id.encode())]


class _Watched(RequestContext):
    """A request and ASGI's ``send`` for its response: one object, because each request makes it."""

    def __init__(self, request_id: str, started: float, observer: Observer, scope: Scope, send: Send) -> None:
        # what the base class sets, without a call
        self.id = request_id
        self.started = started
        self.route = 0
        self.app = self.table = None
        self.is_answered = False
        self.parent: TraceParent | None = None
        """What the response has as ``traceparent``."""
        self.span: Span | None = None
        self.timings: Timings | None = None
        self._status = 0
        self._observer = observer
        self._scope = scope
        self._send = send

    def continue_from(self, former: RequestContext) -> None:
        """The same request, which had no response."""
        self.id, self.started = former.id, former.started
        self.route, self.app, self.table = former.route, former.app, former.table
        # what the application still does for it is not its response
        former.is_answered = True

    def __call__(self, message: Any) -> Awaitable[None]:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            headers = [*message.get("headers", ()), (REQUEST_ID_HEADER, self.id.encode())]
            if self.parent is not None or self.timings is not None:
                headers += self._more_fields()
            message["headers"] = headers
        elif not message.get("more_body", False):
            # before the client can see the response, so that it finds it in the metrics
            self._end(self._status)
        return self._send(message)

    def _more_fields(self) -> list[tuple[bytes, bytes]]:
        fields = []
        if self.parent is not None:
            fields.append((TRACEPARENT_HEADER, self.parent.header()))
        if self.timings is not None and self._observer._shows_timings:
            self.timings.end_current()
            fields.append((b"server-timing", self.timings.header()))
        return fields

    def end_early(self) -> None:
        """The request has ended without a complete response. If the response has not started, the server may
        still send an error, which is counted then."""
        if self._status:
            self._end(self._status)
        else:
            REQUESTS_CANCELLED.add()
            self._end_span(0)

    def _end(self, status: int) -> None:
        self.is_answered = True
        seconds = perf_counter() - self.started
        number = self.route or self._page_number()
        count_response(number, status, seconds)
        if self._observer._logs:
            self._log(number, status, seconds)
        if self.span is not None:
            self._end_span(status)

    def _page_number(self) -> int:
        """The route of a page for people or tools."""
        path: str = self._scope["path"]
        if self._scope["method"] in READING:
            for page in PAGES:
                if path == page or path.startswith(f"{page}/"):
                    return ROUTES.number("GET", page)
        return 0

    def _log(self, number: int, status: int, seconds: float) -> None:
        _, route = ROUTES.name(number)
        scope, client = self._scope, self._scope.get("client")
        access_log.info(
            "request",
            method=scope["method"],
            route=route,
            path=excerpt(scope["path"]),
            status=status,
            seconds=round(seconds, 6),
            address=client[0] if client else None,
            app=self.app,
        )

    def _end_span(self, status: int) -> None:
        if self.span is not None and self.timings is not None:
            method, route = ROUTES.name(self.route)
            if method == GET:
                # or HEAD, which has the same route
                method = self._scope["method"]
            self.span.end(method, route, status, self, self.timings)
            self.span = None


def _sent(scope: Scope) -> tuple[str | None, TraceParent | None]:
    """The valid request id and trace of a request, if it has them; those that were sent twice are not
    valid."""
    request_id, parent = None, None
    fields = fields_of(scope)
    if REQUEST_ID_HEADER not in fields and TRACEPARENT_HEADER not in fields:
        return request_id, parent
    ids = parents = 0
    for name, value in scope["headers"]:
        if name not in OBSERVED:
            continue
        if name == REQUEST_ID_HEADER:
            ids += 1
            request_id = value.decode("latin-1") if REQUEST_ID.fullmatch(value) else None
        else:
            parents += 1
            parent = read_traceparent(value)
    return request_id if ids == 1 else None, parent if parents == 1 else None
