"""Metrics text: the metrics of all workers together in the text format of Prometheus."""

from __future__ import annotations

import os
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from rowkeep.metric_cells import Family, Kind, Registry
from rowkeep.metrics import REGISTRY

CONTENT_TYPE = CONTENT_TYPE_LATEST.encode()

PROCESS_METRICS = {
    "rowkeep_open_files": (Kind.GAUGE, "Open files of a worker process, connections included."),
    "rowkeep_resident_memory_bytes": (Kind.GAUGE, "Memory of a worker process."),
    "rowkeep_cpu_seconds": (Kind.COUNTER, "CPU time of a worker process."),
}
"""What the system knows of each worker; with the label ``worker``, its number."""


_FAMILIES: dict[Kind, type[CounterMetricFamily | GaugeMetricFamily]] = {
    Kind.COUNTER: CounterMetricFamily,
    Kind.GAUGE: GaugeMetricFamily,
}


def metrics_text() -> bytes:
    """The content of /metrics."""
    registry = CollectorRegistry()
    registry.register(RowkeepCollector(REGISTRY))
    return generate_latest(registry)


class RowkeepCollector(Collector):
    """The metrics of a registry, for the library that writes the format."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def describe(self) -> list[Metric]:
        """Nothing: the names need no check."""
        return []

    def collect(self) -> Iterator[Metric]:
        for family in self._registry.families:
            yield self._metric(family)
        yield from _process_metrics(self._registry.processes())

    def _metric(self, family: Family) -> Metric:
        samples = self._registry.samples(family)
        if family.kind is Kind.HISTOGRAM:
            histogram = HistogramMetricFamily(family.name, family.description, labels=family.labels)
            for sample in samples:
                *counts, total = sample.cells
                histogram.add_metric(sample.labels, _buckets(family.bounds, counts), total)
            return histogram
        metric = _FAMILIES[family.kind](family.name, family.description, labels=family.labels)
        for sample in samples:
            metric.add_metric(sample.labels, sample.cells[0])
        return metric


def _buckets(bounds: tuple[float, ...], counts: list[float]) -> list[tuple[str, float]]:
    """Cumulative, as the format wants them."""
    buckets, total = [], 0.0
    for bound, count in zip((*map(str, bounds), "+Inf"), counts, strict=True):
        total += count
        buckets.append((bound, total))
    return buckets


def _process_metrics(processes: list[tuple[int, int]]) -> Iterator[Metric]:
    """Empty on systems without /proc."""
    files, memory, cpu = (
        _FAMILIES[kind](name, description, labels=("worker",))
        for name, (kind, description) in PROCESS_METRICS.items()
    )
    for number, pid in processes:
        labels = (str(number),)
        try:
            open_files = len(os.listdir(f"/proc/{pid}/fd"))
            with open(f"/proc/{pid}/statm", "rb") as statm:
                pages = int(statm.read().split()[1])
            with open(f"/proc/{pid}/stat", "rb") as stat:
                ticks = stat.read().rpartition(b")")[2].split()
        except OSError:
            # it has just exited
            continue
        files.add_metric(labels, open_files)
        memory.add_metric(labels, pages * os.sysconf("SC_PAGE_SIZE"))
        cpu.add_metric(labels, (int(ticks[11]) + int(ticks[12])) / os.sysconf("SC_CLK_TCK"))
    yield from (files, memory, cpu)
