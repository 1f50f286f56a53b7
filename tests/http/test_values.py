"""Values: what each column type takes and refuses, the same in an insert, a bulk and an update."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from answers import good, pointers, problem, records, rows, total
from definitions import column, table
from expressions import EVERYTHING, where

from support.bot import Bot
from support.workspace import Workspace

REFUSED: dict[str, list[Any]] = {
    "Text": [5, 0, 1.5, True, False, [], ["a"], {}, {"a": "b"}, "\x00", "a\x00b"],
    "Num": [
        " 1",
        "1 ",
        "1\n",
        "\t1",
        "+1",
        "1_000",
        "0x10",
        "0b1",
        "NaN",
        "nan",
        "Infinity",
        "-Infinity",
        "inf",
        ".5",
        "5.",
        "01",
        "-01",
        "00",
        "-",
        "--1",
        "1e",
        "1e+",
        "e5",
        "1e5.5",
        "1,5",
        "1.000,5",
        "１",
        "٣",
        "½",
        "true",
        "one",
        "null",
        "1 000",
        "1'000",
        "1f",
        "1d",
        "1n",
        "0o7",
        "١٢",
        "1e400",
        "-1e400",
        "1e99999999999999999999",
        True,
        False,
        [],
        [1],
        {},
        {"$inc": 1},
        2**53,
        -(2**53),
        10**30,
        "9007199254740992",
        "-9007199254740992",
    ],
    "Whole": [
        " 1",
        "1\n",
        "+1",
        "1_0",
        "0x1",
        "1.5",
        "1e-1",
        "-0.5",
        "NaN",
        "Infinity",
        "01",
        "1.",
        ".0",
        "１",
        "1e19",
        "1e400",
        "1e1000000000",
        "1e99999999999999999999",
        "-1e99999999999999999999",
        "9" * 5000,
        "1e-99999999999",
        1.5,
        -0.1,
        1e19,
        True,
        False,
        [],
        [1],
        {},
        2**63,
        -(2**63) - 1,
        10**30,
        str(2**63),
        str(-(2**63) - 1),
    ],
    "Flag": [
        " true",
        "true ",
        "true\n",
        "yes",
        "no",
        "on",
        "off",
        "t",
        "f",
        "T",
        "1",
        "0",
        "ｔｒｕｅ",
        "fal\u017fe",
        "null",
        0,
        1,
        -1,
        1.0,
        0.0,
        [],
        [True],
        {},
    ],
    "Moment": [True, False, [], [0], {}, " ", "0", "1585378929652", "now", "today"],
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_in_an_insert(typed: Bot, name: str) -> None:
    before = total(typed, "typed")
    for value in REFUSED[name]:
        problem(typed.insert("typed", {"Label": "x", name: value}), 422, "invalid_value", f"/data/{name}")
    assert total(typed, "typed") == before


@pytest.mark.parametrize("name", REFUSED)
def test_refused_in_a_bulk(typed: Bot, name: str) -> None:
    before = total(typed, "typed")
    data = [{"Label": "x", name: value} for value in REFUSED[name]]
    refusal = problem(typed.bulk("typed", data), 422, "invalid_value")
    assert pointers(refusal) == [f"/data/{i}/{name}" for i in range(len(data))]
    assert total(typed, "typed") == before


@pytest.mark.parametrize("name", REFUSED)
def test_refused_in_an_update(typed: Bot, name: str) -> None:
    row = good(typed.insert("typed", {"Label": "kept"}))
    query = where("_id", "=", row["_id"])
    for value in REFUSED[name]:
        problem(typed.update("typed", query, {name: value}), 422, "invalid_value", f"/data/{name}")
    assert rows(typed.query("typed", {"query": query})) == [row]


@pytest.mark.parametrize("name", REFUSED)
def test_the_refusal_names_row_column_and_rule(typed: Bot, name: str) -> None:
    refusal = problem(typed.bulk("typed", [{}, {}, {name: []}]), 422, "invalid_value", f"/data/2/{name}")
    assert name in refusal["detail"]


@pytest.mark.parametrize("value", [True, False, "true", "FALSE", "True", "fAlSe", "TRUE"])
def test_booleans(typed: Bot, value: bool | str) -> None:
    row = good(typed.insert("typed", {"Flag": value}))
    assert row["Flag"] is (str(value).lower() == "true")
    assert rows(typed.query("typed", {"query": where("_id", "=", row["_id"])})) == [row]


@pytest.mark.parametrize("name", ["Text", "Num", "Whole", "Flag", "Moment"])
def test_null_is_an_empty_cell_in_every_type(typed: Bot, name: str) -> None:
    row = good(typed.insert("typed", {name: None}))
    assert row[name] is None
    query = where("_id", "=", row["_id"])
    assert rows(typed.query("typed", {"query": query})) == [row]
    (changed,) = records(typed.update("typed", query, {name: None}))
    assert changed[name] is None


def test_all_types_in_one_row_and_back(typed: Bot) -> None:
    row = {"Label": "", "Text": "x", "Num": -0.5, "Whole": -(2**63), "Flag": False, "Moment": "2020-02-29"}
    stored = good(typed.insert("typed", row))
    assert {name: stored[name] for name in row} == {**row, "Moment": "2020-02-29T00:00:00.000Z"}
    assert rows(typed.query("typed", {"query": where("_id", "=", stored["_id"])})) == [stored]


def test_a_value_that_came_back_can_be_sent_again(typed: Bot) -> None:
    row = {"Label": "a", "Text": "é😀", "Num": 0.1, "Whole": 2**63 - 1, "Flag": True, "Moment": -1}
    first = good(typed.insert("typed", row))
    own = {name: first[name] for name in row}
    again = good(typed.insert("typed", own))
    assert {name: again[name] for name in row} == own
    (changed,) = records(typed.update("typed", where("_id", "=", again["_id"]), own))
    assert {name: changed[name] for name in row} == own


def test_operators_of_later_versions_are_values_that_do_not_fit(people: Bot) -> None:
    good(people.insert("people", {"Number": 1}))
    problem(
        people.update("people", EVERYTHING, {"Number": {"$inc": 1}}), 422, "invalid_value", "/data/Number"
    )
    problem(
        people.update("people", EVERYTHING, {"Gender": {"$append": "x"}}),
        422,
        "invalid_value",
        "/data/Gender",
    )


EMPTY_IS_NULL = ("Num", "Whole", "Flag", "Moment")


@pytest.mark.parametrize("name", EMPTY_IS_NULL)
def test_an_empty_string_is_an_empty_cell(typed: Bot, name: str) -> None:
    row = good(typed.insert("typed", {"Label": "", name: ""}))
    assert (row[name], row["Label"]) == (None, "")
    assert [each[name] for each in records(typed.bulk("typed", [{name: ""}, {name: None}]))] == [None, None]
    query = where("_id", "=", row["_id"])
    (changed,) = records(typed.update("typed", query, {name: ""}))
    assert changed[name] is None
    for operand, value in (("=", ""), ("in", [""])):
        query = {
            "expressions": [
                *where("_id", "=", row["_id"])["expressions"],
                *where(name, operand, value)["expressions"],
            ]
        }
        assert rows(typed.query("typed", {"query": query})) == [changed]
    if name != "Flag":
        problem(typed.query("typed", {"query": where(name, "<", "")}), 400, "invalid_filter")


def test_an_empty_string_in_a_required_column(workspace: Workspace) -> None:
    workspace.create_table(
        table("needy", column("Num", "number", isRequired=True), column("Text", isRequired=True))
    )
    bot = workspace.bot({"needy": "rwd"})
    problem(bot.insert("needy", {"Num": "", "Text": ""}), 422, "missing_value", "/data/Num")
    problem(
        bot.bulk("needy", [{"Num": 1, "Text": ""}, {"Num": "", "Text": ""}]),
        422,
        "missing_value",
        "/data/1/Num",
    )
    problem(bot.update("needy", EVERYTHING, {"Num": ""}), 422, "missing_value", "/data/Num")


HALVES = [r'"\ud800"', r'"\udc00"', r'"a\ud83d b"', r'"\ude00\ud83d"', r'"\ud83d\\ude00"']


@pytest.mark.parametrize("half", HALVES)
def test_half_a_surrogate_pair_names_row_and_column(typed: Bot, half: str) -> None:
    path, headers = "/api/public/tables/typed", {"Content-Type": "application/json"}

    def send(method: str, to: str, body: str) -> httpx.Response:
        return typed.request(method, path + to, content=body.replace("HALF", half), headers=headers)

    sent = r'{"data": [{"Text": "\ud83d\ude00"}, {"Text": HALF}, {"Whole": "x", "Label": HALF}]}'
    refusal = problem(send("POST", "", sent), 422, "invalid_value")
    assert pointers(refusal) == ["/data/1/Text", "/data/2/Whole", "/data/2/Label"]
    assert "surrogate" in refusal["detail"]
    update = '{"query": {"all": true}, "data": {"Text": HALF}}'
    problem(send("PUT", "", update), 422, "invalid_value", "/data/Text")
    query = '{"query": {"expressions": [{"field": "Text", "operand": "=", "value": HALF}]}}'
    problem(send("POST", "/query", query), 422, "invalid_value")
