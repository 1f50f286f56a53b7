"""Strings: every character comes back as it went in; lengths are counted in code points."""

from __future__ import annotations

from typing import Any

import pytest
from answers import found, good, pointers, problem, records, rows, total
from definitions import column, index, table
from expressions import EVERYTHING, where

from cases.strings import HALVES, LENGTHS, TEXTS, filler
from support.bot import Bot
from support.workspace import Workspace

TABLE = "/api/public/tables/people"
HEADERS = {"Content-Type": "application/json"}


def test_every_character_comes_back(people: Bot) -> None:
    stored = records(people.bulk("people", [{"First_Name": text, "Number": 1} for text in TEXTS]))
    assert [row["First_Name"] for row in stored] == TEXTS
    assert rows(people.query("people", sys_limit=100)) == stored
    for text, row in zip(TEXTS, stored, strict=True):
        assert found(people, "people", where("First_Name", "=", text), "_id") == [row["_id"]]
    text = "".join(TEXTS)
    single = good(people.insert("people", {"First_Name": text}))
    assert single["First_Name"] == text
    (changed,) = records(people.update("people", where("_id", "=", single["_id"]), {"Gender": text}))
    assert changed["Gender"] == text
    others = where("First_Name", "!=", text)
    assert found(people, "people", others, "_id") == [row["_id"] for row in stored]


@pytest.mark.parametrize(("character", "count"), [("😀", 1_000_000), ("\u0001", 400_000)])
def test_a_million_characters_come_back(people: Bot, character: str, count: int) -> None:
    """Or fewer, of those that take six bytes each in JSON: more than are decoded in one go."""
    text = character * count
    (stored,) = records(people.bulk("people", [{"First_Name": text}]))
    (changed,) = records(people.update("people", where("_id", "=", stored["_id"]), {"Gender": text}))
    (queried,) = rows(people.query("people"))
    # compared as a whole: a difference of a million characters is not worth showing
    for cell in (stored["First_Name"], changed["Gender"], queried["First_Name"], queried["Gender"]):
        assert (cell == text) is True
    assert found(people, "people", where("First_Name", "=", text), "_id") == [stored["_id"]]
    assert found(people, "people", where("First_Name", "!=", text), "_id") == []


def test_escapes_of_json_are_the_characters_they_stand_for(people: Bot) -> None:
    content = rb'{"data":{"\u0046irst_Name":"\u0041\/\b\f\n\r\t\"\\\ud83d\ude00\uFFFF\u2028"}}'
    stored = good(people.request("POST", TABLE, content=content, headers=HEADERS))
    assert stored["First_Name"] == 'A/\b\f\n\r\t"\\😀\uffff\u2028'


def test_halves_of_surrogate_pairs_are_refused(empty_people: Bot) -> None:
    half = HALVES[0]
    bodies = [
        ("POST", TABLE, b'{"data":{"First_Name":"%s"}}'),
        ("POST", TABLE + "/bulk", b'{"data":[{"First_Name":"%s"}]}'),
        ("POST", TABLE, b'{"data":{"%s":1}}'),
        ("PUT", TABLE, b'{"query":{"all":true},"data":{"First_Name":"%s"}}'),
        (
            "POST",
            TABLE + "/query",
            b'{"query":{"expressions":[{"field":"Gender","operand":"=","value":"%s"}]}}',
        ),
        ("POST", TABLE + "/query", b'{"fields":["%s"]}'),
        ("POST", TABLE + "/query", b'{"cursor":"%s"}'),
        ("POST", TABLE + "/query", b'{"%s":1}'),
    ]
    for method, path, body in bodies:
        problem(
            empty_people.request(method, path, content=body.replace(b"%s", half), headers=HEADERS), (400, 422)
        )
    assert total(empty_people, "people") == 0


def test_nul_is_refused_everywhere(empty_people: Bot) -> None:
    problem(empty_people.insert("people", {"First_Name": "a\x00"}), 422, "invalid_value", "/data/First_Name")
    problem(empty_people.bulk("people", [{}, {"Gender": "\x00"}]), 422, "invalid_value", "/data/1/Gender")
    problem(
        empty_people.update("people", EVERYTHING, {"Gender": "\x00"}), 422, "invalid_value", "/data/Gender"
    )
    for operand in ("=", "!=", "<", "contains", "istarts with"):
        pointer = "/query/expressions/0/value"
        problem(
            empty_people.query("people", {"query": where("Gender", operand, "a\x00")}),
            422,
            "invalid_value",
            pointer,
        )
    problem(empty_people.insert("people", {"First_Name\x00": "a"}), 400, "unknown_column")
    assert total(empty_people, "people") == 0


def test_composed_and_decomposed_characters_stay_apart(people: Bot) -> None:
    records(people.bulk("people", [{"First_Name": "é"}, {"First_Name": "e\u0301"}]))
    assert found(people, "people", where("First_Name", "=", "é"), "First_Name") == ["é"]
    assert found(people, "people", where("First_Name", "=", "e\u0301"), "First_Name") == ["e\u0301"]


def test_the_empty_string_is_no_empty_cell(people: Bot) -> None:
    records(people.bulk("people", [{"First_Name": ""}, {"First_Name": None}]))
    assert found(people, "people", where("First_Name", "=", ""), "First_Name") == [""]
    assert found(people, "people", where("First_Name", "=", None), "First_Name") == [None]
    assert found(people, "people", where("First_Name", "is null"), "First_Name") == [None]


@pytest.fixture
def short(workspace: Workspace) -> Bot:
    """A table whose Text holds three characters, and whose Long holds 100,000."""
    workspace.create_table(table("short", column("Text", maxLength=3), column("Long", maxLength="100000")))
    return workspace.bot({"short": "rwd"})


def test_max_length_counts_code_points(short: Bot) -> None:
    fitting = [text for text, fits in LENGTHS if fits]
    stored = records(short.bulk("short", [{"Text": text} for text in fitting]))
    assert [row["Text"] for row in stored] == fitting
    assert rows(short.query("short", sys_limit=100)) == stored
    too_long = [text for text, fits in LENGTHS if not fits]
    refusal = problem(short.bulk("short", [{"Text": text} for text in too_long]), 422, "invalid_value")
    assert pointers(refusal) == [f"/data/{at}/Text" for at in range(len(too_long))]
    assert "3" in refusal["detail"]
    problem(short.insert("short", {"Text": "😀😀😀😀"}), 422, "invalid_value", "/data/Text")
    problem(short.update("short", EVERYTHING, {"Text": "éééé"}), 422, "invalid_value", "/data/Text")
    query = where("_id", "=", stored[0]["_id"])
    assert records(short.update("short", query, {"Text": "😀😀😀"}))[0]["Text"] == "😀😀😀"
    assert total(short, "short") == len(fitting)


def test_long_max_length(short: Bot) -> None:
    assert good(short.insert("short", {"Long": "é" * 100_000}))["Long"] == "é" * 100_000
    problem(short.insert("short", {"Long": "é" * 100_001}), 422, "invalid_value", "/data/Long")


@pytest.fixture
def keyed(workspace: Workspace) -> Bot:
    """One string under an index, two under another one, and one beside."""
    columns = column("One"), column("Two"), column("Three"), column("Number", "number"), column("Free")
    indexes = index("by_one", "One"), index("by_two", "Two", "Number", "-Three", unique=True)
    workspace.create_table(table("keyed", *columns, indexes=indexes))
    return workspace.bot({"keyed": "rwd"})


@pytest.mark.parametrize(("name", "limit"), [("One", 2600), ("Two", 1300), ("Three", 1300)])
def test_strings_under_an_index_have_a_limit_in_bytes(keyed: Bot, name: str, limit: int) -> None:
    texts: list[Any] = [filler(limit), "é" * (limit // 2), "😀" * (limit // 4)]
    for text in texts:
        assert good(keyed.insert("keyed", {name: text}))[name] == text
        assert found(keyed, "keyed", where(name, "=", text), name) == [text]
        problem(keyed.insert("keyed", {name: text + "aaaa"}), 422, "invalid_value", f"/data/{name}")
        problem(keyed.bulk("keyed", [{}, {name: text + "é" * 2}]), 422, "invalid_value", f"/data/1/{name}")
        problem(
            keyed.update("keyed", EVERYTHING, {name: text + "aaaa"}), 422, "invalid_value", f"/data/{name}"
        )
    assert total(keyed, "keyed") == 3


def test_the_longest_keys_together(keyed: Bot) -> None:
    row = {
        "One": filler(2600, 1),
        "Two": filler(1300, 2),
        "Three": filler(1300, 3),
        "Number": 1,
        "Free": filler(9999),
    }
    stored = good(keyed.insert("keyed", row))
    assert {name: stored[name] for name in row} == row
    problem(keyed.insert("keyed", row), 409, "unique_violation")


def test_strings_beside_indexes_have_no_such_limit(keyed: Bot) -> None:
    text = filler(100_000)
    assert good(keyed.insert("keyed", {"Free": text}))["Free"] == text


def test_a_filter_may_ask_for_more_than_an_index_holds(keyed: Bot) -> None:
    good(keyed.insert("keyed", {"One": "a"}))
    for operand in ("=", "<", "starts with", "contains", "icontains", ">"):
        response = keyed.query("keyed", {"query": where("One", operand, "b" * 10_000)})
        assert response.status_code in (200, 422)
    assert found(keyed, "keyed", where("Free", "=", "b" * 10_000), "_id") == []
