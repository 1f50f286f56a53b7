"""Measurement: the result of a workload, compared with its target, and the values shown with it."""

from __future__ import annotations

import statistics

import msgspec

from benchmarks.rounds import Comparison, Run, cpu_per_unit, median_rate, postgres_cpu_per_unit

MB = 1_000_000


class Side(msgspec.Struct, frozen=True):
    """Rowkeep or its baseline: units per second and CPU seconds per unit."""

    rate: float
    cpu_seconds: float
    postgres_cpu_seconds: float


class Measurement(msgspec.Struct, frozen=True):
    """`value` is the median, `low` and `high` are the minimum and maximum of all rounds; a ratio, or
    megabytes."""

    value: float
    low: float
    high: float
    unit: str
    peak_rss_bytes: int
    per: str = ""
    ours: Side | None = None
    bare: Side | None = None
    client_load: float = 0.0
    shown: tuple[str, str] | None = None
    """The values of Rowkeep and the baseline, if they are not rates."""
    note: str = ""
    """What a reader must know of this measurement."""


class Bar(msgspec.Struct, frozen=True):
    """The target of a workload."""

    limit: float
    at_least: bool = True

    def holds(self, measurement: Measurement) -> bool:
        """Whether the median reaches the target."""
        return measurement.value >= self.limit if self.at_least else measurement.value <= self.limit


def from_comparison(
    comparison: Comparison, per: str, peak_rss_bytes: int, *, of_times: bool = False
) -> Measurement:
    """The measurement of a ratio of rates, or of times; `per` is the unit: a row or a request."""
    runs = comparison.ours + comparison.bare
    value, ratios = comparison.ratio, comparison.ratios
    if of_times:
        value, ratios = 1 / value, [1 / ratio for ratio in ratios]
    return Measurement(
        value=value,
        low=min(ratios),
        high=max(ratios),
        unit="×",
        peak_rss_bytes=peak_rss_bytes,
        per=per,
        ours=_side(comparison.ours),
        bare=_side(comparison.bare),
        client_load=max(run.client_cpu_seconds / run.seconds for run in runs),
    )


def from_peaks(peaks: list[int]) -> Measurement:
    """The measurement of peak memory, from bytes."""
    return Measurement(
        value=statistics.median(peaks) / MB,
        low=min(peaks) / MB,
        high=max(peaks) / MB,
        unit="MB",
        peak_rss_bytes=max(peaks),
    )


def _side(runs: list[Run]) -> Side:
    return Side(median_rate(runs), cpu_per_unit(runs), postgres_cpu_per_unit(runs))
