"""What a schema's plan is made of: the order of things that wait for each other, and what comes from what."""

from __future__ import annotations

import pytest

from rowkeep.plan.workspace_changes.dependency_sort import in_order
from rowkeep.plan.workspace_changes.renames import TwoSources, sources


@pytest.mark.parametrize(
    ("keys", "should", "must", "order"),
    [
        ("abc", {}, {}, "abc"),
        ("abc", {"a": "c"}, {}, "bca"),
        ("abcd", {"a": "b", "b": "c", "c": "d"}, {}, "dcba"),
        ("abc", {"a": "b", "b": "c", "c": "a"}, {}, "acb"),
        ("abc", {"a": "a", "b": "ab"}, {}, "abc"),
        ("abc", {}, {"a": "b", "b": "c"}, "cba"),
        ("ab", {"b": "a"}, {"a": "b"}, "ba"),
        ("abcd", {"b": "a", "d": "b"}, {"a": "b", "c": "d"}, "badc"),
    ],
)
def test_order(keys: str, should: dict[str, str], must: dict[str, str], order: str) -> None:
    assert "".join(in_order(keys, should, must)) == order


@pytest.mark.parametrize(
    ("present", "wanted", "found"),
    [
        ("a", {"a": None, "b": None}, {"a": "a", "b": None}),
        ("a", {"b": "a"}, {"b": "a"}),
        ("b", {"b": "a"}, {"b": "b"}),
        ("", {"b": "a"}, {"b": None}),
        ("ab", {"B": "A", "a": None}, {"B": "b", "a": "a"}),
        ("a", {"b": "a", "a": None}, {"b": "a", "a": None}),
        ("ab", {"b": "a", "c": "b"}, {"b": "a", "c": "b"}),
        ("bc", {"b": "a", "c": "b"}, {"b": "b", "c": "c"}),
        ("abc", {"b": "a", "a": "c", "c": None}, {"b": "b", "a": "a", "c": "c"}),
    ],
)
def test_sources(present: str, wanted: dict[str, str | None], found: dict[str, str | None]) -> None:
    assert sources(present, wanted) == found
    # and once that is done, nothing comes from anything else
    assert sources([name.lower() for name in wanted], wanted) == {name: name.lower() for name in wanted}


@pytest.mark.parametrize(
    ("present", "wanted"),
    [
        ("ab", {"b": "a"}),
        ("ab", {"b": "a", "a": "b"}),
        ("abcd", {"d": "a", "b": "C", "c": "a", "A": "b"}),
    ],
)
def test_two_sources(present: str, wanted: dict[str, str | None]) -> None:
    with pytest.raises(TwoSources):
        sources(present, wanted)
