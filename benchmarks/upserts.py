"""Upserts: bulks of which half of the rows are stored, against the same statement of the bare engine."""

from __future__ import annotations

import contextlib
import random
from typing import Any

from benchmarks import data
from benchmarks.load import drive
from benchmarks.measured_server import Stage, Target
from benchmarks.measurement import Measurement, from_comparison
from benchmarks.rounds import Run, call_and_meter, compare, drive_and_meter

ROWS = 100_000
KEY = "Code"
ITEMS: dict[str, Any] = {
    "schemaDef": [
        {"name": KEY, "type": "string"},
        {"name": "First_Name", "type": "string"},
        {"name": "Last_Name", "type": "string"},
        {"name": "Gender", "type": "string"},
        {"name": "Number", "type": "number"},
    ],
    "indexes": [
        {"name": "by_code", "isUnique": True, "columns": [{"name": KEY}]},
        {"name": "by_last_name", "columns": [{"name": "Last_Name"}]},
        {"name": "by_number", "columns": [{"name": "Number"}]},
    ],
}
CHANGED = ("First_Name", "Last_Name", "Gender", "Number", "Updated_On", "Updated_By")


def upsert(stage: Stage, rounds: int) -> Measurement:
    """Rows per second in upserts of 100,000 rows, of which half are stored, with counts as the response. Each
    round has its own table."""
    tables = [f"items_{number:03}" for number in range(rounds + 1)]
    rows = [{KEY: f"c{at:06}", **row} for at, row in enumerate(data.rows(ROWS, seed=1))]
    random.Random(2).shuffle(rows)
    places = {row[KEY]: at for at, row in enumerate(rows)}
    changed = [{**row, "Number": row["Number"] + 1} for row in rows]
    conflict = {"columns": [KEY], "action": "update"}
    with stage.server() as (server, url):
        target = Target(server, tables, ITEMS)
        with contextlib.closing(stage.baseline(url)) as baseline:
            unused = iter(tables)

            def send(table: str, body: dict[str, Any]) -> list[bytes]:
                return [data.post(f"{target.path_of(table)}/bulk", body, target.token, minimal=True)]

            def ours() -> Run:
                table = next(unused)
                drive(target.job(send(table, {"data": []}), count=1))
                baseline.follow(table)
                drive(target.job(send(table, {"data": rows[::2]}), count=1))
                baseline.insert([baseline.fresh_rows()])
                job = target.job(send(table, {"data": changed, "onConflict": conflict}), count=1)
                return drive_and_meter(job, target.tree, stage.postgres_tree, ROWS)

            def bare() -> Run:
                stored = sorted(baseline.all_rows(), key=lambda row: places[row[0]])
                assert len(stored) == ROWS, "rows went missing"
                return call_and_meter(lambda: baseline.upsert(stored, KEY, CHANGED), stage.postgres_tree)

            comparison = compare(ours, bare, rounds)
            return from_comparison(comparison, "row", target.tree.peak_rss_bytes())
