"""Tracing: spans of requests and their phases, by OpenTelemetry. Loaded only with the setting ``tracing``."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.trace import (
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    Tracer,
    set_span_in_context,
)

from rowkeep import __version__
from rowkeep.http.routes import OTHER
from rowkeep.http.trace_context import TraceParent
from rowkeep.request_context import RequestContext
from rowkeep.services.timings import Timings

SERVICE = "rowkeep"
FAILED = 500
"""Responses from this status on are errors of the server."""


@contextmanager
def tracing(exporter: SpanExporter | None = None) -> Iterator[RequestTracer]:
    """The tracer of this process. Without ``exporter``, spans are sent by OTLP as the variables of
    OpenTelemetry say; those that are left are sent at the end."""
    resource = Resource.create({"service.name": SERVICE, "service.version": __version__})
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(exporter or OTLPSpanExporter()))
    try:
        yield RequestTracer(provider.get_tracer(SERVICE, __version__))
    finally:
        provider.shutdown()


class RequestTracer:
    """Makes the spans of requests."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer

    def start(self, parent: TraceParent | None) -> RequestSpan:
        """The span of a request, in the trace of its client if that has one."""
        context = None
        if parent is not None:
            remote = SpanContext(
                int(parent.trace_id, 16), int(parent.span_id, 16), True, TraceFlags(parent.flags)
            )
            context = set_span_in_context(NonRecordingSpan(remote))
        span = self._tracer.start_span("request", context, SpanKind.SERVER)
        return RequestSpan(self._tracer, span)


class RequestSpan:
    """The span of one request; those of its phases are made at its end."""

    def __init__(self, tracer: Tracer, span: Span) -> None:
        self._tracer = tracer
        self._span = span
        # what is added to a time of time.perf_counter for the time since 1970
        self._offset = time.time() - perf_counter()

    @property
    def traceparent(self) -> TraceParent:
        """The span as the header ``traceparent`` has it."""
        own = self._span.get_span_context()
        return TraceParent(f"{own.trace_id:032x}", f"{own.span_id:016x}", int(own.trace_flags))

    def end(self, method: str, route: str, status: int, context: RequestContext, timings: Timings) -> None:
        """The request has ended; the status is 0 if it has no response."""
        span = self._span
        if span.is_recording():
            if (method, route) != OTHER:
                span.update_name(f"{method} {route}")
                span.set_attribute("http.request.method", method)
                span.set_attribute("http.route", route)
            span.set_attribute("http.response.status_code", status)
            span.set_attribute("rowkeep.request_id", context.id)
            if status >= FAILED:
                span.set_status(Status(StatusCode.ERROR))
            self._add_phases(timings)
        span.end()

    def _add_phases(self, timings: Timings) -> None:
        within = set_span_in_context(self._span)
        for phase, begin, end in timings.spans:
            child = self._tracer.start_span(phase, within, start_time=self._nanoseconds(begin))
            child.end(self._nanoseconds(end))

    def _nanoseconds(self, moment: float) -> int:
        return int((moment + self._offset) * 1e9)
