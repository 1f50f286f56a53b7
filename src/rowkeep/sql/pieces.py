"""Pieces: SQL that is written as text around expressions.

For expressions that every statement of a table has: SQLAlchemy compiles a node for each operator, function
and constant, and this one in one go.
"""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.visitors import InternalTraversal
from sqlalchemy.types import TypeEngine

from rowkeep.sql.expressions import Expression

PLACE = re.compile(r"\{(\d+)\}")


class Pieces(FunctionElement[Any]):
    """``text`` with ``{0}``, ``{1}`` and so on where the expressions are; each may be there several times."""

    inherit_cache = True
    _traverse_internals = [  # noqa: RUF012 - as SQLAlchemy declares it
        *FunctionElement._traverse_internals,
        ("text", InternalTraversal.dp_string),
    ]

    def __init__(self, text: str, type_: TypeEngine[Any], *parts: Expression) -> None:
        super().__init__(*parts)
        self.text = text
        self.type = type_


@compiles(Pieces)
def _compile(element: Pieces, compiler: SQLCompiler, **options: Any) -> str:
    parts = list(element.clauses)
    return PLACE.sub(lambda place: compiler.process(parts[int(place[1])], **options), element.text)
