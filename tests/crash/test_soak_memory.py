"""What a soak takes for a leak, and what it does not."""

from __future__ import annotations

import pytest
from ledger import Record
from soak_clients import parts
from soak_memory import Sample, growth

HOUR = 3600


def samples(*megabytes: float, files: int = 30, more_files: int = 0) -> list[Sample]:
    step = HOUR / len(megabytes)
    return [Sample(at * step, size, files + at * more_files) for at, size in enumerate(megabytes)]


@pytest.mark.parametrize(
    "flat",
    [
        samples(*[60.0] * 40),
        samples(*range(40, 60), *[60.0] * 60),  # a warm-up
        samples(*[60.0, 90.0] * 20),  # what comes and goes
        samples(60.0, 300.0),  # too few to compare
    ],
)
def test_flat(flat: list[Sample]) -> None:
    assert growth(flat) is None


@pytest.mark.parametrize(
    ("grown", "fault"),
    [
        ([], "the process was not measured"),
        (samples(60.0, 401.0), "the process had 401 MB"),
        (samples(*range(60, 260, 2)), "memory grew by 100 MB in 0.50 hours"),
        (samples(*[60.0] * 40, more_files=1), "11 more files are open at the end"),
    ],
)
def test_growth(grown: list[Sample], fault: str) -> None:
    assert growth(grown) == fault


def row(position: int, value: int = 1, size: int = 2) -> Record:
    return {"Batch": 7, "Position": position, "Value": value, "Note": f"{size} n"}


def test_a_part_of_a_request_is_seen() -> None:
    assert parts([row(0), row(1)]) is None
    assert parts([row(0)]) == "a reader saw a part of batch 7: 1 of 2 rows, 1 values"
    assert parts([row(0), row(1, value=2)]) == "a reader saw a part of batch 7: 2 of 2 rows, 2 values"
