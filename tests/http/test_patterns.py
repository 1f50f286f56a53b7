"""``contains``, ``starts with``, ``ends with``: plain substrings, whatever characters mean elsewhere."""

from __future__ import annotations

from typing import Any

import pytest
from answers import found, found_by_each, good, records
from expressions import negated, where

from oracle.operands import OPERAND_TWINS
from support.bot import Bot

TEXTS = [
    "",
    "a",
    "A",
    "abc",
    "ABC",
    "aBc",
    "xabcx",
    "%",
    "_",
    "\\",
    "a%c",
    "a_c",
    "a\\c",
    "a\\%c",
    "\\%",
    "%%",
    "__",
    "100%",
    "100",
    "*",
    "?",
    "[a]",
    "a*c",
    "a?c",
    "^a$",
    ".",
    "'",
    '"',
    "''",
    "a'b",
    ";--",
    "{}",
    "$1",
    ":x",
    "%s",
    "?1",
    " ",
    "a b",
    "a\nb",
    "a\r\nb",
    "\t",
    "\u0001",
    "é",
    "e\u0301",
    "\u0301",
    "\ud7ff",
    "\ud7ffa",
    "\ue000",
    "\ue000a",
    "\uffff",
    "\uffffa",
    "\U00010000",
    "\U0010ffff",
    "\U0010ffff\U0010ffff",
    "\U0010ffffa",
    "a\U0010ffff",
    "a\U0010ffffb",
    "a\ud7ff",
    "a\ue000",
    "\x7f",
    "\x80",
    "\u07ff",
    "\u0800",
    "😀",
    "😀😀",
    "a😀b",
    "b",
    "abd",
    "ac",
    "ab" * 500,
]


@pytest.fixture(scope="module")
def texts(typed: Bot) -> Bot:
    records(typed.bulk("typed", [*({"Text": text} for text in TEXTS), {}]))
    return typed


@pytest.mark.parametrize(
    "operand", ["contains", "starts with", "ends with", "icontains", "istarts with", "iends with"]
)
@pytest.mark.parametrize("half", [0, 1], ids=["first half", "second half"])
def test_every_text_against_every_other(texts: Bot, operand: str, half: int) -> None:
    twin = OPERAND_TWINS[operand]
    values = TEXTS[half::2]
    answers = found_by_each(texts, "typed", [where("Text", operand, value) for value in values], "Text")
    for value, answer in zip(values, answers, strict=True):
        assert answer == [text for text in TEXTS if twin(text, value)], value


@pytest.mark.parametrize(
    "operand", ["contains", "starts with", "ends with", "icontains", "istarts with", "iends with"]
)
def test_the_empty_string_is_in_every_cell_that_is_not_empty(texts: Bot, operand: str) -> None:
    assert found(texts, "typed", where("Text", operand, ""), "Text") == TEXTS
    query: dict[str, Any] = {"expressions": [negated(where("Text", operand, ""))]}
    assert found(texts, "typed", query, "Text") == [None]


@pytest.mark.parametrize("operand", ["=", "!=", "<", "<=", ">", ">="])
def test_comparisons_are_by_code_point(texts: Bot, operand: str) -> None:
    twin = OPERAND_TWINS[operand]
    answers = found_by_each(texts, "typed", [where("Text", operand, value) for value in TEXTS], "Text")
    for value, answer in zip(TEXTS, answers, strict=True):
        assert answer == [text for text in [*TEXTS, None] if twin(text, value)], value


def test_a_pattern_longer_than_every_cell_finds_nothing(texts: Bot) -> None:
    for operand in ("contains", "starts with", "ends with", "icontains", "istarts with", "iends with"):
        assert found(texts, "typed", where("Text", operand, "ab" * 501), "Text") == []
        assert found(texts, "typed", where("Text", operand, "x" * 100_000), "Text") == []


def test_patterns_of_a_hundred_thousand_characters(people: Bot) -> None:
    text = "Straße%_\\" * 11_000
    good(people.insert("people", {"First_Name": text}))
    for operand, value in (
        ("contains", text[5:-5]),
        ("starts with", text[:-1]),
        ("ends with", text[1:]),
        ("icontains", text[5:-5].replace("S", "s")),
        ("istarts with", text[:-1].replace("a", "A")),
        ("iends with", text[1:].replace("t", "T")),
    ):
        assert found(people, "people", where("First_Name", operand, value), "First_Name") == [text]
        assert found(people, "people", where("First_Name", operand, value + "x"), "First_Name") == []


def test_prefixes_of_an_indexed_column(people: Bot) -> None:
    """Last_Name bears an index, which must not change what is found."""
    names = [text for text in TEXTS if len(text.encode()) < 1000]
    records(people.bulk("people", [{"Last_Name": name} for name in names]))
    for operand in ("starts with", "istarts with"):
        queries = [where("Last_Name", operand, value) for value in names]
        answers = found_by_each(people, "people", queries, "Last_Name")
        for value, answer in zip(names, answers, strict=True):
            assert answer == [name for name in names if OPERAND_TWINS[operand](name, value)], value
