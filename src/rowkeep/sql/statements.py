"""Statements: SQL text with its parameters, compiled once and bound many times."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from threading import Lock
from typing import Any

import msgspec
import sqlalchemy as sa
from cachetools import LRUCache
from sqlalchemy.schema import CreateColumn
from sqlalchemy.sql.cache_key import CacheKey
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.ddl import DDLElement

from rowkeep.sql.dialects import Dialect
from rowkeep.sql.lists import with_lists


class Statement(msgspec.Struct, frozen=True):
    """One statement, ready to run; with ``many``, once for each of these sets of parameters. Only an engine
    without arrays returns the rows of such a statement."""

    text: str
    parameters: tuple[Any, ...] = ()
    many: tuple[tuple[Any, ...], ...] | None = None
    is_command: bool = False
    """Whether it has no parameters and no rows, and runs once: nothing of it is prepared and cached. It can
    then be several statements."""


def command(text: str) -> Statement:
    """A statement that changes what a database has, such as ``CREATE TABLE``."""
    return Statement(text, is_command=True)


BETWEEN_COMMANDS = ";\n\n"


def in_order(commands: Iterable[Statement]) -> Statement:
    """Several commands as one, in one round trip."""
    return command(BETWEEN_COMMANDS.join(each.text for each in commands))


class Template(msgspec.Struct, frozen=True):
    """A statement without values; ``order`` has the names of its parameters by position."""

    text: str
    order: tuple[str, ...]

    def bind(self, values: Mapping[str, Any]) -> Statement:
        return Statement(self.text, tuple(self.parameters(values)))

    def parameters(self, values: Mapping[str, Any]) -> list[Any]:
        """The values by position."""
        return [values[name] for name in self.order]

    def bind_many(self, many: Iterable[Mapping[str, Any]]) -> Statement:
        """A statement that runs once for each of these sets of values."""
        return Statement(self.text, many=tuple(tuple(map(values.__getitem__, self.order)) for values in many))


def template(clause: sa.Executable, dialect: Dialect) -> Template:
    """``clause`` as text for this engine, with its named bind parameters left open."""
    compiled = clause.compile(dialect=dialect.compiler)  # type: ignore[attr-defined]
    return Template(*with_lists(str(compiled), tuple(compiled.positiontup or ())))


def statement(clause: sa.Executable, dialect: Dialect) -> Statement:
    """``clause`` with the values that it was built with."""
    compiled = clause.compile(  # type: ignore[attr-defined]
        dialect=dialect.compiler, compile_kwargs={"render_postcompile": True}
    )
    values = compiled.params
    return Statement(str(compiled), tuple(values[name] for name in compiled.positiontup or ()))


class Places(msgspec.Struct, frozen=True):
    """The text of a statement, and the place of each parameter among the values that it is built with, and
    those that compiling adds."""

    text: str
    order: tuple[int, ...]
    added: tuple[Any, ...]


COMPILED_STATEMENTS = 500


class StatementCache:
    """What statements over system tables are compiled to, found by their structure: most requests to the
    management API run the same ones with other values."""

    def __init__(self) -> None:
        self._places: LRUCache[Any, Places | None] = LRUCache(COMPILED_STATEMENTS)
        self._turn = Lock()

    def statement(self, clause: sa.Executable, dialect: Dialect) -> Statement:
        """The same as :func:`statement`."""
        key: CacheKey | None = clause._generate_cache_key()  # type: ignore[attr-defined]
        if key is None:
            return statement(clause, dialect)
        known = (dialect.compiler, key.key)
        with self._turn:
            places = self._places.get(known, self)
        if places is self:
            places = _places(clause.compile(dialect=dialect.compiler), key)  # type: ignore[attr-defined]
            with self._turn:
                self._places[known] = places
        if not isinstance(places, Places):
            return statement(clause, dialect)
        values = (*(bound.effective_value for bound in key.bindparams), *places.added)
        return Statement(places.text, tuple(map(values.__getitem__, places.order)))


def _places(compiled: SQLCompiler, key: CacheKey) -> Places | None:
    """None if the text depends on the values, as that of ``IN`` on their number."""
    if compiled.post_compile_params:
        return None
    at = {bound.key: place for place, bound in enumerate(key.bindparams)}
    order: list[int] = []
    added: list[Any] = []
    for name in compiled.positiontup or ():
        bound = compiled.binds[name]
        if bound.key not in at:
            at[bound.key] = len(key.bindparams) + len(added)
            added.append(bound.effective_value)
        order.append(at[bound.key])
    return Places(str(compiled), tuple(order), tuple(added))


STATEMENTS = StatementCache()


def ddl(element: DDLElement | CreateColumn, dialect: Dialect) -> Statement:
    return command(str(element.compile(dialect=dialect.compiler)).strip())
