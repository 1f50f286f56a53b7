"""Simple case folding, from the properties that Python's own Unicode tables give."""

from __future__ import annotations

from functools import cache


@cache
def fold_character(character: str) -> str:
    """The one character that ``character`` folds to (statuses C and S of Unicode's CaseFolding.txt).

    Python knows full folding only. Where that gives one character, simple folding is the same (C). Where it
    gives several (F), the simple form (S) is the simple lower case if there is one; else the character stays
    as it is, as ``ß`` and ``İ`` do.
    """
    full = character.casefold()
    if len(full) == 1:
        return full
    lower = character.lower()
    return lower if len(lower) == 1 else character


def fold(text: str) -> str:
    """``text`` with every character folded by itself: as many characters as before."""
    return "".join(map(fold_character, text))
