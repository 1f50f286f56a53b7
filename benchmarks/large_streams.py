"""Large streams: rows per second and peak memory of one stream in, and of one out again in each format.

``python -m benchmarks.large_streams --backend sqlite --rows 10000000 --bare-rows 2000000``. The bare engine
inserts fewer rows, because it gets slower with each: its rate for all of them would be lower. The bare loops
read and write what the server does, with the drivers and the standard library.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import csv
import json
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import httpx
from tests.support.server import RowkeepServer

from benchmarks.baselines import find_sqlite_table
from benchmarks.measured_server import BACKENDS, Stage, Target, stage
from benchmarks.rounds import Run
from benchmarks.streams_in import EVENTS, MEDIA_TYPES, BareEngine, Sender, Source

TABLE = "events"
FETCHED = 1_000
COLUMNS = ("_id", "Code", "Name", "Gender", "Number")
MIB = 1024 * 1024


class Sink:
    """Receives streams of one server."""

    def __init__(self, server: RowkeepServer, target: Target) -> None:
        self._url = server.url + target.path_of(TABLE) + "/query"
        self._token = target.token

    def receive(self, media_type: str) -> tuple[float, int]:
        """The seconds and the bytes of all rows."""
        headers = {"auth": self._token, "Accept": media_type, "Accept-Encoding": "identity"}
        body = {"fields": list(COLUMNS)}
        began, size = time.perf_counter(), 0
        with httpx.stream("POST", self._url, headers=headers, json=body, timeout=600) as response:
            response.raise_for_status()
            for chunk in response.iter_raw():
                size += len(chunk)
        return time.perf_counter() - began, size


def bare_loop(store: Path | str, media_type: str) -> float:
    """Seconds to read all rows with the driver, and to write them with the standard library."""
    columns = ", ".join(f'"{name}"' for name in COLUMNS)
    began = time.perf_counter()
    with Path("/dev/null").open("w", newline="") as out:
        write = _writer(out, media_type)
        if isinstance(store, Path):
            connection, table = find_sqlite_table(store, TABLE)
            with contextlib.closing(connection):
                write(connection.execute(f'SELECT {columns} FROM "{table}" ORDER BY _id'))  # noqa: S608 — names from the engine's own catalog
        else:
            asyncio.run(_read_postgres(store, columns, write))
    return time.perf_counter() - began


def _writer(out: Any, media_type: str) -> Callable[[Iterable[Any]], None]:
    if media_type == "text/csv":
        return csv.writer(out).writerows

    def write(rows: Iterable[Any]) -> None:
        out.writelines(json.dumps(dict(zip(COLUMNS, row, strict=True))) + "\n" for row in rows)

    return write


async def _read_postgres(url: str, columns: str, write: Callable[[Iterable[Any]], None]) -> None:
    connection = await asyncpg.connect(url)
    found = "SELECT oid::regclass::text FROM pg_class WHERE relkind = 'r' AND relname = $1"
    table = await connection.fetchval(found, TABLE)
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        cursor = await connection.cursor(f"SELECT {columns} FROM {table} ORDER BY _id")  # noqa: S608 — the same
        while rows := await cursor.fetch(FETCHED):
            write(rows)
    await connection.close()


def _said(run: Run, of: int) -> str:
    cpu = f"{run.cpu_seconds / of * 1e6:.1f} + {run.postgres_cpu_seconds / of * 1e6:.1f} µs/row"
    return f"{of / run.seconds:,.0f} rows/s in {run.seconds:,.0f} s, CPU {cpu}"


def measure(place: Stage, kind: str, rows: int, bare_rows: int) -> Iterator[str]:
    """Measure one stream in, and one out in each format; yields lines of results."""
    source = Source(place.directory, kind, rows)
    with place.server() as (server, url):
        target = Target(server, [TABLE, "example"], EVENTS)
        sender = Sender(place, target, server.url)
        first = Source(place.directory, kind, 1, seed=3)
        sender.stream("example", first)
        yield f"in, {kind}, {rows:,} rows: {_said(sender.stream(TABLE, source), rows)}; peak {_peak(target)}"
        source.remove()
        store = url if place.postgres else Path(url.removeprefix("sqlite:///"))
        sink = Sink(server, target)
        for media_type in MEDIA_TYPES.values():
            seconds, size = sink.receive(media_type)
            bare = bare_loop(store, media_type)
            rate = f"{rows / seconds:,.0f} rows/s, {size / seconds / MIB:,.0f} MiB/s in {seconds:,.0f} s"
            loop = f"bare loop {rows / bare:,.0f} rows/s, ratio {bare / seconds:.2f}"
            yield f"out, {media_type}, {rows:,} rows: {rate}; {loop}; peak {_peak(target)}"
        if bare_rows:
            with contextlib.closing(place.baseline(url)) as baseline:
                engine = BareEngine(place, baseline, "example")
                yield f"bare engine, {bare_rows:,} rows: {_said(engine.insert(bare_rows, 1), bare_rows)}"


def _peak(target: Target) -> str:
    return f"{target.tree.peak_rss_bytes() / MIB:,.0f} MiB"


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.large_streams")
    parser.add_argument("--backend", choices=BACKENDS, default="sqlite")
    parser.add_argument("--kind", choices=list(MEDIA_TYPES), default="csv")
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--bare-rows", type=int, default=0)
    arguments = parser.parse_args()
    with stage(arguments.backend) as place:
        print(place.engine, flush=True)
        for line in measure(place, arguments.kind, arguments.rows, arguments.bare_rows):
            print(line, flush=True)


if __name__ == "__main__":
    main()
