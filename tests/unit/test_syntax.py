"""The tests' own readers of source: comments as Python's tokenizer finds them, and all statements."""

from __future__ import annotations

import ast
import io
import tokenize
from pathlib import Path

from support.syntax import comments, statements

SOURCE = '''#!first
"""A # in a docstring, and "quotes" and \\""" too.

# no comment
"""
x = "#" + '"' + "\\"#" + '\\'#' + r"\\"  # one
y = b"#" + f"#{x!r}" + rb'#'  # two # and on
z = """ '#' """, \'\'\' "#" ''\\\'\'\' \'\'\'  # three
v = ("a"  # four
     'b')
# five'''


def tokenized(source: str) -> list[tuple[int, str]]:
    found = tokenize.generate_tokens(io.StringIO(source).readline)
    return [(each.start[0], each.string) for each in found if each.type == tokenize.COMMENT]


def test_comments() -> None:
    assert [line for line, _ in comments(SOURCE)] == [1, 6, 7, 8, 9, 11]
    for source in (SOURCE, "", "x = 1\n", Path(__file__).read_text()):
        assert list(comments(source)) == tokenized(source)


def test_statements() -> None:
    source = """
if a:
    for b in c: d
    else: e
elif f: g
try:
    with h: i
except j: k
finally: l
match m:
    case n: o
class p:
    async def q(): return [r for s in t]
"""
    tree = ast.parse(source)
    every = [node for node in ast.walk(tree) if isinstance(node, ast.stmt)]
    found = list(statements(tree))
    assert {id(each) for _, each in found} == {id(each) for each in every}
    assert len(found) == len(every)
    names = {id(each): type(part).__name__ for part, each in found}
    assert [names[id(each)] for each in every if isinstance(each, ast.Return)] == ["AsyncFunctionDef"]
