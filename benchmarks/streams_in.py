"""Streams in: rows per second of one stream, against transactions of 10,000 rows of the bare engine, and how
both change as a table grows. The indexes are over random values, the worst case of an index."""

from __future__ import annotations

import contextlib
import http.client
import json
import random
import statistics
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any

from msgspec import structs

from benchmarks import data
from benchmarks.baselines import Baseline, StoredRow
from benchmarks.load import drive
from benchmarks.measured_server import Stage, Target
from benchmarks.measurement import Measurement, from_comparison
from benchmarks.processes import ProcessTree
from benchmarks.rounds import Comparison, Run

BATCH = 10_000
CHUNK_BYTES = 256 * 1024
QUERIES = 400
BARE_ROWS = 1_000_000
"""The bare engine inserts at least so many rows before it is stopped."""

BETWEEN_QUERIES_SECONDS = 0.25
EVENTS: dict[str, Any] = {
    "schemaDef": [
        {"name": "Code", "type": "string"},
        {"name": "Name", "type": "string"},
        {"name": "Gender", "type": "string"},
        {"name": "Number", "type": "number"},
    ],
    "indexes": [
        {"name": "by_code", "columns": [{"name": "Code"}]},
        {"name": "by_number", "columns": [{"name": "Number"}]},
    ],
}
MEDIA_TYPES = {"ndjson": "application/x-ndjson", "csv": "text/csv"}
OWN = len(EVENTS["schemaDef"])

Event = tuple[str, str, str, int]


def events(count: int, seed: int) -> Iterator[Event]:
    draw = random.Random(seed)
    for at in range(count):
        yield f"{draw.getrandbits(64):016x}", data.FIRST_NAMES[at % 12], "female", draw.getrandbits(40)


class Source:
    """Rows as a file of NDJSON or CSV."""

    def __init__(self, directory: Path, kind: str, count: int, seed: int = 1) -> None:
        self.count = count
        self.seed = seed
        self.media_type = MEDIA_TYPES[kind]
        self._path = directory / f"events-{seed}-{count}.{kind}"
        if not self._path.exists():
            form = (
                '{"Code":"%s","Name":"%s","Gender":"%s","Number":%d}\n'
                if kind == "ndjson"
                else "%s,%s,%s,%d\n"
            )
            with self._path.open("w", encoding="utf-8") as file:
                file.write("" if kind == "ndjson" else "Code,Name,Gender,Number\n")
                file.writelines(form % event for event in events(count, seed))

    def chunks(self) -> Iterator[bytes]:
        with self._path.open("rb") as file:
            while chunk := file.read(CHUNK_BYTES):
                yield chunk

    def remove(self) -> None:
        self._path.unlink()


class Sender:
    """Streams rows to one server."""

    def __init__(self, stage: Stage, target: Target, url: str) -> None:
        self._stage = stage
        self._target = target
        self._host = url.removeprefix("http://")

    def stream(self, table: str, source: Source) -> Run:
        """Send all rows in one request."""
        tree, postgres = self._target.tree, self._stage.postgres_tree
        before, postgres_before, own_before = tree.cpu_seconds(), _cpu(postgres), time.process_time()
        started = time.perf_counter()
        connection = http.client.HTTPConnection(self._host, timeout=3600)
        headers = {"auth": self._target.token, "content-type": source.media_type}
        path = f"{self._target.path_of(table)}/bulk"
        connection.request("POST", path, source.chunks(), headers, encode_chunked=True)
        with contextlib.closing(connection):
            answer = json.loads(connection.getresponse().read())
        seconds = time.perf_counter() - started
        assert answer == {"nInserted": source.count}, answer
        return Run(
            units=source.count,
            seconds=seconds,
            cpu_seconds=tree.cpu_seconds() - before,
            postgres_cpu_seconds=_cpu(postgres) - postgres_before,
            client_cpu_seconds=time.process_time() - own_before,
        )

    def queries_during(self, table: str, work: Callable[[], Run]) -> tuple[Run, list[float]]:
        """Do ``work`` and query the table meanwhile, again and again; returns the seconds of each query."""
        query = {"query": {"expressions": [{"field": "Number", "operand": "=", "value": 1}]}}
        headers = {"auth": self._target.token, "content-type": "application/json"}
        seconds: list[float] = []
        is_over = threading.Event()

        def ask() -> None:
            with contextlib.closing(http.client.HTTPConnection(self._host, timeout=3600)) as connection:
                while not is_over.wait(BETWEEN_QUERIES_SECONDS):
                    began = time.perf_counter()
                    path = f"{self._target.path_of(table)}/query"
                    connection.request("POST", path, json.dumps(query), headers)
                    response = connection.getresponse()
                    answer = response.read()
                    assert response.status == http.client.OK, answer
                    seconds.append(time.perf_counter() - began)

        with ThreadPoolExecutor(1) as pool:
            asked = pool.submit(ask)
            try:
                run = work()
            finally:
                is_over.set()
            asked.result()
        return run, seconds

    def query_seconds(self, table: str, sent: Source) -> float:
        """The median time of a query that finds a row by its random code."""
        codes = [event[0] for event in islice(events(sent.count, sent.seed), QUERIES)]
        path, requests = f"{self._target.path_of(table)}/query", []
        for code in codes:
            query = {"query": {"expressions": [{"field": "Code", "operand": "=", "value": code}]}}
            requests.append(data.post(path, query, self._target.token))
        return drive(self._target.job(requests, count=len(requests))).p50_ms / 1e3


class BareEngine:
    """Inserts the same rows, each batch in a durable transaction."""

    def __init__(self, stage: Stage, baseline: Baseline, table: str) -> None:
        self._postgres = stage.postgres_tree
        self._baseline = baseline
        baseline.follow(table)
        self._example: StoredRow = baseline.all_rows()[0]
        self._at = 0

    def insert(self, count: int, seed: int, enough: float | None = None) -> Run:
        """Insert rows. With ``enough``, stop after a part of them when the rate is below it: it only falls
        as the table grows."""
        seconds = cpu = 0.0
        done = 0
        postgres_before = _cpu(self._postgres)
        waiting = events(count, seed)
        while rows := [self._stored(event) for event in islice(waiting, BATCH)]:
            started, began = time.perf_counter(), time.process_time()
            self._baseline.insert([rows])
            seconds += time.perf_counter() - started
            cpu += time.process_time() - began
            done += len(rows)
            if enough is not None and done >= BARE_ROWS and done / seconds <= enough:
                break
        return Run(done, seconds, cpu, _cpu(self._postgres) - postgres_before)

    def _stored(self, event: Event) -> StoredRow:
        self._at += 1
        return (*event, *self._example[OWN:-1], f"{self._at:024x}")


def _cpu(tree: ProcessTree | None) -> float:
    return tree.cpu_seconds() if tree else 0.0


@contextlib.contextmanager
def _sides(stage: Stage, tables: list[str]) -> Iterator[tuple[Sender, Target, Baseline]]:
    with stage.server() as (server, url):
        target = Target(server, [*tables, "example"], EVENTS)
        row = dict(zip(("Code", "Name", "Gender", "Number"), next(events(1, 0)), strict=True))
        drive(target.job([data.post(target.path_of("example"), {"data": row}, target.token)], count=1))
        with contextlib.closing(stage.baseline(url)) as baseline:
            yield Sender(stage, target, server.url), target, baseline


def stream_in(stage: Stage, rounds: int, *, kind: str, count: int) -> Measurement:
    """Rows per second of streams into empty tables."""
    count = stage.scaled(count)
    tables = [f"events_{number}" for number in range(rounds)]
    source = Source(stage.directory, kind, count)
    ours: list[Run] = []
    bare: list[Run] = []
    for table in tables:
        with _sides(stage, [table]) as (sender, target, baseline):
            engine = BareEngine(stage, baseline, "example")
            ours.append(sender.stream(table, source))
            bare.append(engine.insert(count, source.seed))
            peak = target.tree.peak_rss_bytes()
    source.remove()
    return from_comparison(Comparison(ours, bare), "row", peak)


def growth(stage: Stage, _rounds: int, *, before: int, count: int, bars: Mapping[str, float]) -> Measurement:
    """One stream into a table that has ``before`` rows already, with queries meanwhile. The bare engine stops
    as soon as it is slower than the bar demands."""
    before, count = stage.scaled(before), stage.scaled(count)
    source = Source(stage.directory, "csv", count, seed=2)
    with _sides(stage, ["events"]) as (sender, target, baseline):
        engine = BareEngine(stage, baseline, "example")
        if before:
            first = Source(stage.directory, "csv", before)
            sender.stream("events", first)
            first.remove()
        ours, waits = sender.queries_during("events", lambda: sender.stream("events", source))
        peak = target.tree.peak_rss_bytes()
        if not before:
            stage.query_seconds[count] = sender.query_seconds("events", source)
        source.remove()
        if before:
            engine.insert(before, 1)
        bare = engine.insert(count, source.seed, enough=ours.rate / bars[stage.backend])
    return structs.replace(
        from_comparison(Comparison([ours], [bare]), "row", peak), note=_growth_note(count, bare, waits)
    )


def _growth_note(count: int, bare: Run, waits: list[float]) -> str:
    stopped = (
        f"The bare engine was stopped after {bare.units:,} of {count:,} rows; its rate only falls, so the "
        "ratio for all rows would be higher. "
        if bare.units < count
        else ""
    )
    if not waits:
        return f"{stopped}The stream was too short for a query meanwhile."
    times = f"median {statistics.median(waits) * 1e3:.1f} ms, longest {max(waits) * 1e3:.0f} ms"
    return f"{stopped}During the stream, {len(waits):,} queries were answered: {times}."


def growth_query(stage: Stage, _rounds: int, *, count: int) -> Measurement:
    """A query by equality on a random value, with ``count`` rows against 10,000."""
    peak = 0
    for rows in (stage.scaled(count), BATCH):
        if rows not in stage.query_seconds:
            with _sides(stage, ["events"]) as (sender, target, _):
                source = Source(stage.directory, "csv", rows)
                sender.stream("events", source)
                stage.query_seconds[rows] = sender.query_seconds("events", source)
                peak = target.tree.peak_rss_bytes()
                source.remove()
    many, few = stage.query_seconds[stage.scaled(count)], stage.query_seconds[BATCH]
    shown = (f"{many * 1e3:.2f} ms", f"{few * 1e3:.2f} ms")
    return Measurement(many / few, many / few, many / few, "×", peak, shown=shown)
