"""Catalog size: servers with many tables or workspaces, compared with servers with ten."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec
from tests.support.bot import Bot
from tests.support.server import RowkeepServer
from tests.support.workspace import PEOPLE, Workspace

from benchmarks import data
from benchmarks.load import Job, drive
from benchmarks.measured_server import Stage
from benchmarks.processes import ProcessTree
from benchmarks.rounds import Run, drive_and_meter

FEW = 10
MANY_TABLES = 2_000
MANY_WORKSPACES = 1_000
CONNECTIONS = 8
"""Less than the number of tables or workspaces. Otherwise, requests for the same one would overlap if there
are few, and share statements and the flush to disk, which cannot happen if there are many."""

ROWS = 10
FIRST_REQUESTS = 200
MAKERS = 4


class Place(msgspec.Struct, frozen=True):
    """A table with ten rows of one name, and a token with the rights to read and write it."""

    path: str
    token: str


class Crowd:
    """A server with places, and an administrator's list of them.

    Each place is queried once before the measurement; `first` measures the cost of first requests.
    """

    def __init__(self, stage: Stage, server: RowkeepServer, places: list[Place], listed: str) -> None:
        self.server = server
        self.tree = ProcessTree(server.process.pid)
        self._stage = stage
        self._list = data.get(f"/api/v1{listed}?limit={FEW}", server.admin_token)
        self._queries = [_query(place) for place in places]
        self._inserts = [
            data.post(place.path, {"data": row}, place.token)
            for place, row in zip(places, data.rows(len(places), seed=5), strict=True)
        ]
        for requests in (self._queries, self._inserts):
            drive(self._job(requests, connections=CONNECTIONS, count=len(requests)))

    def query(self, seconds: float) -> Run:
        """Query each place in turn."""
        return self._drive(self._queries, seconds)

    def insert(self, seconds: float) -> Run:
        """Insert a row into each place in turn."""
        return self._drive(self._inserts, seconds)

    def list(self, seconds: float) -> Run:
        """Request the first page of the list, with ten names."""
        return self._drive([self._list], seconds)

    def first(self, _seconds: float) -> Run:
        """Query some places for the first time since the server was started."""
        self.server.restart()
        self.tree = ProcessTree(self.server.process.pid)
        requests = self._queries[:: max(1, len(self._queries) // FIRST_REQUESTS)]
        before = self.tree.cpu_seconds()
        outcome = drive(self._job(requests, count=len(requests)))
        each = (self.tree.cpu_seconds() - before) / outcome.requests
        return Run(units=1, seconds=outcome.p50_ms / 1e3, cpu_seconds=each)

    def _drive(self, requests: list[bytes], seconds: float) -> Run:
        job = self._job(requests, connections=CONNECTIONS, seconds=seconds)
        return drive_and_meter(job, self.tree, self._stage.postgres_tree)

    def _job(self, requests: list[bytes], **kind: Any) -> Job:
        host, port = self.server.url.removeprefix("http://").split(":")
        return Job(host, int(port), requests, **kind)


def _query(place: Place) -> bytes:
    match = {"field": "Last_Name", "operand": "=", "value": data.last_name(1)}
    return data.post(f"{place.path}/query", {"query": {"expressions": [match]}}, place.token)


def _rows() -> list[dict[str, Any]]:
    return [row | {"Last_Name": data.last_name(1)} for row in data.rows(ROWS, seed=4)]


def with_tables(server: RowkeepServer, count: int) -> tuple[list[Place], str]:
    """One workspace with `count` tables."""
    workspace = Workspace(server, "wide")
    names = [f"people_{number:04}" for number in range(count)]
    _in_turns(lambda name: workspace.create_table({**PEOPLE, "name": name}), names)
    app = workspace.app("all")
    _in_turns(lambda name: workspace.grant(app["clientId"], name, "rwd"), names)
    bot = Bot(server.url, app["clientId"], app["clientSecret"])
    _in_turns(lambda name: bot.bulk(name, _rows()), names)
    return [Place(f"/api/public/tables/{name}", bot.token()) for name in names], "/workspaces/wide/tables"


def with_workspaces(server: RowkeepServer, count: int) -> tuple[list[Place], str]:
    """`count` workspaces with one table each."""

    def make(number: int) -> Place:
        workspace = Workspace(server, f"tenant_{number:04}")
        with contextlib.closing(workspace.admin):
            workspace.create_table(PEOPLE)
            bot = workspace.bot({"people": "rwd"})
            with contextlib.closing(bot.client):
                place = Place("/api/public/tables/people", bot.token())
                bot.bulk("people", _rows())
        return place

    return _in_turns(make, list(range(count))), "/workspaces"


def _in_turns(make: Callable[[Any], Any], each: list[Any]) -> list[Any]:
    with ThreadPoolExecutor(MAKERS) as makers:
        return list(makers.map(make, each))


@contextlib.contextmanager
def crowds(
    stage: Stage, make: Callable[[RowkeepServer, int], tuple[list[Place], str]], many: int
) -> Iterator[tuple[Crowd, Crowd]]:
    """A server with many, and a server with few."""
    with contextlib.ExitStack() as stack:
        made = []
        for count in (many, FEW):
            server, _ = stack.enter_context(stage.server())
            made.append(Crowd(stage, server, *make(server, count)))
        yield made[0], made[1]
