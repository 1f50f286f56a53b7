"""Case folding of single texts: pairs that are the same where case is ignored, and pairs that are not."""

from __future__ import annotations

import pytest

from cases.folding import DIFFERENT, SAME
from oracle.folding import fold as fold_of_oracle
from rowkeep.model.values.case_folding import fold, fold_in_parts

CASES = [(*pair, True) for pair in SAME] + [(*pair, False) for pair in DIFFERENT]


@pytest.mark.parametrize(("one", "other", "same"), CASES)
def test_pairs(one: str, other: str, same: bool) -> None:
    for folded in (fold, fold_of_oracle, lambda text: fold_in_parts(text, lambda: None)):
        assert (folded(one) == folded(other)) is same
        assert (folded(f"0{one}0") == folded(f"0{other}0")) is same
        # long enough that the fast way for plain texts is not taken for it alone
        assert (folded(f"\u0130{one}") == folded(f"\u0130{other}")) is same


@pytest.mark.parametrize(("one", "other", "same"), CASES)
def test_folding_is_idempotent_and_keeps_the_number_of_characters(one: str, other: str, same: bool) -> None:
    for text in (one, other):
        assert fold(fold(text)) == fold(text)
        assert len(fold(text)) == len(text)
