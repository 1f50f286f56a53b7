"""The memory of a server over the time of a soak: it must not grow."""

from __future__ import annotations

import statistics
from dataclasses import dataclass

import psutil

MEGABYTE = 2**20
FREE_MEGABYTES = 24
"""What memory may grow by in any case: caches that fill, and memory that the allocator does not return."""

MEGABYTES_PER_HOUR = 24
"""What it may grow by in each hour, beyond that."""

LEAST_SAMPLES = 12
"""With fewer there is nothing to compare."""

MOST_MEGABYTES = 400


@dataclass(frozen=True)
class Sample:
    """What a process had at one time: memory of its own, and open files."""

    seconds: float
    megabytes: float
    files: int


def sample(process: psutil.Process, seconds: float) -> Sample:
    return Sample(seconds, process.memory_full_info().uss / MEGABYTE, process.num_fds())


def growth(samples: list[Sample]) -> str | None:
    """What shows that memory or open files grow; None if nothing does. The first half is the warm-up, except
    its end."""
    if not samples:
        return "the process was not measured"
    if (most := max(each.megabytes for each in samples)) > MOST_MEGABYTES:
        return f"the process had {most:.0f} MB"
    if len(samples) < LEAST_SAMPLES:
        return None
    quarter = len(samples) // 4
    early, late = samples[quarter : 2 * quarter], samples[-quarter:]
    hours = (late[0].seconds - early[0].seconds) / 3600
    grown = statistics.median(each.megabytes for each in late) - statistics.median(
        each.megabytes for each in early
    )
    if grown > FREE_MEGABYTES + MEGABYTES_PER_HOUR * hours:
        return f"memory grew by {grown:.0f} MB in {hours:.2f} hours"
    opened = min(each.files for each in late) - max(each.files for each in early)
    if opened > 0:
        return f"{opened} more files are open at the end"
    return None
