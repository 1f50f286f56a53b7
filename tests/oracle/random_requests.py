"""Hypothesis strategies for what is asked of a table that holds rows: filters and sorts."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from oracle.columns import SYSTEM_COLUMNS, type_of
from oracle.filters import Filter, Record
from oracle.folding import fold
from oracle.strategies import TYPE_STRATEGIES, Table, near_names

ALIKE = ("=", "!=")
ORDERED = ("<", "<=", ">", ">=")
LISTS = ("in", "not in")
PAIRS = ("between",)
PARTS = ("contains", "starts with", "ends with", "icontains", "istarts with", "iends with")
EMPTY = ("is null", "is not null")

OPERANDS: dict[str, tuple[str, ...]] = {
    "string": ALIKE + ORDERED + LISTS + PAIRS + PARTS + EMPTY,
    "number": ALIKE + ORDERED + LISTS + PAIRS + EMPTY,
    "integer": ALIKE + ORDERED + LISTS + PAIRS + EMPTY,
    "date": ALIKE + ORDERED + LISTS + PAIRS + EMPTY,
    "decimal": ALIKE + ORDERED + LISTS + PAIRS + EMPTY,
    "boolean": ALIKE + LISTS + EMPTY,
    "json": EMPTY,
}
"""Column type → the operands that go with it."""

OF_ENCRYPTED = ALIKE + LISTS + EMPTY
"""The operands that go with an encrypted column, if they go with its type."""

DEEPEST = 16
"""How deep a filter may nest: the outermost counts as 1, and ``not`` counts too."""


def operands_of(column: str, table: Table) -> list[str]:
    """The operands that go with a column of the table, or a system column."""
    encrypted = {each.name for each in table.columns if each.encrypted}
    usual = OPERANDS[type_of(column, table.own)]
    return [operand for operand in usual if column not in encrypted or operand in OF_ENCRYPTED]


@st.composite
def values_near(draw: st.DrawFn, column: str, table: Table, records: list[Record]) -> Any:
    """Values to hold a column against: most often such as its cells have; never None."""
    present = [record[column] for record in records if record[column] is not None]
    if present and draw(st.sampled_from([True, True, True, False])):
        return draw(st.sampled_from(present))
    anything = TYPE_STRATEGIES[type_of(column, table.own)]
    longest = {c.name: c.max_length for c in table.columns}.get(column)
    return draw(anything)[:longest] if longest is not None else draw(anything)


@st.composite
def parts_near(draw: st.DrawFn, column: str, table: Table, records: list[Record]) -> str:
    """A part of some value, as it is or in another case."""
    text = draw(values_near(column, table, records))
    start = draw(st.integers(0, len(text)))
    part = text[start : draw(st.integers(start, len(text)))]
    change = draw(st.sampled_from([str, str.swapcase, fold]))
    return str(change(part))[: len(part)]


@st.composite
def comparisons(draw: st.DrawFn, table: Table, records: list[Record], bare_lists: bool) -> Filter:
    """One comparison. Without ``bare_lists``, no list is empty: an update refuses such a filter."""
    column = draw(st.sampled_from([*list(table.own) * 4, *SYSTEM_COLUMNS]))
    operand = draw(st.sampled_from(operands_of(column, table)))
    wish: Filter = {"field": draw(near_names(column, table.own)), "operand": operand}
    near = values_near(column, table, records)
    if operand in ALIKE:
        wish["value"] = draw(near if draw(st.sampled_from([True, True, False])) else st.none())
    elif operand in ORDERED:
        wish["value"] = draw(near)
    elif operand in LISTS:
        wish["value"] = draw(st.lists(st.none() | near, min_size=0 if bare_lists else 1, max_size=4))
    elif operand in PAIRS:
        wish["value"] = [draw(near), draw(near)]
    elif operand in PARTS:
        wish["value"] = draw(parts_near(column, table, records))
    return wish


@st.composite
def expressions(draw: st.DrawFn, table: Table, records: list[Record], room: int, bare_lists: bool) -> Filter:
    """An expression that nests at most ``room`` deep."""
    shape = draw(st.sampled_from(["comparison", "comparison", "group", "not"])) if room else "comparison"
    if shape == "comparison":
        return draw(comparisons(table, records, bare_lists))
    inner = expressions(table, records, room - 1, bare_lists)
    if shape == "not":
        return {"not": draw(inner)}
    return draw(groups(inner))


@st.composite
def groups(draw: st.DrawFn, inner: st.SearchStrategy[Filter]) -> Filter:
    several: Filter = {"expressions": draw(st.lists(inner, min_size=1, max_size=3))}
    operator = draw(st.sampled_from([None, "and", "or"]))
    return several if operator is None else several | {"operator": operator}


@st.composite
def filters(draw: st.DrawFn, table: Table, records: list[Record], bare_lists: bool = True) -> Filter:
    """A whole filter over the table, most often with values that some of the records have."""
    room = draw(st.sampled_from([0, 1, 2, 3]))
    wish = draw(groups(expressions(table, records, room, bare_lists)))
    for _ in range(draw(st.sampled_from([0, 0, 0, DEEPEST - 1 - room]))):
        wish = {"not": wish}
    return wish if "expressions" in wish else {"expressions": [wish["not"]]}


@st.composite
def sorts(draw: st.DrawFn, table: Table) -> list[dict[str, str]]:
    """Up to three columns to sort by, up or down or as is usual."""
    chosen = draw(st.lists(st.sampled_from([*table.sortable, *SYSTEM_COLUMNS]), max_size=3, unique=True))
    sort = []
    for column in chosen:
        each = {"field": draw(near_names(column, table.own))}
        order = draw(st.sampled_from([None, "asc", "desc"]))
        sort.append(each if order is None else each | {"order": order})
    return sort


@st.composite
def fields(draw: st.DrawFn, table: Table) -> list[str]:
    """Some columns, in any order, by any of their names."""
    every = [*table.own, *SYSTEM_COLUMNS]
    chosen = draw(st.lists(st.sampled_from(every), min_size=1, max_size=4, unique=True))
    return [draw(near_names(column, table.own)) for column in chosen]
