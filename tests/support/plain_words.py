"""Plain words: a search for words that the texts of Rowkeep do not use, and what to write instead.

Texts are short, conventional, technical English. Each entry is a word or phrase that readers with English as
a second language misunderstand, or for which another word is usual.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import NamedTuple

from .syntax import comments, statements

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
_ANY_FORBIDDEN = re.compile(rf"\b(?:{'|'.join(INSTEAD)})\b")
"""Whether a text in lower case has one of them: otherwise, a search takes four times as long."""


class Hit(NamedTuple):
    """A word that is not used: its line, counted from 1, the word, and usual words."""

    line: int
    word: str
    instead: str


def unusual_words(text: str) -> list[Hit]:
    """The words of a text that Rowkeep does not use, in their order."""
    text = re.sub(r"[ \t]*\n[ \t]*", "\n", text)
    # a phrase may be broken over two lines
    flat = text.replace("\n", " ")
    if not _ANY_FORBIDDEN.search(flat.casefold()):
        return []
    return sorted(
        Hit(text.count("\n", 0, found.start()) + 1, found[0], usual)
        for words, usual in _FORBIDDEN
        for found in words.finditer(flat)
    )


NAMES_IN_CODE = re.compile(r"``[^`]+``|:\w+:`[^`]+`|`[^`]+`")
"""What is not prose in docstrings and comments: names and references."""


def unusual_words_in_code(source: str) -> list[Hit]:
    """Those of the docstrings (also of attributes) and comments of a module, with their lines in it."""
    return sorted(
        hit._replace(line=first + hit.line - 1)
        for first, text in (*_docstrings(source), *_comments(source))
        for hit in unusual_words(NAMES_IN_CODE.sub("", text))
    )


def _docstrings(source: str) -> Iterator[tuple[int, str]]:
    for _, statement in statements(ast.parse(source)):
        match statement:
            case ast.Expr(value=ast.Constant(value=str(text))):
                yield statement.lineno, text


def _comments(source: str) -> Iterator[tuple[int, str]]:
    """Comments with their first lines; comments on consecutive lines are one text."""
    first, lines = 0, list[str]()
    for line, comment in comments(source):
        if lines and line != first + len(lines):
            yield first, "\n".join(lines)
            lines = []
        first = first if lines else line
        lines.append(comment.removeprefix("# "))
    if lines:
        yield first, "\n".join(lines)
