"""Metric cells: the numbers of several processes together, also of those that have exited."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

import pytest

from rowkeep.http.metrics_text import RowkeepCollector
from rowkeep.metric_cells import Merge, Registry


def in_child(run: Callable[[], None]) -> int:
    """Run something in a forked process, which is killed afterwards. Returns its process id."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            run()
        finally:
            os.write(writer, b"x")
            signal.pause()
            os._exit(1)
    os.read(reader, 1)
    os.close(reader)
    os.close(writer)
    return child


def kill(child: int) -> None:
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def values(registry: Registry, name: str) -> list[tuple[float, ...]]:
    family = next(each for each in registry.families if each.name == name)
    return [sample.cells for sample in registry.samples(family)]


def test_counters_of_a_killed_process_stay_and_its_gauges_go() -> None:
    registry = Registry()
    counter, gauge = registry.counter("c", "C."), registry.gauge("g", "G.")
    registry.share(2)
    registry.attach(0)
    counter.add(2)
    gauge.add(1)

    def first() -> None:
        registry.attach(1)
        counter.add(3)
        gauge.add(5)

    child = in_child(first)
    try:
        assert (values(registry, "c"), values(registry, "g")) == ([(5.0,)], [(6.0,)])
        assert [number for number, _ in registry.processes()] == [0, 1]
    finally:
        kill(child)
    assert (values(registry, "c"), values(registry, "g")) == ([(5.0,)], [(1.0,)])
    assert registry.processes() == [(0, os.getpid())]


def test_a_replacement_continues_counters_and_begins_gauges_at_zero() -> None:
    registry = Registry()
    counter, gauge = registry.counter("c", "C."), registry.gauge("g", "G.")
    registry.share(2)
    registry.attach(0)

    def work() -> None:
        registry.attach(1)
        counter.add(1)
        gauge.add(1)

    for expected in (1.0, 2.0):
        child = in_child(work)
        try:
            assert (values(registry, "c"), values(registry, "g")) == ([(expected,)], [(1.0,)])
        finally:
            kill(child)


def test_the_latest_of_some_gauges_counts() -> None:
    registry = Registry()
    last = registry.gauges("last", "L.", (), ((),), Merge.MAX)[()]
    registry.share(2)
    registry.attach(0)
    last.set(7.0)

    def later() -> None:
        registry.attach(1)
        last.set(9.0)

    kill(in_child(later))
    assert values(registry, "last") == [(9.0,)]


def test_a_histogram_has_buckets_a_count_and_a_sum() -> None:
    registry = Registry()
    histogram = registry.histograms("h", "H.", (1.0, 5.0))[()]
    for value in (0.5, 1.0, 3.0, 7.0):
        histogram.observe(value)
    (metric, *_) = RowkeepCollector(registry).collect()
    found = {(each.name, each.labels.get("le")): each.value for each in metric.samples}
    assert found == {
        ("h_bucket", "1.0"): 2,
        ("h_bucket", "5.0"): 3,
        ("h_bucket", "+Inf"): 4,
        ("h_count", None): 4,
        ("h_sum", None): 11.5,
    }


def test_sparse_series_are_left_out_while_they_are_zero() -> None:
    registry = Registry()
    counters = registry.counters("c", "C.", ("x",), (("a",), ("b",)), is_sparse=True)
    counters["b",].add()
    assert values(registry, "c") == [(1.0,)]


def test_nothing_is_declared_after_the_memory_was_shared() -> None:
    registry = Registry()
    registry.share(1)
    with pytest.raises(RuntimeError, match="after the memory was shared"):
        registry.counter("late", "L.")


def sharing(memory: int | None = None) -> tuple[Registry, int]:
    """The metrics of a program with two workers, and their memory."""
    registry = Registry()
    registry.counter("c", "C.").add()
    return registry, registry.share(2, memory)


@pytest.mark.parametrize("refusal", [None, AttributeError, PermissionError])
def test_another_program_uses_the_same_memory(
    refusal: type[Exception] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the system has no memory without a name, or does not allow it."""

    def refuse(_name: str) -> int:
        assert refusal is not None
        raise refusal

    if refusal is not None:
        monkeypatch.setattr(os, "memfd_create", refuse)
    first, memory = sharing()
    other, same = sharing(memory)
    os.close(memory)
    assert same == memory
    assert first.layout() == other.layout()
    first.attach(0)
    first.cells[1] = 2.0
    other.attach(1)
    other.cells[1] = 3.0
    assert values(first, "c") == values(other, "c") == [(5.0,)]


def test_the_layout_says_which_number_is_where() -> None:
    registries = [Registry() for _ in range(4)]
    registries[0].counter("c", "C.")
    registries[1].gauge("c", "C.")
    registries[2].counters("c", "C.", ("x",), (("a",), ("b",)))
    registries[3].counters("c", "C.", ("x",), (("b",), ("a",)))
    assert len({each.layout() for each in registries}) == 4
