"""A response whose length is known leaves in one piece; every other as uvicorn sends it."""

from __future__ import annotations

import asyncio
import gc
import weakref
from contextvars import ContextVar
from types import SimpleNamespace
from typing import Any

import pytest

from rowkeep.server.exchange import MAX_WHOLE_BYTES, VARYING, Exchange, _head

pytestmark = pytest.mark.anyio

DATE = (b"date", b"Fri, 27 Nov 2026 12:00:00 GMT")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Wire:
    """A transport and its flow control."""

    write_paused = read_paused = False

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.is_closed = self.is_aborted = False
        self.reads = asyncio.Event()

    async def drain(self) -> None:
        await self.reads.wait()

    def write(self, data: bytes) -> None:
        self.sent.append(data)

    def close(self) -> None:
        self.is_closed = True

    def abort(self) -> None:
        self.is_aborted = True


async def _no_error(*_: object) -> None:
    """No request fails here."""


def exchange(wire: Wire, method: str = "GET", *, keep_alive: bool = True, version: str = "1.1") -> Exchange:
    connection: Any = SimpleNamespace(
        scope={"type": "http", "method": method, "path": "/", "http_version": version},
        transport=wire,
        flow=wire,
        server_state=SimpleNamespace(default_headers=[DATE]),
        expect_100_continue=False,
        on_response_complete=lambda: None,
        tasks=set(),
    )
    made = Exchange(connection, _no_error)
    made.keep_alive = keep_alive
    return made


async def respond(
    to: Exchange, *bodies: bytes, headers: list[tuple[bytes, bytes]], status: int = 200
) -> None:
    await to.send({"type": "http.response.start", "status": status, "headers": headers})
    for at, body in enumerate(bodies, 1):
        await to.send({"type": "http.response.body", "body": body, "more_body": at < len(bodies)})


def length(size: int) -> tuple[bytes, bytes]:
    return (b"content-length", b"%d" % size)


@pytest.mark.parametrize("keep_alive", [True, False])
async def test_head_and_body_are_one_write(keep_alive: bool) -> None:
    wire = Wire()
    answered = exchange(wire, keep_alive=keep_alive)
    # the length need not be last: what adds headers for browsers adds them behind it
    await respond(answered, b"{}", headers=[length(2), (b"Allow", b"GET")], status=405)
    closes = b"" if keep_alive else b"connection: close\r\n"
    assert wire.sent == [
        b"HTTP/1.1 405 Method Not Allowed\r\ndate: Fri, 27 Nov 2026 12:00:00 GMT\r\nallow: GET\r\n%b"
        b"content-length: 2\r\n\r\n{}" % closes
    ]
    assert answered.response_started
    assert answered.response_complete
    assert wire.is_closed is not keep_alive


@pytest.mark.parametrize("disconnects", [False, True])
async def test_a_response_waits_for_a_client_that_reads_slowly(disconnects: bool) -> None:
    wire = Wire()
    wire.write_paused = True
    answered = exchange(wire)
    responding = asyncio.ensure_future(respond(answered, b"{}", headers=[length(2)]))
    await asyncio.sleep(0)
    assert wire.sent == []
    answered.disconnected = disconnects
    wire.reads.set()
    await responding
    assert len(wire.sent) == (not disconnects)
    assert answered.response_complete is not disconnects


async def test_parts_of_a_body_are_received_together() -> None:
    received = exchange(Wire())
    assert [received.add_to_body(part) for part in (b"a", b"bc", b"def")] == [1, 3, 6]
    assert await received.receive() == {"type": "http.request", "body": b"abcdef", "more_body": True}
    waiting = asyncio.ensure_future(received.receive())
    await asyncio.sleep(0)
    received.add_to_body(b"g")
    received.end_body()
    assert await waiting == {"type": "http.request", "body": b"g", "more_body": False}


async def test_nothing_is_sent_before_the_body() -> None:
    wire = Wire()
    begun = exchange(wire)
    await respond(begun, headers=[length(2)])
    assert wire.sent == []
    # so a request that is cancelled here still gets its error
    assert not begun.response_started


async def test_a_large_body_is_not_copied() -> None:
    wire = Wire()
    body = b"x" * (MAX_WHOLE_BYTES + 1)
    await respond(exchange(wire), body, headers=[length(len(body))])
    assert wire.sent[1:] == [body]


async def test_parts_of_a_body_are_sent_as_they_come() -> None:
    wire = Wire()
    await respond(exchange(wire), b"ab", b"c", headers=[length(3)])
    assert wire.sent[1:] == [b"ab", b"c"]


async def test_a_body_without_a_length_is_chunked() -> None:
    wire = Wire()
    await respond(exchange(wire), b"abc", headers=[])
    assert b"transfer-encoding: chunked" in wire.sent[0]
    assert wire.sent[1] == b"3\r\nabc\r\n0\r\n\r\n"


async def test_head_gets_no_body() -> None:
    wire = Wire()
    await respond(exchange(wire, "HEAD"), b"{}", headers=[length(2)])
    (head,) = wire.sent
    assert head.endswith(b"content-length: 2\r\n\r\n")


async def test_a_wrong_length_is_never_sent_whole() -> None:
    with pytest.raises(RuntimeError, match="shorter"):
        await respond(exchange(Wire()), b"{}", headers=[length(3)])


@pytest.mark.parametrize("field", [(b"location", b"/\r\nx: y"), (b"a b", b"c")])
async def test_no_header_can_end_its_line(field: tuple[bytes, bytes]) -> None:
    wire = Wire()
    with pytest.raises(RuntimeError, match="invalid"):
        await respond(exchange(wire), b"{}", headers=[field, length(2)])
    assert wire.sent == []


async def test_nothing_is_sent_to_a_client_that_has_gone() -> None:
    wire = Wire()
    left = exchange(wire)
    left.disconnected = True
    await respond(left, b"{}", headers=[length(2)])
    assert wire.sent == []


async def test_without_a_length_a_response_to_http_1_0_ends_with_the_connection() -> None:
    wire = Wire()
    await respond(exchange(wire, version="1.0"), b"one", b"two", b"", headers=[])
    assert b"".join(wire.sent).partition(b"\r\n\r\n")[2] == b"onetwo"
    assert b"chunked" not in wire.sent[0]
    assert b"connection: close" in wire.sent[0]
    assert wire.is_closed


@pytest.mark.parametrize(("version", "is_aborted"), [("1.0", True), ("1.1", False)])
async def test_a_response_that_breaks_off_never_looks_whole(version: str, is_aborted: bool) -> None:
    wire = Wire()
    broken = exchange(wire, version=version)
    broken.task = asyncio.ensure_future(asyncio.sleep(0))

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"one", "more_body": True})

    await broken.run_asgi(app)
    assert (wire.is_aborted, wire.is_closed) == (is_aborted, not is_aborted)
    assert not b"".join(wire.sent).endswith(b"0\r\n\r\n")


async def test_what_differs_in_each_response_is_not_part_of_a_cached_head() -> None:
    _head.cache_clear()
    for left in range(3):
        answered = exchange(wire := Wire())
        varying = [(name, b"%d" % left) for name in sorted(VARYING)]
        await respond(answered, b"{}", headers=[(b"ratelimit-policy", b"q=3"), *varying, length(2)])
        assert all(b"%b: %d\r\n" % (name, left) in wire.sent[0] for name in VARYING)
    assert _head.cache_info().misses == 1


async def test_a_body_that_has_arrived_is_received_at_once() -> None:
    received = exchange(Wire())
    received.add_to_body(b"{")
    assert received.add_to_body(b"}") == 2
    received.end_body()
    assert await received.receive() == {"type": "http.request", "body": b"{}", "more_body": False}
    # then only the end of the connection is left to wait for
    waiting = asyncio.ensure_future(received.receive())
    await asyncio.sleep(0)
    assert not waiting.done()
    received.disconnected = True
    received.wake()
    assert await waiting == {"type": "http.disconnect"}


async def test_an_exchange_is_freed_without_the_collector_of_garbage() -> None:
    """What serves a request is often found by the context of its task, and finds the task itself."""
    found: ContextVar[object] = ContextVar("found")

    async def app(_scope: object, _receive: object, send: Any) -> None:
        found.set(send)
        await send({"type": "http.response.start", "status": 200, "headers": [length(2)]})
        await send({"type": "http.response.body", "body": b"{}"})

    served = exchange(Wire())
    task = served.task = asyncio.ensure_future(served.run_asgi(app))
    freed = weakref.ref(served)
    gc.disable()
    try:
        await task
        served.cancel(None)  # nothing is left to cancel
        del served, task
        await asyncio.sleep(0)
        assert freed() is None
    finally:
        gc.enable()
