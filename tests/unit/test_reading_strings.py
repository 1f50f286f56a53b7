"""Strings: every character comes back as it went in; lengths are counted in code points."""

from __future__ import annotations

from typing import Any

import pytest
from planner import Planner, good, problem

from cases.strings import HALVES, LENGTHS, TEXTS, filler
from support.definitions import column, index, table
from support.expressions import EVERYTHING, where
from support.workspace import PEOPLE


@pytest.fixture(scope="module")
def people() -> Planner:
    return Planner(PEOPLE)


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_every_character_comes_back(people: Planner, text: str) -> None:
    assert good(people.insert({"First_Name": text}))["First_Name"] == text
    lenient = good(people.insert([{"First_Name": text}, {"NUMBER": "1"}]))["records"]
    assert [each["First_Name"] for each in lenient] == [text, None]
    assert good(people.update(EVERYTHING, {"Gender": text})) == {"Gender": text}
    assert good(people.query({"query": where("First_Name", "=", text)})).where.values == (text,)


@pytest.mark.parametrize("character", ["x", "😀", "\\", '"', "\u0001"])
def test_a_million_characters_come_back(people: Planner, character: str) -> None:
    text = character * 1_000_000
    (record,) = good(people.insert([{"First_Name": text}]))["records"]
    cells = good(people.update(EVERYTHING, {"Gender": text}))
    # compared as a whole: a difference of a million characters is not worth showing
    assert (record["First_Name"] == text) is True
    assert (cells["Gender"] == text) is True


def test_escapes_of_json_are_the_characters_they_stand_for(people: Planner) -> None:
    body = rb'{"data":[{"\u0046irst_Name":"\u0041\/\b\f\n\r\t\"\\\ud83d\ude00\uFFFF\u2028"}%b]}'
    for more in (b"", b', {"NUMBER": "1"}'):
        text = good(people.insert_text(body % more)).decode()
        assert r'"First_Name":"A/\b\f\n\r\t\"\\😀' in text
        assert "\uffff\u2028" in text


@pytest.mark.parametrize("half", HALVES)
def test_halves_of_surrogate_pairs_are_refused(people: Planner, half: bytes) -> None:
    for body in (b'{"data":{"First_Name":"%s"}}', b'{"data":[{"First_Name":"%s"}]}', b'{"data":{"%s":1}}'):
        problem(people.insert_text(body.replace(b"%s", half)), (400, 422))
    update = b'{"query":{"all":true},"data":{"First_Name":"%s"}}'
    problem(people.update_text(update.replace(b"%s", half)), (400, 422))
    for body in (
        b'{"query":{"expressions":[{"field":"Gender","operand":"=","value":"%s"}]}}',
        b'{"fields":["%s"]}',
        b'{"cursor":"%s"}',
        b'{"%s":1}',
    ):
        problem(people.query_text(body.replace(b"%s", half)), (400, 422))


def test_nul_is_refused_everywhere(people: Planner) -> None:
    problem(people.insert({"First_Name": "a\x00"}), 422, "invalid_value", "/data/First_Name")
    problem(people.insert([{}, {"Gender": "\x00"}]), 422, "invalid_value", "/data/1/Gender")
    problem(people.update(EVERYTHING, {"Gender": "\x00"}), 422, "invalid_value", "/data/Gender")
    problem(people.insert({"First_Name\x00": "a"}), 400, "unknown_column")
    for operand in ("=", "!=", "<", "contains", "istarts with"):
        outcome = people.query({"query": where("Gender", operand, "a\x00")})
        problem(outcome, 422, "invalid_value", "/query/expressions/0/value")


@pytest.fixture(scope="module")
def short() -> Planner:
    """A table whose Text holds three characters, and whose Long holds 100,000."""
    return Planner(table("short", column("Text", maxLength=3), column("Long", maxLength="100000")))


@pytest.mark.parametrize(("text", "fits"), LENGTHS)
def test_max_length_counts_code_points(short: Planner, text: str, fits: bool) -> None:
    if fits:
        assert good(short.insert({"Text": text}))["Text"] == text
        assert good(short.insert([{"Text": text}, {"TEXT": "a"}]))["records"][0]["Text"] == text
        assert good(short.update(EVERYTHING, {"Text": text})) == {"Text": text}
    else:
        refusal = problem(short.insert({"Text": text}), 422, "invalid_value", "/data/Text")
        assert "3" in refusal.msg
        problem(short.insert([{"Text": "a"}, {"Text": text}]), 422, "invalid_value", "/data/1/Text")
        problem(short.update(EVERYTHING, {"Text": text}), 422, "invalid_value", "/data/Text")


def test_long_max_length(short: Planner) -> None:
    assert good(short.insert({"Long": "é" * 100_000}))["Long"] == "é" * 100_000
    problem(short.insert({"Long": "é" * 100_001}), 422, "invalid_value", "/data/Long")


@pytest.fixture(scope="module")
def keyed() -> Planner:
    """One string under an index, two under another one, and one without."""
    columns = column("One"), column("Two"), column("Three"), column("Number", "number"), column("Free")
    indexes = index("by_one", "One"), index("by_two", "Two", "Number", "-Three", unique=True)
    return Planner(table("keyed", *columns, indexes=indexes))


@pytest.mark.parametrize(("name", "limit"), [("One", 2600), ("Two", 1300), ("Three", 1300)])
def test_strings_under_an_index_have_a_limit_in_bytes(keyed: Planner, name: str, limit: int) -> None:
    texts: list[Any] = [filler(limit), "é" * (limit // 2), "😀" * (limit // 4)]
    for text in texts:
        assert good(keyed.insert({name: text}))[name] == text
        problem(keyed.insert({name: text + "aaaa"}), 422, "invalid_value", f"/data/{name}")
        problem(keyed.insert([{}, {name: text + "é" * 2}]), 422, "invalid_value", f"/data/1/{name}")
        problem(keyed.update(EVERYTHING, {name: text + "aaaa"}), 422, "invalid_value", f"/data/{name}")


def test_strings_without_an_index_have_no_such_limit(keyed: Planner) -> None:
    assert good(keyed.insert({"Free": filler(100_000)}))["Free"] == filler(100_000)
