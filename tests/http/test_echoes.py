"""Refusals repeat what was sent sparingly: at most 100 characters, control characters escaped."""

from __future__ import annotations

import json
from typing import Any

import pytest
from answers import problem
from expressions import comparison, where

from support.bot import Bot
from support.engines import ON_SQLITE

pytestmark = ON_SQLITE

LONG = "x" * 20_000
CONTROLS = "a\nb\r\x1b[31m\x00\x7f\x9b\u2028\u202e\ufeff"


def refusals(people: Bot, text: str) -> list[dict[str, Any]]:
    """A refusal for each place of a request that takes free text."""
    bodies: list[dict[str, Any]] = [
        {"query": where(text, "=", 1)},
        {"query": where("Number", text, 1)},
        {"query": where("Number", "=", text)},
        {"query": {"expressions": [comparison("Number", "=", 1)], "operator": text}},
        {"query": {"expressions": [{text: 1}]}},
        {"fields": [text]},
        {"sort": [{"field": text}]},
        {"sort": [{"field": "Number", "order": text}]},
        {"count": text},
        {"cursor": text},
        {text: 1},
    ]
    answers = [problem(people.query("people", body), (400, 422)) for body in bodies]
    answers.append(problem(people.insert("people", {text: 1}), 400))
    answers.append(problem(people.insert("people", {"Number": text}), 422))
    answers.append(problem(people.query("people", sys_limit=text), 400))
    answers.append(problem(people.query("people", **{text: "1"}), 400))
    return answers


def test_long_texts_are_cut(empty_people: Bot) -> None:
    texts = [LONG[:2000], "é" * 2000, "😀" * 1000]
    for text in texts:
        for refusal in refusals(empty_people, text):
            assert len(refusal["detail"]) < 600
            assert text[:101] not in refusal["detail"]


def test_control_characters_are_escaped(empty_people: Bot) -> None:
    for refusal in refusals(empty_people, CONTROLS):
        assert all(character.isprintable() for character in refusal["detail"]), refusal["detail"]


@pytest.mark.parametrize("name", ["Number", "First_Name"])
@pytest.mark.parametrize("value", [[LONG], {"a": LONG}, {LONG: 1}, [1] * 10_000, [[[["x"]]]] * 500])
def test_large_values_are_not_repeated(empty_people: Bot, name: str, value: Any) -> None:
    refusal = problem(empty_people.insert("people", {name: value}), 422, "invalid_value", f"/data/{name}")
    assert len(refusal["detail"]) < 600
    refusal = problem(
        empty_people.bulk("people", [{name: value}] * 5), 422, "invalid_value", f"/data/0/{name}"
    )
    assert sum(len(error["msg"]) for error in refusal["errors"]) < 5 * 600
    problem(empty_people.query("people", {"query": where(name, "=", value)}), 422)


def test_a_table_name_is_cut_too(empty_people: Bot) -> None:
    refusal = problem(empty_people.query("t" * 5000), 404)
    assert len(refusal["detail"]) < 600
    refusal = problem(empty_people.query("a%0D%0ASet-Cookie:x%1b"), 404)
    assert refusal["detail"].isprintable()


@pytest.mark.parametrize("key", ["$.data", "a.b[0]", "[...]", '"', "\\", "~", "/", "%s", "{0}"])
def test_a_pointer_holds_any_key_whole(empty_people: Bot, key: str) -> None:
    pointer = "/" + key.replace("~", "~0").replace("/", "~1")
    headers = {"Content-Type": "application/json"}
    for path in ("", "/bulk", "/query"):
        content = json.dumps({key: 1, "data": []} if path != "/query" else {key: 1})
        response = empty_people.request(
            "POST", f"/api/public/tables/people{path}", content=content, headers=headers
        )
        problem(response, 400, "unknown_key", pointer)
    problem(empty_people.insert("people", {key: 1}), 400, "unknown_column", f"/data{pointer}")


def test_very_many_unknown_columns(empty_people: Bot) -> None:
    refusal = problem(
        empty_people.insert("people", {f"First_Nam_{i}": 1 for i in range(10_000)}), 400, "unknown_column"
    )
    assert len(refusal["errors"]) == 100
