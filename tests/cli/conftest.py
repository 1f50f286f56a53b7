"""Fixtures of the shell's suite: stores with a server, reached directly and over HTTP."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from shell import Shell

from support.postgres import PostgresServer
from support.server import RowkeepServer, sqlite_url


@pytest.fixture(scope="session")
def sqlite_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RowkeepServer]:
    """A server of this suite's own, on SQLite."""
    directory = tmp_path_factory.mktemp("shell")
    yield from serving(RowkeepServer(sqlite_url(directory / "data"), directory, by_command=True))


@pytest.fixture(scope="session")
def postgresql_server(
    postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RowkeepServer]:
    """A server of this suite's own, on PostgreSQL."""
    yield from serving(RowkeepServer(postgres.create_database(), tmp_path_factory.mktemp("shell")))


def serving(server: RowkeepServer) -> Iterator[RowkeepServer]:
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def http_shell(sqlite_server: RowkeepServer) -> Shell:
    """A shell that speaks to the server on SQLite, and knows of no store."""
    return Shell(sqlite_server.directory, sqlite_server.environment).with_variables(
        ROWKEEP_DATABASE_URL=None,
        ROWKEEP_MASTER_KEY_FILE=None,
        ROWKEEP_URL=sqlite_server.url,
        ROWKEEP_ADMIN_TOKEN=sqlite_server.admin_token,
    )


@pytest.fixture(scope="session", params=["sqlite", "postgresql", "http"])
def way(request: pytest.FixtureRequest) -> str:
    """How commands reach what they manage: the store itself, on either backend, or a server."""
    return request.param


@pytest.fixture(scope="session")
def cli_server(way: str, request: pytest.FixtureRequest) -> RowkeepServer:
    """The server that runs on what ``shell`` manages."""
    return request.getfixturevalue("postgresql_server" if way == "postgresql" else "sqlite_server")


@pytest.fixture(scope="session")
def shell(way: str, cli_server: RowkeepServer, request: pytest.FixtureRequest) -> Shell:
    """A shell for each way."""
    if way == "http":
        return request.getfixturevalue("http_shell")
    return Shell(cli_server.directory, cli_server.environment)
