"""The order of rows that refer to each other: what a row refers to comes before it, or with it."""

from __future__ import annotations

import random
import time

import pytest

from oracle.effort import ROUNDS
from rowkeep.files.row_order import RowGraph

Rows = list[tuple[list[str], list[str]]]


def components(rows: Rows) -> list[list[int]]:
    return list(RowGraph(rows).components())


def reached(rows: Rows) -> list[set[int]]:
    """The rows that each row leads to, with itself."""
    known = [{at for at, (names, _) in enumerate(rows) if set(names) & set(targets)} for _, targets in rows]
    found = [{row} for row in range(len(rows))]
    for _ in rows:
        for row, targets in enumerate(known):
            found[row] |= targets.union(*(found[target] for target in targets))
    return found


@pytest.mark.parametrize("seed", range(100 * ROUNDS))
def test_order_and_groups(seed: int) -> None:
    draw = random.Random(seed)
    count = draw.randint(0, 12)
    rows = [
        ([f"r{row}"], [f"r{draw.randrange(count + 1)}" for _ in range(draw.randint(0, 2))])
        for row in range(count)
    ]
    found = components(rows)
    place = {row: at for at, group in enumerate(found) for row in group}
    assert sorted(place) == list(range(count))
    leads_to = reached(rows)
    for row in range(count):
        assert all(place[target] <= place[row] for target in leads_to[row])
        together = {other for other in leads_to[row] if row in leads_to[other]}
        assert set(found[place[row]]) == together


def test_rows_with_the_same_value() -> None:
    """A row comes after all of them, because any of them may be rejected."""
    rows: Rows = [([], ["a"]), (["a"], []), (["a"], []), (["a"], []), ([], ["a"])]
    order = [row for group in components(rows) for row in group]
    assert set(order[:3]) == {1, 2, 3}


def test_a_row_that_refers_to_itself() -> None:
    assert components([(["a"], ["a"]), ([], ["a"])]) == [[0], [1]]


def test_long_chains_and_many_equal_values() -> None:
    """The time grows with the rows, and no stack of calls with the length of a chain."""
    began = time.process_time()
    count = 20_000
    chain: Rows = [([f"r{row}"], [f"r{row + 1}"]) for row in range(count)]
    assert [group[0] for group in components(chain)] == list(reversed(range(count)))
    circle: Rows = [([f"r{row}"], [f"r{(row + 1) % count}"]) for row in range(count)]
    assert [len(group) for group in components(circle)] == [count]
    alike: Rows = [(["a"], ["a"]) for _ in range(count)]
    assert sum(map(len, components(alike))) == count
    assert time.process_time() - began < 20
