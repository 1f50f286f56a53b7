"""CSV blocks: what is read, what is refused with which line, and where a stream is cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowkeep.codec.streams.blocks import Block, BlockCutter
from rowkeep.codec.streams.csv_blocks import CsvFormat, read_block, read_header
from rowkeep.errors.catalogue import LineTooLong, MalformedCsv


def rows(
    text: bytes, width: int = 2, form: CsvFormat | None = None
) -> list[tuple[int, *tuple[str | None, ...]]]:
    block = read_block(Block(text, 5), width, form or CsvFormat())
    return [(line, *cells) for line, *cells in zip(block.lines, *block.columns, strict=True)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b'a,""\n,"x ""y"" \n z"\n"",\n', [(5, "a", ""), (6, None, 'x "y" \n z'), (8, "", None)]),
        (b"a,b\r\n\r\nc,d", [(5, "a", "b"), (7, "c", "d")]),
        (b'"a,"",b",c\n', [(5, 'a,",b', "c")]),
        (b'"a""\r\n b","x"",y"\r\n', [(5, 'a"\r\n b', 'x",y')]),
        (b'"a\rb",c\n', [(5, "a\rb", "c")]),
        (b"\xef\xbb\xbfa,b\n", [(5, "\ufeffa", "b")]),
        (b"a\x00,NULL\n", [(5, "a\x00", "NULL")]),
        (b"", []),
        (b"\n\n", []),
    ],
)
def test_records(text: bytes, expected: list[object]) -> None:
    assert rows(text) == expected


def test_an_empty_line_is_a_row_of_one_column() -> None:
    assert rows(b'a\n\n""\n', 1) == [(5, "a"), (6, None), (7, "")]


def test_other_delimiters_and_quotes() -> None:
    assert rows(b"'a;b';c\n'it''s';\n", 2, CsvFormat(";", "'")) == [(5, "a;b", "c"), (6, "it's", None)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b'a,""\n5" pipe,2\n', "Line 6: A field without quotes has a quote in it."),
        (b'a,1\n"abc"def,3\n', "Line 6: A field has text after its closing quote."),
        (b'"abc"def,"x"",y"\n', "Line 5: A field has text after its closing quote."),
        (b"a\rb,c\n", "Line 5: A field without quotes has a carriage return in it."),
        (b'a,b\n"unclosed,c\n1,2\n', "Line 6: A quoted field has no closing quote"),
    ],
)
def test_malformed_records_name_their_line(text: bytes, message: str) -> None:
    with pytest.raises(MalformedCsv) as caught:
        rows(text)
    assert caught.value.msg.startswith(message)
    assert caught.value.problems[0].more == {"line": int(message.split()[1][:-1])}


def test_records_that_are_no_rows() -> None:
    block = read_block(Block(b'a\xff,b\n"c\n",d\n3\n\n4,5,6\n7,8\n', 1), 2)
    assert block.columns == [["c\n", "7"], ["d", "8"]]
    assert block.lines == [2, 7]
    assert [(each.line, each.reason) for each in block.unfit] == [
        (1, "The record is not valid UTF-8"),
        (4, "The record has 1 fields, but the header has 2"),
        (6, "The record has 3 fields, but the header has 2"),
    ]


def test_the_header() -> None:
    names, rest = read_header(Block(b'a,"b ""c""\n",\n1,2,3\n', 1))
    assert (names, rest) == (["a", 'b "c"\n', None], Block(b"1,2,3\n", 3))


@pytest.mark.parametrize("text", [b"", b"\n", b'a"b,c\n', b"a\xff,b\n", b'"a\n'])
def test_invalid_headers(text: bytes) -> None:
    with pytest.raises(MalformedCsv, match="Line 1: "):
        read_header(Block(text, 1))


CELLS = st.none() | st.text(st.sampled_from('ab",\r\n ;é')) | st.text(max_size=5)


def written(cell: str | None) -> str:
    return "" if cell is None else '"' + cell.replace('"', '""') + '"'


@given(st.lists(st.tuples(CELLS, CELLS)), st.integers(1, 40), st.integers(1, 64))
def test_what_was_written_is_read_in_any_pieces(
    cells: list[tuple[str | None, ...]], chunk: int, size: int
) -> None:
    text = "".join(",".join(map(written, row)) + "\n" for row in cells).encode("utf-8", "replace")
    cutter = BlockCutter(10_000, b'"', size)
    blocks = [block for at in range(0, len(text), chunk) for block in cutter.feed(text[at : at + chunk])]
    blocks += cutter.end()
    assert b"".join(block.text for block in blocks) == text.removeprefix(b"\xef\xbb\xbf")
    found = [row for block in blocks for row in zip(*read_block(block, 2).columns, strict=True)]
    assert found == [
        tuple(cell and cell.encode("utf-8", "replace").decode() for cell in row) for row in cells
    ]


def test_blocks_of_lines() -> None:
    cutter = BlockCutter(100, None, 8)
    blocks = [*cutter.feed(b"\xef\xbb\xbf1\n2\n3\n4\n5"), *cutter.feed(b"6\n7\n")]
    assert [*blocks, *cutter.end()] == [Block(b"1\n2\n3\n4\n", 1), Block(b"56\n7\n", 5)]


@pytest.mark.parametrize("quote", [None, b'"'])
def test_an_endless_line_is_refused(quote: bytes | None) -> None:
    cutter = BlockCutter(100, quote, 8)
    chunks = [b'"x"\n"1', *[b"\n,123456"[quote is None :]] * 30]
    with pytest.raises(LineTooLong, match="Line 2 is longer than 100 bytes"):
        [block for chunk in chunks for block in cutter.feed(chunk)]
