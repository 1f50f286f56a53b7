"""Sorting: every type to its edges, empty cells, ties, several columns, system columns; by cursor as well."""

from __future__ import annotations

from functools import cmp_to_key
from typing import Any

import pytest
from answers import SYSTEM_COLUMNS, good, problem, records, rows
from definitions import TYPED_COLUMNS

from support.bot import Bot
from support.engines import first_on_each

STRINGS = [
    "",
    " ",
    "!",
    "0",
    "00",
    "1",
    "10",
    "9",
    "A",
    "Z",
    "_",
    "a",
    "a ",
    "aa",
    "a\u0301",
    "b",
    "z",
    "ß",
    "á",
    "é",
]
STRINGS += ["ı", "ſ", "σ", "ẞ", "\u2028", "\ud7ff", "\ue000", "\uffff", "\U00010000", "😀", "\U0010ffff"]
NUMBERS = [
    -1.7976931348623157e308,
    -1e300,
    -(2**53) + 1,
    -1.5,
    -1,
    -5e-324,
    0,
    5e-324,
    0.1,
    0.30000000000000004,
]
NUMBERS += [1, 1.5, 2, 10, 2**53 - 1, 1e300, 1.7976931348623157e308]
WHOLES = [
    -(2**63),
    -(2**63) + 1,
    -(2**53) - 1,
    -(2**53),
    -1,
    0,
    1,
    2**53 - 1,
    2**53,
    2**53 + 1,
    2**63 - 2,
    2**63 - 1,
]
MOMENTS = ["0001-01-01T00:00:00.000Z", "0999-12-31T23:59:59.999Z", "1969-12-31T23:59:59.999Z"]
MOMENTS += ["1970-01-01T00:00:00.000Z", "2020-02-29T00:00:00.000Z", "2020-02-29T00:00:00.001Z"]
MOMENTS += ["9999-12-31T23:59:59.998Z", "9999-12-31T23:59:59.999Z"]

EDGES: dict[str, list[Any]] = {
    "Text": STRINGS,
    "Num": NUMBERS,
    "Whole": WHOLES,
    "Flag": [False, True],
    "Moment": MOMENTS,
}
"""In each column's order, least first; an empty cell is less than all of them."""


def test_the_edges_are_in_order() -> None:
    """Python compares strings by code point."""
    assert all(values == sorted(values) for values in EDGES.values())


@pytest.fixture(scope="module")
def stored(typed: Bot) -> list[dict[str, Any]]:
    """Rows that hold each edge twice and two empty ones, in no order; all tests of this module only read."""
    data: list[dict[str, Any]] = [{}]
    for name, values in EDGES.items():
        data += [{name: value} for value in reversed(values)] + [{name: value} for value in values]
    data += [{"Label": "last"}]
    return records(typed.bulk("typed", data))


def walked(bot: Bot, sort: list[dict[str, str]], limit: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    body: dict[str, Any] = {"sort": sort}
    while True:
        answer = good(bot.query("typed", body, sys_limit=limit))
        found += answer["queryResult"]
        if "nextCursor" not in answer:
            return found
        body = {"sort": sort, "cursor": answer["nextCursor"]}


def in_order(stored: list[dict[str, Any]], *sort: tuple[str, bool]) -> list[dict[str, Any]]:
    """What a sort must give: ``(column, descending)`` pairs, empty cells least, ties by ``_id`` ascending."""

    def compare(one: dict[str, Any], other: dict[str, Any]) -> int:
        for name, descending in sort:
            left, right = (row[name] for row in (one, other))
            if left != right:
                smaller = left is None or (right is not None and left < right)
                return -1 if smaller != descending else 1
        return -1 if one["_id"] < other["_id"] else 1

    return sorted(stored, key=cmp_to_key(compare))


def asked(*sort: tuple[str, bool]) -> list[dict[str, str]]:
    return [{"field": name, "order": "desc" if descending else "asc"} for name, descending in sort]


@pytest.mark.parametrize("descending", [False, True], ids=["asc", "desc"])
@pytest.mark.parametrize("name", EDGES)
def test_each_type_to_its_edges(
    typed: Bot, stored: list[dict[str, Any]], name: str, descending: bool
) -> None:
    answer = rows(typed.query("typed", {"sort": asked((name, descending))}, sys_limit=1000))
    cells = [row[name] for row in answer if row[name] is not None]
    twice = [value for value in EDGES[name] for _ in range(2)]
    assert cells == (twice[::-1] if descending else twice)
    assert answer == in_order(stored, (name, descending))


@pytest.mark.parametrize("descending", [False, True], ids=["asc", "desc"])
@pytest.mark.parametrize("name", EDGES)
def test_a_cursor_stands_on_every_edge(
    typed: Bot, stored: list[dict[str, Any]], name: str, descending: bool
) -> None:
    assert walked(typed, asked((name, descending)), 1) == in_order(stored, (name, descending))


@pytest.mark.parametrize("name", SYSTEM_COLUMNS)
@pytest.mark.parametrize("descending", [False, True], ids=["asc", "desc"])
def test_system_columns(typed: Bot, stored: list[dict[str, Any]], name: str, descending: bool) -> None:
    expected = in_order(stored, (name, descending))
    assert rows(typed.query("typed", {"sort": asked((name, descending))}, sys_limit=1000)) == expected
    assert walked(typed, asked((name, descending)), 17) == expected


SEVERAL = [
    (("Flag", False), ("Num", True)),
    (("Flag", True), ("Text", False), ("Whole", True)),
    (("Moment", True), ("Num", True), ("Text", False)),
    (("Text", True), ("Whole", False), ("Num", True), ("Flag", False), ("Moment", False)),
    (("Flag", True), ("_id", True)),
    (("Num", False), ("sys_Id", True)),
]


@pytest.mark.parametrize("sort", SEVERAL)
def test_several_columns(typed: Bot, stored: list[dict[str, Any]], sort: Any) -> None:
    expected = in_order(stored, *sort)
    assert rows(typed.query("typed", {"sort": asked(*sort)}, sys_limit=1000)) == expected
    assert walked(typed, asked(*sort), 7) == expected


def test_ties_come_by_id_ascending_under_desc(typed: Bot, stored: list[dict[str, Any]]) -> None:
    answer = rows(typed.query("typed", {"sort": asked(("Flag", True))}, sys_limit=1000))
    for flag in (True, False, None):
        ids = [row["_id"] for row in answer if row["Flag"] is flag]
        assert ids == sorted(ids)


def test_empty_cells_are_least(typed: Bot, stored: list[dict[str, Any]]) -> None:
    for name in EDGES:
        up = [row[name] for row in rows(typed.query("typed", {"sort": asked((name, False))}, sys_limit=1000))]
        down = [
            row[name] for row in rows(typed.query("typed", {"sort": asked((name, True))}, sys_limit=1000))
        ]
        empty = up.count(None)
        assert up[:empty] == [None] * empty
        assert down[-empty:] == [None] * empty


def test_order_is_asc_unless_told(typed: Bot, stored: list[dict[str, Any]]) -> None:
    told = rows(typed.query("typed", {"sort": [{"field": "Num", "order": "asc"}]}, sys_limit=1000))
    assert rows(typed.query("typed", {"sort": [{"field": "Num"}]}, sys_limit=1000)) == told


def test_near_names(typed: Bot, stored: list[dict[str, Any]]) -> None:
    for near, name in (("num", "Num"), ("created on", "Created_On"), ("SYSID", "sys_Id")):
        answer = rows(typed.query("typed", {"sort": [{"field": near, "order": "desc"}]}, sys_limit=1000))
        assert answer == in_order(stored, (name, True))


def test_offset_with_sort(typed: Bot, stored: list[dict[str, Any]]) -> None:
    expected = in_order(stored, ("Text", True))
    answer = rows(typed.query("typed", {"sort": asked(("Text", True))}, sys_offset=11, sys_limit=13))
    assert answer == expected[11:24]


def test_a_sort_by_every_column(typed: Bot, stored: list[dict[str, Any]]) -> None:
    sort = tuple((name, i % 2 == 0) for i, name in enumerate((*TYPED_COLUMNS, *SYSTEM_COLUMNS)))
    expected = in_order(stored, *sort)
    assert walked(typed, asked(*sort), 31) == expected


@first_on_each(
    ("sort", "code", "pointer"),
    [
        ([{"field": "Num", "order": "up"}], "invalid_body", "/sort/0/order"),
        (["Num"], "invalid_body", "/sort/0"),
        ([{"field": "Num"}, {"order": "asc"}], "invalid_body", "/sort/1/field"),
        ([{"field": "Num", "nulls": "last"}], "unknown_key", "/sort/0/nulls"),
        ([{"field": "Nmu"}], "unknown_column", "/sort/0/field"),
        ([{"field": "Num"}, {"field": "N_um", "order": "desc"}], "duplicate_column", "/sort/1/field"),
    ],
)
def test_refused(typed: Bot, sort: Any, code: str, pointer: str) -> None:
    problem(typed.query("typed", {"sort": sort}), 400, code, pointer)
