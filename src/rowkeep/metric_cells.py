"""Metric cells: the numbers of all metrics, in memory that the worker processes of one server share.

Each worker counts in a region of its own, so counting is a plain addition without a lock, and every worker
can read the numbers of all. A region outlives its worker: the worker that replaces it continues its counters.
Only one thread of a process may change one metric: the thread of the event loop, unless the metric says so.
"""

from __future__ import annotations

import mmap
import os
import zlib
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from enum import Enum
from tempfile import TemporaryFile
from typing import TypeAlias

import msgspec

Cells: TypeAlias = "array[float] | memoryview[float]"
CELL_BYTES = 8
PID_CELL = 0


class Kind(Enum):
    """What a metric is."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class Merge(Enum):
    """How the numbers of several workers become one."""

    SUM = "sum"
    MAX = "max"


class Family(msgspec.Struct, frozen=True, kw_only=True):
    """A metric: its series, by the values of its labels, and where the cells of each begin."""

    name: str
    kind: Kind
    description: str
    labels: tuple[str, ...] = ()
    merge: Merge = Merge.SUM
    bounds: tuple[float, ...] = ()
    """The upper bounds of the buckets of a histogram; its cells are one for each, one above all, the sum."""
    is_sparse: bool = False
    """Whether series are left out as long as they are 0, because most of them always are."""
    series: dict[tuple[str, ...], int] = msgspec.field(default_factory=dict)

    @property
    def width(self) -> int:
        """The number of cells of a series."""
        return len(self.bounds) + 2 if self.kind is Kind.HISTOGRAM else 1


class Number:
    """One counter or gauge."""

    __slots__ = ("_at", "_registry")

    def __init__(self, registry: Registry, at: int) -> None:
        self._registry = registry
        self._at = at

    # a whole number would first have to become a double each time
    def add(self, amount: float = 1.0) -> None:
        self._registry.cells[self._at] += amount

    def set(self, value: float) -> None:
        """For a gauge."""
        self._registry.cells[self._at] = value


class Histogram:
    """One histogram."""

    __slots__ = ("_at", "_bounds", "_registry", "_sum_at")

    def __init__(self, registry: Registry, at: int, bounds: tuple[float, ...]) -> None:
        self._registry = registry
        self._at = at
        self._bounds = bounds
        self._sum_at = at + len(bounds) + 1

    def observe(self, value: float) -> None:
        cells = self._registry.cells
        cells[self._at + bisect_left(self._bounds, value)] += 1
        cells[self._sum_at] += value


def count_and_observe(counter: Number, histogram: Histogram, value: float) -> None:
    """Add 1 to a counter and a value to a histogram, in one step for each request."""
    cells = histogram._registry.cells
    cells[counter._at] += 1
    cells[histogram._at + bisect_left(histogram._bounds, value)] += 1
    cells[histogram._sum_at] += value


class Sample(msgspec.Struct, frozen=True):
    """The numbers of one series, of all workers together."""

    labels: tuple[str, ...]
    cells: tuple[float, ...]


class Registry:
    """All metrics. They are declared first; then the memory can be shared, before processes are forked."""

    def __init__(self) -> None:
        self.families: list[Family] = []
        self.cells: Cells = array("d", [0.0])
        self._regions: list[Cells] | None = None

    def counter(self, name: str, description: str) -> Number:
        return self.counters(name, description, (), ((),))[()]

    def counters(
        self,
        name: str,
        description: str,
        labels: tuple[str, ...],
        values: Iterable[tuple[str, ...]],
        *,
        is_sparse: bool = False,
    ) -> dict[tuple[str, ...], Number]:
        """One counter for each combination of values of the labels."""
        family = Family(
            name=name, kind=Kind.COUNTER, description=description, labels=labels, is_sparse=is_sparse
        )
        return {each: Number(self, at) for each, at in self._declared(family, values)}

    def gauge(self, name: str, description: str) -> Number:
        return self.gauges(name, description, (), ((),))[()]

    def gauges(
        self,
        name: str,
        description: str,
        labels: tuple[str, ...],
        values: Iterable[tuple[str, ...]],
        merge: Merge = Merge.SUM,
    ) -> dict[tuple[str, ...], Number]:
        family = Family(name=name, kind=Kind.GAUGE, description=description, labels=labels, merge=merge)
        return {each: Number(self, at) for each, at in self._declared(family, values)}

    def histograms(
        self,
        name: str,
        description: str,
        bounds: tuple[float, ...],
        labels: tuple[str, ...] = (),
        values: Iterable[tuple[str, ...]] = ((),),
    ) -> dict[tuple[str, ...], Histogram]:
        family = Family(
            name=name,
            kind=Kind.HISTOGRAM,
            description=description,
            labels=labels,
            bounds=bounds,
            is_sparse=bool(labels),
        )
        return {each: Histogram(self, at, bounds) for each, at in self._declared(family, values)}

    def _declared(
        self, family: Family, values: Iterable[tuple[str, ...]]
    ) -> Iterator[tuple[tuple[str, ...], int]]:
        if not isinstance(self.cells, array) or self._regions is not None:
            raise RuntimeError(f"The metric {family.name} is declared after the memory was shared.")
        self.families.append(family)
        for each in values:
            at = family.series[each] = len(self.cells)
            self.cells.extend([0.0] * family.width)
            yield each, at

    def layout(self) -> str:
        """Equal in processes whose cells are in the same places."""
        places = [(each.name, each.kind, each.merge, each.bounds, each.series) for each in self.families]
        return f"{zlib.crc32(repr(places).encode()):08x}"

    def share(self, workers: int, memory: int | None = None) -> int:
        """Use memory that several processes share, with a region for each worker: that of a file descriptor,
        or new memory. Returns the descriptor, for processes with the same layout."""
        size = len(self.cells)
        length = workers * size * CELL_BYTES
        if memory is None:
            memory = _new_memory(length)
        cells = memoryview(mmap.mmap(memory, length)).cast("d")
        self._regions = [cells[at * size : (at + 1) * size] for at in range(workers)]
        return memory

    def attach(self, worker: int) -> None:
        """This process is the worker with this number. Its gauges begin at 0, its counters continue."""
        if self._regions is not None:
            self.cells = self._regions[worker]
        for family in self.families:
            if family.kind is Kind.GAUGE and family.merge is Merge.SUM:
                for at in family.series.values():
                    self.cells[at] = 0.0
        self.cells[PID_CELL] = float(os.getpid())

    def processes(self) -> list[tuple[int, int]]:
        """The number and the process id of each worker that runs."""
        return [
            (number, int(cells[PID_CELL])) for number, cells in enumerate(self._all()) if _is_alive(cells)
        ]

    def samples(self, family: Family) -> Iterator[Sample]:
        """The series of a metric. Gauges of workers that have exited are not counted."""
        regions = self._all()
        if family.kind is Kind.GAUGE and family.merge is Merge.SUM:
            regions = [cells for cells in regions if cells is self.cells or _is_alive(cells)]
        merged = sum if family.merge is Merge.SUM else max
        for labels, at in family.series.items():
            cells = tuple(merged(each[at + offset] for each in regions) for offset in range(family.width))
            if any(cells) or not family.is_sparse:
                yield Sample(labels, cells)

    def counted_here(self, name: str) -> dict[tuple[str, ...], float]:
        """The series of a counter that are not 0, as this worker and those before it have counted them."""
        family = next(each for each in self.families if each.name == name)
        return {labels: self.cells[at] for labels, at in family.series.items() if self.cells[at]}

    def _all(self) -> Sequence[Cells]:
        return [self.cells] if self._regions is None else self._regions


def _new_memory(length: int) -> int:
    """The file descriptor of memory without a name or, where the system has none, of a deleted file."""
    try:
        memory = os.memfd_create("rowkeep-metrics")
    except (AttributeError, OSError):
        with TemporaryFile() as file:
            memory = os.dup(file.fileno())
    os.truncate(memory, length)
    return memory


def _is_alive(cells: Cells) -> bool:
    pid = int(cells[PID_CELL])
    if pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
