"""Bodies: what is JSON and what is not, content types, size; the same for every call that takes a body."""

from __future__ import annotations

import gzip

import pytest
from answers import good, problem, total

from support.bot import Bot

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

NOT_JSON = {
    "one brace": b"{",
    "trailing comma": b'{"data": {},}',
    "single quotes": b"{'data': {}}",
    "comment": b'{"data": {} /* none */}',
    "text behind": b'{"data": {}} x',
    "two documents": b'{"data": {}}{"data": {}}',
    "NaN": b'{"data": {"Number": NaN}}',
    "Infinity": b'{"data": {"Number": -Infinity}}',
    "plus sign": b'{"data": {"Number": +1}}',
    "leading zero": b'{"data": {"Number": 01}}',
    "bare point": b'{"data": {"Number": 1.}}',
    "hexadecimal": b'{"data": {"Number": 0x10}}',
    "raw control character": b'{"data": {"First_Name": "a\nb"}}',
    "bad escape": b'{"data": {"First_Name": "\\x41"}}',
    "Latin-1": '{"data": {"First_Name": "é"}}'.encode("latin-1"),
    "UTF-16": '{"data": {"First_Name": "Jane"}}'.encode("utf-16"),
    "surrogate in UTF-8": b'{"data": {"First_Name": "\xed\xa0\x80"}}',
    "overlong UTF-8": b'{"data": {"First_Name": "\xc0\x80"}}',
    "broken off UTF-8": b'{"data": {"First_Name": "\xf0\x9f\x98"}}',
    "spaces": b"   ",
    "form": b"data=x",
}


@pytest.mark.parametrize("content", NOT_JSON.values(), ids=NOT_JSON.keys())
def test_what_is_not_json_is_refused(empty_people: Bot, content: bytes) -> None:
    problem(empty_people.request("POST", TABLE, content=content, headers=JSON), 400, "malformed_json")
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


def test_a_compressed_body_is_refused(empty_people: Bot) -> None:
    headers = JSON | {"Content-Encoding": "gzip"}
    content = gzip.compress(b'{"data": {}}')
    problem(
        empty_people.request("POST", TABLE, content=content, headers=headers), 415, "unsupported_media_type"
    )


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


REPEATED = {
    "query": ("DELETE", "", b'{"query": {"expressions": []}, "query": {"all": true}}', "/query"),
    "all": ("POST", "/delete", b'{"query": {"all": false, "all": true}}', "/query/all"),
    "escaped": ("DELETE", "", rb'{"query": {"all": 1}, "qu\u0065ry": {"all": true}}', "/query"),
    "value": (
        "POST",
        "/query",
        b'{"query": {"expressions": [{"field": "Number", "operand": "=", "value": 1, "value" :2}]}}',
        "/query/expressions/0/value",
    ),
    "behind many digits": (
        "PUT",
        "",
        b'{"query": {"all": true}, "data": {"First_Name": "x", "Number": ' + b"1" * 5000 + b', "Number": 2}}',
        "/data/Number",
    ),
    "fields": ("POST", "/query", b'{"fields": ["Number"], "fields": ["First_Name"]}', "/fields"),
    "data": ("POST", "", b'{"data": {"Number": 1}, "data": {"Number": 2}}', "/data"),
    "data of a bulk": ("POST", "/bulk", b'{"data": [{}], "data": [{}, {}]}', "/data"),
    "a column": ("POST", "", b'{"data": {"Number": 1, "Number": 2}}', "/data/Number"),
    "a column of a bulk": ("POST", "/bulk", b'{"data": [{}, {"Number": 1, "Number": 1}]}', "/data/1/Number"),
    "a column of strings": ("POST", "", b'{"data": {"Number": "1", "Number": "2"}}', "/data/Number"),
    "a column of an update": (
        "PUT",
        "",
        b'{"query": {"all": true}, "data": {"Number": 1, "Number": 2}}',
        "/data/Number",
    ),
    "inside a value": ("POST", "", b'{"data": {"Number": {"a~/": [0, {"b": 1, "b": 1}]}}}', None),
}


@pytest.mark.parametrize(("method", "path", "content", "pointer"), REPEATED.values(), ids=REPEATED)
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


@pytest.mark.parametrize(
    ("method", "path", "body", "pointer", "hint"),
    [
        ("POST", "", {"First_Name": "Jane"}, "/First_Name", 'inside "data"'),
        ("PUT", "", {"query": {"all": True}, "First_Name": "Jane"}, "/First_Name", 'inside "data"'),
        ("POST", "/query", {"expressions": []}, "/expressions", 'inside "query"'),
        ("POST", "/query", {"operator": "and"}, "/operator", 'inside "query"'),
        ("DELETE", "", {"expressions": []}, "/expressions", 'inside "query"'),
        ("DELETE", "", {"all": True}, "/all", 'inside "query"'),
        ("POST", "/query", {"sys_limit": 10}, "/sys_limit", "URL"),
        ("POST", "/query", {"query": {"sys_offset": 10}}, "/query/sys_offset", "URL"),
        ("POST", "/query", {"query": {"sort": []}}, "/query/sort", 'next to "query"'),
        ("POST", "", {}, "/data", '{"data": '),
    ],
)
def test_what_is_misplaced_is_told_its_place(
    empty_people: Bot, method: str, path: str, body: object, pointer: str, hint: str
) -> None:
    refusal = problem(empty_people.request(method, TABLE + path, json=body), 400, None, pointer)
    assert hint in refusal["detail"]


@pytest.mark.parametrize(
    ("content", "detail"),
    [
        (b"data=x", 'The body is not valid JSON: invalid character at byte 0, got "d".'),
        (b'{"data": {}', "The body is not valid JSON: unexpected end."),
        (b"  ", "The body is empty. Send JSON."),
        (b"[]", "The body must be an object; got an array."),
        (b'{"data": "\xff"}', "The body is not valid UTF-8."),
    ],
)
def test_what_is_not_json_is_said_plainly(empty_people: Bot, content: bytes, detail: str) -> None:
    assert (
        problem(empty_people.request("POST", TABLE, content=content, headers=JSON), 400)["detail"] == detail
    )


@pytest.mark.parametrize(("method", "path"), CALLS[:-1])
def test_idempotency_keys_are_refused_until_they_work(empty_people: Bot, method: str, path: str) -> None:
    content = EACH_BODY[(method, path)]
    headers = {**JSON, "Idempotency-Key": "one"}
    refusal = problem(
        empty_people.request(method, TABLE + path, content=content, headers=headers), 400, "invalid_parameter"
    )
    assert "Idempotency-Key" in refusal["detail"]
    assert total(empty_people, "people") == 0


def test_queries_ignore_idempotency_keys(empty_people: Bot) -> None:
    good(empty_people.request("POST", f"{TABLE}/query", headers={"Idempotency-Key": "one"}))
