"""Bodies: what is not JSON, keys that come twice, keys in the wrong place, and how deep a body may be."""

from __future__ import annotations

from typing import Any

import pytest
from planner import Outcome, Planner, body_of, good, problem

from cases.bodies import MISPLACED, NOT_JSON, PLAIN_COMPLAINTS, REPEATED
from support.workspace import PEOPLE


@pytest.fixture(scope="module")
def people() -> Planner:
    return Planner(PEOPLE)


def sent(people: Planner, method: str, path: str, content: bytes) -> Outcome:
    """A body as the call of this method and path reads it."""
    if method == "PUT":
        return people.update_text(content)
    if method == "DELETE" or path == "/delete":
        return people.delete_text(content)
    return people.query_text(content) if path == "/query" else people.insert_text(content)


CALLS = [("POST", ""), ("PUT", ""), ("DELETE", ""), ("POST", "/query")]


@pytest.mark.parametrize("content", NOT_JSON.values(), ids=NOT_JSON)
def test_what_is_not_json_is_refused(people: Planner, content: bytes) -> None:
    problem(people.insert_text(content), 400, "malformed_json")


@pytest.mark.parametrize(("method", "path"), CALLS)
@pytest.mark.parametrize("content", [b'{"query"', b"\xff", b"  ", b"{'data': {}}"])
def test_every_call_refuses_what_is_not_json(people: Planner, method: str, path: str, content: bytes) -> None:
    problem(sent(people, method, path, content), 400, "malformed_json")


@pytest.mark.parametrize(("method", "path"), CALLS)
def test_every_call_refuses_unknown_keys(people: Planner, method: str, path: str) -> None:
    problem(sent(people, method, path, b'{"qeury": null}'), 400)


@pytest.mark.parametrize(("method", "path"), CALLS[:-1])
def test_all_calls_but_the_query_refuse_an_empty_object(people: Planner, method: str, path: str) -> None:
    problem(sent(people, method, path, b"{}"), 400)


@pytest.mark.parametrize(("method", "path"), CALLS)
@pytest.mark.parametrize("body", [[], "x", 5, True, None])
def test_a_body_is_an_object(people: Planner, method: str, path: str, body: Any) -> None:
    problem(sent(people, method, path, body_of(body)), 400, "invalid_body")


@pytest.mark.parametrize(("method", "path"), CALLS)
def test_deep_nesting_is_refused(people: Planner, method: str, path: str) -> None:
    content = b'{"data":' + b"[" * 200_000 + b"]" * 200_000 + b"}"
    problem(sent(people, method, path, content), 400)


def test_deep_objects_are_refused(people: Planner) -> None:
    content = b'{"data":' + b'{"First_Name":' * 50_000 + b"1" + b"}" * 50_001
    problem(people.insert_text(content), (400, 422))


def test_white_space_of_json_is_taken(people: Planner) -> None:
    content = b'\n\t {"data" :\r\n {"First_Name"\t: "Jane" } } \n'
    assert b'"Jane"' in good(people.insert_text(content))


@pytest.mark.parametrize(("method", "path", "content", "pointer"), REPEATED.values(), ids=REPEATED)
def test_a_key_twice_is_refused(
    people: Planner, method: str, path: str, content: bytes, pointer: str | None
) -> None:
    expected = pointer or "/data/Number/a~0~1/1/b"
    problem(sent(people, method, path, content), 400, "repeated_key", expected)


@pytest.mark.parametrize("number", ["1e400", "9" * 400, "9" * 5000])
def test_a_number_that_is_too_large_is_of_the_wrong_type(people: Planner, number: str) -> None:
    for text, pointer in (
        (f'{{"query":{{"all":true}},"maxAffected":{number}}}', "/maxAffected"),
        (f'{{"query":{{"operator":{number}}}}}', "/query/operator"),
        (f'{{"query":{number}}}', "/query"),
        (f'{{"query":{{"expressions":[{{"field":{number}}}]}}}}', "/query/expressions/0/field"),
    ):
        problem(people.delete_text(text), 400, "invalid_body", pointer)


@pytest.mark.parametrize(("method", "path", "body", "pointer", "hint"), MISPLACED)
def test_messages_name_the_right_place(
    people: Planner, method: str, path: str, body: object, pointer: str, hint: str
) -> None:
    assert hint in problem(sent(people, method, path, body_of(body)), 400, None, pointer).msg


@pytest.mark.parametrize(("content", "part"), PLAIN_COMPLAINTS)
def test_messages_about_invalid_json(people: Planner, content: bytes, part: str) -> None:
    assert part in problem(people.insert_text(content), 400).msg
