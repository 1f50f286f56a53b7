"""Streams of two workers on one store: what others get while one is stored, and what is left of it if the
server is killed. The worker that stores it is stopped in the middle, so that no step depends on time."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import itertools
import json
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import psutil
import pytest
from test_crash import start_server

from support.bot import Bot
from support.server import RowkeepServer
from support.workspace import Workspace, succeeded

__all__ = ["start_server"]

ITEMS = {
    "name": "items",
    "schemaDef": [{"name": "Code", "type": "string"}],
    "indexes": [{"name": "by_code", "isUnique": True, "columns": [{"name": "Code"}]}],
}
PATH = "/api/public/tables/items"
ROWS = 60_000
SECONDS = 240
TRIES = 20
"""A stream can have been stored before it is seen that this has begun; then another one is sent."""
STARTS = itertools.count(1)


class SqliteLoads:
    """Whether a process stores rows: it has the write lock of the file."""

    def __init__(self, url: str) -> None:
        self._directory = Path(url.removeprefix("sqlite:///")) / "workspaces"

    def __call__(self) -> bool:
        (file,) = self._directory.glob("*.db")
        with contextlib.closing(sqlite3.connect(file, timeout=0, isolation_level=None)) as connection:
            try:
                connection.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                assert "locked" in str(error)  # noqa: PT017 - both are right here
                return True
            connection.execute("ROLLBACK")
            return False


class PostgresLoads:
    """Whether a COPY runs."""

    def __init__(self, url: str) -> None:
        self._url = url

    def __call__(self) -> bool:
        return asyncio.run(self._has_copy())

    async def _has_copy(self) -> bool:
        connection = await asyncpg.connect(self._url)
        try:
            running = "SELECT count(*) FROM pg_stat_progress_copy WHERE datname = current_database()"
            return bool(await connection.fetchval(running))
        finally:
            await connection.close()


def loads_of(server: RowkeepServer) -> Callable[[], bool]:
    url = server.database_url
    return SqliteLoads(url) if url.startswith("sqlite") else PostgresLoads(url)


def until(holds: Callable[[], Any]) -> None:
    deadline = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.002)


class Connection:
    """A connection to one of the workers."""

    def __init__(self, server: RowkeepServer, bot: Bot) -> None:
        self._http = http.client.HTTPConnection("127.0.0.1", server.port, timeout=SECONDS)
        self._bot = bot
        assert self.ask("GET", "/healthz").status == 200
        port = self._http.sock.getsockname()[1]
        (self.worker,) = [
            each
            for each in psutil.Process(server.process.pid).children()
            if any(own.raddr and own.raddr.port == port for own in each.net_connections("tcp"))
        ]

    def ask(self, method: str, path: str, body: Any = None) -> http.client.HTTPResponse:
        self.send(method, path, None if body is None else json.dumps(body).encode(), "application/json")
        return self.answer()

    def send(self, method: str, path: str, body: bytes | None, kind: str) -> None:
        headers = {"auth": self._bot.token(), "content-type": kind}
        self._http.request(method, path, body, headers)

    def answer(self) -> http.client.HTTPResponse:
        response = self._http.getresponse()
        self.body = response.read()
        return response

    def close(self) -> None:
        self._http.close()


@contextlib.contextmanager
def connected(server: RowkeepServer, bot: Bot, besides: psutil.Process | None = None) -> Iterator[Connection]:
    """A connection, to another worker than this one if it is given."""
    for _ in range(200):
        with contextlib.closing(Connection(server, bot)) as connection:
            if connection.worker != besides:
                yield connection
                return
    raise AssertionError("All connections go to one worker.")


@contextlib.contextmanager
def stopped_in_a_stream(server: RowkeepServer, bot: Bot, other: Connection) -> Iterator[Connection]:
    """A connection on which a stream was sent; its worker is stopped while it stores the rows."""
    is_loading = loads_of(server)
    for _ in range(TRIES):
        with connected(server, bot, besides=other.worker) as stream:
            stored = counted(other)
            first = next(STARTS) * ROWS
            text = "Code\n" + "".join(f"c{at}\n" for at in range(first, first + ROWS))
            stream.send("POST", f"{PATH}/bulk", text.encode(), "text/csv")
            until(lambda stored=stored: is_loading() or counted(other) > stored)
            stream.worker.send_signal(signal.SIGSTOP)
            until(lambda worker=stream.worker: worker.status() == psutil.STATUS_STOPPED)
            if is_loading() and counted(other) == stored:
                yield stream
                return
            stream.worker.send_signal(signal.SIGCONT)
            assert stream.answer().status == 200
    raise AssertionError("Every stream was stored before it was seen.")


def counted(connection: Connection) -> int:
    assert connection.ask("POST", f"{PATH}/query?sys_limit=1", {}).status == 200, connection.body
    total: int = json.loads(connection.body)["total"]
    return total


def inserted(connection: Connection, code: str) -> int:
    return connection.ask("POST", PATH, {"data": {"Code": code}}).status


@pytest.fixture
def bot_on(start_server: Callable[..., RowkeepServer]) -> Callable[[str, int], tuple[RowkeepServer, Bot]]:
    def start(url: str, workers: int) -> tuple[RowkeepServer, Bot]:
        server = start_server(url, workers=workers, busy_timeout_seconds=1)
        workspace = Workspace(server, "streams")
        workspace.create_table(ITEMS)
        return server, workspace.bot({"items": "rw"})

    return start


def test_others_are_answered_and_a_kill_leaves_nothing(
    new_store: Callable[[], str], bot_on: Callable[[str, int], tuple[RowkeepServer, Bot]]
) -> None:
    server, bot = bot_on(new_store(), 2)
    is_sqlite = server.database_url.startswith("sqlite")
    until(lambda: len(psutil.Process(server.process.pid).children()) == 2)
    with connected(server, bot) as other:
        assert inserted(other, "first") == 200
        with stopped_in_a_stream(server, bot, other) as stream:
            before = counted(other)
            # on SQLite a write waits for as long as the setting says
            assert inserted(other, "meanwhile") == (503 if is_sqlite else 200)
            assert counted(other) == before + (not is_sqlite)
            stream.worker.send_signal(signal.SIGCONT)
            assert (stream.answer().status, json.loads(stream.body)) == (200, {"nInserted": ROWS})
        assert counted(other) == before + ROWS + (not is_sqlite)
        assert inserted(other, "then") == 200
        with stopped_in_a_stream(server, bot, other):
            before = counted(other)
            server.kill()
    is_loading = loads_of(server)
    until(lambda: not is_loading())
    server.start()
    with connected(server, bot) as again:
        assert counted(again) == before
        assert inserted(again, "first") == 409
        again.send("POST", f"{PATH}/bulk", b"Code\na\nb\n", "text/csv")
        assert (again.answer().status, json.loads(again.body)) == (200, {"nInserted": 2})
        assert counted(again) == before + 2


def test_a_kill_leaves_whole_parts_of_a_partial_stream(
    new_store: Callable[[], str], bot_on: Callable[[str, int], tuple[RowkeepServer, Bot]]
) -> None:
    server, bot = bot_on(new_store(), 1)

    def chunks() -> Iterator[bytes]:
        yield b"Code\n"
        for first in itertools.count(0, 1000):
            if first >= ROWS and bot.query("items", sys_limit=1).json()["total"]:
                server.kill()
                return
            yield "".join(f"c{at:07}\n" for at in range(first, first + 1000)).encode()

    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=SECONDS)
    headers = {"auth": bot.token(), "content-type": "text/csv"}
    with contextlib.suppress(OSError), contextlib.closing(connection):
        connection.request("POST", f"{PATH}/bulk?mode=partial", chunks(), headers, encode_chunked=True)
    server.start()
    stored = succeeded(bot.query("items", sys_limit=1))["total"]
    last = {"sort": [{"field": "Code", "order": "desc"}]}
    (row,) = succeeded(bot.query("items", last, sys_limit=1))["queryResult"]
    # the first rows, without a gap: the index allows no two with one code
    assert int(row["Code"][1:]) + 1 == stored > 0
    assert bot.insert("items", {"Code": row["Code"]}).status_code == 409
    assert bot.insert("items", {"Code": f"c{stored:07}"}).status_code == 200
