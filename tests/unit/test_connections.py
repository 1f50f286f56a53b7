"""Connections: which HTTP is accepted, when requests are cancelled, how a server stops; without storage."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from math import ceil
from typing import Any

import pytest
import structlog

from rowkeep.http.management.endpoint import COMPLETED
from rowkeep.http.responses import json_response
from rowkeep.server import process as serving
from rowkeep.server.connections import Edge, queued_bytes
from rowkeep.server.heads import MAX_BYTES, MAX_KNOWN, Head, KnownHeads
from rowkeep.settings import Settings

QUICK: dict[str, Any] = {
    "header_timeout_seconds": 0.4,
    "body_timeout_seconds": 0.4,
    "idle_timeout_seconds": 0.4,
    "write_timeout_seconds": 0.4,
}
BIG = 20_000_000


class Application:
    """An application whose requests take as long as their path says, and which notes how they end."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.ended: list[str] = []
        self.received_bytes = 0
        self.may_end: Callable[[], bool] = lambda: False
        """Whether requests of ``/held`` return."""

        self.loop: asyncio.AbstractEventLoop

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            self.loop = asyncio.get_running_loop()
            for kind in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{kind}.complete"})
            return
        path = scope["path"]
        if path.startswith("/api/v1/workspaces/changes/"):
            scope["state"][COMPLETED] = True
        self.begun.append(path)
        try:
            await self._answer(path, scope, receive, send)
            self.ended.append(f"finished {path}")
        except asyncio.CancelledError:
            self.ended.append(f"cancelled {path}")
            raise

    async def _answer(self, path: str, scope: Any, receive: Any, send: Any) -> None:
        content: Any = {"path": path}
        if path.endswith("/long"):
            await asyncio.sleep(30)
        elif path.endswith("/held"):
            while not self.may_end():  # noqa: ASYNC110 - asked of the test's thread and the server
                await asyncio.sleep(0.01)
        elif path.endswith("/echo"):
            content = {"headers": [[a.decode(), b.decode()] for a, b in scope["headers"]], "body": ""}
            more = True
            while more:
                message = await receive()
                if message["type"] == "http.disconnect":
                    return
                content["body"] += message["body"].decode()
                self.received_bytes += len(message["body"])
                more = message["more_body"]
        elif path.endswith("/client"):
            content = {"client": scope["client"][0], "scheme": scope["scheme"]}
        elif path.endswith("/big"):
            content = "x" * BIG
        elif path.endswith("/fault"):
            raise RuntimeError("a fault")
        await json_response(content).send(send)


class Running:
    """A server in a thread of this process."""

    def __init__(self, **settings: Any) -> None:
        self.application = Application()
        self.socket = serving.listen("127.0.0.1", 0)
        self.port = self.socket.getsockname()[1]
        self.server = serving.make_server(lambda: self.application, Settings(**settings))
        self._edge: Edge = self.server._edge  # type: ignore[attr-defined] # it is Rowkeep's server
        self._thread = threading.Thread(target=self.server.run, kwargs={"sockets": [self.socket]})
        self._thread.start()
        while not self.server.started:
            assert self._thread.is_alive()
            time.sleep(0.01)

    def connect(self, *sent: bytes) -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=20)
        connection.sendall(b"".join(sent))
        return connection

    def ask(self, *sent: bytes) -> bytes:
        """All that is answered until the connection is closed."""
        with self.connect(*sent) as connection:
            return received(connection)

    def wait_for(self, ending: str) -> None:
        """Wait until a request ends so."""
        self.wait_until(lambda: ending in self.application.ended)

    def wait_for_requests(self, *paths: str) -> None:
        """Wait until the application works on these requests, or has answered them."""
        self.wait_until(
            lambda: all(self.application.begun.count(each) >= paths.count(each) for each in paths)
        )

    @property
    def connections(self) -> list[Any]:
        """The open connections."""
        return list(self.server.server_state.connections)

    @property
    def is_stopping(self) -> bool:
        return self._edge.is_stopping

    @property
    def heads(self) -> KnownHeads:
        return self._edge.heads

    def sent_bytes(self) -> int:
        """What the client of the only connection has received."""
        (connection,) = self.connections
        raw = connection._raw
        return int(connection.transport.written_bytes - raw.get_write_buffer_size() - queued_bytes(raw))

    def pass_time(self, seconds: float) -> None:
        """Let the clock of the connections go on by so much at once, in the steps of their sweeps."""
        edge = self._edge

        async def sweep() -> None:
            for _ in range(ceil(seconds / edge.sweep_seconds)):
                edge.now += edge.sweep_seconds
                for connection in self.connections:
                    connection.check(edge.now)
                await asyncio.sleep(0)

        asyncio.run_coroutine_threadsafe(sweep(), self.application.loop).result()

    def wait_until(self, holds: Callable[[], bool]) -> None:
        until = time.monotonic() + 60
        while not holds():
            assert time.monotonic() < until
            time.sleep(0.01)

    def stop(self) -> float:
        """How long it takes to stop."""
        started = time.monotonic()
        self.server.should_exit = True
        self._thread.join()
        return time.monotonic() - started


def received(connection: socket.socket) -> bytes:
    pieces = []
    while piece := connection.recv(1_000_000):
        pieces.append(piece)
    return b"".join(pieces)


@pytest.fixture
def run() -> Iterator[Callable[..., Running]]:
    """Starts a server with these settings; it is stopped after the test."""
    with ExitStack() as stack:

        def start(**settings: Any) -> Running:
            running = Running(**settings)
            stack.callback(running.stop)
            return running

        yield start


@pytest.fixture(scope="module")
def usual() -> Iterator[Running]:
    running = Running()
    yield running
    running.stop()


def problem(response: bytes, status: int, code: str) -> dict[str, Any]:
    """The body of the last response, after checks of its form."""
    head, _, body = response[response.rindex(b"HTTP/1.1 ") :].partition(b"\r\n\r\n")
    lines = head.lower().split(b"\r\n")
    assert lines[0].startswith(b"http/1.1 %d " % status), response[:300]
    assert b"content-type: application/problem+json" in lines
    assert b"x-content-type-options: nosniff" in lines
    assert b"cache-control: no-store" in lines
    assert b"connection: close" in lines
    assert b"content-length: %d" % len(body) in lines
    found = json.loads(body)
    assert found["code"] == code
    return found


def request(path: str, *lines: str, method: str = "GET", body: bytes = b"", version: str = "1.1") -> bytes:
    head = [f"{method} {path} HTTP/{version}", "Host: x", *lines, "", ""]
    return "\r\n".join(head).encode() + body


CLOSE = "Connection: close"


@pytest.mark.parametrize(
    "raw",
    [
        b"garbage\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET / HTTP/2.0\r\nHost: a\r\n\r\n",
        b"GET / HTTP/0.9\r\nHost: a\r\n\r\n",
        b"CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET nothing HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: me@a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a, b:1\r\n\r\n",
        b"GET / HTTP/1.0\r\nHost: a:x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: [::1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: \xe9\r\n\r\n",
        request("/", "X: a\x00b"),
        request("/", "X : b"),
        request("/echo", "Content-Length: 1", "Transfer-Encoding: chunked", method="POST", body=b"0\r\n\r\n"),
        request("/echo", "Transfer-Encoding: chunked", "Content-Length: 1", method="POST", body=b"0\r\n\r\n"),
        request("/echo", "Transfer-Encoding: gzip, chunked", method="POST", body=b"0\r\n\r\n"),
        request("/echo", "Transfer-Encoding: identity", method="POST", body=b"0\r\n\r\n"),
        request("/echo", "Transfer-Encoding: chunked", method="POST", body=b"0\r\n\r\n", version="1.0"),
        request("/echo", "Content-Length: -1", method="POST"),
        request("/echo", "Content-Length: 1", "Content-Length: 2", method="POST", body=b"ab"),
        request("/echo", "Transfer-Encoding: chunked", method="POST", body=b"zz\r\n"),
        request("/echo", "Transfer-Encoding: chunked", method="POST", body=b"1\r\nabc\r\n0\r\n\r\n"),
    ],
    ids=lambda raw: repr(raw[:60]),
)
def test_what_is_not_http(usual: Running, raw: bytes) -> None:
    problem(usual.ask(raw), 400, "malformed_request")


def test_a_broken_request_after_good_ones(usual: Running) -> None:
    """What came before is answered first."""
    requests = (
        request("/api/v1/workspaces/changes/held"),
        request("/echo"),
        b"garbage\r\n\r\n",
        request("/echo"),
    )
    with usual.connect(*requests) as connection:
        usual.wait_for_requests("/api/v1/workspaces/changes/held")
        usual.application.may_end = lambda: True
        response = received(connection)
    assert response.count(b"HTTP/1.1 200 ") == 2
    assert b"/api/v1/workspaces/changes/held" in response
    problem(response, 400, "malformed_request")


def test_limits_of_a_head_are_exact(run: Callable[..., Running]) -> None:
    server = run(max_request_line_bytes=256, max_header_bytes=1024, max_header_count=10)
    overhead = len("GET  HTTP/1.1")
    for path, status in (("/" + "a" * (255 - overhead), 200), ("/" + "a" * (256 - overhead), 414)):
        response = server.ask(request(path, CLOSE))
        assert response.startswith(b"HTTP/1.1 %d " % status)
    problem(response, 414, "uri_too_long")
    plain = len(request("/", CLOSE, "X: "))
    for size, status in ((1024 - plain, 200), (1025 - plain, 431)):
        response = server.ask(request("/", CLOSE, "X: " + "y" * size))
        assert response.startswith(b"HTTP/1.1 %d " % status)
    problem(response, 431, "headers_too_large")
    for count, status in ((8, 200), (9, 431)):
        response = server.ask(request("/", CLOSE, *["X: y"] * count))
        assert response.startswith(b"HTTP/1.1 %d " % status)
    problem(response, 431, "headers_too_large")


def test_heads_that_do_not_end(run: Callable[..., Running]) -> None:
    server = run(max_header_bytes=2048)
    for raw in (
        b"\r\n" * 1200,
        request("/")[:-2] + b"X: " + b"y" * 2100,
        request("/")[:-2] + b"X:" + b" " * 2100,
    ):
        problem(server.ask(raw), 431, "headers_too_large")
    chunked = request("/echo", "Transfer-Encoding: chunked", method="POST")
    for rest in (b"0\r\n" + b"X: y\r\n" * 400, b"1;" + b"x" * 2100, b"0\r\nX: " + b"y" * 2100):
        with server.connect(chunked, b"1\r\na\r\n") as connection:
            time.sleep(0.1)
            connection.sendall(rest)
            problem(received(connection), 431, "headers_too_large")


def test_many_small_chunks_are_fine(run: Callable[..., Running]) -> None:
    server = run(max_header_bytes=256)
    body = b"1;a=b\r\nx\r\n" * 20_000 + b"0\r\n\r\n"
    response = server.ask(request("/echo", "Transfer-Encoding: chunked", CLOSE, method="POST", body=body))
    assert response.count(b"x") > 20_000


def test_trailers_are_no_headers(usual: Running) -> None:
    body = b"1\r\na\r\n0\r\nauth: smuggled\r\n\r\n"
    chunked = request("/echo", "Transfer-Encoding: chunked", CLOSE, method="POST", body=body)
    response = usual.ask(chunked)
    assert b'"body":"a"' in response
    assert b"smuggled" not in response


@pytest.mark.parametrize("protocol", ["h2c", "websocket", "other"])
def test_an_upgrade_is_ignored(usual: Running, protocol: str) -> None:
    """Clients of Java ask for HTTP/2 with their first request; its body must not get lost."""
    lines = ("Connection: Upgrade, HTTP2-Settings", f"Upgrade: {protocol}", "HTTP2-Settings: AAMAAABk")
    first = request("/echo", *lines, "Content-Length: 5", method="POST", body=b"hello")
    response = usual.ask(first, request("/echo", *lines), request("/echo", CLOSE))
    assert response.count(b"HTTP/1.1 200 ") == 3
    assert b'"body":"hello"' in response
    assert b"HTTP2-Settings" not in response


def test_expectations(usual: Running) -> None:
    head = request("/echo", "Expect: 100-continue", "Content-Length: 2", CLOSE, method="POST")
    with usual.connect(head) as connection:
        assert connection.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"ok")
        assert b'"body":"ok"' in received(connection)


def test_an_expectation_of_old_http_is_ignored(usual: Running) -> None:
    """Such a client would take the interim response for the response."""
    lines = ("Expect: 100-continue", "Content-Length: 2")
    response = usual.ask(request("/echo", *lines, method="POST", body=b"ok", version="1.0"))
    assert response.startswith(b"HTTP/1.1 200 ")
    assert b'"body":"ok"' in response


@pytest.mark.parametrize(
    "host", ["", "a_b.example:8000", "a.example.:", "[::1]:80", "[fe80::1%25en0]", "127.0.0.1", "a%20b"]
)
def test_values_of_host(usual: Running, host: str) -> None:
    response = usual.ask(f"GET /x HTTP/1.1\r\nHost: {host}\r\n{CLOSE}\r\n\r\n".encode())
    assert response.startswith(b"HTTP/1.1 200 ")


def test_a_body_that_nobody_reads(usual: Running) -> None:
    """The response comes at once, and the connection ends with it: the body may never come."""
    for lines in (("Content-Length: 1000000",), ("Transfer-Encoding: chunked",)):
        response = usual.ask(request("/", *lines, method="POST"))
        assert response.startswith(b"HTTP/1.1 200 ")
        assert b"connection: close" in response
    body = b"x" * 30_000_000
    response = usual.ask(request("/", f"Content-Length: {len(body)}", method="POST", body=body))
    assert response.startswith(b"HTTP/1.1 200 ")


def test_old_http(usual: Running) -> None:
    response = usual.ask(b"GET /x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    assert response.startswith(b"HTTP/1.1 200 ")
    assert b"connection: close" in response


def test_a_target_in_absolute_form(usual: Running) -> None:
    """An empty path means the root, and the host of the target counts, not the header."""
    for target, path in (
        ("http://a.example", "/"),
        ("HTTP://a.example?x=1", "/"),
        ("http://a.example:81/b", "/b"),
    ):
        response = usual.ask(request(target, CLOSE))
        assert response.startswith(b"HTTP/1.1 200 "), target
        assert response.endswith(b'{"path":"%b"}' % path.encode())
    for target, host in (
        ("http://a.example/echo", "a.example"),
        ("http://me@a.example:81/echo?x=/b", "a.example:81"),
        ("/echo?http://a.example", "x"),
    ):
        assert b'["host","%b"]' % host.encode() in usual.ask(request(target, CLOSE)), target
    problem(usual.ask(request("http://")), 400, "malformed_request")


def test_head_requests(usual: Running) -> None:
    response = usual.ask(request("/x", method="HEAD"), request("/y", CLOSE))
    assert response.count(b"content-length: ") == 2
    assert response.count(b"{") == 1


def test_a_refused_head_request_has_no_body_either(usual: Running) -> None:
    for refused in (request("/x", "Host: y", method="HEAD"), request("/" + "x" * 70_000, method="HEAD")):
        response = usual.ask(request("/x"), refused)
        assert response.count(b"HTTP/1.1 ") == 2
        assert b"content-type: application/problem+json" in response
        assert response.endswith(b"\r\n\r\n")
    problem(usual.ask(request("/x", method="HEAD"), b"garbage\r\n\r\n"), 400, "malformed_request")


def test_a_client_that_sends_no_more_but_reads(usual: Running) -> None:
    with usual.connect(request("/echo"), request("/x")) as connection:
        connection.shutdown(socket.SHUT_WR)
        assert received(connection).count(b"HTTP/1.1 200 ") == 2


def test_a_fault_is_a_problem_too(usual: Running) -> None:
    with structlog.testing.capture_logs() as logs:
        problem(usual.ask(request("/fault")), 500, "internal_error")
    assert [line["event"] for line in logs] == ["request failed"]


def test_a_proxy_on_this_host_says_who_sends_a_request(usual: Running) -> None:
    forwarded = request("/client", "X-Forwarded-For: 203.0.113.7", "X-Forwarded-Proto: https")
    response = usual.ask(forwarded, request("/client", CLOSE))
    first, second = (json.loads(part) for part in re.findall(rb"\r\n\r\n({.*?})", response))
    assert first == {"client": "203.0.113.7", "scheme": "https"}
    assert second == {"client": "127.0.0.1", "scheme": "http"}


def test_pipelined_requests(run: Callable[..., Running]) -> None:
    server = run(max_pipelined_requests=3)
    with structlog.testing.capture_logs() as logs:
        response = server.ask(*[request("/x")] * 3, request("/x", CLOSE))
        assert response.count(b"HTTP/1.1 200 ") == 4
        for _ in range(3):
            assert server.ask(*[request("/api/public/long")] * 5) == b""
        server.wait_for("cancelled /api/public/long")
    assert [line["event"] for line in logs] == ["too many pipelined requests"]


def next_response(connection: socket.socket) -> Any:
    """The content of the next response of an open connection."""
    head, body = b"", b""
    while not head.endswith(b"\r\n\r\n"):
        head += connection.recv(1)
    found = re.search(rb"content-length: (\d+)", head)
    assert found is not None
    while len(body) < int(found[1]):
        body += connection.recv(int(found[1]) - len(body))
    return json.loads(body)


TWO_BYTES = "Content-Length: 2"


@pytest.mark.parametrize(
    ("lines", "is_known"),
    [
        ([TWO_BYTES], True),
        ([TWO_BYTES, "Accept-Encoding: gzip", "X-Twice: 1", "x-twice: 2"], True),
        ([TWO_BYTES, "X-Forwarded-For: 192.0.2.7"], True),
        ([TWO_BYTES, "X-Request-Id: 7"], False),
        ([TWO_BYTES, "traceparent: 7"], False),
        ([TWO_BYTES, "Idempotency-Key: 7"], False),
        ([TWO_BYTES, f"X-Long: {'x' * MAX_BYTES}"], False),
    ],
)
def test_a_head_that_arrives_again(run: Callable[..., Running], lines: list[str], is_known: bool) -> None:
    running = run()
    sent = [[name.lower(), value.strip()] for name, _, value in (line.partition(":") for line in lines)]
    with running.connect() as connection:
        for body in ("ab", "cd", "\r\n"):
            connection.sendall(request("/echo", *lines, method="POST", body=body.encode()))
            assert next_response(connection) == {"headers": [["host", "x"], *sent], "body": body}
        # the head alone is that of a body that is yet to come
        connection.sendall(request("/echo", *lines, method="POST"))
        connection.sendall(b"e")
        connection.sendall(b"f")
        assert next_response(connection)["body"] == "ef"
        # two messages at once
        connection.sendall(request("/echo", *lines, method="POST", body=b"gh") * 2)
        assert [next_response(connection)["body"] for _ in range(2)] == ["gh", "gh"]
        assert len(running.heads.known) == is_known
    # for another connection too
    with running.connect(request("/echo", *lines, method="POST", body=b"ij")) as connection:
        assert next_response(connection)["body"] == "ij"


@pytest.mark.parametrize(
    ("raw", "is_known"),
    [
        (request("/echo", "Transfer-Encoding: chunked", body=b"2\r\nab\r\n0\r\n\r\n"), False),
        (request("/echo", TWO_BYTES, body=b"ab", version="1.0"), False),
        (request("/echo", TWO_BYTES, CLOSE, body=b"ab"), False),
        (request("/echo", TWO_BYTES, "Upgrade: h2c", "Connection: Upgrade", body=b"ab"), True),
        (b"\r\n" + request("/echo", TWO_BYTES, body=b"ab"), True),
        (b"\r\n\r\n" + request("/echo", TWO_BYTES, body=b"ab"), False),
    ],
)
def test_special_heads_that_arrive_again(run: Callable[..., Running], raw: bytes, is_known: bool) -> None:
    running = run()
    found = []
    for _ in range(2):
        with running.connect(raw) as connection:
            found.append(next_response(connection))
    assert found[0] == found[1]
    assert found[0]["body"] == "ab"
    assert len(running.heads.known) == is_known


def test_a_known_head_of_a_connection_that_stops(run: Callable[..., Running]) -> None:
    running = run(stop_grace_seconds=0.1)
    with running.connect(request("/echo")) as connection:
        next_response(connection)
        running.stop()
        assert received(connection) == b""
    assert len(running.heads.known) == 1


def test_only_so_many_heads_are_known() -> None:
    heads = KnownHeads()
    head = Head("GET", "/", b"/", b"", "1.1", (), {}, keeps_alive=True, is_forwarded=False)
    for number in range(MAX_KNOWN + 1):
        heads.add(b"GET /%d HTTP/1.1\r\n\r\n" % number, head)
    assert len(heads.known) == MAX_KNOWN
    assert b"GET /0 HTTP/1.1\r\n\r\n" not in heads.known


def test_a_client_that_goes_cancels_its_request(run: Callable[..., Running]) -> None:
    server = run()
    paths = (
        "/api/public/tables/a/long",
        "/api/v1/workspaces/main/data/tables/b/long",
        "/api/v1/long",
        "/long",
    )
    held = "/api/v1/workspaces/changes/held"
    with structlog.testing.capture_logs() as logs:
        for path in (*paths, held):
            server.connect(request(path)).close()
            server.wait_for_requests(path)
            server.wait_until(lambda: all(each.is_half_closed for each in server.connections))
        server.pass_time(5)
        for path in paths:
            server.wait_for(f"cancelled {path}")
        server.application.may_end = lambda: True
        server.wait_for(f"finished {held}")
    assert logs == []


def test_a_client_that_goes_before_it_reads_its_error(run: Callable[..., Running]) -> None:
    server = run()
    with server.connect() as client:
        server.wait_until(lambda: len(server.connections) == 1)
        (connection,) = server.connections
        # as if earlier responses filled all buffers
        server.application.loop.call_soon_threadsafe(connection.pause_writing)
        chunked = "Transfer-Encoding: chunked"
        client.sendall(request("/invalid/echo", chunked, method="POST", body=b"not a size\r\n"))
        server.wait_until(lambda: connection.running is not None)
    server.wait_until(lambda: not server.connections)
    # else it would be in memory for ever, and a stop would wait for it
    server.wait_until(lambda: not server.server.server_state.tasks)


def test_requests_that_take_too_long(run: Callable[..., Running]) -> None:
    server = run(max_request_seconds=0.3)
    held = server.connect(request("/api/v1/workspaces/changes/held", CLOSE))
    server.wait_for_requests("/api/v1/workspaces/changes/held")
    response = server.ask(request("/api/public/long"))
    problem(response, 503, "processing_timeout")
    assert b"retry-after: " in response
    server.application.may_end = lambda: True
    assert received(held).startswith(b"HTTP/1.1 200 ")
    assert server.application.ended == [
        "cancelled /api/public/long",
        "finished /api/v1/workspaces/changes/held",
    ]


@pytest.mark.parametrize("path", ["/api/v1/echo", "/echo"])
def test_a_body_that_stands_still(run: Callable[..., Running], path: str) -> None:
    server = run(**QUICK)
    half = request(path, "Content-Length: 10", method="POST", body=b"half")
    problem(server.ask(half), 408, "request_timeout")


def test_a_body_that_comes_slowly_is_read(run: Callable[..., Running]) -> None:
    """In all it takes longer than the time of each part."""
    server = run(body_timeout_seconds=20)
    head = request("/echo", "Content-Length: 6", method="POST")
    with server.connect(head) as connection:
        for count, byte in enumerate(b"slowly", 1):
            connection.sendall(bytes([byte]))
            server.wait_until(lambda count=count: server.application.received_bytes == count)  # type: ignore[misc]
            server.pass_time(12)
        assert connection.recv(1000).startswith(b"HTTP/1.1 200 ")


def test_heads_and_idle_connections(run: Callable[..., Running]) -> None:
    server = run(**QUICK)
    with ExitStack() as stack:
        silent, idle, slow, *others = [
            stack.enter_context(server.connect(sent))
            for sent in (
                b"",
                request("/x"),
                b"GET / HTTP/1.1\r\n",
                b"G",
                b"\r\n",
                b"GET / HTTP/1.1\r\nHost:",
                request("/x") + b"GET",
            )
        ]
        for _ in range(8):  # a head that comes slowly has its time all the same
            time.sleep(0.1)
            slow.sendall(b"X: y\r\n")
        assert received(silent) == b""
        assert received(idle).count(b"HTTP/1.1 ") == 1
        for each in (slow, *others):
            problem(received(each), 408, "request_timeout")


def test_responses_that_nobody_reads(run: Callable[..., Running]) -> None:
    server = run(**QUICK)
    with server.connect(request("/big")) as connection:
        server.wait_for_requests("/big")
        server.wait_until(lambda: not server.connections)
        assert len(received(connection)) < BIG


def test_a_response_that_is_read_slowly(run: Callable[..., Running]) -> None:
    """In all it takes longer than the time of each part."""
    server = run(write_timeout_seconds=20)
    with server.connect(request("/big", CLOSE)) as connection:
        size = 0
        for _ in range(6):
            server.pass_time(12)
            before = server.sent_bytes()
            size += len(connection.recv(1_000_000))
            server.wait_until(lambda before=before: server.sent_bytes() > before)  # type: ignore[misc]
        assert size + len(received(connection)) > BIG


def test_more_connections_than_may_be(run: Callable[..., Running]) -> None:
    server = run(max_connections=3, write_timeout_seconds=0.4)  # so that it looks often who is gone
    with structlog.testing.capture_logs() as logs, ExitStack() as stack:
        idle = [stack.enter_context(server.connect(request("/x"))) for _ in range(3)]
        for connection in idle:
            assert connection.recv(1000).startswith(b"HTTP/1.1 200 ")
        busy = [stack.enter_context(server.connect(request("/api/public/long"))) for _ in range(2)]
        server.wait_for_requests(*["/api/public/long"] * 2)
        assert idle[0].recv(1000) == b""
        assert idle[1].recv(1000) == b""
        idle[2].sendall(request("/api/public/long"))
        server.wait_for_requests(*["/api/public/long"] * 3)
        for _ in range(2):
            problem(server.ask(), 503, "busy")
        busy[0].close()
        server.wait_for("cancelled /api/public/long")
        assert server.ask(request("/x", CLOSE)).startswith(b"HTTP/1.1 200 ")
    assert [line["event"] for line in logs] == ["too many connections"]


def test_a_stop_ends_everything(run: Callable[..., Running], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "CANCEL_SECONDS", 0.3)
    server = run(stop_grace_seconds=0.3)
    with structlog.testing.capture_logs() as logs, ExitStack() as stack:
        idle, half_head, unread, half_body, long, management, held = (
            stack.enter_context(server.connect(sent))
            for sent in (
                request("/x"),
                request("/x") + b"GET /",
                request("/big"),
                request("/echo", "Content-Length: 9", method="POST", body=b"half"),
                request("/api/public/long") + request("/x"),
                request("/api/v1/workspaces/changes/long"),
                request("/api/v1/workspaces/changes/held"),
            )
        )
        paths = [
            "/big",
            "/echo",
            "/api/public/long",
            "/api/v1/workspaces/changes/long",
            "/api/v1/workspaces/changes/held",
        ]
        server.wait_for_requests("/x", "/x", *paths)
        server.application.may_end = lambda: server.is_stopping
        assert server.stop() < 10
        for connection in (idle, half_head):
            assert received(connection).count(b"HTTP/1.1 200 ") == 1
        for connection in (half_body, long, management):
            problem(received(connection), 503, "shutting_down")
        assert received(held).startswith(b"HTTP/1.1 200 ")
        assert unread.recv(1000).startswith(b"HTTP/1.1 200 ")
    assert logs == []


def test_a_quiet_stop_is_quick(run: Callable[..., Running]) -> None:
    server = run(stop_grace_seconds=60)
    server.application.may_end = lambda: server.is_stopping
    with (
        server.connect(request("/x")) as idle,
        server.connect(request("/api/v1/workspaces/changes/held")) as busy,
    ):
        assert idle.recv(1000).startswith(b"HTTP/1.1 200 ")
        server.wait_for_requests("/api/v1/workspaces/changes/held")
        assert server.stop() < 60
        assert b"connection: close" in received(busy)
