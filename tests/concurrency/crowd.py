"""Many clients at once: each a thread with an HTTP client of its own, all let go together."""

from __future__ import annotations

import os
import ssl
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from threading import Barrier
from typing import Any, TypeVar

import httpx

from support.bot import Bot
from support.server import RowkeepServer
from support.workspace import Workspace

Result = TypeVar("Result")

CLIENTS = int(os.environ.get("CROWD", "16"))
"""How many there are: twice as many in `make attack`."""

NO_TRUST = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
MOST_TRIES = 20
"""How often a client repeats a request that the store was too busy for, before the test fails."""


class Crowd:
    """Clients of one app, spread evenly over servers of one store."""

    def __init__(self, workspace: Workspace, servers: Sequence[RowkeepServer], table: dict[str, Any]) -> None:
        workspace.create_table(table)
        app = workspace.bot({table["name"]: "rwd"})
        urls = [servers[number % len(servers)].url for number in range(CLIENTS)]
        self.bots = [_another(app, url) for url in urls]

    def leave(self) -> None:
        for bot in self.bots:
            bot.client.close()

    def together(self, work: Callable[[int, Bot], Result], clients: int = CLIENTS) -> list[Result]:
        """What each client's work gives, in the order of the clients; the first error of any is raised."""
        barrier = Barrier(clients)

        def wait_and_work(number: int) -> Result:
            barrier.wait()
            return work(number, self.bots[number])

        with ThreadPoolExecutor(clients) as pool:
            return list(pool.map(wait_and_work, range(clients)))


def _another(bot: Bot, url: str) -> Bot:
    """The same app with a client of its own. No TLS is spoken, and to load its trust each time takes long."""
    other = copy(bot)
    other.client = httpx.Client(base_url=url, timeout=bot.client.timeout, trust_env=False, verify=NO_TRUST)
    return other


def answered(request: Callable[[], httpx.Response], *others: int) -> httpx.Response:
    """The answer 200, or one of the ``others``; 503 with Retry-After is what a client must put up with."""
    for _ in range(MOST_TRIES):
        response = request()
        if response.status_code != 503:
            break
        assert response.json()["code"] == "busy"
        time.sleep(int(response.headers["Retry-After"]) / 10)
    assert response.status_code in (200, *others), f"{response.status_code} {response.text[:1000]}"
    return response


def where(**cells: Any) -> dict[str, Any]:
    """The filter for rows whose columns have just these cells."""
    return {"expressions": [{"field": name, "operand": "=", "value": cell} for name, cell in cells.items()]}
