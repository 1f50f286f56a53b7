"""``fields``: exactly the keys that were asked for, in that order."""

from __future__ import annotations

from typing import Any

import pytest
from answers import SYSTEM_COLUMNS, good, problem, records, rows
from definitions import TYPED_COLUMNS
from expressions import where

from support.bot import Bot

ALL_COLUMNS = TYPED_COLUMNS + SYSTEM_COLUMNS
ROW = {
    "Label": "one",
    "Text": "t",
    "Num": 1.5,
    "Whole": 7,
    "Flag": False,
    "Moment": "2020-03-28T07:02:09.652Z",
}


@pytest.fixture(scope="module")
def stored(typed: Bot) -> dict[str, Any]:
    return records(typed.bulk("typed", [ROW]))[0]


CHOICES = [
    ("Label",),
    ("Num", "Label"),
    ("Moment", "Flag", "Whole", "Num", "Text"),
    ("_id",),
    ("sys_Id", "Label", "_id"),
    ("Created_By", "Updated_On", "Text", "Created_On", "Updated_By"),
    ALL_COLUMNS,
    tuple(reversed(ALL_COLUMNS)),
]


@pytest.mark.parametrize("fields", CHOICES)
def test_rows_and_meta_info_have_these_fields_in_this_order(
    typed: Bot, stored: dict[str, Any], fields: tuple[str, ...]
) -> None:
    answer = good(typed.query("typed", {"fields": list(fields)}))
    (row,) = answer["queryResult"]
    assert tuple(row) == fields
    assert row == {name: stored[name] for name in fields}
    types = {entry["name"]: entry["type"] for entry in good(typed.query("typed"))["metaInfo"]}
    assert answer["metaInfo"] == [{"name": name, "type": types[name]} for name in fields]
    assert answer["total"] == 1


def test_fields_go_with_filters_and_sorts_on_other_columns(typed: Bot, stored: dict[str, Any]) -> None:
    body = {"query": where("Num", "=", 1.5), "sort": [{"field": "Whole"}], "fields": ["Text"]}
    assert rows(typed.query("typed", body)) == [{"Text": "t"}]


def test_near_names_are_answered_under_the_own_name(typed: Bot, stored: dict[str, Any]) -> None:
    answer = good(typed.query("typed", {"fields": ["num", "created-on", "LABEL", "SYS id"]}))
    names = ["Num", "Created_On", "Label", "sys_Id"]
    assert [list(row) for row in answer["queryResult"]] == [names]
    assert [entry["name"] for entry in answer["metaInfo"]] == names


def test_the_empty_table_has_meta_info_too(people: Bot) -> None:
    answer = good(people.query("people", {"fields": ["Number", "First_Name"]}))
    assert answer["queryResult"] == []
    assert answer["metaInfo"] == [
        {"name": "Number", "type": "number"},
        {"name": "First_Name", "type": "string"},
    ]


@pytest.mark.parametrize(
    ("fields", "code", "pointer"),
    [
        ([], "invalid_body", "/fields"),
        (["Label", 5], "invalid_body", "/fields/1"),
        (["Label", "Lable"], "unknown_column", "/fields/1"),
        (["Label", "ctid"], "unknown_column", "/fields/1"),
        (["Label", "Num", "LA-BEL"], "duplicate_column", "/fields/2"),
    ],
)
def test_refused(typed: Bot, fields: Any, code: str, pointer: str) -> None:
    problem(typed.query("typed", {"fields": fields}), 400, code, pointer)
