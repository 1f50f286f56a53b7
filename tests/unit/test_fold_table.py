"""Case folding: its quick ways give what the table gives, for every character that there is."""

from __future__ import annotations

import sys

import pytest

from rowkeep.model.values import case_folding as folding
from rowkeep.model.values.case_folding import fold, fold_in_parts, folding_table

SURROGATES = range(0xD800, 0xE000)


@pytest.fixture(scope="module")
def everything() -> str:
    """All characters."""
    return "".join(map(chr, (*range(SURROGATES.start), *range(SURROGATES.stop, sys.maxunicode + 1))))


@pytest.fixture(scope="module")
def table() -> dict[int, int]:
    """Maps each character that folds to another one."""
    return folding_table() | {ord(upper): ord(upper.lower()) for upper in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}


def test_each_character_alone(everything: str, table: dict[int, int]) -> None:
    assert "".join(map(fold, everything)) == everything.translate(table)


def test_no_character_above_those_of_the_table_has_a_case(everything: str) -> None:
    last = max(folding.beyond_ascii())
    assert {c for c in everything if ord(c) > last and c.casefold() != c} == set()


def test_all_characters_together(everything: str, table: dict[int, int]) -> None:
    turns: list[None] = []
    assert fold_in_parts(everything, lambda: turns.append(None)) == everything.translate(table)
    assert len(turns) == -(-len(everything) // folding.PART_LENGTH)
    without_specials = "".join(c for c in everything if len(c.casefold()) == 1)
    assert fold(without_specials) == without_specials.translate(table)
