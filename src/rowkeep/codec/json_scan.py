"""JSON scan: brackets and keys of a JSON text, found without decoding it.

C code blocks the interpreter, so it is called on a slice of the text at a time: other threads can run during
a scan of 64 MB in a thread.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import accumulate
from typing import Any, NamedTuple

SLICE_BYTES = 256 * 1024
SEARCHED_BYTES = 4096
"""How many bytes are searched token by token, when it is known that what is searched is there."""
WHITE = b" \t\n\r"
OPENING, CLOSING = b"[{", b"]}"
QUOTE, COMMA = b'",'

STEP = [0] * 256
"""The change of depth at each byte outside strings."""
for _bracket in OPENING:
    STEP[_bracket] = 1
for _bracket in CLOSING:
    STEP[_bracket] = -1

_NO_BRACKETS = bytes(set(range(256)) - set(OPENING + CLOSING))
_AFTER_ESCAPE = re.compile(rb"\\*+.", re.DOTALL)
_PART_OF_STRING = rb'(?:[^"\\]{1,1000}+|\\.){0,10000}+(?:(")(\s*+:)?)?'
_TOKEN = re.compile(rb'[{}\[\],]|"' + _PART_OF_STRING, re.DOTALL)
_REST_OF_STRING = re.compile(_PART_OF_STRING, re.DOTALL)


_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)
_HALF = rb"\u0000\ufffe"
_OF_PAIR = re.compile(rb"\\u[dD][89a-fA-F]")
_OF_PAIR_BYTES = 4


class Token(NamedTuple):
    """A token of a JSON text: a bracket, a comma or a string, which can be a key."""

    first: int
    start: int
    end: int
    is_key: bool


class KeyPlace(NamedTuple):
    """A key, and the JSON Pointer tokens of the object that it is in."""

    key: str
    tokens: tuple[str | int, ...]


def marked_halves(text: bytes) -> bytes:
    """A JSON text with each half of a surrogate pair replaced by HALF, so that it can be decoded."""
    if not _may_have_half(text):
        return text
    return _ESCAPE.sub(lambda found: _HALF if found[1] else found[0], text)


def _may_have_half(text: bytes) -> bool:
    """Whether a JSON text may have a half of a surrogate pair: other escapes need no look at each of them."""
    if len(text) <= SLICE_BYTES:
        return _OF_PAIR.search(text) is not None
    return any(
        _OF_PAIR.search(text, at, at + SLICE_BYTES + _OF_PAIR_BYTES - 1) is not None
        for at in range(0, len(text), SLICE_BYTES)
    )


def has_half(raw: bytes) -> bool:
    """Whether a JSON value has such a mark."""
    return _HALF in raw


class Part(NamedTuple):
    """A part of a JSON text, without the contents of its strings. ``is_inside``: it starts within a
    string."""

    start: int
    is_inside: bool
    outside: bytes


def parts(text: bytes, at: int, end: int, size: int) -> Iterator[Part]:
    """The parts of a JSON text between two positions, of ``size`` bytes or a little more."""
    is_inside = False
    while at < end:
        after = min(at + size, end)
        if text[after - 1] == ord("\\") and (escape := _AFTER_ESCAPE.match(text, after)):
            after = escape.end()
        part = text[at:after]
        if b"\\" in part:
            part = part.replace(rb"\\", b"").replace(rb"\"", b"")
        pieces = part.split(b'"')
        yield Part(at, is_inside, b"".join(pieces[is_inside::2]))
        is_inside ^= len(pieces) % 2 == 0
        at = after


def outside_strings(text: bytes) -> Iterator[bytes]:
    """A JSON text without the contents of its strings, a slice at a time."""
    return (part.outside for part in parts(text, 0, len(text), SLICE_BYTES))


def last_comma(text: bytes, at: int, end: int) -> int | None:
    """Where the last comma between two positions of a JSON text ends that is in no bracket opened there."""
    depth = 0
    candidates: list[tuple[Part, int]] = []
    for part in parts(text, at, end, SEARCHED_BYTES):
        steps = [STEP[bracket] for bracket in part.outside.translate(None, _NO_BRACKETS)]
        if b"," in part.outside and 0 in accumulate(steps, initial=depth):
            candidates.append((part, depth))
        depth += sum(steps)
    found = (_last_comma_of(text, part, depth, end) for part, depth in reversed(candidates))
    return next(filter(None, found), None)


def _last_comma_of(text: bytes, part: Part, depth: int, end: int) -> int | None:
    """The same within a part, which starts at this depth."""
    comma = None
    start = _string_end(text, part.start, end)[0] if part.is_inside else part.start
    for token in tokens(text, start, min(part.start + SEARCHED_BYTES, end)):
        depth += STEP[token.first]
        if token.first == COMMA and depth == 0:
            comma = token.end
    return comma


def tokens(text: bytes, at: int = 0, end: int | None = None) -> Iterator[Token]:
    """The tokens between two positions of a JSON text that are outside strings."""
    end = len(text) if end is None else end
    while at < end:
        for found in _TOKEN.finditer(text, at, end):
            start, at = found.span()
            first = text[start]
            if first == QUOTE and found[1] is None:
                at, is_key = _string_end(text, at, end)
                yield Token(first, start, at, is_key)
                break
            yield Token(first, start, at, found[2] is not None)
        else:
            return


def _string_end(text: bytes, at: int, end: int) -> tuple[int, bool]:
    """The end of a string with very many escapes, read in parts, and whether it is a key."""
    while at < end and (found := _REST_OF_STRING.match(text, at, end)) and found.end() > at:
        at = found.end()
        if found[1] is not None:
            return at, found[2] is not None
    return end, False


def count(text: bytes, what: bytes) -> int:
    """The number of occurrences of a single byte in a text."""
    if len(text) <= SLICE_BYTES:
        return text.count(what)
    return sum(text.count(what, at, at + SLICE_BYTES) for at in range(0, len(text), SLICE_BYTES))


def is_deeper(text: bytes, limit: int) -> bool:
    """Whether arrays and objects are nested deeper than ``limit``."""
    if count(text, b"[") + count(text, b"{") <= limit:
        return False
    depth = 0
    for part in outside_strings(text):
        brackets = part.translate(None, _NO_BRACKETS)
        opened = brackets.count(b"[") + brackets.count(b"{")
        if depth + opened > limit and depth + max(accumulate(map(STEP.__getitem__, brackets))) > limit:
            return True
        depth += 2 * opened - len(brackets)
    return False


def has_more_values(text: bytes, limit: int) -> bool:
    """Whether a text has about ``limit`` values or more: decoded, they would use much more memory than the
    text."""
    if count(text, b",") + count(text, b"[") + count(text, b"{") <= limit:
        return False
    found = 0
    for part in outside_strings(text):
        found += part.count(b",") + part.count(b"[") + part.count(b"{")
        if found > limit:
            return True
    return False


def repeated_key(text: bytes) -> KeyPlace | None:
    """The first repeated key of an object. The text must be valid JSON."""
    path: list[str | int] = []
    objects: list[set[str] | None] = []
    for token in tokens(text):
        if token.first in OPENING:
            is_object = token.first == OPENING[1]
            objects.append(set() if is_object else None)
            path.append("" if is_object else 0)
        elif token.first in CLOSING and objects:
            objects.pop()
            path.pop()
        elif token.first == COMMA and objects and objects[-1] is None:
            path[-1] = int(path[-1]) + 1
        elif token.is_key and objects and (keys := objects[-1]) is not None:
            key = json_string(text[token.start : token.end])
            if key in keys:
                return KeyPlace(key, tuple(path[:-1]))
            keys.add(key)
            path[-1] = key
    return None


def json_string(text: bytes) -> str:
    """A string of a JSON text, also a key with its colon."""
    text = text.rstrip(WHITE + b":")
    if b"\\" not in text:
        return text[1:-1].decode()
    decoded: Any = json.loads(text, strict=False)
    return str(decoded)


def first_keys(text: bytes, count: int) -> bytes:
    """The text of an object, cut off after this many keys if it has more."""
    depth = keys = 0
    comma = len(text)
    for token in tokens(text):
        depth += STEP[token.first]
        if depth == 1 and token.first == COMMA:
            comma = token.start
        elif depth == 1 and token.is_key:
            keys += 1
            if keys > count:
                return text[:comma] + b"}"
    return text
