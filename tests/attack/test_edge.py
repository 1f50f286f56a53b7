"""Attacks without a token, on raw sockets: what one client may send, hold open or leave unread."""

from __future__ import annotations

import contextlib
import json
import resource
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import psutil
import pytest
from vitals import Vitals

from support import plain
from support.bot import Bot
from support.server import RowkeepServer
from support.workspace import PEOPLE, Workspace

pytestmark = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
"""The edge does not touch the database."""

Launch = Callable[..., RowkeepServer]
Watch = Callable[[RowkeepServer], Vitals]

HEALTH = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
MEGABYTE = 1024 * 1024
QUICK: dict[str, Any] = {
    "header_timeout_seconds": 1,
    "body_timeout_seconds": 1,
    "idle_timeout_seconds": 1,
    "write_timeout_seconds": 1,
}


@contextlib.contextmanager
def connected(server: RowkeepServer) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        yield connection


def send_until_closed(connection: socket.socket, piece: bytes, times: int) -> int:
    """How many bytes are accepted before the server closes the connection."""
    sent = 0
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        for _ in range(times):
            connection.sendall(piece)
            sent += len(piece)
    return sent


def received(connection: socket.socket) -> bytes:
    pieces = []
    with contextlib.suppress(ConnectionResetError):
        while piece := connection.recv(MEGABYTE):
            pieces.append(piece)
    return b"".join(pieces)


def holds(vitals: Vitals, megabytes: float) -> None:
    """The server answered others meanwhile, and took no more memory than this."""
    vitals.end()
    assert vitals.failures == []
    assert vitals.slowest_health_seconds < 2
    assert vitals.grown_megabytes < megabytes


def test_pipelined_requests_without_end(launch: Launch, watch: Watch, scale: int) -> None:
    server = launch()
    vitals = watch(server)
    for _ in range(3 * scale):
        with connected(server) as connection:
            send_until_closed(connection, HEALTH * 1000, 400)
            assert received(connection).count(b"HTTP/1.1 ") < 20
    holds(vitals, 30)
    assert server.log.read_text().count("too many pipelined requests") <= 2 + scale


@pytest.mark.parametrize(
    ("begin", "piece", "status"),
    [
        (b"GET / HTTP/1.1\r\nHost: x\r\nX: ", b"y" * MEGABYTE, 431),
        (b"GET / HTTP/1.1\r\nHost: x\r\n", b"X: y\r\n" * 100_000, 431),
        (b"GET /", b"a" * MEGABYTE, 414),
        (b"", b"\r\n" * (MEGABYTE // 2), 431),
        (b"POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1;", b"x" * MEGABYTE, 404),
        (
            b"POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
            b"X: y\r\n" * 100_000,
            404,
        ),
    ],
    ids=["header", "headers", "url", "empty lines", "chunk extension", "trailers"],
)
def test_heads_without_end(
    launch: Launch, watch: Watch, scale: int, begin: bytes, piece: bytes, status: int
) -> None:
    """Refused at once; what the client goes on to send is discarded, up to a bound."""
    server = launch()
    vitals = watch(server)
    for _ in range(scale):
        with connected(server) as connection:
            connection.sendall(begin)
            sent = send_until_closed(connection, piece, 128)
            response = received(connection)
            assert sent < 100 * MEGABYTE
            assert response == b"" or response.startswith(b"HTTP/1.1 %d " % status)
        with connected(server) as connection:
            connection.sendall(begin + piece[:300_000])
            assert connection.recv(1000).startswith(b"HTTP/1.1 %d " % status)
    holds(vitals, 30)


def test_connections_that_do_nothing(launch: Launch, watch: Watch, scale: int) -> None:
    server = launch(**QUICK)
    bot = bot_of(server)
    vitals = watch(server)
    head = f"POST /api/public/tables/people HTTP/1.1\r\nHost: x\r\nauth: {bot.token()}\r\n"
    head += "Content-Length: 9\r\n\r\n"
    process = psutil.Process(server.process.pid)
    with ExitStack() as stack:
        waiting = [
            stack.enter_context(connected(server))
            for _ in range(80)
            for _ in ("idle", "half a head", "half a body")
        ]
        for at, connection in enumerate(waiting):
            connection.sendall((b"", b"GET /healthz HT", head.encode() + b"{")[at % 3])
        endings = [received(connection)[:12] for connection in waiting]
        assert set(endings[0::3]) == {b""}
        assert set(endings[1::3]) == {b"HTTP/1.1 408"}
        assert set(endings[2::3]) == {b"HTTP/1.1 408"}
    holds(vitals, 30)
    until(lambda: len(process.net_connections("tcp")) <= 3)


def test_responses_that_nobody_reads(launch: Launch, watch: Watch, scale: int) -> None:
    """The connections are closed, and the memory is given back."""
    server = launch(**QUICK)
    bot = bot_of(server)
    assert bot.bulk("people", [{"First_Name": "x" * 100_000}] * 200).status_code == 200
    body = b"{}"
    query = (
        f"POST /api/public/tables/people/query?sys_limit=200 HTTP/1.1\r\nHost: x\r\nauth: {bot.token()}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode() + body
    process = psutil.Process(server.process.pid)
    with ExitStack() as stack:
        for _ in range(4):
            stack.enter_context(connected(server)).sendall(query)
        until(lambda: "client does not read" in server.log.read_text())
        until(lambda: not [each for each in process.net_connections("tcp") if each.status == "ESTABLISHED"])


def test_more_connections_than_may_be(launch: Launch, scale: int) -> None:
    server = launch(max_connections=20)
    with ExitStack() as stack:
        for _ in range(100 * scale):
            stack.enter_context(connected(server)).sendall(HEALTH[:-2])
        assert plain.get(server.url + "/healthz").status_code == 200
    assert "too many connections" in server.log.read_text()


def test_no_file_descriptors(launch: Launch) -> None:
    """It says so in the log, and goes on when there are some again."""
    server = launch()
    process = psutil.Process(server.process.pid)
    few = process.num_fds() + 20
    process.rlimit(psutil.RLIMIT_NOFILE, (few, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    with ExitStack() as stack:
        for _ in range(60):
            connection = stack.enter_context(connected(server))
            with contextlib.suppress(OSError):
                connection.sendall(HEALTH)
        until(lambda: "cannot accept connections" in server.log.read_text())
    until(lambda: healthy(server))
    line = next(line for line in server.log.read_text().splitlines() if "cannot accept connections" in line)
    assert json.loads(line)["error"] == "Too many open files"


def test_bodies_that_are_held(launch: Launch, watch: Watch) -> None:
    """Half-sent bodies take a bounded amount of memory, for a bounded time; small requests go on."""
    server = launch(max_buffered_bytes=2 * MEGABYTE, body_timeout_seconds=1.5, busy_timeout_seconds=0.3)
    bot = bot_of(server)
    vitals = watch(server)
    head = (
        f"POST /api/public/tables/people/bulk HTTP/1.1\r\nHost: x\r\nauth: {bot.token()}\r\n"
        f"Content-Length: {60 * MEGABYTE}\r\n\r\n"
    )
    with ExitStack() as stack:
        holding = [stack.enter_context(connected(server)) for _ in range(10)]
        for connection in holding:
            connection.sendall(head.encode() + b'{"data":[')
            connection.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                connection.send(b" " * MEGABYTE)
            connection.setblocking(True)
        statuses = sorted(received(connection)[9:12] for connection in holding)
        assert set(statuses) <= {b"503", b"408"}
        assert statuses.count(b"503") >= 5
        assert bot.insert("people", {"Number": 1}).status_code == 200
    holds(vitals, 60)
    large = bot.bulk("people", [{"First_Name": "x" * 1000}] * 4000)
    assert large.status_code == 200


def bot_of(server: RowkeepServer) -> Bot:
    main = Workspace(server, "main")
    main.create_table(PEOPLE)
    return main.bot({"people": "rwd"})


def healthy(server: RowkeepServer) -> bool:
    try:
        return plain.get(server.url + "/healthz").status_code == 200
    except Exception:
        return False


def until(holds_now: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not holds_now():
        assert time.monotonic() < end
        time.sleep(0.05)
