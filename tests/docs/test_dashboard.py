"""The dashboard for Grafana uses only metrics and labels that exist, and all of them."""

from __future__ import annotations

import json
import re
from pathlib import Path

from rowkeep.http import app  # noqa: F401 - declares the metrics of routes
from rowkeep.http.metrics_text import PROCESS_METRICS
from rowkeep.metric_cells import Kind
from rowkeep.metrics import REGISTRY

PAGE = Path(__file__).parents[2] / "docs" / "grafana-dashboard.json"
SUFFIXES = {
    Kind.COUNTER: ("_total",),
    Kind.GAUGE: ("",),
    Kind.HISTOGRAM: ("_bucket", "_count", "_sum"),
}


def samples() -> dict[str, set[str]]:
    """The labels of each sample, by its name."""
    found: dict[str, set[str]] = {}
    for family in REGISTRY.families:
        for suffix in SUFFIXES[family.kind]:
            found[family.name + suffix] = {*family.labels, *(("le",) if suffix == "_bucket" else ())}
    for name, (kind, _) in PROCESS_METRICS.items():
        found |= {name + suffix: {"worker"} for suffix in SUFFIXES[kind]}
    return found


def expressions() -> list[tuple[str, str]]:
    """The expressions, each with its legend."""
    panels = json.loads(PAGE.read_text())["panels"]
    return [(target["expr"], target["legendFormat"]) for panel in panels for target in panel["targets"]]


def test_the_dashboard_uses_metrics_and_labels_that_exist() -> None:
    known = samples()
    for expression, legend in expressions():
        names = re.findall(r"rowkeep_\w+", expression)
        assert names, expression
        assert not [name for name in names if name not in known], expression
        labels = set.intersection(*(known[name] for name in names))
        used = {
            label.strip() for group in re.findall(r"by \(([^)]*)\)", expression) for label in group.split(",")
        }
        assert used <= labels, expression
        assert set(re.findall(r"{{(\w+)}}", legend)) <= labels, legend


def test_the_dashboard_shows_every_metric() -> None:
    text = " ".join(expression for expression, _ in expressions())
    assert [family.name for family in REGISTRY.families if family.name not in text] == []
    assert [name for name in PROCESS_METRICS if name not in text] == []


def test_panels_have_different_numbers_and_places() -> None:
    panels = json.loads(PAGE.read_text())["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert len({(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels}) == len(panels)
