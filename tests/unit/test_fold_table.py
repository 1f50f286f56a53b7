"""Case folding: its quick ways give what the table gives, for every character that there is."""

from __future__ import annotations

import sys

from rowkeep.model.values import case_folding as folding
from rowkeep.model.values.case_folding import fold, fold_in_parts, folding_table

SURROGATES = range(0xD800, 0xE000)
EVERYTHING = "".join(map(chr, (*range(SURROGATES.start), *range(SURROGATES.stop, sys.maxunicode + 1))))
TABLE = folding_table() | {ord(upper): ord(upper.lower()) for upper in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}


def test_each_character_alone() -> None:
    assert "".join(map(fold, EVERYTHING)) == EVERYTHING.translate(TABLE)


def test_no_character_above_those_of_the_table_has_a_case() -> None:
    last = max(folding.beyond_ascii())
    assert {c for c in EVERYTHING if ord(c) > last and c.casefold() != c} == set()


def test_all_characters_together() -> None:
    turns: list[None] = []
    assert fold_in_parts(EVERYTHING, lambda: turns.append(None)) == EVERYTHING.translate(TABLE)
    assert len(turns) == -(-len(EVERYTHING) // folding.PART_LENGTH)
    without_specials = "".join(c for c in EVERYTHING if len(c.casefold()) == 1)
    assert fold(without_specials) == without_specials.translate(TABLE)
