"""History: writes to a table whose changes are recorded, compared with the same to one without history."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.definitions import column, index, table
from tests.support.server import RowkeepServer
from tests.support.workspace import Workspace

from benchmarks import data
from benchmarks.load import Job, drive
from benchmarks.measured_server import Stage
from benchmarks.measurement import Measurement, from_comparison
from benchmarks.processes import ProcessTree
from benchmarks.rounds import Comparison, Run, compare, drive_and_meter

ROWS = 10_000
BULKS = 3
CONNECTIONS = 32
INSERTS = 3_000


class Tables:
    """A server with a table that has a history, and the same one without."""

    def __init__(self, server: RowkeepServer) -> None:
        self.tree = ProcessTree(server.process.pid)
        workspace = Workspace(server, "bench")
        columns = [column(name) for name in ("First_Name", "Last_Name", "Gender")]
        columns.append(column("Number", "number"))
        indexes = (index("by_last_name", "Last_Name"),)
        for name, history in (("plain", None), ("recorded", {"keepDays": 30})):
            workspace.create_table(table(name, *columns, indexes=indexes, history=history))
        self._bot = workspace.bot({"plain": "rwd", "recorded": "rwd"})
        self._host, port = server.url.removeprefix("http://").split(":")
        self._port = int(port)
        self._seed = 0

    def bulks(self, name: str) -> Job:
        self._seed += 1
        body = {"data": data.rows(ROWS, seed=self._seed)}
        path = f"/api/public/tables/{name}/bulk"
        requests = [data.post(path, body, self._bot.token(), minimal=True)] * BULKS
        return Job(self._host, self._port, requests, count=BULKS)

    def inserts(self, name: str) -> Job:
        path, token = f"/api/public/tables/{name}", self._bot.token()
        requests = [data.post(path, {"data": row}, token) for row in data.rows(1_000, seed=1)]
        return Job(self._host, self._port, requests, connections=CONNECTIONS, count=INSERTS)


@contextmanager
def _tables(stage: Stage) -> Iterator[Tables]:
    with stage.server() as (server, _):
        yield Tables(server)


def bulk(stage: Stage, rounds: int) -> Measurement:
    """Rows per second in bulks of 10,000."""
    with _tables(stage) as tables:

        def measured(name: str) -> Run:
            drive(tables.bulks(name))
            return drive_and_meter(tables.bulks(name), tables.tree, stage.postgres_tree, ROWS)

        comparison = compare(lambda: measured("recorded"), lambda: measured("plain"), rounds)
        return from_comparison(comparison, "row", tables.tree.peak_rss_bytes())


def insert(stage: Stage, rounds: int) -> Measurement:
    """The CPU time of a single insert, of the server and of PostgreSQL, from 32 connections."""
    with _tables(stage) as tables:

        def measured(name: str) -> Run:
            return drive_and_meter(tables.inserts(name), tables.tree, stage.postgres_tree)

        comparison = compare(lambda: measured("recorded"), lambda: measured("plain"), rounds)
        by_cpu = Comparison(*([_by_cpu(run) for run in runs] for runs in (comparison.ours, comparison.bare)))
        return from_comparison(by_cpu, "request", tables.tree.peak_rss_bytes(), of_times=True)


def _by_cpu(run: Run) -> Run:
    """The run as if it had taken the CPU time of the servers."""
    return Run(
        units=run.units,
        seconds=run.cpu_seconds + run.postgres_cpu_seconds,
        cpu_seconds=run.cpu_seconds,
        postgres_cpu_seconds=run.postgres_cpu_seconds,
        client_cpu_seconds=run.client_cpu_seconds,
        p99_ms=run.p99_ms,
    )
