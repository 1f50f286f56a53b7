"""Syntax: the statements and comments of Python source, without a look at each expression and token."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

BLOCKS = ("body", "orelse", "finalbody")
"""The fields of statements, and of their clauses, that have statements."""

CLAUSES = ("handlers", "cases")
"""The fields of statements that have clauses."""


def statements(part: ast.AST) -> Iterator[tuple[ast.AST, ast.stmt]]:
    """All statements in a module, statement or clause, however deep, each with the part that it is in."""
    for name in BLOCKS:
        block = getattr(part, name, ())
        for statement in block if isinstance(block, list) else ():
            yield part, statement
            yield from statements(statement)
    for name in CLAUSES:
        for clause in getattr(part, name, ()):
            yield from statements(clause)


_STRING_OR_COMMENT = re.compile(
    r""""{3}[^"\\]*(?:(?:\\.|"(?!""))[^"\\]*)*"{3}"""
    r"""|'{3}[^'\\]*(?:(?:\\.|'(?!''))[^'\\]*)*'{3}"""
    r'''|"[^"\\\n]*(?:\\.[^"\\\n]*)*"'''
    r"""|'[^'\\\n]*(?:\\.[^'\\\n]*)*'"""
    r"""|(?P<comment>\#[^\n]*)""",
    re.DOTALL,
)
"""Nothing else in Python source has quotes and ``#``. (Strings in braces of an f-string use others.)"""


def comments(source: str) -> Iterator[tuple[int, str]]:
    """Every comment with its line, counted from 1."""
    line, counted = 1, 0
    for found in _STRING_OR_COMMENT.finditer(source):
        if found["comment"] is not None:
            line += source.count("\n", counted, found.start())
            counted = found.start()
            yield line, found[0]
