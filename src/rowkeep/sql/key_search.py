"""Key search: which of many keys a table has, asked at once."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from rowkeep.model.tables import Table
from rowkeep.sql.dialects import Dialect
from rowkeep.sql.expressions import Expression
from rowkeep.sql.pages import CACHED_SHAPES
from rowkeep.sql.physical_table import PhysicalTable
from rowkeep.sql.statements import Statement, Template, template

NUMBER = "number"


class KeySearch(msgspec.Struct, frozen=True):
    """The statement that searches for keys. The rows of its answer are the numbers of those that it finds,
    from ``first`` on."""

    template: Template
    first: int
    has_arrays: bool

    def statement(self, keys: Sequence[Sequence[Any]]) -> Statement:
        """``keys`` are the cells of each column, as stored, without nulls: one list for each column. Those of
        the ``own`` columns follow; they can be nulls."""
        values = {_part(at): cells for at, cells in enumerate(keys)}
        if self.has_arrays:
            return self.template.bind(values)
        values[NUMBER] = range(len(keys[0]))
        columns = (values[name] for name in self.template.order)
        return Statement(self.template.text, many=tuple(zip(*columns, strict=True)))


def _part(at: int) -> str:
    return f"part_{at}"


@lru_cache(CACHED_SHAPES)
def key_search(
    table: Table,
    dialect: Dialect,
    namespace: str | None,
    names: tuple[str, ...],
    own: tuple[str, ...] = (),
) -> KeySearch:
    """The search for keys of these columns; ``sys_Id`` is searched for as the ``_id`` that it contains. A
    stored row that has the same ``own`` columns as well is not found."""
    physical = PhysicalTable(table, dialect, namespace)
    if dialect.has_arrays:
        return KeySearch(_by_arrays(physical, names, own), 1, True)
    return KeySearch(_one_by_one(physical, names, own), 0, False)


def _is_other(own: Sequence[Expression]) -> list[Expression]:
    return [sa.and_(*own).is_not(sa.true())] if own else []


def _one_by_one(physical: PhysicalTable, names: Sequence[str], own: Sequence[str]) -> Template:
    """A statement for one key, which the engine runs for each of them without a round trip."""
    same = []
    for at, name in enumerate((*names, *own)):
        kind = physical.kind(name)
        same.append(physical.identity(name) == kind.compared(kind.open_parameter(_part(at))))
    number: Expression = sa.bindparam(NUMBER, type_=sa.Integer())
    found = (*same[: len(names)], *_is_other(same[len(names) :]))
    return template(sa.select(number).select_from(physical.from_clause).where(*found), physical.dialect)


def _by_arrays(physical: PhysicalTable, names: Sequence[str], own: Sequence[str]) -> Template:
    """A statement for all keys, a parameter for each column."""
    sent = (*names, *own)
    kinds = [physical.kind(name) for name in sent]
    arrays = [
        sa.bindparam(_part(at), type_=postgresql.ARRAY(kind.parameter)) for at, kind in enumerate(kinds)
    ]
    columns = [sa.column(_part(at), kind.parameter) for at, kind in enumerate(kinds)]
    sought = (
        sa.func.unnest(*arrays).table_valued(*columns, with_ordinality=NUMBER, name="sought").render_derived()
    )
    same = [
        physical.identity(name) == kind.compared(sought.c[_part(at)])
        for at, (name, kind) in enumerate(zip(sent, kinds, strict=True))
    ]
    matches = sa.and_(*same[: len(names)], *_is_other(same[len(names) :]))
    found = sa.select(sought.c[NUMBER]).select_from(sought.join(physical.from_clause, matches))
    return template(found, physical.dialect)
