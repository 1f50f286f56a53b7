"""Report: prints results as a table for the terminal, or as Markdown for docs/performance.md."""

from __future__ import annotations

import msgspec
from rich.console import Console
from rich.table import Table

from benchmarks.measurement import MB, Bar, Measurement, Side
from benchmarks.workloads import Work

COLUMNS = [
    "Work",
    "Bar",
    "Reached",
    "Min–max",
    "Rowkeep",
    "Yardstick",
    "CPU Rowkeep",
    "CPU yardstick",
    "Peak RSS",
]


class Result(msgspec.Struct, frozen=True):
    """One workload on one backend."""

    backend: str
    work: Work
    measurement: Measurement

    @property
    def holds(self) -> bool:
        """Whether the target is reached; true if there is none."""
        bar = self.work.bars.get(self.backend)
        return bar is None or bar.holds(self.measurement)


def print_tables(results: list[Result], facts: list[str], console: Console) -> None:
    """Print one table for each backend, then the facts."""
    for backend in dict.fromkeys(result.backend for result in results):
        table = Table(title=backend, title_justify="left", show_lines=True)
        for column in COLUMNS:
            table.add_column(column, justify="left" if column == "Work" else "right", overflow="fold")
        for result in (result for result in results if result.backend == backend):
            cells = _cells(result)
            style = "" if result.holds else "red"
            table.add_row(*cells, style=style)
        console.print(table)
    for fact in facts:
        console.print(fact, highlight=False)


def markdown(results: list[Result], facts: list[str]) -> str:
    """The same as Markdown."""
    lines = []
    for backend in dict.fromkeys(result.backend for result in results):
        lines += [
            f"### {backend}",
            "",
            f"| {' | '.join(COLUMNS)} |",
            f"| --- |{' ---: |' * (len(COLUMNS) - 1)}",
        ]
        for result in (result for result in results if result.backend == backend):
            lines.append(f"| {' | '.join(_cells(result))} |")
        lines.append("")
    return "\n".join([*lines, *(f"- {fact}" for fact in facts)])


def _cells(result: Result) -> list[str]:
    measured, work = result.measurement, result.work
    bar = work.bars.get(result.backend)
    reached = _number(measured.value, measured.unit)
    return [
        f"{work.title} ({work.yardstick})" if work.yardstick else work.title,
        _bar(bar, measured.unit),
        reached if result.holds else f"{reached} missed",
        f"{_number(measured.low, measured.unit)}–{_number(measured.high, measured.unit)}",
        *_sides(measured),
        f"{measured.peak_rss_bytes / MB:.0f} MB" if measured.peak_rss_bytes else "–",
    ]


def _sides(measured: Measurement) -> list[str]:
    if measured.shown is not None:
        return [*measured.shown, "–", "–"]
    return [
        _rate(measured.ours, measured.per),
        _rate(measured.bare, measured.per),
        _cpu(measured.ours, measured.per),
        _cpu(measured.bare, measured.per),
    ]


def _bar(bar: Bar | None, unit: str) -> str:
    if bar is None:
        return "–"
    return f"{'≥' if bar.at_least else '≤'} {_number(bar.limit, unit)}"


def _number(value: float, unit: str) -> str:
    return f"{value:.0f} MB" if unit == "MB" else f"{value:.2f} {unit}"


def _rate(side: Side | None, per: str) -> str:
    return f"{side.rate:,.0f} {per}s/s" if side else "–"


def _cpu(side: Side | None, per: str) -> str:
    """Microseconds per unit, followed by those of PostgreSQL's processes after a plus sign."""
    if side is None:
        return "–"
    postgres = f" + {side.postgres_cpu_seconds * 1e6:.1f} PostgreSQL" if side.postgres_cpu_seconds else ""
    return f"{side.cpu_seconds * 1e6:.1f}{postgres} µs/{per}"
