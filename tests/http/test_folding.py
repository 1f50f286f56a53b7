"""The operands that ignore case: Unicode simple case folding, the same on both backends."""

from __future__ import annotations

import pytest
from answers import found, found_by_each, records
from expressions import where

from cases.folding import DIFFERENT, SAME
from oracle.operands import OPERAND_TWINS
from support.bot import Bot

OPERANDS = ["icontains", "istarts with", "iends with"]
TEXTS = sorted({text for pair in SAME + DIFFERENT for text in pair})
STORED = [*TEXTS, *(f"0{text}0" for text in TEXTS), None]
"""Each text alone and between others, and an empty cell, in the order in which they are stored."""


@pytest.fixture(scope="module")
def folded(typed: Bot) -> Bot:
    """What is stored; only read."""
    records(typed.bulk("typed", [{"Text": text} for text in STORED]))
    return typed


def expected(operand: str, pattern: str) -> list[str | None]:
    return [text for text in STORED if OPERAND_TWINS[operand](text, pattern)]


def assert_hits(folded: Bot, operand: str, patterns: list[str]) -> None:
    queries = [where("Text", operand, pattern) for pattern in patterns]
    hits = found_by_each(folded, "typed", queries, "Text")
    for pattern, hit in zip(patterns, hits, strict=True):
        assert hit == expected(operand, pattern), (operand, pattern)


@pytest.mark.parametrize("operand", OPERANDS)
def test_case_is_ignored_for_every_pair(folded: Bot, operand: str) -> None:
    """Every text of a pair against all that is stored, so every pair in both directions."""
    assert_hits(folded, operand, TEXTS)


@pytest.mark.parametrize(("operand", "frame"), [("istarts with", "0{}"), ("iends with", "{}0")])
def test_case_is_ignored_between_other_characters(folded: Bot, operand: str, frame: str) -> None:
    assert_hits(folded, operand, [frame.format(text) for text in TEXTS])


@pytest.mark.parametrize("operand", ["contains", "starts with", "ends with", "="])
def test_the_plain_operands_and_equality_heed_case(folded: Bot, operand: str) -> None:
    assert_hits(folded, operand, TEXTS)


def test_long_texts_fold_too(people: Bot) -> None:
    text = "ΑΣΣΟΣ Straße ſ K " * 200
    records(people.bulk("people", [{"First_Name": text}, {"First_Name": text + "."}]))
    for pattern in (text.lower(), text.swapcase().replace("SS", "ẞ"), "αςσος STRAẞE S k "):
        hits = found(people, "people", where("First_Name", "istarts with", pattern), "First_Name")
        assert hits == [text, text + "."]
    ends = found(people, "people", where("First_Name", "iends with", "assos"), "First_Name")
    assert ends == []
    assert found(people, "people", where("First_Name", "iends with", "ſ \u212a "), "First_Name") == [text]


def test_what_folds_stays_as_it_was_stored(people: Bot) -> None:
    records(people.bulk("people", [{"First_Name": "MiXeD ẞ"}]))
    query = where("First_Name", "icontains", "mixed ß")
    assert found(people, "people", query, "First_Name") == ["MiXeD ẞ"]
    records(people.update("people", query, {"First_Name": "oTHer"}))
    assert found(people, "people", query, "First_Name") == []
    assert found(people, "people", where("First_Name", "icontains", "OthER"), "First_Name") == ["oTHer"]
