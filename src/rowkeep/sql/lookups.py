"""Lookups: filters whose rows an index finds, which is known from the definition alone.

Pure facts about the shape of a filter; PostgreSQL's statements depend on them.
"""

from __future__ import annotations

from rowkeep.model.filters import Junction, Match, Shape, Test
from rowkeep.model.tables import ROW_KEY, Table
from rowkeep.plan.rows.select import SelectShape

KEYS = (ROW_KEY, "sys_Id")


def finds_one(table: Table, where: Shape | None) -> bool:
    """Whether a filter finds at most one row: it has one value for each column of a unique index."""
    matched = _matched_columns(where)
    return bool(matched) and _by_unique(table, {name for name, is_single in matched.items() if is_single})


def is_lookup(table: Table, shape: SelectShape) -> bool:
    """Whether one plan is good for a page with any values: all conditions are equalities, and the filter
    contains all columns of an index that is unique, or, with one value for each, of one that returns its rows
    in the requested order."""
    matched = _matched_columns(shape.where)
    if not matched or shape.after is not None:
        return False
    if _by_unique(table, set(matched)):
        return True
    if not all(matched.values()) or shape.sort not in (((ROW_KEY, False),), ((ROW_KEY, True),)):
        return False
    return any({part.name for part in index.columns} <= matched.keys() for index in table.indexes)


def is_exact_lookup(table: Table, shape: SelectShape) -> bool:
    """Whether the page of a lookup reads no other rows than its own: its index is unique, or has exactly the
    columns of the filter."""
    matched = _matched_columns(shape.where)
    return _by_unique(table, set(matched)) or any(
        {part.name for part in index.columns} == matched.keys() for index in table.indexes
    )


def _by_unique(table: Table, names: set[str]) -> bool:
    if names.intersection(KEYS):
        return True
    return any(index.is_unique and {part.name for part in index.columns} <= names for index in table.indexes)


def _matched_columns(where: Shape | None) -> dict[str, bool]:
    """The columns that a filter compares with ``=`` or ``in``, each with whether it is one value; nothing if
    the filter has any other condition."""
    if isinstance(where, Match):
        parts: tuple[Shape, ...] = (where,)
    elif isinstance(where, Junction) and not where.either:
        parts = where.parts
    else:
        return {}
    matched: dict[str, bool] = {}
    for part in parts:
        if not isinstance(part, Match) or part.test not in (Test.EQUAL, Test.IN):
            return {}
        if part.negated or part.folded or part.or_null or not part.slots:
            return {}
        matched[part.column] = matched.get(part.column, False) or part.slots == 1
    return matched
