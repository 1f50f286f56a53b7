"""Observation: what an observed application sends, logs and traces, without a server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from rowkeep.errors.catalogue import NoSuchTable
from rowkeep.http import app  # noqa: F401 - declares the routes
from rowkeep.http.observation import Observer
from rowkeep.http.responses import error_response, json_response
from rowkeep.http.routes import ROUTES
from rowkeep.http.tracing import RequestTracer, tracing
from rowkeep.request_context import CURRENT, add_request, set_route
from rowkeep.services.timings import end_phase
from rowkeep.settings import Settings
from rowkeep.sql.explain import shown_plan

pytestmark = pytest.mark.anyio

PATTERN = "/api/public/tables/{table}/query"
TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def query(_scope: Any, _receive: Any, send: Any) -> None:
    set_route(ROUTES.number("POST", PATTERN))
    for phase in ("auth", "plan", "db"):
        end_phase(phase)
    await json_response({"log": add_request(None, "", {})}).send(send)


async def missing(_scope: Any, _receive: Any, send: Any) -> None:
    end_phase("auth")
    await error_response(NoSuchTable("No such table.")).send(send)


async def answer(observer: Observer, *headers: tuple[bytes, bytes]) -> tuple[dict[bytes, bytes], bytes]:
    """The headers and the body of a response."""
    messages: list[Any] = []

    async def send(message: Any) -> None:
        messages.append(message)

    async def receive() -> Any:
        raise AssertionError("nothing is read")

    scope: Any = {"type": "http", "method": "POST", "path": "/x", "headers": list(headers), "client": None}
    await observer(scope, receive, send)
    CURRENT.set(None)
    return dict(messages[0]["headers"]), messages[1]["body"]


@asynccontextmanager
async def traced(spans: InMemorySpanExporter) -> AsyncIterator[RequestTracer]:
    with tracing(spans) as tracer:
        yield tracer


async def test_a_sent_request_id_is_used_and_logged() -> None:
    headers, body = await answer(Observer(query, Settings()), (b"x-request-id", b"mine-1"))
    assert headers[b"x-request-id"] == b"mine-1"
    assert b'"request_id":"mine-1"' in body


@pytest.mark.parametrize(
    "sent", [(), ((b"x-request-id", b"a b"),), ((b"x-request-id", b"a"), (b"x-request-id", b"b"))]
)
async def test_a_missing_or_invalid_request_id_is_replaced(sent: tuple[tuple[bytes, bytes], ...]) -> None:
    observer = Observer(query, Settings())
    (first, _), (second, _) = await answer(observer, *sent), await answer(observer, *sent)
    assert first[b"x-request-id"] != second[b"x-request-id"]
    assert first[b"x-request-id"] not in (b"a b", b"a", b"b")


async def test_without_tracing_a_valid_trace_is_returned() -> None:
    valid = f"00-{TRACE}-{SPAN}-01".encode()
    headers, body = await answer(Observer(query, Settings()), (b"traceparent", valid))
    assert headers[b"traceparent"] == valid
    assert f'"trace_id":"{TRACE}"'.encode() in body
    headers, _ = await answer(Observer(query, Settings()), (b"traceparent", b"00-nonsense"))
    assert b"traceparent" not in headers


async def test_a_trace_of_a_client_gets_a_span_with_its_phases() -> None:
    spans = InMemorySpanExporter()
    async with traced(spans) as tracer:
        headers, _ = await answer(
            Observer(query, Settings(), tracer), (b"traceparent", f"00-{TRACE}-{SPAN}-01".encode())
        )
        assert b"server-timing" not in headers
    *phases, request = spans.get_finished_spans()
    assert request.name == f"POST {PATTERN}"
    assert request.parent is not None
    assert f"{request.parent.span_id:016x}" == SPAN
    own = request.get_span_context()
    assert headers[b"traceparent"] == f"00-{TRACE}-{own.span_id:016x}-01".encode()
    assert [each.name for each in phases] == ["auth", "plan", "db"]
    assert all(each.parent is not None and each.parent.span_id == own.span_id for each in phases)
    attributes = dict(request.attributes or {})
    assert attributes["http.route"] == PATTERN
    assert attributes["http.response.status_code"] == 200


async def test_with_tracing_an_invalid_trace_is_replaced() -> None:
    spans = InMemorySpanExporter()
    async with traced(spans) as tracer:
        headers, _ = await answer(Observer(query, Settings(), tracer), (b"traceparent", b"00-nonsense"))
    *_, request = spans.get_finished_spans()
    assert request.parent is None
    assert f"{request.get_span_context().trace_id:032x}".encode() in headers[b"traceparent"]


async def test_timings_of_an_error_end_with_the_phase_that_failed() -> None:
    headers, _ = await answer(Observer(missing, Settings(server_timing=True)))
    assert [each.partition(b";")[0] for each in headers[b"server-timing"].split(b", ")] == [b"auth", b"plan"]


async def test_a_request_without_a_response_is_traced() -> None:
    async def fails(_scope: Any, _receive: Any, _send: Any) -> None:
        raise RuntimeError("no response")

    spans = InMemorySpanExporter()
    async with traced(spans) as tracer:
        with pytest.raises(RuntimeError):
            await answer(Observer(fails, Settings(), tracer))
    (request,) = spans.get_finished_spans()
    assert dict(request.attributes or {})["http.response.status_code"] == 0


async def test_a_plan_is_shown_without_values() -> None:
    rows = [
        ("Limit  (cost=0.29..8.31 rows=1 width=40)",),
        ("  ->  Index Scan using x_1 on t_2  (cost=0.29..8.31 rows=1 width=40)",),
        ("        Index Cond: ((c_1)::text = 'it''s",),
        (" secret'::text)",),
        ("        Filter: (c_2 > '17.5'::numeric) AND (c_3 < -263) AND (c_4 = ANY ('{a,b}'::text[]))",),
    ]
    assert shown_plan(rows) == (
        "Limit\n"
        "  ->  Index Scan using x_1 on t_2\n"
        "        Index Cond: ((c_1)::text = ?::text)\n"
        "        Filter: (c_2 > ?::numeric) AND (c_3 < ?) AND (c_4 = ANY (?::text[]))"
    )
