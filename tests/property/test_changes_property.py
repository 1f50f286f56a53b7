"""Random changes of stored cells: the results are those of Python's numbers, and what does not fit changes
nothing."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from arena import Arena, OpenTable, good
from hypothesis import given
from hypothesis import strategies as st

from oracle.changes import Unfit, changed
from oracle.effort import examples
from oracle.strategies import Column, Table
from support.expressions import EVERYTHING, where

COLUMNS = (
    Column("Count", "integer"),
    Column("Amount", "number"),
    Column("Price", "decimal"),
    Column("Note", "string", max_length=15),
)
TABLE = Table(COLUMNS, [{"name": "by_price", "columns": [{"name": "Price"}]}])

Data = dict[str, tuple[str, Any]]
"""By column, a change and its operand; without a change, a value."""


def change_of(column: Column) -> str:
    return "$append" if column.type == "string" else "$inc"


@st.composite
def updates(draw: st.DrawFn) -> Data:
    chosen = draw(st.lists(st.sampled_from(COLUMNS), min_size=1, max_size=4, unique_by=lambda c: c.name))
    return {
        column.name: (draw(st.sampled_from([change_of(column)] * 4 + [""])), draw(column.values()))
        for column in chosen
    }


def sent(data: Data) -> dict[str, Any]:
    return {name: {change: operand} if change else operand for name, (change, operand) in data.items()}


def after(row: dict[str, Any], data: Data) -> dict[str, Any]:
    """The row after an update. Raises Unfit."""
    cells = dict(row)
    for column in COLUMNS:
        change, operand = data.get(column.name, ("", None))
        if change:
            cells[column.name] = changed(column.type, row[column.name], operand, column.max_length)
        elif column.name in data:
            cells[column.name] = column.stored(operand)
    return cells


def own(record: dict[str, Any]) -> dict[str, Any]:
    return {column.name: record[column.name] for column in COLUMNS}


@examples(13)
@given(data=st.data())
def test_changes_are_those_of_exact_numbers(arena: Arena, data: st.DataObject) -> None:
    rows = st.fixed_dictionaries({column.name: column.cells() for column in COLUMNS})
    with arena.example(TABLE) as opened:
        drawn = data.draw(st.lists(rows, min_size=1, max_size=3), label="rows")
        state = list(map(own, opened.bulk(drawn)))
        for _ in range(4):
            state = _update(opened, state, data.draw(updates(), label="update"))


def _update(opened: OpenTable, state: list[dict[str, Any]], data: Data) -> list[dict[str, Any]]:
    """Change all rows; the state after it."""
    response = opened.bot.update(opened.name, EVERYTHING, sent(data))
    try:
        expected = [after(row, data) for row in state]
    except Unfit:
        assert (response.status_code, response.json()["code"]) == (422, "invalid_value")
        assert list(map(own, opened.find())) == state
        return state
    assert list(map(own, good(response)["records"])) == expected
    assert list(map(own, opened.find())) == expected
    # its sort key changes with a decimal
    for price in {row["Price"] for row in expected}:
        same = [row for row in expected if _is_same(row["Price"], price)]
        assert list(map(own, opened.find(where("Price", "=", price)))) == same
    return expected


def _is_same(one: str | None, other: str | None) -> bool:
    return one == other if one is None or other is None else Decimal(one) == Decimal(other)
