"""Workers: two workers compared with one; the servers are otherwise equal and get the same requests in
turn."""

from __future__ import annotations

import contextlib
import functools
import socket
import statistics
import time

import msgspec
from tests.support.server import RowkeepServer

from benchmarks import data
from benchmarks.measured_server import Stage, Target
from benchmarks.measurement import Measurement, from_comparison, from_peaks
from benchmarks.processes import ProcessTree
from benchmarks.rounds import Comparison, Run, compare, drive_and_meter

WORKERS = 2
ROWS = 20_000
ROWS_OF_AN_UPDATE = 10
REQUESTS = 3_000
CONNECTIONS = 32
SECONDS = 2.0
READY = b"GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n"


class Side(msgspec.Struct, frozen=True):
    """A server with a number of workers, and a filled table."""

    server: RowkeepServer
    target: Target

    def drive(self, stage: Stage, call: str) -> Run:
        job = self.target.job(_requests(self.target)[call], connections=CONNECTIONS, seconds=SECONDS)
        return drive_and_meter(job, ProcessTree(self.server.process.pid), stage.postgres_tree)


@functools.cache
def _sides(stage: Stage) -> tuple[Side, Side]:
    """The server with several workers, and the server with one."""
    made = []
    for count in (WORKERS, 1):
        server, _ = stage.shared.enter_context(stage.server(workers=count))
        target = Target(server, ["people"])
        rows = data.rows(ROWS, seed=6)
        for number, row in enumerate(rows):
            row["Last_Name"] = data.last_name(number // ROWS_OF_AN_UPDATE)
        for at in range(0, ROWS, ROWS // 4):
            target.bot.bulk("people", rows[at : at + ROWS // 4])
        made.append(Side(server, target))
    return made[0], made[1]


@functools.cache
def _requests(target: Target) -> dict[str, list[bytes]]:
    def matching(number: int) -> dict[str, object]:
        name = data.last_name(number % (ROWS // ROWS_OF_AN_UPDATE))
        return {"query": {"expressions": [{"field": "Last_Name", "operand": "=", "value": name}]}}

    path, token = target.path, target.token
    # with a name that no query selects
    inserted = [row | {"Last_Name": "Unmatched"} for row in data.rows(REQUESTS, seed=7)]
    numbers = [number * 7_919 % 200_003 for number in range(REQUESTS)]
    return {
        "query": [data.post(f"{path}/query?sys_limit=10", matching(each), token) for each in numbers],
        "insert": [data.post(path, {"data": row}, token) for row in inserted],
        "update": [data.put(path, matching(each) | {"data": {"Number": each}}, token) for each in numbers],
    }


@functools.cache
def _compared(stage: Stage, call: str, rounds: int) -> Comparison:
    several, one = _sides(stage)
    return compare(
        functools.partial(several.drive, stage, call), functools.partial(one.drive, stage, call), rounds
    )


def throughput(stage: Stage, rounds: int, *, call: str) -> Measurement:
    """Requests per second."""
    peak = ProcessTree(_sides(stage)[0].server.process.pid).peak_rss_bytes()
    return from_comparison(_compared(stage, call, rounds), "request", peak)


def p99(stage: Stage, rounds: int, *, call: str) -> Measurement:
    """The time in which 99 of 100 requests get a response, in the rounds of `throughput`."""
    compared = _compared(stage, call, rounds)
    times = Comparison(ours=list(map(_slowest, compared.ours)), bare=list(map(_slowest, compared.bare)))
    return _of_times(times)


def _slowest(run: Run) -> Run:
    return Run(units=1, seconds=run.p99_ms / 1e3, cpu_seconds=0.0)


def start(stage: Stage, rounds: int) -> Measurement:
    """The time from the start of the program until every worker responds."""
    several, one = _sides(stage)
    compared = compare(
        functools.partial(_start, several.server), functools.partial(_start, one.server), rounds
    )
    return _of_times(compared)


def _start(server: RowkeepServer) -> Run:
    server.stop()
    started = time.perf_counter()
    server.launch()
    with contextlib.ExitStack() as stack:
        # opened at once, so that the system distributes them between all workers
        connections = [stack.enter_context(_connect(server)) for _ in range(CONNECTIONS)]
        for each in connections:
            each.sendall(READY)
        for each in connections:
            assert each.recv(4096).startswith(b"HTTP/1.1 200 ")
    return Run(units=1, seconds=time.perf_counter() - started, cpu_seconds=0.0)


def _connect(server: RowkeepServer) -> socket.socket:
    while True:
        try:
            return socket.create_connection(("127.0.0.1", server.port))
        except ConnectionRefusedError:
            time.sleep(0.005)


def memory(stage: Stage, rounds: int, *, side: int) -> Measurement:
    """The proportional set size of all processes of one of the servers, idle after its start."""
    return from_peaks([_idle_bytes(_sides(stage)[side].server) for _ in range(rounds)])


def _idle_bytes(server: RowkeepServer) -> int:
    _start(server)
    return ProcessTree(server.process.pid).pss_bytes()


def _of_times(compared: Comparison) -> Measurement:
    measured = from_comparison(compared, "request", 0, of_times=True)
    shown = (_milliseconds(compared.ours), _milliseconds(compared.bare))
    return msgspec.structs.replace(measured, shown=shown)


def _milliseconds(runs: list[Run]) -> str:
    return f"{statistics.median(run.seconds for run in runs) * 1e3:.1f} ms"
