"""Clients write while the server, or PostgreSQL under it, is killed: what was acknowledged is there."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ledger import LEDGER_TABLE, Batch, Record, losses
from writers import Tally, Writer

from support import plain
from support.bot import Bot
from support.postgres import PostgresServer
from support.server import RowkeepServer
from support.workspace import Workspace

WRITERS = 6
ACKNOWLEDGED = (30, 120)
"""The kill comes after so many answers, and a moment later; drawn again for each round."""
LONGEST_MOMENT_SECONDS = 0.03


class Clients:
    """An app's writers, and all that they were told, over all rounds on one store."""

    def __init__(self, server: RowkeepServer, pause_seconds: float = 0) -> None:
        self.draw = random.Random()
        self._pause_seconds = pause_seconds
        self.tally = Tally()
        self._server = server
        workspace = Workspace(server, "crash")
        workspace.create_table(LEDGER_TABLE)
        self._bot = workspace.bot({"ledger": "rwd"})
        self._batches: list[dict[int, Batch]] = [{} for _ in range(WRITERS)]
        self._writers: list[Writer] = []

    def start(self) -> None:
        """Start all writers."""
        self.tally = Tally()
        draws = [random.Random(self.draw.random()) for _ in range(WRITERS)]
        self._writers = [
            Writer(self._connect(), batches, self.tally, draw)
            for batches, draw in zip(self._batches, draws, strict=True)
        ]
        for writer in self._writers:
            writer.pause_seconds = self._pause_seconds
            writer.start()

    def stop(self) -> None:
        """Tell all writers to end after the request that is under way."""
        for writer in self._writers:
            writer.stop()

    def join(self) -> list[Writer]:
        """Wait until all writers have ended, and answer them."""
        for writer in self._writers:
            writer.join()
        assert [writer.failure for writer in self._writers if writer.failure] == []
        return self._writers

    def wait_for_answers(self) -> None:
        """Wait until a number of requests has been acknowledged, and a moment more."""
        self.tally.wait(acknowledged=self.draw.randint(*ACKNOWLEDGED))
        # else the kill would always come at the same distance from an answer
        time.sleep(self.draw.uniform(0, LONGEST_MOMENT_SECONDS))

    def assert_nothing_lost(self) -> None:
        """Read the whole table, and hold it against what was acknowledged."""
        batches = [batch for mine in self._batches for batch in mine.values()]
        assert losses(batches, self._read_all()) == []

    def _read_all(self) -> list[Record]:
        bot, records, cursor = self._connect(), [], None
        while True:
            body = {"cursor": cursor} if cursor else {}
            response = bot.query("ledger", body, sys_limit=1_000)
            assert response.status_code == 200, response.text
            page = response.json()
            records += page["queryResult"]
            cursor = page.get("nextCursor")
            if cursor is None:
                assert page["total"] == len(records)
                return records

    def _connect(self) -> Bot:
        return Bot(self._server.url, self._bot.client_id, self._bot.secret)


@pytest.fixture
def rounds(request: pytest.FixtureRequest) -> int:
    """How often the kill comes."""
    return int(request.config.getoption("--crash-rounds"))


@pytest.fixture
def start_server(tmp_path: Path) -> Iterator[Callable[..., RowkeepServer]]:
    """Starts a server on a store of its own."""
    servers: list[RowkeepServer] = []

    def start(database_url: str, **settings: object) -> RowkeepServer:
        server = RowkeepServer(database_url, tmp_path, **settings)
        servers.append(server)
        server.start()
        return server

    yield start
    for server in servers:
        server.stop()


@pytest.fixture
def own_postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server that may be killed without harm to other tests."""
    postgres = PostgresServer()
    yield postgres
    postgres.stop()


@pytest.mark.parametrize("workers", [1, 2])
def test_nothing_acknowledged_is_lost_when_the_server_is_killed(
    new_store: Callable[[], str], workers: int, rounds: int, start_server: Callable[..., RowkeepServer]
) -> None:
    server = start_server(new_store(), workers=workers)
    clients = Clients(server)
    for _ in range(rounds):
        clients.start()
        clients.wait_for_answers()
        server.kill()
        assert all(writer.broken for writer in clients.join())
        server.start()
        clients.assert_nothing_lost()


def test_the_server_outlives_postgresql(
    own_postgres: PostgresServer, rounds: int, start_server: Callable[..., RowkeepServer]
) -> None:
    server = start_server(own_postgres.create_database(), busy_timeout_seconds=2)
    clients = Clients(server)
    for _ in range(rounds):
        clients.start()
        clients.wait_for_answers()
        own_postgres.kill()
        clients.tally.wait(refused=WRITERS)
        assert plain.get(f"{server.url}/healthz").status_code == 200
        assert plain.get(f"{server.url}/readyz").status_code == 503
        own_postgres.start()
        clients.wait_for_answers()
        clients.stop()
        assert not any(writer.broken for writer in clients.join())
        clients.assert_nothing_lost()
