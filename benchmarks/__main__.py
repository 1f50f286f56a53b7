"""Command: `python -m benchmarks [--backend B] [--only NAME] [--rounds N] [--markdown] [--check]`."""

from __future__ import annotations

import argparse
import sys

from rich.console import Console

from benchmarks import data
from benchmarks.load import Job, drive
from benchmarks.machine import describe
from benchmarks.measured_server import BACKENDS, stage
from benchmarks.processes import sink_server
from benchmarks.report import Result, markdown, print_tables
from benchmarks.workloads import CONNECTIONS, GROUPS, WORKS, Work

LEAST_ROUNDS = 5
WIDTH = 180  # output to a file is as wide as on a large terminal


def main() -> int:
    """Measure and print. Returns exit status 1 only if `--check` is set and a target is missed."""
    arguments = _parser().parse_args()
    backends = BACKENDS if arguments.backend == "both" else (arguments.backend,)
    works = [work for work in WORKS if not arguments.only or _is_one_of(work, arguments.only)]
    progress = Console(stderr=True)
    results: list[Result] = []
    engines: list[str] = []
    for backend in backends:
        engine, measured = _measure(backend, works, arguments, progress)
        engines.append(engine)
        results += measured
    facts = [
        *describe(engines),
        _load_generator(results),
        f"medians of {arguments.rounds} rounds, interleaved",
    ]
    facts += [
        f"{result.backend}, {result.work.title}: {result.measurement.note}"
        for result in results
        if result.measurement.note
    ]
    if arguments.scale != 1:
        facts.append(f"streams with {arguments.scale:g} times as many rows as their titles say")
    if arguments.markdown:
        print(markdown(results, facts))
    else:
        print_tables(results, facts, Console() if sys.stdout.isatty() else Console(width=WIDTH))
    return 1 if arguments.check and not all(result.holds for result in results) else 0


def _is_one_of(work: Work, names: list[str]) -> bool:
    groups = [name for name in names if name in GROUPS]
    return work.name in names or any(work.name.startswith(f"{group}-") for group in groups)


def _measure(
    backend: str, works: list[Work], arguments: argparse.Namespace, progress: Console
) -> tuple[str, list[Result]]:
    with stage(backend, arguments.scale) as place:
        results = []
        for work in (each for each in works if backend in each.backends):
            progress.print(f"{backend}: {work.title} …", highlight=False)
            results.append(Result(backend, work, work.measure(place, arguments.rounds)))
        return place.engine, results


def _load_generator(results: list[Result]) -> str:
    """The capacity of the load generator, measured with a server that does nothing, and its maximum CPU
    use."""
    request = data.post("/", {"query": {"expressions": []}}, "x" * 200)
    with sink_server(length=3_500) as (port, _):
        outcome = drive(Job("127.0.0.1", port, [request], CONNECTIONS, seconds=2.0))
    busiest = max((result.measurement.client_load for result in results), default=0.0)
    alone = f"{outcome.requests / outcome.seconds:,.0f} requests/s alone"
    return f"load generator: {alone}, at most {busiest:.0%} of a core while measuring"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="benchmarks", description="Ratios against the bare engine and a bare ASGI app."
    )
    parser.add_argument("--backend", choices=[*BACKENDS, "both"], default="both")
    parser.add_argument(
        "--only",
        action="append",
        choices=[*GROUPS, *(work.name for work in WORKS)],
        help="may come up several times",
    )
    parser.add_argument("--rounds", type=_rounds, default=LEAST_ROUNDS)
    parser.add_argument("--scale", type=float, default=1.0, help="fewer rows of streams, such as 0.01")
    parser.add_argument("--markdown", action="store_true", help="for docs/performance.md")
    parser.add_argument("--check", action="store_true", help="exit status 1 if a bar is missed")
    return parser


def _rounds(text: str) -> int:
    if int(text) < LEAST_ROUNDS:
        raise argparse.ArgumentTypeError(f"at least {LEAST_ROUNDS}: a median of fewer says little")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
