"""Headers of CSV streams: their fields, and how many there can be."""

from __future__ import annotations

import pytest

from rowkeep.codec.streams import csv_blocks
from rowkeep.codec.streams.blocks import Block
from rowkeep.codec.streams.csv_blocks import MAX_HEADER_FIELDS, read_header
from rowkeep.errors.catalogue import MalformedCsv


def test_as_many_fields_as_are_allowed() -> None:
    names, rest = read_header(Block(b'"a,""b",' + b"," * (MAX_HEADER_FIELDS - 3) + b"c\nx", 1))
    assert (len(names), names[0], names[1], names[-1]) == (MAX_HEADER_FIELDS - 1, 'a,"b', None, "c")
    assert rest == Block(b"x", 2)


def test_too_many_fields_are_counted_before_they_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reader takes kilobytes for each: a few megabytes of commas would take all memory."""
    monkeypatch.setattr(csv_blocks, "_parsed", None)
    with pytest.raises(MalformedCsv, match="The header has 1000001 fields; at most 10000 are allowed"):
        read_header(Block(b"," * 1_000_000, 1))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b'"a","b\r\n', "A quoted field has no closing quote"),
        (b'a,b,"c\n1,2,3\n', "A quoted field has no closing quote"),
        (b'"a","b" \n', "A field has text after its closing quote"),
        (b'a,"b"c\r\n', "A field has text after its closing quote"),
        (b'"a",b"\n', "A field without quotes has a quote in it"),
        (b"a,b\rc\n", "A field without quotes has a carriage return in it"),
    ],
)
def test_what_is_wrong_is_that_of_the_first_wrong_field(text: bytes, reason: str) -> None:
    with pytest.raises(MalformedCsv, match=f"^Line 1: {reason}"):
        read_header(Block(text, 1))
