"""Case folding: Unicode's simple folding (CaseFolding.txt, status C and S), one character to one.

The same on both backends: the engines are given this table instead of their own idea of case.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from itertools import chain

BEYOND_ASCII = tuple(chain(range(0x80, 0xD800), range(0xE000, 0x20000)))
"""All code points beyond ASCII that can have a case; surrogates have none, nor have the planes above."""

PART_LENGTH = 64 * 1024
"""How many characters are folded at a time: one call holds the interpreter for some milliseconds at most."""


def _simple_fold(character: str) -> str:
    folded = character.casefold()
    if len(folded) == 1:
        return folded
    # Where full folding gives several characters, simple folding is the lower case if that is one character
    lower = character.lower()
    return lower if len(lower) == 1 else character


@cache
def folding_table() -> dict[int, int]:
    """Code point to code point, for all beyond ASCII that fold to something else."""
    return {
        point: ord(folded) for point in BEYOND_ASCII if (folded := _simple_fold(chr(point))) != chr(point)
    }


@cache
def _whole_table() -> dict[int, int]:
    return folding_table() | {point: point + 32 for point in range(ord("A"), ord("Z") + 1)}


@cache
def _specials() -> re.Pattern[str]:
    """Finds a character whose full folding gives several characters."""
    return re.compile(f"[{''.join(c for c in map(chr, BEYOND_ASCII) if len(c.casefold()) > 1)}]")


def fold(text: str) -> str:
    """``text`` with upper and lower case made one."""
    if text.isascii():
        return text.lower()
    if _specials().search(text) is None:
        # the same as the table, and ten times as fast
        return text.casefold()
    return text.translate(_whole_table())


def fold_in_parts(text: str, turn: Callable[[], None]) -> str:
    """The same for a long text, part by part; before each, ``turn`` is called, which may raise."""
    folded = []
    for start in range(0, len(text), PART_LENGTH):
        turn()
        folded.append(fold(text[start : start + PART_LENGTH]))
    return "".join(folded)
