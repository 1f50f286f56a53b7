"""Bad lines of a stream that are equal: the errors of the first are those of the others, with their lines."""

from __future__ import annotations

import msgspec
import pytest

from rowkeep.codec.rows import InsertLimits, TableCodec
from rowkeep.codec.stored_cells import StoredCells
from rowkeep.codec.streams import readers
from rowkeep.codec.streams.blocks import Block
from rowkeep.codec.streams.line_errors import BadLine
from rowkeep.codec.streams.readers import CsvReader, NdjsonReader, ReadBlock, StreamReader
from rowkeep.errors.base import Problem
from rowkeep.model.data_requests import InsertOptions
from rowkeep.model.definitions.tables import TableBody, read_table
from rowkeep.model.names import ColumnNames

DEFINITION = {
    "name": "t",
    "schemaDef": [
        {"name": "Number", "type": "number", "isRequired": True},
        {"name": "Text", "type": "string", "maxLength": 2},
        {"name": "Json", "type": "json"},
    ],
}
LINES = {
    NdjsonReader: [
        b"1",
        b"{",
        b"{}",
        b' {"Number": "x", "Text": 1} ',
        b'{"Number": "7"}',
        b'{"Text": "long", "No/~": 1}',
        b'{"Number": 1, "Number": 1}',
        b'{"Number": 1, "Text": "ok"}',
        b"\xff",
        b"",
        b'{"Number": "' + b"y" * 300 + b'"}',
    ],
    CsvReader: [b"1,a,", b"x,b,", b",c,[1", b"1,long,", b"1,a", b"2,ok,[]", b'"3","ok",', b"y" * 300 + b",,"],
}


def reader(kind: type[StreamReader]) -> StreamReader:
    table = read_table(msgspec.convert(DEFINITION, TableBody), "t", {}, 1)
    codec = TableCodec(table, ColumnNames(table), StoredCells(table, {}))
    made = kind(codec, InsertOptions(mode="partial"), InsertLimits(10_000, 64, 10_000, 1000))
    if kind is CsvReader:
        made.read(Block(b"Number,Text,Json\n1,a,\n", 1))
    return made


def found(block: ReadBlock) -> object:
    return block.rows, [*block.lines], [(each.line, [*each.problems]) for each in block.bad]


@pytest.mark.parametrize("kind", LINES)
def test_a_line_has_the_same_errors_each_time(kind: type[StreamReader]) -> None:
    text = b"".join(line + b"\n" for line in LINES[kind])
    again = reader(kind)
    for first in (10, 200, 3000):
        assert found(again.read(Block(text, first))) == found(reader(kind).read(Block(text, first)))


@pytest.mark.parametrize(
    ("line", "got"),
    [(b"1", "a number"), (b' "a"', "a string"), (b"true", "true"), (b"null\r", "null"), (b"[1]", "an array")],
)
def test_lines_without_an_object(line: bytes, got: str) -> None:
    (bad,) = reader(NdjsonReader).read(Block(line + b"\n", 7)).bad
    assert bad == BadLine(
        7, [Problem(f"Line 7: A row must be an object; got {got}.", "invalid_body", "", {"line": 7})]
    )


def test_few_short_lines_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readers, "MAX_KNOWN", 2)
    once = reader(NdjsonReader)
    for first in (1, 100):
        block = once.read(Block(b"1" + b" " * 1000 + b"\n1\n2\n3\n4\n", first))
        assert [each.line for each in block.bad] == list(range(first, first + 5))
    assert [*once._errors._problems] == [b"1", b"2"]
