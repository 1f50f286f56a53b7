"""Values: what each column type takes and refuses, the same in an insert, a bulk and an update."""

from __future__ import annotations

import httpx
import pytest
from answers import good, pointers, problem, records, rows, total
from definitions import column, table
from expressions import EVERYTHING, where

from cases.values import BOOLEANS, EMPTY_IS_NULL, HALVES, REFUSED
from support.bot import Bot
from support.engines import first_on_each
from support.workspace import Workspace


@first_on_each("name", REFUSED)
def test_refused(typed: Bot, name: str) -> None:
    """Every value in one bulk, one of them in an insert and in an update."""
    row = good(typed.insert("typed", {"Label": "stays"}))
    before = total(typed, "typed")
    refusal = problem(typed.bulk("typed", [{name: value} for value in REFUSED[name]]), 422, "invalid_value")
    assert pointers(refusal) == [f"/data/{at}/{name}" for at in range(len(REFUSED[name]))]
    assert name in refusal["detail"]
    query = where("_id", "=", row["_id"])
    sent = {"Label": "x", name: REFUSED[name][0]}
    problem(typed.insert("typed", sent), 422, "invalid_value", f"/data/{name}")
    problem(typed.update("typed", query, sent), 422, "invalid_value", f"/data/{name}")
    assert total(typed, "typed") == before
    assert rows(typed.query("typed", {"query": query})) == [row]


def test_booleans(typed: Bot) -> None:
    stored = records(typed.bulk("typed", [{"Label": "booleans", "Flag": value} for value in BOOLEANS]))
    assert [row["Flag"] for row in stored] == [str(value).lower() == "true" for value in BOOLEANS]
    assert rows(typed.query("typed", {"query": where("Label", "=", "booleans")})) == stored


def test_null_is_an_empty_cell_in_every_type(typed: Bot) -> None:
    nulls = dict.fromkeys(("Text", "Num", "Whole", "Flag", "Moment"))
    row = good(typed.insert("typed", nulls))
    assert {name: row[name] for name in nulls} == nulls
    query = where("_id", "=", row["_id"])
    assert rows(typed.query("typed", {"query": query})) == [row]
    (changed,) = records(typed.update("typed", query, nulls))
    assert {name: changed[name] for name in nulls} == nulls


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


def test_half_a_surrogate_pair_names_row_and_column(typed: Bot) -> None:
    path, headers = "/api/public/tables/typed", {"Content-Type": "application/json"}

    def send(method: str, to: str, body: str) -> httpx.Response:
        return typed.request(method, path + to, content=body.replace("HALF", HALVES[0]), headers=headers)

    sent = r'{"data": [{"Text": "\ud83d\ude00"}, {"Text": HALF}, {"Whole": "x", "Label": HALF}]}'
    refusal = problem(send("POST", "", sent), 422, "invalid_value")
    assert pointers(refusal) == ["/data/1/Text", "/data/2/Whole", "/data/2/Label"]
    assert "surrogate" in refusal["detail"]
    update = '{"query": {"all": true}, "data": {"Text": HALF}}'
    problem(send("PUT", "", update), 422, "invalid_value", "/data/Text")
    query = '{"query": {"expressions": [{"field": "Text", "operand": "=", "value": HALF}]}}'
    problem(send("POST", "/query", query), 422, "invalid_value")
