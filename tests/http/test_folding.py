"""The operands that ignore case: Unicode simple case folding, the same on both backends."""

from __future__ import annotations

import pytest
from answers import found, records
from expressions import where

from support.bot import Bot

SAME = [
    ("a", "A"),
    ("straße", "STRAẞE"),
    ("ß", "ẞ"),
    ("é", "É"),
    ("ÿ", "Ÿ"),
    ("σ", "Σ"),
    ("ς", "Σ"),
    ("ς", "σ"),
    ("s", "ſ"),
    ("S", "ſ"),
    ("k", "\u212a"),
    ("K", "\u212a"),
    ("å", "\u212b"),
    ("Å", "\u212b"),
    ("ω", "\u2126"),
    ("µ", "μ"),
    ("µ", "Μ"),
    ("β", "ϐ"),
    ("ϑ", "Θ"),
    ("ṡ", "ẛ"),
    ("ǆ", "ǅ"),
    ("Ǆ", "ǅ"),
    ("ι", "\u0345"),
    ("ι", "\u1fbe"),
    ("ᾀ", "ᾈ"),
    ("я", "Я"),
    ("в", "\u1c80"),
    ("Ꭰ", "ꭰ"),
    ("Ᏸ", "ᏸ"),
    ("ა", "Ა"),
    ("ա", "Ա"),
    ("ⅷ", "Ⅷ"),
    ("ⓐ", "Ⓐ"),
    ("ａ", "Ａ"),
    ("𐐨", "𐐀"),
    ("𞤢", "𞤀"),
]
"""Pairs that fold to the same text, character by character."""

DIFFERENT = [
    ("ß", "ss"),
    ("ß", "SS"),
    ("ẞ", "SS"),
    ("i", "İ"),
    ("I", "İ"),
    ("i\u0307", "İ"),
    ("i", "ı"),
    ("I", "ı"),
    ("ı", "İ"),
    ("ﬁ", "fi"),
    ("ﬁ", "FI"),
    ("ﬀ", "FF"),
    ("ŉ", "\u02bcn"),
    ("ǰ", "J\u030c"),
    ("é", "e"),
    ("é", "e\u0301"),
    ("ä", "ae"),
    ("ö", "o"),
    ("½", "1⁄2"),
    ("ª", "a"),
    ("²", "2"),
    ("ｶ", "カ"),
    ("Å", "A"),
    ("և", "եւ"),
    ("ᾳ", "αι"),
    ("ẖ", "H\u0331"),
    ("@", "`"),
    ("[", "{"),
    ("_", "\x7f"),
    ("×", "÷"),
]
"""Pairs that only full folding, a language's rules, normalisation or a wrong table would join."""

OPERANDS = ["icontains", "istarts with", "iends with"]
CASES = [(*pair, True) for pair in SAME] + [(*pair, False) for pair in DIFFERENT]


@pytest.fixture(scope="module")
def folded(typed: Bot) -> Bot:
    """For each pair both texts alone and between others, and an empty cell; only read."""
    texts = sorted({text for pair in SAME + DIFFERENT for text in pair})
    around = [f"0{text}0" for text in texts]
    records(typed.bulk("typed", [*({"Text": text, "Label": "alone"} for text in texts), {}]))
    records(typed.bulk("typed", [{"Text": text, "Label": "around"} for text in around]))
    return typed


@pytest.mark.parametrize(("one", "other", "same"), CASES)
def test_pairs(folded: Bot, one: str, other: str, same: bool) -> None:
    for pattern, text in ((one, other), (other, one)):
        for operand in OPERANDS:
            hits = found(folded, "typed", where("Text", operand, pattern), "Text")
            assert pattern in hits
            assert (text in hits) is same, (operand, pattern, text)
        hits = found(folded, "typed", where("Text", "icontains", pattern), "Text")
        assert f"0{pattern}0" in hits
        assert (f"0{text}0" in hits) is same
        assert f"0{pattern}0" in found(folded, "typed", where("Text", "istarts with", f"0{pattern}"), "Text")
        framed = found(folded, "typed", where("Text", "iends with", f"{pattern}0"), "Text")
        assert (f"0{text}0" in framed) is same


@pytest.mark.parametrize(("one", "other", "same"), CASES)
def test_the_plain_operands_and_equality_heed_case(folded: Bot, one: str, other: str, same: bool) -> None:
    if one in other or other in one:
        return
    for pattern, text in ((one, other), (other, one)):
        for operand in ("contains", "starts with", "ends with", "="):
            hits = found(folded, "typed", where("Text", operand, pattern), "Text")
            assert pattern in hits
            assert text not in hits


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
