"""Plain words: a search for words that the texts of Rowkeep do not use, and what to write instead.

Texts are short, conventional, technical English. Each entry is a word or phrase that readers with English as
a second language misunderstand, or for which another word is usual.
"""

from __future__ import annotations

import re
from typing import NamedTuple

INSTEAD = {
    r"wish(?:es|ed)?": "request, want",
    r"told|said": "reported, set, given",
    r"anew": "again",
    r"kept": "stored, cached, unchanged",
    r"lives?|(?<!keep-)alive": "current, running, exists",
    r"beside|behind": "next to, in addition to, after",
    r"bears?|bore": "has, contains",
    r"lets? go|let(?:s|ting)? in": "releases, accepts",
    r"(?:is|are|was|were|it|them|table|that way) so(?=[.,;:)]| already)": "unchanged, equal, applied",
    r"spell(?:s|ed|ing)?|spelt": "written, contains",
    r"astray|shaken": "lost",
    r"forms": "formats, structures",
    r"hands?": "available, manual",
    r"mend(?:s|ed|ing)?": "fix",
    r"go(?:es|ing)? (?:on|along|with)": "continue, resume, supports",
    r"sealed|seals?|sealing": "encrypted, encrypts",
    r"sought": "searched",
    r"meant": "selected, intended",
    r"stands? (?:in|at|there|alone)|as (?:it|they) stands?": "is in, exactly",
    r"lies? (?:in|beside|ahead|there)": "is in, is stored in",
    r"(?<!there )(?:is|are) no(?! (?:longer|more))": "is not a",
    r"speaks?(?: to)?": "uses, connects to",
    r"feel their way": "guess",
    r"(?<!there )(?:is|are) (?-i:none)": "is not a",
    r"takes? along|took along": "deletes, moves",
    r"makes? (?:it|them|a \w+) (?:so|what)": "replaces, applies",
    r"bent": "changed",
    r"pass(?:ed|es) over": "skipped, ignored",
}
"""Patterns of words, matched regardless of case, and usual words to write instead."""

_FORBIDDEN = [(re.compile(rf"\b(?:{words})\b", re.IGNORECASE), usual) for words, usual in INSTEAD.items()]


class Hit(NamedTuple):
    """A word that is not used: its line, counted from 1, the word, and usual words."""

    line: int
    word: str
    instead: str


def unusual_words(text: str) -> list[Hit]:
    """The words of a text that Rowkeep does not use, in their order."""
    # a phrase may be broken over two lines
    flat = text.replace("\n", " ")
    return sorted(
        Hit(text.count("\n", 0, found.start()) + 1, found[0], usual)
        for words, usual in _FORBIDDEN
        for found in words.finditer(flat)
    )
