"""A soak: two servers on one store under load, while keys are rotated, backups are made, and workers, servers
and the database end. Nothing is lost, no reader sees a part of a request, and memory stays flat.

One round has each event once. The suite runs one small round; `make soak` as many as there are in an hour.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

import asyncpg
import psutil
import pytest
from ledger import Batch, Record, losses
from soak_clients import SHORT_PAUSE_SECONDS, SOAK_TABLE, Reader, SteadyWriter, abandoned, parts
from soak_memory import Sample, growth, sample
from writers import Tally

from support import plain
from support.bot import Bot
from support.forks import FORKS
from support.postgres import PostgresServer
from support.server import RowkeepServer, environment, sqlite_url
from support.workspace import Workspace

WRITERS = 4

SETTINGS = {"busy_timeout_seconds": 5}


class Soak:
    """Two servers on one store and their clients. The first server is never ended, and is measured; the other
    one has two workers and is ended in all ways."""

    def __init__(
        self, database_url: str, directory: Path, postgres: PostgresServer | None, *, is_long: bool
    ) -> None:
        self.postgres = postgres
        self.is_long = is_long
        self.directory = directory
        self.steady = RowkeepServer(database_url, directory, **SETTINGS)
        self.other = RowkeepServer(database_url, directory, workers=2, **SETTINGS)
        self.draw = random.Random()
        self.tally = Tally()
        self.samples: list[Sample] = []
        self.comparisons = 0
        self._backups = 0
        self._batches: list[dict[int, Batch]] = [{} for _ in range(WRITERS)]
        self._clients: list[SteadyWriter | Reader] = []

    def start(self) -> None:
        """Start the servers, and create what the clients need."""
        for server in (self.steady, self.other):
            if self.is_long:
                server.leave_unmeasured()  # of coverage, which takes memory
            server.start()
        workspace = Workspace(self.steady, "soak")
        workspace.create_table(SOAK_TABLE)
        self._bot = workspace.bot({"ledger": "rwd"})
        workspace.admin.close()

    def stop(self) -> None:
        """Stop the clients and the servers."""
        for client in self._clients:
            client.stop()
        for client in self._clients:
            client.join()
        for server in (self.steady, self.other):
            server.stop()

    def load(self) -> None:
        """Start the clients: half of them on each server."""
        self.tally = Tally()
        urls = [self.steady.url, self.other.url] * WRITERS
        self._clients = [
            *(
                SteadyWriter(self._connect(url), batches, self.tally, random.Random(self.draw.random()))
                for url, batches in zip(urls, self._batches, strict=False)
            ),
            *(Reader(self._connect(url), self.tally) for url in urls[:2]),
        ]
        for client in self._clients:
            client.pause_seconds = 0 if self.is_long else SHORT_PAUSE_SECONDS
            client.start()
        self.go_on()

    def go_on(self) -> None:
        """Wait until the clients have done some more, and measure."""
        self.tally.wait(acknowledged=20 if self.is_long else 6, read=1)
        self.assert_no_failure()
        self.samples.append(sample(psutil.Process(self.steady.process.pid), time.monotonic()))

    def assert_no_failure(self) -> None:
        assert [client.failure for client in self._clients if client.failure] == []

    def compare(self) -> None:
        """Stop the clients, and compare the whole table with what was acknowledged."""
        for client in self._clients:
            client.stop()
        for client in self._clients:
            client.join()
        self.assert_no_failure()
        self._wait_for_transactions()
        batches = [batch for mine in self._batches for batch in mine.values()]
        assert losses(batches, read_all(self._connect(self.steady.url))) == []
        assert abandoned(batches) == 0
        self.comparisons += 1

    def rotate(self, *arguments: str) -> None:
        """Rotate a key while the servers run."""
        run(self.steady.environment, self.directory, "keys", "rotate", *arguments)

    def back_up(self) -> None:
        """Make a backup, restore it, and check what is in it: no part of a request, and no fault."""
        self._backups += 1
        file = self.directory / f"{self._backups}.backup"
        url = self.postgres.create_database() if self.postgres else sqlite_url(self.directory / "restored")
        variables = environment(url, self.directory)
        target = self.directory / "rows.ndjson"
        run(self.steady.environment, self.directory, "backup", "create", str(file))
        run(self.steady.environment, self.directory, "restore", str(file), "--into", url)
        if self.is_long:
            run(self.steady.environment, self.directory, "backup", "verify", str(file))
            run(variables, self.directory, "doctor")
        run(variables, self.directory, "rows", "export", "ledger", "-o", str(target), "--workspace", "soak")
        stored = [json.loads(line) for line in target.read_text().splitlines()]
        assert stored
        assert parts(stored) is None
        file.unlink()
        target.unlink()
        if self.postgres:
            asyncio.run(drop(self.steady.database_url, url))
        else:
            shutil.rmtree(self.directory / "restored")

    def kill_worker(self) -> None:
        """Kill a worker, and wait for its replacement."""
        parent = psutil.Process(self.other.process.pid)
        before = {each.pid for each in children(parent, 2)}
        victim = self.draw.choice(sorted(before))
        os.kill(victim, signal.SIGKILL)
        while victim in {each.pid for each in children(parent, 2)}:
            time.sleep(0.02)

    def kill_server(self) -> None:
        """Kill a server with all its workers."""
        self.other.kill()
        self.other.start()

    def restart_server(self) -> None:
        """Stop a server in order, as for an upgrade."""
        assert self.other.stop() == 0
        self.other.start()

    def restart_database(self) -> None:
        """Kill PostgreSQL, and start it again once all clients were refused."""
        assert self.postgres is not None
        self.postgres.kill()
        self.tally.wait(refused=WRITERS)
        assert plain.get(f"{self.steady.url}/healthz").status_code == 200
        self.postgres.start()
        for server in (self.steady, self.other):
            server.wait_until_ready()

    def events(self) -> list[Callable[[], None]]:
        """Events in an order of chance; if the soak is short, those that no other test has under load."""
        found = [
            self.rotate,
            lambda: self.rotate("--data"),
            self.back_up,
            self.kill_worker,
            *([self.restart_database] if self.postgres else []),
            *([self.kill_server, self.restart_server] if self.is_long else []),
        ]
        self.draw.shuffle(found)
        return found

    def _connect(self, url: str) -> Bot:
        return Bot(url, self._bot.client_id, self._bot.secret)

    def _wait_for_transactions(self) -> None:
        """PostgreSQL may still run what a killed worker sent."""
        if self.postgres is not None:
            asyncio.run(quiet(self.steady.database_url))


async def quiet(database_url: str) -> None:
    """Wait until no transaction is open."""
    connection = await asyncpg.connect(database_url)
    open_ones = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
        "AND pid <> pg_backend_pid() AND state <> 'idle'"
    )
    while await connection.fetchval(open_ones):
        await connection.execute("SELECT pg_sleep(0.05)")
    await connection.close()


async def drop(database_url: str, other_url: str) -> None:
    """Delete another database of the same server."""
    connection = await asyncpg.connect(database_url)
    await connection.execute(f'DROP DATABASE "{urlsplit(other_url).path[1:]}" WITH (FORCE)')
    await connection.close()


def children(parent: psutil.Process, count: int) -> list[psutil.Process]:
    """The workers of a server, once there are so many."""
    while len(found := parent.children()) != count:
        time.sleep(0.02)
    return found


def run(variables: dict[str, str], directory: Path, *arguments: str) -> str:
    """Run a command of Rowkeep, which must succeed; what it wrote."""
    done = FORKS.run("rowkeep", arguments, env=variables, cwd=directory)
    assert done.returncode == 0, done
    return done.stdout.decode()


def read_all(bot: Bot) -> list[Record]:
    """All rows, page by page."""
    records: list[Record] = []
    body: dict[str, str] = {}
    while True:
        page = bot.query("ledger", body, sys_limit=1_000)
        assert page.status_code == 200, page.text
        found = page.json()
        records += found["queryResult"]
        if found.get("nextCursor") is None:
            assert found["total"] == len(records)
            return records
        body = {"cursor": found["nextCursor"]}


@pytest.fixture
def own_postgres(minutes: float) -> Iterator[PostgresServer]:
    """A PostgreSQL server that may be killed without harm to other tests."""
    postgres = PostgresServer(durable=minutes > 0)
    yield postgres
    postgres.stop()


def soaked(soak: Soak, minutes: float) -> None:
    """Run rounds until the time is over, at least one."""
    began = time.monotonic()
    soak.start()
    try:
        while not soak.comparisons or time.monotonic() - began < minutes * 60:
            soak.load()
            for event in soak.events():
                event()
                soak.go_on()
            soak.compare()
    finally:
        soak.stop()
    report(soak)
    assert growth(soak.samples) is None


def report(soak: Soak) -> None:
    first, last = soak.samples[0], soak.samples[-1]
    part = max(1, len(soak.samples) // 4)
    parts_of_time = [soak.samples[at : at + part] for at in range(0, 4 * part, part)]
    medians = [f"{median(each.megabytes for each in some):.0f}" for some in parts_of_time if some]
    print(
        f"{soak.comparisons} rounds in {last.seconds - first.seconds:.0f} s; megabytes of the server that is "
        f"never restarted, in each quarter of the time: {', '.join(medians)}"
    )


@pytest.fixture
def minutes(request: pytest.FixtureRequest) -> float:
    """How long the soak is; 0 is one round."""
    return float(request.config.getoption("--soak-minutes"))


def test_soak_on_sqlite(tmp_path: Path, minutes: float) -> None:
    soaked(Soak(sqlite_url(tmp_path / "data"), tmp_path, None, is_long=minutes > 0), minutes)


def test_soak_on_postgresql(tmp_path: Path, own_postgres: PostgresServer, minutes: float) -> None:
    soaked(Soak(own_postgres.create_database(), tmp_path, own_postgres, is_long=minutes > 0), minutes)
