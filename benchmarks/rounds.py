"""Rounds: both sides of a comparison run in turn (A B A B …), so that disturbances affect both."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import msgspec

from benchmarks.load import Job, drive
from benchmarks.processes import ProcessTree


class Run(msgspec.Struct, frozen=True):
    """One side of one round: `units` (rows or requests) done in `seconds`, and the CPU time."""

    units: int
    seconds: float
    cpu_seconds: float
    postgres_cpu_seconds: float = 0.0
    client_cpu_seconds: float = 0.0
    p99_ms: float = 0.0

    @property
    def rate(self) -> float:
        """Units per second."""
        return self.units / self.seconds


class Comparison(msgspec.Struct, frozen=True):
    """All rounds of one workload: the runs of Rowkeep and of the baseline."""

    ours: list[Run]
    bare: list[Run]

    @property
    def ratio(self) -> float:
        """The ratio of the medians."""
        return median_rate(self.ours) / median_rate(self.bare)

    @property
    def ratios(self) -> list[float]:
        """The ratio of each round."""
        return [ours.rate / bare.rate for ours, bare in zip(self.ours, self.bare, strict=True)]


def compare(ours: Callable[[], Run], bare: Callable[[], Run], rounds: int) -> Comparison:
    """Run both in turn, `rounds` times, after one run each to warm up."""
    ours()
    bare()
    pairs = [(ours(), bare()) for _ in range(rounds)]
    return Comparison(ours=[pair[0] for pair in pairs], bare=[pair[1] for pair in pairs])


def median_rate(runs: list[Run]) -> float:
    """Units per second, the median of all rounds."""
    return statistics.median(run.rate for run in runs)


def cpu_per_unit(runs: list[Run]) -> float:
    """CPU seconds of the server's processes per row or request, over all rounds."""
    return sum(run.cpu_seconds for run in runs) / sum(run.units for run in runs)


def postgres_cpu_per_unit(runs: list[Run]) -> float:
    """The same for the PostgreSQL server's processes; 0 on SQLite."""
    return sum(run.postgres_cpu_seconds for run in runs) / sum(run.units for run in runs)


def drive_and_meter(
    job: Job, tree: ProcessTree, postgres: ProcessTree | None, units_per_request: int = 1
) -> Run:
    """Run a job against a server and measure its cost."""
    before, postgres_before = tree.cpu_seconds(), _cpu_seconds(postgres)
    outcome = drive(job)
    return Run(
        units=outcome.requests * units_per_request,
        seconds=outcome.seconds,
        cpu_seconds=tree.cpu_seconds() - before,
        postgres_cpu_seconds=_cpu_seconds(postgres) - postgres_before,
        client_cpu_seconds=outcome.cpu_seconds,
        p99_ms=outcome.p99_ms,
    )


def call_and_meter(call: Callable[[], int], postgres: ProcessTree | None) -> Run:
    """Call a function in this process, which returns its number of units, and measure its cost."""
    postgres_before = _cpu_seconds(postgres)
    cpu, started = time.process_time(), time.perf_counter()
    units = call()
    seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - cpu
    return Run(
        units=units,
        seconds=seconds,
        cpu_seconds=cpu_seconds,
        postgres_cpu_seconds=_cpu_seconds(postgres) - postgres_before,
    )


def _cpu_seconds(tree: ProcessTree | None) -> float:
    return tree.cpu_seconds() if tree else 0.0
