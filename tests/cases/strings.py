"""Strings that come back as they were sent, and which of them three characters hold."""

from __future__ import annotations

TEXTS = [
    "",
    " ",
    "  both ends  ",
    "\t\r\n\v\f",
    "a\nb\r\nc",
    '"quoted" and \\ and /',
    "'; DROP TABLE people; --",
    "\\N",
    "\\.",
    "\\x00",
    "\\u0000",
    "NULL",
    "null",
    "true",
    "263",
    "{}",
    "a,b;c|d",
    "".join(map(chr, range(1, 32))),
    "\x7f\x80\x9f\xa0\xad",
    "é e\u0301 \u0301",
    "Zoë Ωμέγα Привет 你好 こんにちは العربية עברית हिन्दी",
    "😀👨‍👩‍👧‍👦🇩🇪",
    "\u200b\u200d\u2028\u2029\u202e\u2066\ufeff",
    "\ud7ff\ue000\ufdd0\ufffd\ufffe\uffff",
    "\U00010000\U0001fffe\U0010ffff",
    "ﬁ ß ẞ İ ı",
]

LENGTHS: list[tuple[str, bool]] = [
    ("", True),
    ("abc", True),
    ("abcd", False),
    ("ééé", True),
    ("éééé", False),
    ("😀😀😀", True),
    ("😀😀😀😀", False),
    ("e\u0301e", True),
    ("e\u0301e\u0301", False),
    ("👨‍👩", True),
    ("👨‍👩‍👧", False),
    ("   ", True),
    ("abc ", False),
    ("\r\n\n", True),
    ("\U0010ffff" * 3, True),
]

HALVES = [rb"\ud800", rb"\udfff", rb"a\udc00b", rb"\ude00\ud83d", rb"\ud83d\ud83d", rb"\uD83Dx"]
"""Escapes that stand for half a surrogate pair, as JSON writes them."""


def filler(count: int, seed: int = 0) -> str:
    """Text of so many bytes that no engine can pack."""
    state, letters = seed + 1, []
    for _ in range(count):
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        letters.append(chr(33 + (state >> 33) % 90))
    return "".join(letters)
