"""Case folding: Unicode's simple folding (CaseFolding.txt, status C and S), one character to one.

The same on both engines: they use this table instead of their own rules.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from itertools import chain, islice

PART_LENGTH = 64 * 1024
"""The number of characters folded at a time: one call holds the interpreter for a few milliseconds."""


def beyond_ascii() -> Iterator[int]:
    """All code points beyond ASCII that can have case; surrogates and higher planes have none. They are not
    stored: a list of them takes 5 MB."""
    return chain(range(0x80, 0xD800), range(0xE000, 0x20000))


_BLOCK = 128


def _near_case() -> Iterator[int]:
    """Those of them that are in a block with a character that folds to another one: a tenth of all."""
    points = beyond_ascii()
    while block := "".join(map(chr, islice(points, _BLOCK))):
        if block.casefold() != block:
            yield from map(ord, block)


def _simple_fold(character: str) -> str:
    folded = character.casefold()
    if len(folded) == 1:
        return folded
    # if full folding gives several characters, simple folding is the lower case if that is one character
    lower = character.lower()
    return lower if len(lower) == 1 else character


@cache
def folding_table() -> dict[int, int]:
    """Maps each code point beyond ASCII that folds to another one."""
    return {
        point: ord(folded) for point in _near_case() if (folded := _simple_fold(chr(point))) != chr(point)
    }


@cache
def _whole_table() -> dict[int, int]:
    return folding_table() | {point: point + 32 for point in range(ord("A"), ord("Z") + 1)}


@cache
def _specials() -> re.Pattern[str]:
    """Matches a character whose full folding gives several characters."""
    return re.compile(f"[{''.join(c for c in map(chr, _near_case()) if len(c.casefold()) > 1)}]")


def fold(text: str) -> str:
    """``text`` without differences of case."""
    if text.isascii():
        return text.lower()
    if _specials().search(text) is None:
        # same result as the table, ten times as fast
        return text.casefold()
    return text.translate(_whole_table())


def fold_in_parts(text: str, turn: Callable[[], None]) -> str:
    """The same for a long text, in parts; before each part, ``turn`` is called, which may raise."""
    folded = []
    for start in range(0, len(text), PART_LENGTH):
        turn()
        folded.append(fold(text[start : start + PART_LENGTH]))
    return "".join(folded)
