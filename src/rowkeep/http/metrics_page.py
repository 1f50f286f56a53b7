"""Metrics page: ``/metrics``, the metrics of all workers together in the text format of Prometheus."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Receive, Scope, Send

from rowkeep.errors.catalogue import NoSuchEndpoint, Unauthenticated
from rowkeep.http.body_budget import BodyBudget
from rowkeep.http.request import Request
from rowkeep.http.responses import Response, error_response, reply
from rowkeep.metric_cells import Family, Kind, Registry
from rowkeep.metrics import REGISTRY
from rowkeep.services.admin_tokens import AdminTokens
from rowkeep.settings import Settings

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


class MetricsPage:
    """Serves /metrics. Without ``admin_tokens``, it needs no token."""

    def __init__(self, admin_tokens: AdminTokens | None) -> None:
        self._admin_tokens = admin_tokens
        # no body is read
        self._budget = BodyBudget(1, 1, 1.0)
        self._registry = CollectorRegistry()
        self._registry.register(RowkeepCollector(REGISTRY))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await reply(self._answer(Request(scope, receive, self._budget)), scope, send)

    async def _answer(self, request: Request) -> Response:
        """Raises Unauthenticated."""
        if self._admin_tokens is not None:
            token = request.bearer()
            if token is None:
                raise Unauthenticated("no token")
            await self._admin_tokens.check(token)
        return Response(200, generate_latest(self._registry), CONTENT_TYPE_LATEST.encode())


def with_metrics_port(app: ASGIApp, settings: Settings) -> ASGIApp:
    """The application that serves only /metrics, without a token, on ``metrics_port``; unchanged if that is
    not set."""
    port = settings.metrics_port
    if port == 0:
        return app
    page = MetricsPage(None)

    def separated(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        server = scope.get("server")
        if server is None or server[1] != port:
            return app(scope, receive, send)
        if scope["path"] == "/metrics" and scope["method"] in ("GET", "HEAD"):
            return page(scope, receive, send)
        return error_response(NoSuchEndpoint()).send(send)

    return separated


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
