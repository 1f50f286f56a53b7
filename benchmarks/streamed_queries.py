"""Streamed queries: rows per second of a stream over HTTP, next to a bare loop that writes the same rows.

``python -m benchmarks.streamed_queries`` measures both in turns, on SQLite.
"""

from __future__ import annotations

import csv
import json
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import httpx
from tests.support.bot import Bot
from tests.support.server import RowkeepServer, sqlite_url
from tests.support.workspace import PEOPLE, Workspace

from benchmarks import data

ROWS = 100_000
ROUNDS = 3
LEAST_RATIO = 0.3


def streamed(bot: Bot, accept: str) -> float:
    """Seconds to receive all rows."""
    headers = {"auth": bot.token(), "Accept": accept, "Accept-Encoding": "identity"}
    began = time.perf_counter()
    with httpx.stream(
        "POST", f"{bot.server_url}/api/public/tables/people/query", headers=headers, timeout=300
    ) as response:
        for _ in response.iter_raw():
            pass
    return time.perf_counter() - began


def bare(path: Path, accept: str) -> float:
    """Seconds to write all rows with the standard library."""
    connection = sqlite3.connect(path)
    began = time.perf_counter()
    cursor = connection.execute("SELECT * FROM people ORDER BY _id")
    names = [column[0] for column in cursor.description]
    with Path("/dev/null").open("w", newline="") as out:
        if accept == "text/csv":
            csv.writer(out).writerows(cursor)
        else:
            out.writelines(json.dumps(dict(zip(names, row, strict=True))) + "\n" for row in cursor)
    seconds = time.perf_counter() - began
    connection.close()
    return seconds


def measure(say: Callable[[str], None]) -> bool:
    """Measure both formats; whether each is fast enough."""
    holds = True
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        server = RowkeepServer(sqlite_url(directory / "data"), directory)
        server.leave_unmeasured()
        server.start()
        try:
            workspace = Workspace(server, "bench")
            workspace.create_table(PEOPLE)
            bot = workspace.bot({"people": "rw"})
            for seed in range(ROWS // 10_000):
                bot.bulk("people", data.rows(10_000, seed=seed), prefer="return=minimal").raise_for_status()
            path = max((directory / "data" / "workspaces").glob("*.db"), key=lambda file: file.stat().st_size)
            for accept in ("application/x-ndjson", "text/csv"):
                rounds = [(streamed(bot, accept), bare(path, accept)) for _ in range(ROUNDS)]
                ratio = median(theirs / ours for ours, theirs in rounds)
                rate = ROWS / median(ours for ours, _ in rounds)
                say(f"{accept}: {rate:,.0f} rows/s, {ratio:.2f} of the bare loop (at least {LEAST_RATIO})")
                holds = holds and ratio >= LEAST_RATIO
        finally:
            server.stop()
    return holds


if __name__ == "__main__":
    sys.exit(0 if measure(print) else 1)
