"""Bodies that are too large: refused by their announced length, or while they come in."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator

import pytest
from answers import good, problem

from support.bot import Bot
from support.engines import ON_SQLITE
from support.server import RowkeepServer
from support.workspace import PEOPLE, Workspace

pytestmark = ON_SQLITE

LIMIT = 4096
TABLE = "/api/public/tables/people"


@pytest.fixture(scope="module")
def small(new_store: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[RowkeepServer]:
    """A server that reads no more than 4,096 bytes of a body."""
    server = RowkeepServer(new_store(), tmp_path_factory.mktemp("small"), max_body_bytes=LIMIT)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def bot(small: RowkeepServer) -> Bot:
    main = Workspace(small, "main")
    main.create_table(PEOPLE)
    return main.bot({"people": "rwd"})


def body_of(size: int) -> bytes:
    """A good insert of exactly this many bytes."""
    empty = len(json.dumps({"data": {"First_Name": ""}}))
    body = json.dumps({"data": {"First_Name": "x" * (size - empty)}}).encode()
    assert len(body) == size
    return body


def chunks(body: bytes) -> Iterator[bytes]:
    for at in range(0, len(body), 500):
        yield body[at : at + 500]


def test_as_large_as_may_be(bot: Bot) -> None:
    good(bot.request("POST", TABLE, content=body_of(LIMIT)))
    good(bot.request("POST", TABLE, content=chunks(body_of(LIMIT))))


@pytest.mark.parametrize("size", [LIMIT + 1, LIMIT * 10])
def test_larger_by_announced_length(bot: Bot, size: int) -> None:
    before = good(bot.query("people"))["total"]
    problem(bot.request("POST", TABLE, content=body_of(size)), 413, "body_too_large")
    assert good(bot.query("people"))["total"] == before


@pytest.mark.parametrize("size", [LIMIT + 1, LIMIT * 10])
def test_larger_in_chunks(bot: Bot, size: int) -> None:
    before = good(bot.query("people"))["total"]
    problem(bot.request("POST", TABLE, content=chunks(body_of(size))), 413, "body_too_large")
    assert good(bot.query("people"))["total"] == before


@pytest.mark.parametrize("path", ["/bulk", "/query", "/delete", ""])
def test_every_call_has_the_limit(bot: Bot, path: str) -> None:
    problem(bot.request("POST", TABLE + path, content=b"x" * (LIMIT + 1)), 413, "body_too_large")


def test_management_calls_have_it_too(small: RowkeepServer) -> None:
    with small.admin() as admin:
        problem(admin.post("/workspaces", content=b" " * (LIMIT + 1)), 413, "body_too_large")
        problem(admin.post("/workspaces", content=chunks(b" " * (LIMIT + 1))), 413, "body_too_large")


def test_who_may_not_ask_is_told_that_first(bot: Bot) -> None:
    headers = {"auth": "x"}
    problem(bot.request("POST", TABLE, content=b"x" * (LIMIT + 1), headers=headers), 401, "unauthenticated")
    problem(bot.request("POST", TABLE + "nosuch", content=b"x" * (LIMIT + 1)), 404, "no_such_table")


@pytest.mark.parametrize("length", ["1000000000000", "4097", "99999999999999999999999"])
def test_the_answer_does_not_wait_for_the_body(small: RowkeepServer, bot: Bot, length: str) -> None:
    """A client that announces too much is answered although it sends nothing."""
    head = f"POST {TABLE} HTTP/1.1\r\nHost: x\r\nauth: {bot.token()}\r\nContent-Length: {length}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", small.port)) as connection:
        connection.sendall(head.encode())
        status_line = connection.makefile("rb").readline()
    # Lengths beyond 64 bits are for the HTTP library to refuse.
    assert b" 413 " in status_line or (len(length) > 20 and b" 400 " in status_line)


@pytest.mark.parametrize(
    "raw",
    [
        b"garbage\r\n\r\n",
        b"POST / HTTP/9.9\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + b"X: " + b"y" * 200_000 + b"\r\n\r\n",
    ],
    ids=lambda raw: repr(raw[:40]),
)
def test_what_is_not_http_does_no_harm(small: RowkeepServer, bot: Bot, raw: bytes) -> None:
    with socket.create_connection(("127.0.0.1", small.port)) as connection:
        connection.sendall(raw)
        connection.shutdown(socket.SHUT_WR)
        answer = connection.makefile("rb").readline()
    assert b" 500 " not in answer
    good(bot.query("people"))


def test_a_client_that_leaves_in_the_middle(small: RowkeepServer, bot: Bot) -> None:
    before = good(bot.query("people"))["total"]
    body = body_of(1000)
    head = f"POST {TABLE} HTTP/1.1\r\nHost: x\r\nauth: {bot.token()}\r\nContent-Length: {len(body)}\r\n\r\n"
    for sent in (0, 1, 999):
        with socket.create_connection(("127.0.0.1", small.port)) as connection:
            connection.sendall(head.encode() + body[:sent])
    assert good(bot.query("people"))["total"] == before
