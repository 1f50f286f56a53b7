"""Which rows of a partial bulk are accepted: as many as fit together, and the first of those that do not."""

from __future__ import annotations

import time

from hypothesis import given
from hypothesis import strategies as st

from oracle.effort import examples
from rowkeep.plan.rows.acceptance import (
    Checked,
    Key,
    References,
    UniqueKeys,
    accepted_rows,
    refused_rows,
)

KEYS = st.lists(st.none() | st.sampled_from("abcd"), min_size=7, max_size=7)
ROWS = st.sets(st.integers(0, 6))


@st.composite
def unique_keys(draw: st.DrawFn) -> UniqueKeys:
    keys = draw(KEYS)
    taken = draw(st.sets(st.sampled_from("abcd"), max_size=2))
    return UniqueKeys(keys, {row for row, key in enumerate(keys) if key in taken})


@st.composite
def own_references(draw: st.DrawFn) -> References:
    """A column that refers to its own table, in which some of the values are stored."""
    cells, there = draw(KEYS), draw(st.sets(st.sampled_from("abcd"), max_size=2))
    missing = {row for row, cell in enumerate(cells) if cell is not None and cell not in there}
    return References(missing, cells, draw(KEYS))


def other_references() -> st.SearchStrategy[References]:
    return ROWS.map(References)


def fits(checked: Checked, rows: list[int]) -> bool:
    """Whether these rows can be stored together."""
    for each in checked.unique:
        keys = [each.keys[row] for row in rows if each.keys[row] is not None]
        if len(set(keys)) < len(keys) or each.stored & set(rows):
            return False
    for reference in checked.references:
        there: set[Key] = set()
        if reference.cells is not None:
            there = {reference.keys[row] for row in rows}
        for row in reference.missing & set(rows):
            if reference.cells is None or reference.cells[row] not in there:
                return False
    return True


@given(
    unique=st.lists(unique_keys(), max_size=2),
    references=st.lists(own_references() | other_references(), max_size=3),
)
@examples(300)
def test_no_more_rows_would_fit(unique: list[UniqueKeys], references: list[References]) -> None:
    checked = Checked(7, unique, references)
    accepted = accepted_rows(checked)
    assert accepted == sorted(set(accepted))
    assert fits(checked, accepted)
    refused = list(refused_rows(checked, accepted))
    assert sorted([*accepted, *(each.row for each in refused)]) == list(range(7))
    for each in refused:
        assert not fits(checked, [*accepted, each.row])
        assert each.unique or each.references


@given(unique=st.lists(unique_keys(), max_size=2), references=st.lists(other_references(), max_size=2))
@examples(150)
def test_without_references_among_the_rows_it_is_as_row_by_row(
    unique: list[UniqueKeys], references: list[References]
) -> None:
    checked = Checked(7, unique, references)
    expected: list[int] = []
    for row in range(7):
        if fits(checked, [*expected, row]):
            expected.append(row)
    assert accepted_rows(checked) == expected


def test_rows_that_exclude_and_need_each_other() -> None:
    # row 0 needs row 1, which has the same key in another index
    codes, others = UniqueKeys(["a", "b"], set()), UniqueKeys(["o", "o"], set())
    checked = Checked(2, [codes, others], [References({0}, ["b", None], ["a", "b"])])
    assert accepted_rows(checked) == [1]
    assert [each.unique for each in refused_rows(checked, [1])] == [(1,)]


def test_chains_that_exclude_each_other_end_soon() -> None:
    count = 4000
    # each pair excludes itself and needs the next one
    codes = UniqueKeys([f"c{row}" for row in range(count)], set())
    others = UniqueKeys([f"o{row // 2}" for row in range(count)], set())
    cells = [f"c{min(row + 1, count - 1)}" for row in range(count)]
    start = time.process_time()
    checked = Checked(count, [codes, others], [References(set(range(count)), cells, codes.keys)])
    accepted = accepted_rows(checked)
    assert fits(checked, accepted)
    list(refused_rows(checked, accepted))
    assert time.process_time() - start < 5


def test_a_long_chain_of_parents() -> None:
    count = 20_000
    codes = UniqueKeys([str(row) for row in range(count)], set())
    cells = [str(row + 1) for row in range(count)]
    checked = Checked(count, [codes], [References(set(range(count)), cells, codes.keys)])
    assert accepted_rows(checked) == []
    cells[-1] = "0"
    assert accepted_rows(checked) == list(range(count))
