"""Measured server: a server in a separate process on one backend, with its tables and processes."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import apsw
import asyncpg
import psutil
import uvloop
from tests.support.bot import Bot
from tests.support.postgres import PostgresServer
from tests.support.server import RowkeepServer
from tests.support.workspace import PEOPLE, Workspace

from benchmarks.baselines import Baseline, PostgresBaseline, SqliteBaseline
from benchmarks.load import Job
from benchmarks.processes import ProcessTree

BACKENDS = ("sqlite", "postgresql")


class Target:
    """Tables on a server, by default with the four columns of the reference pages, and an app with all rights
    to them."""

    def __init__(
        self, server: RowkeepServer, tables: list[str], definition: Mapping[str, Any] = PEOPLE
    ) -> None:
        self.tables = tables
        self.tree = ProcessTree(server.process.pid)
        workspace = Workspace(server, "bench")
        for table in tables:
            workspace.create_table({**definition, "name": table})
        self.bot: Bot = workspace.bot(grants=dict.fromkeys(tables, "rwd"))
        self.token = self.bot.token()
        self.path = self.path_of(tables[0])
        self._host, port = server.url.removeprefix("http://").split(":")
        self._port = int(port)

    def path_of(self, table: str) -> str:
        """The path of a table."""
        return f"/api/public/tables/{table}"

    def job(
        self, requests: list[bytes], *, connections: int = 1, count: int = 0, seconds: float = 0.0
    ) -> Job:
        """A job for the load generator with these requests to this server."""
        return Job(self._host, self._port, requests, connections, count, seconds)


class Stage:
    """One backend, and a directory for all files."""

    def __init__(
        self, backend: str, directory: Path, postgres: PostgresServer | None, scale: float = 1.0
    ) -> None:
        self.backend = backend
        self._scale = scale
        self.directory = directory
        self.postgres = postgres
        self.postgres_tree: ProcessTree | None = None
        self.engine = f"SQLite {apsw.sqlite_lib_version()}"
        self.shared = contextlib.ExitStack()
        """Resources that several workloads share, until the stage ends."""
        self.query_seconds: dict[int, float] = {}
        """The time of a query in a table of so many rows that grew by a stream."""
        self._servers = 0
        if postgres:
            version, pid = uvloop.run(_inspect(postgres.create_database()))
            self.engine = f"PostgreSQL {version}"
            self.postgres_tree = ProcessTree(pid)

    def scaled(self, count: int) -> int:
        """So many rows of a stream, or fewer on a small scale."""
        return max(1, round(count * self._scale)) if count else 0

    @contextlib.contextmanager
    def server(self, workers: int = 1) -> Iterator[tuple[RowkeepServer, str]]:
        """Start a new server on a new store; yields the server and the URL of the store."""
        self._servers += 1
        directory = self.directory / f"server{self._servers}"
        directory.mkdir()
        url = self.postgres.create_database() if self.postgres else f"sqlite:///{directory / 'store'}"
        server = RowkeepServer(url, directory, workers=workers)
        server.start()
        try:
            yield server, url
        finally:
            server.stop()

    @contextlib.contextmanager
    def target(self, table: str) -> Iterator[Target]:
        """A new server with one empty table."""
        with self.server() as (server, _):
            yield Target(server, [table])

    @contextlib.contextmanager
    def target_and_baseline(self, tables: list[str]) -> Iterator[tuple[Target, Baseline]]:
        """A new server with empty tables, and the bare engine for comparison."""
        with self.server() as (server, url):
            target = Target(server, tables)
            with contextlib.closing(self.baseline(url)) as baseline:
                yield target, baseline

    def baseline(self, url: str) -> Baseline:
        """The bare engine, next to the store of a server."""
        if self.postgres:
            return PostgresBaseline(url)
        store = Path(url.removeprefix("sqlite:///"))
        return SqliteBaseline(store, store.parent)


@contextlib.contextmanager
def stage(backend: str, scale: float = 1.0) -> Iterator[Stage]:
    """Set up a backend; for PostgreSQL, start a server with full durability. Streams have ``scale`` times as
    many rows as their benchmarks say."""
    with tempfile.TemporaryDirectory(prefix="rowkeep-bench-") as directory, contextlib.ExitStack() as stack:
        postgres = None
        if backend == "postgresql":
            postgres = PostgresServer(durable=True)
            stack.callback(postgres.stop)
        place = Stage(backend, Path(directory), postgres, scale)
        stack.enter_context(place.shared)
        yield place


async def _inspect(url: str) -> tuple[str, int]:
    """The version of a PostgreSQL server and its process id; fails if the server is not durable."""
    connection = await asyncpg.connect(url)
    try:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            if await connection.fetchval(f"SHOW {setting}") != "on":
                raise RuntimeError(f"PostgreSQL runs with {setting} off: what it reaches so says nothing.")
        version = await connection.fetchval("SHOW server_version")
        backend = psutil.Process(await connection.fetchval("SELECT pg_backend_pid()"))
        return version.split()[0], backend.ppid()
    finally:
        await connection.close()
