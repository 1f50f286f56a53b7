"""The quick test whether all keys of a body are different never overlooks one that comes twice."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rowkeep.codec.json_bodies import has_distinct_keys

ALPHABET = st.text('ab:" ,{}[]\\é', max_size=3)
VALUES = st.recursive(ALPHABET | st.none() | st.integers(0, 9), lambda inner: st.lists(inner, max_size=3))


def member(name: str, value: object, colon: str) -> str:
    return f"{json.dumps(name)}{colon}{json.dumps(value, ensure_ascii=False)}"


@given(st.lists(st.tuples(ALPHABET, VALUES, st.sampled_from([":", ": ", " :"])), max_size=5))
@example([(":x", 1, ":"), (":x", 2, ":")])
@example([("", ":", ":"), ("", 2, ":")])
@example([(":", 1, ":"), (":", 2, ":")])
def test_a_repeated_key_is_never_overlooked(members: list[tuple[str, Any, str]]) -> None:
    text = "{" + ",".join(member(*each) for each in members) + "}"
    names = [name for name, _, _ in members]
    if len(set(names)) < len(names):
        assert not has_distinct_keys(text.encode())


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
