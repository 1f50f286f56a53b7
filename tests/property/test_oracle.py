"""The oracle itself: complete, and right where the standards print the answer."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from oracle.edges import HELD, MONSTERS, NEVER_ANOTHER, REFUSED
from oracle.folding import fold_character
from oracle.operands import OPERAND_TWINS
from oracle.random_requests import OPERANDS
from oracle.strategies import TYPE_STRATEGIES
from oracle.values import CANONICAL, canonical
from rowkeep.model.column_types import COLUMN_TYPES
from rowkeep.model.filters import OPERATORS


def test_every_operand_has_its_twin() -> None:
    assert set(OPERAND_TWINS) == set(OPERATORS)
    assert {operand for each in OPERANDS.values() for operand in each} == set(OPERATORS)


def test_every_column_type_has_strategies_and_edges() -> None:
    for table in (TYPE_STRATEGIES, CANONICAL, OPERANDS, HELD, REFUSED, MONSTERS):
        assert set(table) == set(COLUMN_TYPES)


@pytest.mark.parametrize(
    ("sent", "folded"),
    [
        *(("\u0041", "\u0061"), ("\u0061", "\u0061"), ("\u00b5", "\u03bc"), ("\u00c0", "\u00e0")),
        *(("\u00df", "\u00df"), ("\u0130", "\u0130"), ("\u0131", "\u0131"), ("\u0149", "\u0149")),
        *(("\u017f", "\u0073"), ("\u01c4", "\u01c6"), ("\u01c5", "\u01c6"), ("\u0345", "\u03b9")),
        *(("\u03a3", "\u03c3"), ("\u03c2", "\u03c3"), ("\u03d0", "\u03b2"), ("\u0587", "\u0587")),
        *(("\u10a0", "\u2d00"), ("\u13a0", "\u13a0"), ("\u13f8", "\u13f0"), ("\uab70", "\u13a0")),
        *(("\u1c80", "\u0432"), ("\u1e9b", "\u1e61"), ("\u1e9e", "\u00df"), ("\u1f50", "\u1f50")),
        *(("\u1f88", "\u1f80"), ("\u1fbc", "\u1fb3"), ("\u1ffc", "\u1ff3"), ("\u2126", "\u03c9")),
        *(("\u212a", "\u006b"), ("\u212b", "\u00e5"), ("\u2160", "\u2170"), ("\ufb00", "\ufb00")),
        *(("\uff21", "\uff41"), ("\U00010400", "\U00010428"), ("\U0001e900", "\U0001e922")),
    ],
)
def test_folds_as_the_lines_of_case_folding_say(sent: str, folded: str) -> None:
    """Lines of Unicode's CaseFolding.txt with status C or S, and characters that have neither."""
    assert fold_character(sent) == folded


@pytest.mark.parametrize("type_name", sorted(HELD))
def test_knows_the_edges_of_each_type(type_name: str) -> None:
    # decimals are as they are written, not as the nearest double is
    exactly = Decimal if type_name == "decimal" else float
    for sent, stored in HELD[type_name].items():
        assert canonical(type_name, json.loads(sent, parse_float=exactly)) == json.loads(stored), sent[:80]
    for sent in REFUSED[type_name]:
        with pytest.raises(ValueError, match="cannot hold"):
            canonical(type_name, json.loads(sent, parse_float=exactly))
    for sent, exact in NEVER_ANOTHER.get(type_name, {}).items():
        assert not sent.startswith('"') or canonical(type_name, json.loads(sent)) == exact
