"""Many administrators at once, through two processes: somebody wins, nobody gets a fault."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from answers import good
from definitions import column, index, table

from support.server import RowkeepServer
from support.workspace import PEOPLE, Workspace

CLIENTS = 8


@pytest.fixture(scope="module")
def second(server: RowkeepServer) -> Iterator[RowkeepServer]:
    """Another process that serves the same store."""
    second = RowkeepServer(server.database_url, server.directory)
    second.start()
    yield second
    second.stop()


@pytest.fixture(scope="module")
def admins(server: RowkeepServer, second: RowkeepServer) -> Iterator[list[httpx.Client]]:
    """Clients of the management API, half of them at each process."""
    clients = [server.admin() for _ in range(CLIENTS)]
    for client in clients[::2]:
        client.base_url = second.url + "/api/v1"
    yield clients
    for client in clients:
        client.close()


def at_once(admins: list[httpx.Client], ask: Callable[[httpx.Client, int], httpx.Response]) -> list[int]:
    """The statuses of a request that all send at the same time."""
    with ThreadPoolExecutor(CLIENTS) as pool:
        return [answer.status_code for answer in pool.map(ask, admins, range(CLIENTS))]


def test_one_of_many_makes_the_workspace(admins: list[httpx.Client]) -> None:
    for _ in range(5):
        made = at_once(
            admins, lambda admin, n: admin.post("/workspaces", json={"name": ["race", "RACE"][n % 2]})
        )
        assert sorted(made) == [201] + [409] * (CLIENTS - 1)
        gone = at_once(admins, lambda admin, _: admin.delete("/workspaces/race"))
        assert {204} <= set(gone) <= {204, 404}


def test_one_of_many_makes_the_table(admins: list[httpx.Client], workspace: Workspace) -> None:
    tables = f"{workspace.path}/tables"
    for number in range(5):
        names = [f"race{number}", f"RACE{number}"]
        made = at_once(admins, lambda admin, n: admin.post(tables, json={**PEOPLE, "name": names[n % 2]}))  # noqa: B023
        assert sorted(made) == [201] + [409] * (CLIENTS - 1)
        gone = at_once(admins, lambda admin, _: admin.delete(f"{tables}/{names[0]}"))  # noqa: B023
        assert {204} <= set(gone) <= {204, 404}


def test_one_of_many_makes_the_app(admins: list[httpx.Client], workspace: Workspace) -> None:
    made = at_once(admins, lambda admin, _: admin.post(f"{workspace.path}/apps", json={"name": "race"}))
    assert sorted(made) == [201] + [409] * (CLIENTS - 1)
    assert len(good(workspace.admin.get(f"{workspace.path}/apps"))["apps"]) == 1


def test_all_make_things_of_their_own(admins: list[httpx.Client], workspace: Workspace) -> None:
    def make(admin: httpx.Client, number: int) -> httpx.Response:
        own: dict[str, Any] = table(f"t{number}", column("A"), indexes=(index("i", "A", unique=True),))
        return admin.post(f"{workspace.path}/tables", json=own)

    assert at_once(admins, make) == [201] * CLIENTS
    assert len(good(workspace.admin.get(f"{workspace.path}/tables"))["tables"]) == CLIENTS


def test_grants_while_the_table_comes_and_goes(admins: list[httpx.Client], workspace: Workspace) -> None:
    bot = workspace.bot()
    tables = f"{workspace.path}/tables"

    def work(admin: httpx.Client, number: int) -> list[int]:
        statuses = []
        for _ in range(5):
            if number < 2:
                statuses.append(admin.post(tables, json=PEOPLE).status_code)
                statuses.append(admin.delete(f"{tables}/people").status_code)
            elif number < 5:
                grant = f"{tables}/people/grants/{bot.client_id}"
                statuses.append(admin.put(grant, json={"read": True, "write": True}).status_code)
            else:
                statuses.append(bot.insert("people", {"Number": number}).status_code)
                statuses.append(bot.query("people").status_code)
        return statuses

    with ThreadPoolExecutor(CLIENTS) as pool:
        for number, statuses in enumerate(pool.map(work, admins, range(CLIENTS))):
            assert set(statuses) <= ({201, 204, 404, 409} if number < 2 else {200, 403, 404}), number


def test_a_last_admin_token_is_left(admins: list[httpx.Client], admin: httpx.Client) -> None:
    made = [admin.post("/admin-tokens", json={"name": "race"}).json()["id"] for _ in range(CLIENTS)]
    gone = at_once(admins, lambda one, number: one.delete(f"/admin-tokens/{made[number]}"))
    assert gone == [204] * CLIENTS
    assert good(admin.get("/admin-tokens"))["adminTokens"]
