"""Error texts: refused values are shown as JSON, and a message says what is allowed instead."""

from __future__ import annotations

import json
import re
from typing import Annotated, Any

import msgspec
import pytest
from msgspec import Meta

from rowkeep.codec.json_bodies import body_decoder, decode_body
from rowkeep.errors.catalogue import (
    MAX_ECHO,
    InvalidBody,
    SetupError,
    all_errors,
    excerpt,
    preview,
)
from rowkeep.model.data_requests import QueryBody
from rowkeep.settings import Settings


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("", '""'),
        ("263", '"263"'),
        ('say "hi"', r'"say \"hi\""'),
        ("a\\b", r'"a\\b"'),
        ("a\nb\x1b\x7f\u2028\u202e", r'"a\nb\u001b\u007f\u2028\u202e"'),
        ("\ud800", r'"\ud800"'),
        ("é😀", '"é😀"'),
        (263, "263"),
        (-1.5, "-1.5"),
        (True, "true"),
        (None, "null"),
        (float("inf"), "a number that large"),
        (float("-inf"), "a number that small"),
        ([1, "secret"], "an array"),
        ({"a": 1}, "an object"),
    ],
)
def test_a_refused_value_is_shown_as_json(value: Any, shown: str) -> None:
    assert preview(value) == shown


def test_long_values_are_shortened() -> None:
    shown = json.loads(preview("x" * 5000))
    assert (len(shown), shown[-1]) == (MAX_ECHO, "…")
    assert preview("x" * MAX_ECHO) == f'"{"x" * MAX_ECHO}"'
    assert len(preview(10**4000)) == MAX_ECHO


def test_an_excerpt_has_no_quotes() -> None:
    assert excerpt('a"b\n') == r'a"b\n'
    assert len(excerpt("x" * 5000)) == MAX_ECHO


def test_a_choice_lists_what_is_allowed() -> None:
    decoder = body_decoder(QueryBody)
    with pytest.raises(InvalidBody, match=r'^"count" must be one of "exact", "none"; got "all"\.$'):
        decode_body(b'{"count":"all"}', decoder)
    with pytest.raises(InvalidBody, match=r'^"order" must be one of "asc", "desc"; got "up"\.$') as refused:
        decode_body(b'{"sort":[{"field":"a"},{"field":"b","order":"up"}]}', decoder)
    assert refused.value.problems[0].pointer == "/sort/1/order"


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("PORT", "http", 'ROWKEEP_PORT must be a whole number, at least 0 and at most 65535; got "http".'),
        (
            "MAX_ROWS_PER_TABLE",
            "1000000000000000001",
            "ROWKEEP_MAX_ROWS_PER_TABLE must be at most 1,000,000,000,000,000,000; got 1000000000000000001.",
        ),
        (
            "MAX_REQUEST_SECONDS",
            "0",
            'ROWKEEP_MAX_REQUEST_SECONDS must be a number, more than 0 and at most 86400; got "0".',
        ),
        (
            "LOG_LEVEL",
            "loud",
            'ROWKEEP_LOG_LEVEL must be one of debug, info, warning, error; got "loud".',
        ),
        ("PRT", "1", "Unknown setting ROWKEEP_PRT. See docs/settings.md for all settings."),
    ],
)
def test_a_wrong_setting_says_what_it_must_be(name: str, value: str, said: str) -> None:
    with pytest.raises(SetupError, match=f"^{re.escape(said)}$"):
        Settings.from_environment({f"ROWKEEP_{name}": value})


class OtherSettings(Settings, frozen=True, kw_only=True):
    """Types that no setting has yet."""

    flag: bool = False
    label: Annotated[str, Meta(max_length=3)] = ""
    code: Annotated[str, Meta(min_length=2, max_length=3, pattern="^[a-z.]+$")] | None = None
    maybe: Annotated[Annotated[int, Meta(ge=1)] | None, Meta(description="A description.")] = None


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("FLAG", "true or false"),
        ("LABEL", "a text with at most 3 characters"),
        ("CODE", "a text with at least 2 and at most 3 characters that matches ^[a-z.]+$"),
        ("MAYBE", "a whole number, at least 1"),
    ],
)
def test_a_setting_of_any_type_says_what_it_must_be(name: str, rule: str) -> None:
    with pytest.raises(SetupError, match=f'^ROWKEEP_{name} must be {re.escape(rule)}; got "long"\\.$'):
        OtherSettings.from_environment({f"ROWKEEP_{name}": "long"})


def test_every_setting_can_say_what_it_must_be() -> None:
    for setting in msgspec.structs.fields(Settings):
        try:
            Settings.from_environment({f"ROWKEEP_{setting.name.upper()}": "-1"})
        except SetupError as error:
            assert str(error).startswith(f"ROWKEEP_{setting.name.upper()}"), setting.name  # noqa: PT017


RETIRED = {
    "damaged_cell",
    "filter_missing",
    "internal",
    "no_room",
    "no_such_route",
    "protected",
    "request_too_long",
    "required_value",
    "rows_violate",
    "still_referred",
}
"""Codes of earlier versions. They are never used again for something else."""


def test_codes_are_lower_case_words_and_not_reused() -> None:
    codes = [kind.code for kind in all_errors()]
    assert not RETIRED.intersection(codes)
    assert len(set(codes)) == len(codes)
    assert [code for code in codes if not re.fullmatch(r"[a-z]+(_[a-z]+)*", code)] == []
