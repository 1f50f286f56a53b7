"""Case folding: Unicode's simple folding (CaseFolding.txt, status C and S), one character to one.

The same on both backends: the engines are given this table instead of their own idea of case.
"""

from __future__ import annotations

import sys
from functools import cache


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
    surrogates = range(0xD800, 0xE000)
    return {
        point: ord(folded)
        for point in range(0x80, sys.maxunicode + 1)
        if point not in surrogates and (folded := _simple_fold(chr(point))) != chr(point)
    }


@cache
def _whole_table() -> dict[int, int]:
    return folding_table() | {point: point + 32 for point in range(ord("A"), ord("Z") + 1)}


def fold(text: str) -> str:
    """``text`` with upper and lower case made one."""
    return text.lower() if text.isascii() else text.translate(_whole_table())
