"""Lists: many parameters of one kind next to each other, of which only the first is compiled.

SQLAlchemy takes about 50 µs to compile a parameter, and a filter may have thousands of them. The others are
written as text after that.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import chain, count
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.visitors import InternalTraversal

from rowkeep.sql.expressions import Expression

START, MIDDLE, END = "\x02", "\x1f", "\x03"
"""What surrounds a list in the text until it is written: no name and no constant has such characters."""

LIST = re.compile(f"{START}([^{MIDDLE}]*){MIDDLE}([^{END}]*){END}")
NUMBER = re.compile(r"\$\d+")
"""A parameter of an engine that counts them."""


class Listed(sa.ColumnElement[Any]):
    """The parameters ``names``, separated by commas; ``first`` is the expression of the first of them."""

    __visit_name__ = "listed"
    inherit_cache = True
    _traverse_internals = [  # noqa: RUF012 - as SQLAlchemy declares it
        ("first", InternalTraversal.dp_clauseelement),
        ("names", InternalTraversal.dp_plain_obj),
    ]

    def __init__(self, first: Expression, names: tuple[str, ...]) -> None:
        self.first = first
        self.names = names
        self.type = first.type


@compiles(Listed)
def _compile(element: Listed, compiler: SQLCompiler, **options: Any) -> str:
    first = compiler.process(element.first, **options)
    return f"{START}{','.join(element.names)}{MIDDLE}{first}{END}"


def with_lists(text: str, order: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """A compiled statement with all parameters of its lists. ``order`` has the names of the parameters by
    position."""
    lists = {names[0]: names for found in LIST.finditer(text) if (names := found[1].split(","))}
    if not lists:
        return text, order
    if NUMBER.search(text) is None:
        written = LIST.sub(lambda found: _repeated(found[2], lists[found[1].partition(",")[0]]), text)
        return written, tuple(chain.from_iterable(lists.get(name, (name,)) for name in order))
    # the others get the numbers after all those that are there
    places = dict(zip(chain(order, *(names[1:] for names in lists.values())), count(1), strict=False))
    return LIST.sub(
        lambda found: _numbered(found[2], map(places.__getitem__, found[1].split(","))), text
    ), tuple(places)


def _repeated(first: str, names: Sequence[str]) -> str:
    return ", ".join([first] * len(names))


def _numbered(first: str, numbers: Iterable[int]) -> str:
    before, after = NUMBER.split(first)
    return ", ".join([f"{before}${number}{after}" for number in numbers])
