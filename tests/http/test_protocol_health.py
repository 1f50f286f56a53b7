"""/healthz and /readyz, and what a database that is away does to every call."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from answers import good, problem

from support import plain
from support.bot import Bot
from support.postgres import PostgresServer
from support.server import RowkeepServer
from support.workspace import PEOPLE, Workspace


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_alive_and_ready(server: RowkeepServer, path: str) -> None:
    for headers in ({}, {"auth": "x"}, {"Authorization": "Bearer x"}):
        response = plain.get(server.url + path, headers=headers)
        assert response.status_code == 200
        assert response.headers["content-type"].split(";")[0] == "application/json"
        assert isinstance(response.json(), dict)


@pytest.fixture
def own_postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL that a test may kill."""
    postgres = PostgresServer(durable=False)
    yield postgres
    postgres.stop()


def unavailable(response: httpx.Response) -> None:
    problem(response, 503)
    assert response.json()["code"] in ("storage_unavailable", "busy")
    assert int(response.headers["Retry-After"]) >= 1


def test_a_database_that_goes_away_and_comes_back(
    own_postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> None:
    server = RowkeepServer(own_postgres.create_database(), tmp_path_factory.mktemp("away"))
    server.start()
    try:
        main = Workspace(server, "main")
        main.create_table(PEOPLE)
        bot: Bot = main.bot({"people": "rwd"})
        good(bot.insert("people", {"Number": 1}))
        own_postgres.kill()
        for _ in range(2):
            ready = plain.get(server.url + "/readyz")
            problem(ready, 503, "storage_unavailable")
            assert int(ready.headers["Retry-After"]) >= 1
            assert plain.get(server.url + "/healthz").status_code == 200
            unavailable(bot.query("people"))
            unavailable(bot.insert("people", {"Number": 2}))
            unavailable(bot.bulk("people", [{"Number": 2}] * 1000))
            unavailable(bot.update("people", {"all": True}, {"Number": 2}))
            unavailable(bot.delete("people", {"all": True}))
            unavailable(main.admin.get("/workspaces"))
            unavailable(main.admin.post("/workspaces", json={"name": "lost"}))
        own_postgres.start()
        server.wait_until_ready()
        assert [row["Number"] for row in good(bot.query("people"))["queryResult"]] == [1]
        good(bot.insert("people", {"Number": 3}))
        assert main.admin.get("/workspaces/lost").status_code == 404
    finally:
        server.stop()


def test_a_start_without_a_database(
    own_postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """It does not wait in silence: one line says what is wrong, and the status is 1."""
    directory = tmp_path_factory.mktemp("none")
    url = own_postgres.create_database()
    own_postgres.kill()
    server = RowkeepServer(url, directory)
    server.launch()
    assert server.process.wait() == 1
    assert "Traceback" not in server.log.read_text()
    assert server.log.read_text().strip()
    server.stop()
