"""Statements: SQL text with its parameters, compiled once and bound many times."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.schema import CreateColumn
from sqlalchemy.sql.ddl import DDLElement

from rowkeep.sql.dialects import Dialect


class Statement(msgspec.Struct, frozen=True):
    """One statement, ready to run; with ``many``, once for each of these sets of parameters. Only an engine
    without arrays returns the rows of such a statement."""

    text: str
    parameters: tuple[Any, ...] = ()
    many: tuple[tuple[Any, ...], ...] | None = None


class Template(msgspec.Struct, frozen=True):
    """A statement without values; ``order`` has the names of its parameters by position."""

    text: str
    order: tuple[str, ...]

    def bind(self, values: Mapping[str, Any]) -> Statement:
        return Statement(self.text, tuple(map(values.__getitem__, self.order)))

    def bind_many(self, many: Iterable[Mapping[str, Any]]) -> Statement:
        """A statement that runs once for each of these sets of values."""
        return Statement(self.text, many=tuple(tuple(map(values.__getitem__, self.order)) for values in many))


def template(clause: sa.Executable, dialect: Dialect) -> Template:
    """``clause`` as text for this engine, with its named bind parameters left open."""
    compiled = clause.compile(dialect=dialect.compiler)  # type: ignore[attr-defined]
    return Template(str(compiled), tuple(compiled.positiontup or ()))


def statement(clause: sa.Executable, dialect: Dialect) -> Statement:
    """``clause`` with the values that it was built with."""
    compiled = clause.compile(  # type: ignore[attr-defined]
        dialect=dialect.compiler, compile_kwargs={"render_postcompile": True}
    )
    values = compiled.params
    return Statement(str(compiled), tuple(values[name] for name in compiled.positiontup or ()))


def ddl(element: DDLElement | CreateColumn, dialect: Dialect) -> Statement:
    return Statement(str(element.compile(dialect=dialect.compiler)).strip())
