"""Partial bulks: bulks of which one row in ten is bad, compared with good atomic ones of as many rows."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tests.support.definitions import column, index, table
from tests.support.server import RowkeepServer
from tests.support.workspace import Workspace

from benchmarks import data
from benchmarks.load import Job, drive
from benchmarks.measured_server import Stage
from benchmarks.measurement import Measurement, from_comparison
from benchmarks.processes import ProcessTree
from benchmarks.rounds import Run, compare, drive_and_meter

ROWS = 10_000
BULKS = 3
CUSTOMERS = 1_000
ONE_IN = 10

Spoil = Callable[[data.Row], data.Row]

KINDS: dict[str, tuple[str, Spoil]] = {
    "none": ("all are good", lambda row: row),
    "unreadable": ("1 in 10 is not readable", lambda row: row | {"Number": "many"}),
    "unique": ("1 in 10 has a stored key", lambda row: row | {"Code": "taken"}),
    "reference": ("1 in 10 refers to nothing", lambda row: row | {"Customer": "nobody"}),
}
"""Title of each kind of bad rows, and what makes a row bad."""


class Orders:
    """A server with a table that has a unique index and a reference."""

    def __init__(self, server: RowkeepServer) -> None:
        self.tree = ProcessTree(server.process.pid)
        workspace = Workspace(server, "bench")
        by_code = (index("by_code", "Code", unique=True),)
        workspace.create_table(table("customers", column("Code"), indexes=by_code))
        reference = {"table": "customers", "column": "Code"}
        columns = (column("Code"), column("Customer", reference=reference), column("Last_Name"))
        workspace.create_table(table("orders", *columns, column("Number", "number"), indexes=by_code))
        self._bot = workspace.bot({"customers": "rwd", "orders": "rwd"})
        self._host, port = server.url.removeprefix("http://").split(":")
        self._port = int(port)
        self._numbers = itertools.count()
        customers = [{"Code": f"customer {at}"} for at in range(CUSTOMERS)]
        self._bot.bulk("customers", customers).raise_for_status()
        self._bot.bulk("orders", [{"Code": "taken"}]).raise_for_status()

    def count(self) -> int:
        """The number of stored orders that were sent in bulks."""
        answer = self._bot.query("orders", {}, sys_limit=1).raise_for_status().json()
        return int(answer["total"]) - 1

    def job(self, spoil: Spoil | None) -> Job:
        """Some bulks of rows that nobody has sent before; atomic ones without ``spoil``."""
        return Job(self._host, self._port, [self._bulk(spoil) for _ in range(BULKS)], count=BULKS)

    def _bulk(self, spoil: Spoil | None) -> bytes:
        rows = [self._row(next(self._numbers)) for _ in range(ROWS)]
        body: dict[str, Any] = {"data": rows}
        if spoil is not None:
            rows[::ONE_IN] = map(spoil, rows[::ONE_IN])
            body["mode"] = "partial"
        return data.post("/api/public/tables/orders/bulk", body, self._bot.token())

    @staticmethod
    def _row(number: int) -> data.Row:
        return {
            "Code": f"order {number}",
            "Customer": f"customer {number * 7 % CUSTOMERS}",
            "Last_Name": data.last_name(number % 10_000),
            "Number": number,
        }


@contextmanager
def _orders(stage: Stage) -> Iterator[Orders]:
    with stage.server() as (server, _):
        yield Orders(server)


def partial_bulk(stage: Stage, rounds: int, *, kind: str) -> Measurement:
    """Rows per second that are sent in bulks of 10,000, records returned."""
    spoil = KINDS[kind][1]
    with _orders(stage) as orders:
        drive(orders.job(spoil))
        failed = 0 if kind == "none" else ROWS // ONE_IN
        assert orders.count() == BULKS * (ROWS - failed), "not what was meant"
        drive(orders.job(None))

        def measured(spoil: Spoil | None) -> Run:
            return drive_and_meter(orders.job(spoil), orders.tree, stage.postgres_tree, ROWS)

        comparison = compare(lambda: measured(spoil), lambda: measured(None), rounds)
        return from_comparison(comparison, "row", orders.tree.peak_rss_bytes())
