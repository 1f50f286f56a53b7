"""Bodies: what is JSON and what is not, content types, size; the same for every call that takes a body."""

from __future__ import annotations

import pytest
from answers import good, problem, total

from cases.bodies import MISPLACED, NOT_JSON, PLAIN_COMPLAINTS, REPEATED
from support.bot import Bot
from support.engines import ON_SQLITE

pytestmark = ON_SQLITE

TABLE = "/api/public/tables/people"
CALLS = [
    ("POST", ""),
    ("POST", "/bulk"),
    ("PUT", ""),
    ("DELETE", ""),
    ("POST", "/delete"),
    ("POST", "/query"),
]
JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize("name", ["trailing comma", "NaN", "Latin-1"])
def test_what_is_not_json_is_refused(empty_people: Bot, name: str) -> None:
    response = empty_people.request("POST", TABLE, content=NOT_JSON[name], headers=JSON)
    problem(response, 400, "malformed_json")
    assert total(empty_people, "people") == 0


@pytest.mark.parametrize(("method", "path"), CALLS)
def test_every_call_refuses_what_is_not_json(empty_people: Bot, method: str, path: str) -> None:
    problem(
        empty_people.request(method, TABLE + path, content=b'{"query"', headers=JSON), 400, "malformed_json"
    )


@pytest.mark.parametrize(("method", "path"), CALLS)
def test_every_call_refuses_unknown_keys(empty_people: Bot, method: str, path: str) -> None:
    problem(empty_people.request(method, TABLE + path, json={"qeury": None}), 400)


@pytest.mark.parametrize(("method", "path"), CALLS[:-1])
def test_all_calls_but_the_query_need_a_body(empty_people: Bot, method: str, path: str) -> None:
    problem(empty_people.request(method, TABLE + path), 400)


@pytest.mark.parametrize(("method", "path"), CALLS[:-1])
def test_all_calls_but_the_query_refuse_an_empty_object(empty_people: Bot, method: str, path: str) -> None:
    problem(empty_people.request(method, TABLE + path, json={}), 400)


@pytest.mark.parametrize(("method", "path"), CALLS[:-1])
def test_all_calls_but_the_query_refuse_parameters(empty_people: Bot, method: str, path: str) -> None:
    response = empty_people.request(
        method, f"{TABLE}{path}?sys_limit=1", json={"data": {}, "query": {"all": True}}
    )
    problem(response, 400, "invalid_parameter")


@pytest.mark.parametrize(("method", "path"), CALLS)
def test_deep_nesting_is_refused(empty_people: Bot, method: str, path: str) -> None:
    content = b'{"data":' + b"[" * 200_000 + b"]" * 200_000 + b"}"
    problem(empty_people.request(method, TABLE + path, content=content, headers=JSON), 400)


def test_deep_objects_are_refused(empty_people: Bot) -> None:
    content = b'{"data":' + b'{"First_Name":' * 50_000 + b"1" + b"}" * 50_001
    problem(empty_people.request("POST", TABLE, content=content, headers=JSON), (400, 422))


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/xml",
        "json",
    ],
)
def test_other_content_types_are_refused(empty_people: Bot, content_type: str) -> None:
    response = empty_people.request(
        "POST", TABLE, content=b'{"data": {}}', headers={"Content-Type": content_type}
    )
    problem(response, 415, "unsupported_media_type")
    assert total(empty_people, "people") == 0


@pytest.mark.parametrize("charset", ["latin-1", "utf-16", "x"])
def test_other_charsets_are_refused(empty_people: Bot, charset: str) -> None:
    headers = {"Content-Type": f"application/json; charset={charset}"}
    problem(empty_people.request("POST", TABLE, content=b'{"data": {}}', headers=headers), 415)


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "Application/JSON",
        "application/json;charset=utf-8",
        'application/json; charset="UTF-8"',
    ],
)
def test_json_in_utf8_is_taken(people: Bot, content_type: str) -> None:
    content = '{"data": {"First_Name": "Zoë 😀"}}'.encode()
    response = people.request("POST", TABLE, content=content, headers={"Content-Type": content_type})
    assert good(response)["First_Name"] == "Zoë 😀"


def test_a_body_without_a_content_type_is_taken_as_json(people: Bot) -> None:
    response = people.request("POST", TABLE, content=b'{"data": {"First_Name": "Jane"}}')
    assert "content-type" not in response.request.headers
    assert good(response)["First_Name"] == "Jane"


def test_a_body_in_chunks_is_taken(people: Bot) -> None:
    parts = iter([b'{"data": {"First', b'_Name": "Ja', b"", b'ne"}}'])
    assert good(people.request("POST", TABLE, content=parts, headers=JSON))["First_Name"] == "Jane"


def test_white_space_of_json_is_taken(people: Bot) -> None:
    content = b'\n\t {"data" :\r\n {"First_Name"\t: "Jane" } } \n'
    assert good(people.request("POST", TABLE, content=content, headers=JSON))["First_Name"] == "Jane"


BOM = b"\xef\xbb\xbf"
EACH_BODY = {
    ("POST", ""): b'{"data": {"First_Name": "Jane"}}',
    ("POST", "/bulk"): b'{"data": [{"First_Name": "Jane"}]}',
    ("PUT", ""): b'{"query": {"all": true}, "data": {"Number": 1}}',
    ("DELETE", ""): b'{"query": {"all": true}}',
    ("POST", "/delete"): b'{"query": {"all": true}}',
    ("POST", "/query"): b'{"fields": ["Number"]}',
}


@pytest.mark.parametrize(("call", "content"), EACH_BODY.items())
def test_a_byte_order_mark_is_passed_over(people: Bot, call: tuple[str, str], content: bytes) -> None:
    method, path = call
    good(people.request(method, TABLE + path, content=BOM + content, headers=JSON))


SOME_REPEATED = {
    name: REPEATED[name] for name in ("query", "all", "fields", "data of a bulk", "a column of an update")
}


@pytest.mark.parametrize(("method", "path", "content", "pointer"), SOME_REPEATED.values(), ids=SOME_REPEATED)
def test_a_key_twice_is_refused(
    empty_people: Bot, method: str, path: str, content: bytes, pointer: str | None
) -> None:
    problem(
        empty_people.request(method, TABLE + path, content=content, headers=JSON),
        400,
        "repeated_key",
        pointer or "/data/Number/a~0~1/1/b",
    )
    assert total(empty_people, "people") == 0


def test_a_key_twice_deletes_nothing(people: Bot) -> None:
    good(people.insert("people", {"Number": 1}))
    comparison = b'{"field": "Number", "operand": "=", "value": 2}'
    content = b'{"query": {"expressions": [%b]}, "query": {"all": true}}' % comparison
    problem(people.request("DELETE", TABLE, content=content, headers=JSON), 400, "repeated_key", "/query")
    assert total(people, "people") == 1


@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", "text/plain", "x"])
@pytest.mark.parametrize("content", [b"", [b""]], ids=["no length", "in chunks"])
def test_an_empty_body_has_no_content_type(people: Bot, content_type: str, content: object) -> None:
    headers = {"Content-Type": content_type}
    response = people.request("POST", f"{TABLE}/query", content=content, headers=headers)
    assert good(response)["total"] == 0


@pytest.mark.parametrize(("method", "path", "body", "pointer", "hint"), MISPLACED[::4])
def test_what_is_misplaced_is_told_its_place(
    empty_people: Bot, method: str, path: str, body: object, pointer: str, hint: str
) -> None:
    refusal = problem(empty_people.request(method, TABLE + path, json=body), 400, None, pointer)
    assert hint in refusal["detail"]


def test_what_is_not_json_is_said_plainly(empty_people: Bot) -> None:
    content, part = PLAIN_COMPLAINTS[0]
    refusal = problem(empty_people.request("POST", TABLE, content=content, headers=JSON), 400)
    assert part in refusal["detail"]
