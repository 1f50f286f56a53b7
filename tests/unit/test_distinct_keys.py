"""The quick tests whether all keys of a body are different never overlook one that comes twice."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rowkeep.codec.json_bodies import body_decoder, decode_body, has_all_keys, has_distinct_keys
from rowkeep.errors.catalogue import RepeatedKey
from rowkeep.model.data_requests import QueryBody

ALPHABET = st.text('ab:" ,{}[]\\é', max_size=3)
VALUES = st.recursive(ALPHABET | st.none() | st.integers(0, 9), lambda inner: st.lists(inner, max_size=3))


MEMBERS = st.lists(st.tuples(ALPHABET, VALUES, st.sampled_from([":", ": ", " :"])), max_size=5)
QUERY = body_decoder(QueryBody)


def member(name: str, value: object, colon: str) -> str:
    return f"{json.dumps(name)}{colon}{json.dumps(value, ensure_ascii=False)}"


@given(MEMBERS)
@example([(":x", 1, ":"), (":x", 2, ":")])
@example([("", ":", ":"), ("", 2, ":")])
@example([(":", 1, ":"), (":", 2, ":")])
def test_a_repeated_key_is_never_overlooked(members: list[tuple[str, Any, str]]) -> None:
    text = "{" + ",".join(member(*each) for each in members) + "}"
    names = [name for name, _, _ in members]
    if len(set(names)) < len(names):
        assert not has_distinct_keys(text.encode())


@given(MEMBERS)
@example([("a", ":", ":"), ("a", "::", ":")])
@example([("a", 1, ":"), ("a", '\\":', ":")])
def test_a_repeated_key_of_a_query_is_never_overlooked(members: list[tuple[str, Any, str]]) -> None:
    value = "{" + ",".join(member(*each) for each in members) + "}"
    body = f'{{"query": {{"field": "a", "operand": "=", "value": {value}}}, "count": "exact"}}'.encode()
    names = [name for name, _, _ in members]
    if len(set(names)) < len(names):
        with pytest.raises(RepeatedKey):
            decode_body(body, QUERY)
    else:
        assert decode_body(body, QUERY).query.value == {name: value for name, value, _ in members}


@pytest.mark.parametrize(
    "text",
    [
        b'{"query":{"expressions":[{"field":"Name","operand":"=","value":"D: \xc3\xa9"}]},"fields":["A"]}',
        b'{"query": {"expressions": [{"operand": "=", "field": "A", "value": 1.50}, {"field": "B"}]}}',
        b'{"sort": [{"field": "Name"}], "query": {"all": true}}',
    ],
)
def test_usual_queries_are_recognised(text: bytes) -> None:
    assert has_all_keys(QUERY.decode(text), text)


@pytest.mark.parametrize(
    "text",
    [
        b'{"query": {"expressions": [{"field": "Last_Name", "operand": "=", "value": "Doe"}]}}',
        b'{"query":{"all":true},"sort":[{"field":"Name"}]}',
        b"{}",
    ],
)
def test_usual_bodies_are_recognised(text: bytes) -> None:
    assert has_distinct_keys(text)
