"""Every operand with every column type: what it finds, and where it is refused."""

from __future__ import annotations

from typing import Any

import pytest
from answers import found, problem, records, total
from expressions import where

from support.bot import Bot

MOMENTS = ["2020-01-01T00:00:00.000Z", "2020-01-01T00:00:00.001Z", "2021-06-15T12:00:00.000Z"]
CELLS: dict[str, list[Any]] = {
    "Text": ["a", "b", "c"],
    "Num": [-1.5, 0, 263],
    "Whole": [-1, 0, 2**63 - 1],
    "Moment": MOMENTS,
}
"""Three cells of each type that has an order, least first."""

ORDERED = tuple(CELLS)
EVERY = (*ORDERED, "Flag")
STRING_OPERANDS = [p + o for o in ("contains", "starts with", "ends with") for p in ("", "i")]


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


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("operand", ["<", "<=", ">", ">="])
def test_ordering_with_null_is_refused(stored: Bot, name: str, operand: str) -> None:
    problem(stored.query("typed", {"query": where(name, operand, None)}), 400)


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("value", [[None, None], ["a", None], [None, "a"]])
def test_between_with_null_is_refused(stored: Bot, name: str, value: list[Any]) -> None:
    value = [CELLS.get(name, [True])[0] if end == "a" else end for end in value]
    problem(stored.query("typed", {"query": where(name, "between", value)}), 400)


@pytest.mark.parametrize(
    ("operand", "value"),
    [("<", True), ("<=", True), (">", False), (">=", False), ("between", [False, True])],
)
def test_booleans_have_no_order(stored: Bot, operand: str, value: Any) -> None:
    problem(stored.query("typed", {"query": where("Flag", operand, value)}), 400, "invalid_filter")


@pytest.mark.parametrize("name", ["Num", "Whole", "Flag", "Moment", "Created_On", "Updated_On"])
@pytest.mark.parametrize("operand", STRING_OPERANDS)
def test_string_operands_go_with_strings_only(stored: Bot, name: str, operand: str) -> None:
    problem(stored.query("typed", {"query": where(name, operand, "1")}), 400, "invalid_filter")


@pytest.mark.parametrize("operand", STRING_OPERANDS)
@pytest.mark.parametrize("value", [None, 1, True, ["a"], {}])
def test_string_operands_take_strings_only(stored: Bot, operand: str, value: Any) -> None:
    problem(stored.query("typed", {"query": where("Text", operand, value)}), (400, 422))


@pytest.mark.parametrize("operand", ["is null", "is not null"])
@pytest.mark.parametrize("value", [None, True, False, "", []])
@pytest.mark.parametrize("name", ["Text", "Num"])
def test_null_operands_take_no_value(stored: Bot, operand: str, value: Any, name: str) -> None:
    problem(stored.query("typed", {"query": where(name, operand, value)}), 400)


@pytest.mark.parametrize("operand", ["=", "!=", "<", ">=", "in", "not in", "between", *STRING_OPERANDS])
def test_a_missing_value_is_not_null(stored: Bot, operand: str) -> None:
    refusal = problem(stored.query("typed", {"query": where("Text", operand)}), 400)
    assert refusal["errors"][0]["pointer"] == "/query/expressions/0/value"


@pytest.mark.parametrize("operand", ["in", "not in"])
@pytest.mark.parametrize("value", ["a", 1, None, True, {}, {"0": "a"}])
def test_in_takes_arrays_only(stored: Bot, operand: str, value: Any) -> None:
    problem(stored.query("typed", {"query": where("Text", operand, value)}), 400)


@pytest.mark.parametrize("value", ["a", 1, None, [], ["a"], ["a", "b", "c"], {}, {"low": "a", "high": "b"}])
def test_between_takes_two_values(stored: Bot, value: Any) -> None:
    problem(stored.query("typed", {"query": where("Text", "between", value)}), 400)


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


MISFITS: list[tuple[str, Any]] = [
    ("Text", 5),
    ("Text", True),
    ("Text", {}),
    ("Text", []),
    ("Text", "a\x00b"),
    ("Num", "x"),
    ("Num", True),
    ("Num", []),
    ("Num", 2**53),
    ("Num", str(2**53)),
    ("Whole", 1.5),
    ("Whole", "1.5"),
    ("Whole", 2**63),
    ("Whole", False),
    ("Flag", 1),
    ("Flag", "yes"),
    ("Moment", "yesterday"),
    ("Moment", "2021-02-30"),
    ("Moment", "0"),
    ("Created_On", "x"),
    ("_id", 5),
    ("sys_Id", True),
]


@pytest.mark.parametrize(("name", "value"), MISFITS)
def test_values_that_the_column_cannot_hold(stored: Bot, name: str, value: Any) -> None:
    pointer = "/query/expressions/0/value"
    for operand in ("=", "!=") if name == "Flag" else ("=", "!=", "<", ">="):
        problem(stored.query("typed", {"query": where(name, operand, value)}), 422, "invalid_value", pointer)
    for operand in ("in", "not in"):
        response = stored.query("typed", {"query": where(name, operand, [None, value])})
        problem(response, 422, "invalid_value", f"{pointer}/1")
    if name != "Flag":
        response = stored.query("typed", {"query": where(name, "between", [value, value])})
        problem(response, 422, "invalid_value", f"{pointer}/0")


SPELLINGS: list[tuple[str, Any, list[str]]] = [
    ("Num", "263", ["2"]),
    ("Num", 263.0, ["2"]),
    ("Num", "2.63e2", ["2"]),
    ("Num", "-1.5", ["0"]),
    ("Num", -0.0, ["1"]),
    ("Whole", "-1", ["0"]),
    ("Whole", -1.0, ["0"]),
    ("Whole", str(2**63 - 1), ["2"]),
    ("Flag", "TRUE", ["0", "2"]),
    ("Flag", "false", ["1"]),
    ("Moment", "2020-01-01", ["0"]),
    ("Moment", "2020-01-01T01:00:00+01:00", ["0"]),
    ("Moment", 1577836800001, ["1"]),
    ("Moment", "2020-01-01T00:00:00.0019Z", ["1"]),
]


@pytest.mark.parametrize(("name", "value", "expected"), SPELLINGS)
def test_values_may_be_spelled_as_in_rows(stored: Bot, name: str, value: Any, expected: list[str]) -> None:
    assert labels(stored, name, "=", value) == expected
    assert labels(stored, name, "in", [value]) == expected
    if name != "Flag":
        assert labels(stored, name, "between", [value, value]) == expected
