"""Every operand with every column type: what it finds, and where it is refused."""

from __future__ import annotations

from typing import Any

import pytest
from answers import found, problem, records, total
from expressions import where

from cases.operands import CELLS, EVERY, ORDERED, SPELLINGS, STRING_OPERANDS
from support.bot import Bot
from support.engines import first_on_each


@pytest.fixture(scope="module")
def stored(typed: Bot) -> Bot:
    """A row for each place in CELLS, labelled by it, with Flag true, false, true; and one empty row."""
    rows = [
        {"Label": str(i), "Flag": i != 1, **{name: values[i] for name, values in CELLS.items()}}
        for i in range(3)
    ]
    records(typed.bulk("typed", [*rows, {"Label": "empty"}]))
    return typed


def labels(bot: Bot, name: str, operand: str, *value: Any) -> list[str]:
    return found(bot, "typed", where(name, operand, *value), "Label")


@pytest.mark.parametrize("name", ORDERED)
def test_comparisons_with_the_middle_cell(stored: Bot, name: str) -> None:
    middle = CELLS[name][1]
    assert labels(stored, name, "=", middle) == ["1"]
    assert labels(stored, name, "!=", middle) == ["0", "2", "empty"]
    assert labels(stored, name, "<", middle) == ["0"]
    assert labels(stored, name, "<=", middle) == ["0", "1"]
    assert labels(stored, name, ">", middle) == ["2"]
    assert labels(stored, name, ">=", middle) == ["1", "2"]


@pytest.mark.parametrize("name", ORDERED)
def test_comparisons_with_the_outermost_cells(stored: Bot, name: str) -> None:
    least, _, most = CELLS[name]
    assert labels(stored, name, "<", least) == []
    assert labels(stored, name, ">=", least) == ["0", "1", "2"]
    assert labels(stored, name, ">", most) == []
    assert labels(stored, name, "<=", most) == ["0", "1", "2"]


@pytest.mark.parametrize("name", ORDERED)
def test_between_includes_both_ends(stored: Bot, name: str) -> None:
    least, middle, most = CELLS[name]
    assert labels(stored, name, "between", [least, middle]) == ["0", "1"]
    assert labels(stored, name, "between", [middle, most]) == ["1", "2"]
    assert labels(stored, name, "between", [least, most]) == ["0", "1", "2"]
    assert labels(stored, name, "between", [middle, middle]) == ["1"]
    assert labels(stored, name, "between", [most, least]) == []


@pytest.mark.parametrize("name", EVERY)
def test_null_safe_equality(stored: Bot, name: str) -> None:
    value = True if name == "Flag" else CELLS[name][0]
    having = ["0", "2"] if name == "Flag" else ["0"]
    assert labels(stored, name, "=", None) == ["empty"]
    assert labels(stored, name, "!=", None) == ["0", "1", "2"]
    assert labels(stored, name, "=", value) == having
    assert labels(stored, name, "!=", value) == [x for x in ("0", "1", "2", "empty") if x not in having]
    assert labels(stored, name, "is null") == ["empty"]
    assert labels(stored, name, "is not null") == ["0", "1", "2"]


@pytest.mark.parametrize("name", EVERY)
def test_in_and_not_in(stored: Bot, name: str) -> None:
    value = False if name == "Flag" else CELLS[name][1]
    assert labels(stored, name, "in", [value]) == ["1"]
    assert labels(stored, name, "in", [value, value]) == ["1"]
    assert labels(stored, name, "in", [None]) == ["empty"]
    assert labels(stored, name, "in", [None, value]) == ["1", "empty"]
    assert labels(stored, name, "in", []) == []
    assert labels(stored, name, "not in", [value]) == ["0", "2", "empty"]
    assert labels(stored, name, "not in", [None]) == ["0", "1", "2"]
    assert labels(stored, name, "not in", [value, None]) == ["0", "2"]
    assert labels(stored, name, "not in", []) == ["0", "1", "2", "empty"]


@pytest.mark.parametrize("name", EVERY)
def test_not_is_two_valued(stored: Bot, name: str) -> None:
    everything = ["0", "1", "2", "empty"]
    value = True if name == "Flag" else CELLS[name][1]
    operands: dict[str, Any] = {"=": value, "!=": value, "in": [value], "not in": [value, None]}
    if name in ORDERED:
        operands |= {"<": value, "<=": value, ">": value, ">=": value, "between": [value, value]}
    if name == "Text":
        operands |= dict.fromkeys(STRING_OPERANDS, value)
    for operand, operand_value in operands.items():
        plain = labels(stored, name, operand, operand_value)
        turned = {"expressions": [{"not": where(name, operand, operand_value)}]}
        assert found(stored, "typed", turned, "Label") == [x for x in everything if x not in plain]
        comparison = where(name, operand, operand_value)["expressions"][0]
        turned = {"expressions": [{"not": comparison}]}
        assert found(stored, "typed", turned, "Label") == [x for x in everything if x not in plain]
    for operand in ("is null", "is not null"):
        plain = labels(stored, name, operand)
        turned = {"expressions": [{"not": {"field": name, "operand": operand}}]}
        assert found(stored, "typed", turned, "Label") == [x for x in everything if x not in plain]


@pytest.mark.parametrize("operand", ["in", "not in"])
def test_lists_of_1000_values_and_no_more(stored: Bot, operand: str) -> None:
    values: list[Any] = [f"x{i}" for i in range(999)]
    assert total(stored, "typed", where("Text", operand, [*values, "a"])) == (1 if operand == "in" else 3)
    assert total(stored, "typed", where("Text", operand, [*values, None])) == (1 if operand == "in" else 3)
    problem(
        stored.query("typed", {"query": where("Text", operand, [*values, "a", "b"])}), 400, "invalid_filter"
    )
    problem(stored.query("typed", {"query": where("Text", operand, ["a"] * 1001)}), 400, "invalid_filter")


def test_many_long_lists_in_one_filter(stored: Bot) -> None:
    """More values than either engine binds to one statement."""
    lists = [
        where("Num", "not in", list(range(1000 * i, 1000 * i + 1000)))["expressions"][0]
        for i in range(1, 101)
    ]
    query = {"expressions": [*lists, {"field": "Num", "operand": "is not null"}]}
    response = stored.query("typed", {"query": query})
    if response.status_code != 200:
        problem(response, 400)
    else:
        assert response.json()["total"] == 3


def test_values_may_be_spelled_as_in_rows(stored: Bot) -> None:
    for name, value, expected in SPELLINGS:
        assert labels(stored, name, "=", value) == expected, (name, value)
    assert labels(stored, "Num", "in", ["2.63e2", "-1.5"]) == ["0", "2"]
    assert labels(stored, "Moment", "between", ["2020-01-01", 1577836800001]) == ["0", "1"]


REFUSED: dict[str, tuple[str, str, tuple[Any, ...], int, str, str]] = {
    "null has no order": ("Num", "<", (None,), 400, "invalid_filter", "value"),
    "null is no end": ("Text", "between", ([None, "a"],), 400, "invalid_filter", "value/0"),
    "booleans have no order": ("Flag", ">=", (True,), 400, "invalid_filter", "operand"),
    "text operands": ("Created_On", "istarts with", ("1",), 400, "invalid_filter", "operand"),
    "text operands take text": ("Text", "contains", (1,), 422, "invalid_value", "value"),
    "null operands take nothing": ("Text", "is null", (None,), 400, "invalid_filter", "value"),
    "a missing value": ("Text", "=", (), 400, "invalid_filter", "value"),
    "in takes an array": ("Text", "not in", ("a",), 400, "invalid_filter", "value"),
    "between takes two values": ("Text", "between", (["a"],), 400, "invalid_filter", "value"),
    "a value that does not fit": ("Whole", "in", ([None, 1.5],), 422, "invalid_value", "value/1"),
}


@first_on_each(("name", "operand", "value", "status", "code", "at"), REFUSED.values(), ids=REFUSED)
def test_refused(
    stored: Bot, name: str, operand: str, value: tuple[Any, ...], status: int, code: str, at: str
) -> None:
    query = where(name, operand, *value)
    problem(stored.query("typed", {"query": query}), status, code, f"/query/expressions/0/{at}")
