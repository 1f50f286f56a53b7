"""Rate limits: queries of an app with a limit, compared with the same queries of the same app without one."""

from __future__ import annotations

import functools

import msgspec
from tests.support.server import RowkeepServer
from tests.support.workspace import succeeded

from benchmarks import data
from benchmarks.measured_server import Stage, Target
from benchmarks.measurement import Measurement, from_comparison
from benchmarks.rounds import Run, compare, drive_and_meter

LIMIT = "1000000/minute;1000000/hour"
ROWS = 20_000
REQUESTS = 3_000
CONNECTIONS = 32
SECONDS = 0.7
TRIES = 4


def limited_query(stage: Stage, rounds: int) -> Measurement:
    """The CPU time of a query with two windows, counted in memory."""
    with stage.server() as (server, _):
        target = Target(server, ["people"])
        rows = data.rows(ROWS, seed=3)
        for at in range(0, ROWS, ROWS // 4):
            target.bot.bulk("people", rows[at : at + ROWS // 4], prefer="return=minimal")
        comparison = compare(
            functools.partial(_drive, stage, server, target, LIMIT),
            functools.partial(_drive, stage, server, target, None),
            rounds,
        )
        peak = target.tree.peak_rss_bytes()
    return from_comparison(comparison, "request", peak, of_times=True)


def _drive(stage: Stage, server: RowkeepServer, target: Target, limit: str | None) -> Run:
    with server.admin() as admin:
        path = f"/workspaces/bench/apps/{target.bot.client_id}"
        succeeded(admin.patch(path, json={"rateLimit": limit}))
    names = [data.last_name(number * 7_919 % 200_003) for number in range(REQUESTS)]
    requests = [
        data.post(
            f"{target.path}/query?sys_limit=10",
            {"query": {"expressions": [{"field": "Last_Name", "operand": "=", "value": name}]}},
            target.token,
        )
        for name in names
    ]
    job = target.job(requests, connections=CONNECTIONS, seconds=SECONDS)
    runs = [drive_and_meter(job, target.tree, stage.postgres_tree) for _ in range(TRIES)]
    # only the CPU time is compared, of the run that was disturbed least
    run = min(runs, key=lambda each: each.cpu_seconds / each.units)
    return msgspec.structs.replace(run, seconds=run.cpu_seconds)
