"""Workloads: a table with the name, title, targets and function of each."""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec

from benchmarks import data, file_commands, history, streams_in, upserts, workers
from benchmarks.bare_catalog_size import BareCrowd
from benchmarks.catalog_size import CONNECTIONS as CROWD_CONNECTIONS
from benchmarks.catalog_size import (
    FEW,
    MANY_TABLES,
    MANY_WORKSPACES,
    Crowd,
    crowds,
    with_tables,
    with_workspaces,
)
from benchmarks.load import drive
from benchmarks.measured_server import BACKENDS, Stage, Target
from benchmarks.measurement import MB, Bar, Measurement, from_comparison, from_peaks
from benchmarks.partial_bulks import KINDS as PARTIAL_KINDS
from benchmarks.partial_bulks import partial_bulk
from benchmarks.processes import ProcessTree, bare_server
from benchmarks.rate_limits import limited_query
from benchmarks.rounds import Run, call_and_meter, compare, drive_and_meter

BULK_ROWS = 10_000
BULKS_PER_ROUND = 3
KEYED_PER_ROUND = 4_000
TABLE_ROWS = 100_000
CONNECTIONS = 32
SECONDS = 3.0
PAGE_SECONDS = 1.5
MIB = 2**20
GROUPS = ("tables", "workspaces", "workers", "partial", "stream-in", "growth", "history", "import", "export")
"""Workloads whose names start with one of these are measured together."""


class Work(msgspec.Struct, frozen=True):
    """One line of the report. `bars` are the targets by backend; a backend without a target is measured
    too."""

    name: str
    title: str
    yardstick: str
    bars: dict[str, Bar]
    measure: Callable[[Stage, int], Measurement]
    backends: tuple[str, ...] = BACKENDS


def bulk(stage: Stage, rounds: int, *, minimal: bool) -> Measurement:
    """Rows per second in bulk inserts of 10,000, compared with the bare engine and the same stored rows.

    Each round has its own table: in a growing table both get slower, and the ratio looks better than it is.
    """
    tables = [f"people_{number:03}" for number in range(rounds + 1)]
    with stage.target_and_baseline(tables) as (target, baseline):
        bodies = [{"data": data.rows(BULK_ROWS, seed=seed)} for seed in range(BULKS_PER_ROUND)]
        warm_up = {"data": data.rows(10, seed=BULKS_PER_ROUND)}
        unused = iter(tables)

        def ours() -> Run:
            table = next(unused)
            path = f"{target.path_of(table)}/bulk"
            drive(target.job([data.post(path, warm_up, target.token, minimal=minimal)], count=1))
            baseline.follow(table)
            requests = [data.post(path, body, target.token, minimal=minimal) for body in bodies]
            job = target.job(requests, count=len(requests))
            return drive_and_meter(job, target.tree, stage.postgres_tree, BULK_ROWS)

        def bare() -> Run:
            rows = baseline.fresh_rows()
            batches = [rows[at : at + BULK_ROWS] for at in range(0, len(rows), BULK_ROWS)]
            assert [len(batch) for batch in batches] == [BULK_ROWS] * len(bodies), "rows went missing"
            return call_and_meter(lambda: baseline.insert(batches), stage.postgres_tree)

        comparison = compare(ours, bare, rounds)
        return from_comparison(comparison, "row", target.tree.peak_rss_bytes())


def query(stage: Stage, rounds: int) -> Measurement:
    """Queries for equality on an indexed column: 10 rows of 100,000, with the total, which is the default."""
    with stage.target("people_query") as target:
        _fill(target, TABLE_ROWS)
        requests = [
            data.post(f"{target.path}/query?sys_limit=10", _equals(data.last_name(number)), target.token)
            for number in range(0, TABLE_ROWS // 10, 37)
        ]
        answer = msgspec.json.decode(drive(target.job(requests, count=1)).answer)
        assert (len(answer["queryResult"]), answer["total"]) == (10, 10), "not the rows that were asked for"
        return _against_bare_app(stage, target, requests, rounds)


def insert(stage: Stage, rounds: int) -> Measurement:
    """Inserts of 1 row from 32 connections, each on disk before the response."""
    with stage.target("people_insert") as target:
        requests = [data.post(target.path, {"data": row}, target.token) for row in data.rows(1_000, seed=1)]
        return _against_bare_app(stage, target, requests, rounds)


def insert_keyed(stage: Stage, rounds: int) -> Measurement:
    """Inserts of 1 row, each under an idempotency key of its own, against the same without keys."""
    with stage.target("people_keyed") as target:
        rows = data.rows(KEYED_PER_ROUND, seed=4)

        def inserts(*, keyed: bool) -> Run:
            requests = [
                data.post(target.path, {"data": row}, target.token, key=str(uuid4()) if keyed else None)
                for row in rows
            ]
            job = target.job(requests, connections=CONNECTIONS, count=len(requests))
            return drive_and_meter(job, target.tree, stage.postgres_tree)

        comparison = compare(lambda: inserts(keyed=True), lambda: inserts(keyed=False), rounds)
        return from_comparison(comparison, "request", target.tree.peak_rss_bytes(), of_times=True)


def pages(stage: Stage, rounds: int) -> Measurement:
    """The page of 10 rows at offset 90,000 by cursor, compared with page 1; without the total, which would
    dominate."""
    with stage.target("people_pages") as target:
        _fill(target, TABLE_ROWS)
        jobs = [
            target.job([data.post(f"{target.path}/query", body, target.token)], seconds=PAGE_SECONDS)
            for body in (_page(None), _page(_cursor_at(target, 90_000)))
        ]
        first, deep = (
            functools.partial(drive_and_meter, job, target.tree, stage.postgres_tree) for job in jobs
        )
        comparison = compare(deep, first, rounds)
        return from_comparison(comparison, "request", target.tree.peak_rss_bytes(), of_times=True)


def memory(stage: Stage, rounds: int) -> Measurement:
    """The peak memory of a new server that receives one bulk insert of 100,000 rows and returns the
    records."""
    body = {"data": data.rows(TABLE_ROWS, seed=2)}
    peaks = []
    for _ in range(rounds):
        with stage.target("people_memory") as target:
            drive(target.job([data.post(f"{target.path}/bulk", body, target.token)], count=1))
            peaks.append(target.tree.peak_rss_bytes())
    return from_peaks(peaks)


@functools.cache
def _crowds(stage: Stage, kind: str) -> tuple[Crowd, Crowd]:
    make, many = {
        "tables": (with_tables, MANY_TABLES),
        "workspaces": (with_workspaces, MANY_WORKSPACES),
    }[kind]
    return stage.shared.enter_context(crowds(stage, make, many))


def crowd(stage: Stage, rounds: int, *, kind: str, call: str) -> Measurement:
    """The time of a request with many tables or workspaces, distributed over all of them, compared with
    ten."""
    many, few = _crowds(stage, kind)
    comparison = compare(
        functools.partial(getattr(many, call), PAGE_SECONDS),
        functools.partial(getattr(few, call), PAGE_SECONDS),
        rounds,
    )
    return from_comparison(comparison, "request", many.tree.peak_rss_bytes(), of_times=True)


def bare_tables(stage: Stage, rounds: int) -> Measurement:
    """The same inserts into many tables and into ten with SQLite alone, with as many in a transaction as
    there are connections: the part of the difference that is caused by the engine."""
    with contextlib.ExitStack() as stack:
        sides = []
        for crowd in _crowds(stage, "tables"):
            store = Path(crowd.server.database_url.removeprefix("sqlite:///"))
            bare = BareCrowd(store, crowd.server.directory, CROWD_CONNECTIONS)
            stack.callback(bare.close)
            sides.append(functools.partial(bare.insert, PAGE_SECONDS))
        comparison = compare(sides[0], sides[1], rounds)
    return from_comparison(comparison, "row", ProcessTree(os.getpid()).peak_rss_bytes(), of_times=True)


def _crowd_works() -> list[Work]:
    calls = {
        "query": ("query of 10 rows", 1.5),
        "insert": ("insert of 1 row", 1.5),
        "list": ("first page of the list", 1.5),
        "first": ("first query to each after a start", 1.5),
    }
    kinds = {"tables": f"{MANY_TABLES:,} tables", "workspaces": f"{MANY_WORKSPACES:,} workspaces"}
    return [
        Work(
            name=f"{kind}-{call}",
            title=f"{many}: {title} (time)",
            yardstick=f"{FEW} {kind}",
            bars={backend: Bar(limit, at_least=False) for backend in ("sqlite", "postgresql")},
            measure=functools.partial(crowd, kind=kind, call=call),
        )
        for kind, many in kinds.items()
        for call, (title, limit) in calls.items()
    ]


def _worker_works() -> list[Work]:
    calls = {"query": "query of 10 rows", "insert": "insert of 1 row", "update": "update of 10 rows"}
    of_calls = []
    for call, title in calls.items():
        measure = functools.partial(workers.throughput, call=call)
        of_calls.append(Work(f"workers-{call}", f"2 workers: {title}", "1 worker", {}, measure))
        measure = functools.partial(workers.p99, call=call)
        bars = {} if call == "query" else {"sqlite": Bar(1.0, at_least=False)}
        of_calls.append(
            Work(f"workers-{call}-p99", f"2 workers: {title}, 99th percentile", "1 worker", bars, measure)
        )
    of_both = {
        "start": ("2 workers: start, until all answer (time)", "1 worker", 1.5, workers.start),
        "memory-1": ("1 worker: memory, idle", "", 70 * MIB / MB, functools.partial(workers.memory, side=1)),
        "memory-2": ("2 workers: memory, idle", "", 95 * MIB / MB, functools.partial(workers.memory, side=0)),
    }
    return of_calls + [
        Work(
            f"workers-{name}", title, yardstick, dict.fromkeys(BACKENDS, Bar(limit, at_least=False)), measure
        )
        for name, (title, yardstick, limit, measure) in of_both.items()
    ]


def _against_bare_app(stage: Stage, target: Target, requests: list[bytes], rounds: int) -> Measurement:
    """Requests per second compared with the bare app, which returns Rowkeep's response to the first
    request."""
    answer = drive(target.job(requests, count=1)).answer
    job = target.job(requests, connections=CONNECTIONS, seconds=SECONDS)
    with bare_server(answer, stage.directory) as (port, bare_tree):
        bare_job = msgspec.structs.replace(job, host="127.0.0.1", port=port)
        comparison = compare(
            functools.partial(drive_and_meter, job, target.tree, stage.postgres_tree),
            functools.partial(drive_and_meter, bare_job, bare_tree, None),
            rounds,
        )
    return from_comparison(comparison, "request", target.tree.peak_rss_bytes())


def _fill(target: Target, count: int) -> None:
    rows = data.rows(count, seed=3)
    for at in range(0, count, BULK_ROWS):
        body = {"data": rows[at : at + BULK_ROWS]}
        drive(target.job([data.post(f"{target.path}/bulk", body, target.token, minimal=True)], count=1))


def _equals(name: str) -> dict[str, Any]:
    return {"query": {"expressions": [{"field": "Last_Name", "operand": "=", "value": name}]}}


def _cursor_at(target: Target, offset: int) -> str:
    """The cursor of the page that starts at this offset, obtained as clients do it: page after page."""
    cursor, at = None, 0
    while at < offset:
        response = target.bot.query(target.tables[0], _page(cursor), sys_limit=1_000)
        page = response.raise_for_status().json()
        cursor, at = page["nextCursor"], at + len(page["queryResult"])
    assert cursor is not None
    return cursor


def _page(cursor: str | None) -> dict[str, Any]:
    return {"count": "none"} if cursor is None else {"count": "none", "cursor": cursor}


WORKS = [
    Work(
        name="bulk",
        title="bulk of 10,000 rows in a request, records returned",
        yardstick="bare executemany / COPY",
        bars={"sqlite": Bar(0.40), "postgresql": Bar(0.40)},
        measure=functools.partial(bulk, minimal=False),
    ),
    Work(
        name="bulk-minimal",
        title="the same with return=minimal",
        yardstick="bare executemany / COPY",
        bars={"sqlite": Bar(0.60), "postgresql": Bar(0.60)},
        measure=functools.partial(bulk, minimal=True),
    ),
    Work(
        name="upsert",
        title="upsert of 100,000 rows in a request, of which half are stored, return=minimal",
        yardstick="bare executemany / COPY and INSERT … SELECT, with ON CONFLICT",
        bars={"sqlite": Bar(0.50), "postgresql": Bar(0.50)},
        measure=upserts.upsert,
    ),
    Work(
        name="query",
        title="query by equality on an indexed column, 10 rows of 100,000, 32 connections",
        yardstick="bare ASGI app",
        bars={"sqlite": Bar(0.35), "postgresql": Bar(0.20)},
        measure=query,
    ),
    Work(
        name="insert",
        title="insert of 1 row, 32 connections, each durable when answered",
        yardstick="bare ASGI app",
        bars={"sqlite": Bar(0.25)},
        measure=insert,
    ),
    Work(
        name="insert-keyed",
        title="insert of 1 row under an idempotency key, 32 connections (time)",
        yardstick="the same without a key",
        bars={"sqlite": Bar(1.5, at_least=False), "postgresql": Bar(1.5, at_least=False)},
        measure=insert_keyed,
    ),
    Work(
        name="query-limited",
        title="query of an app with a rate limit of two windows, in memory (CPU time)",
        yardstick="the same without a limit",
        bars={"sqlite": Bar(1.1, at_least=False), "postgresql": Bar(1.1, at_least=False)},
        measure=limited_query,
    ),
    Work(
        name="memory",
        title="peak memory of the server, bulk of 100,000 rows (JSON)",
        yardstick="",
        bars={"sqlite": Bar(300, at_least=False), "postgresql": Bar(300, at_least=False)},
        measure=memory,
    ),
    Work(
        name="pages",
        title="the page at offset 90,000 by cursor, against page 1 (time)",
        yardstick="page 1",
        bars={"sqlite": Bar(1.5, at_least=False), "postgresql": Bar(1.5, at_least=False)},
        measure=pages,
    ),
]
WORKS += [
    Work(
        name="history-bulk",
        title="bulk of 10,000 rows into a table with a history, return=minimal",
        yardstick="the same without",
        bars=dict.fromkeys(BACKENDS, Bar(0.5)),
        measure=history.bulk,
    ),
    Work(
        name="history-insert",
        title="insert of 1 row into a table with a history (CPU time)",
        yardstick="the same without",
        bars=dict.fromkeys(BACKENDS, Bar(1.3, at_least=False)),
        measure=history.insert,
    ),
]
WORKS += [
    Work(
        name=f"partial-{kind}",
        title=f"partial bulk of 10,000 rows: {title}",
        yardstick="good atomic bulk",
        bars=dict.fromkeys(BACKENDS, Bar(0.5)),
        measure=functools.partial(partial_bulk, kind=kind),
    )
    for kind, (title, _) in PARTIAL_KINDS.items()
]
WORKS += [
    Work(
        name=f"stream-in-{kind}",
        title=f"a stream of 1,000,000 rows into an empty table with two indexes, {kind.upper()}",
        yardstick="bare engine, 10,000 rows in a transaction",
        bars=dict.fromkeys(BACKENDS, Bar(0.60)),
        measure=functools.partial(streams_in.stream_in, kind=kind, count=1_000_000),
    )
    for kind in streams_in.MEDIA_TYPES
]
WORKS += [
    Work(
        name=f"import-{kind.replace('.', '-')}",
        title=f"rows import of 1,000,000 rows, {title}",
        yardstick="one stream",
        bars=dict.fromkeys(BACKENDS, Bar(0.5)),
        measure=functools.partial(file_commands.import_file, kind=kind, count=1_000_000),
    )
    for kind, (_, title) in file_commands.KINDS.items()
]
WORKS += [
    Work(
        name=f"export-{kind}",
        title=f"rows export of 1,000,000 rows, {kind.upper()}",
        yardstick="one streamed query",
        bars=dict.fromkeys(BACKENDS, Bar(0.5)),
        measure=functools.partial(file_commands.export_file, kind=kind, count=1_000_000),
    )
    for kind in streams_in.MEDIA_TYPES
]
WORKS += [
    Work(
        name=f"growth-{before}-{count}",
        title=f"a stream of {count:,} rows into a table of {before:,} rows",
        yardstick="bare engine, 10,000 rows in a transaction",
        bars={backend: Bar(bar) for backend, bar in bars.items()},
        measure=functools.partial(streams_in.growth, before=before, count=count, bars=bars),
    )
    for before, count, bars in (
        (0, 100_000, {"sqlite": 0.6, "postgresql": 0.6}),
        (0, 1_000_000, {"sqlite": 0.6, "postgresql": 0.6}),
        (0, 10_000_000, {"sqlite": 3.0, "postgresql": 0.6}),
        (3_000_000, 1_000_000, {"sqlite": 1.5, "postgresql": 0.6}),
    )
]
WORKS += [
    Work(
        name=f"growth-query-{count}",
        title=f"query by equality on a random value, 1 row of {count:,} (time)",
        yardstick=f"of {streams_in.BATCH:,}",
        bars={},
        measure=functools.partial(streams_in.growth_query, count=count),
    )
    for count in (100_000, 1_000_000, 10_000_000)
]
WORKS += _crowd_works()
WORKS += _worker_works()
WORKS.append(
    Work(
        name="tables-insert-bare",
        title=f"{MANY_TABLES:,} tables: insert of 1 row by SQLite itself (time)",
        yardstick=f"{FEW} tables",
        bars={},
        measure=bare_tables,
        backends=("sqlite",),
    )
)
