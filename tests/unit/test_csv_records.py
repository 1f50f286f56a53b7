"""CSV records: what is written is read again, and what is malformed is refused with its line."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracle.effort import examples
from rowkeep.files.csv_records import JOINED_LINES, CsvRecord, Dialect, csv_cell, csv_records
from rowkeep.files.lines import lines_of
from rowkeep.files.records import MAX_RECORD_BYTES, FileRefused, Position


def records(text: str | bytes, **dialect: Any) -> list[CsvRecord]:
    file = io.BytesIO(text if isinstance(text, bytes) else text.encode())
    return list(csv_records(lines_of(file, Position(1, 0)), Dialect(**dialect)))


cells = (
    st.none()
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
    | st.text(',"\r\n x', max_size=5)
)
rows = st.lists(st.lists(cells, min_size=1, max_size=4), max_size=5)


@examples(100)
@given(rows, st.sampled_from(["\n", "\r\n"]))
def test_what_is_written_is_read(rows: list[list[str | None]], end: str) -> None:
    text = "".join(",".join(map(csv_cell, row)) + end for row in rows)
    read = records(text)
    assert [record.cells or [None] for record in read] == rows
    assert [record.reason for record in read] == [""] * len(rows)
    # where the next one begins, reading can begin, too
    for at, record in enumerate(read):
        rest = io.BytesIO(text.encode()[record.end.offset :])
        again = list(csv_records(lines_of(rest, record.end)))
        assert again == read[at + 1 :]
    # the csv module, which cannot tell empty cells from empty strings, reads the same
    known = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    assert [[cell or "" for cell in row] for row in rows if row != [None]] == [row for row in known if row]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("a", [["a"]]),
        ("a,b", [["a", "b"]]),
        ("a,", [["a", None]]),
        (",\n", [[None, None]]),
        ('"",\n', [["", None]]),
        ("\n\n", [[], []]),
        ("\ufeffa\nb\n", [["a"], ["b"]]),
        ('\ufeff"a,b"', [["a,b"]]),
        ('"a\r\nb",c\r\n', [["a\r\nb", "c"]]),
        ('"\n\n""\n"\n', [['\n\n"\n']]),
        (' "a', [[' "a']]),
        ('5" disk,"5"" disk"', [['5" disk', '5" disk']]),
        ('"a,"",b","",', [['a,",b', "", None]]),
        ("a ,' b'", [["a ", "' b'"]]),
    ],
)
def test_records(text: str, expected: list[list[str | None]]) -> None:
    assert [record.cells for record in records(text)] == expected


@pytest.mark.parametrize(
    ("text", "dialect", "expected"),
    [
        ('a;"b;c"\n;""\n', {"delimiter": ";"}, [["a", "b;c"], [None, ""]]),
        ("a\t'b\tc'\t''\n", {"delimiter": "\t", "quote": "'"}, [["a", "b\tc", ""]]),
        ('"a",5"\n', {"quote": ""}, [['"a"', '5"']]),
        ('NULL,"NULL",\\N,N\n', {"nulls": frozenset({"NULL", "\\N"})}, [[None, "NULL", None, "N"]]),
        ("NULL|x\n", {"nulls": frozenset({"NULL"}), "delimiter": "|"}, [[None, "x"]]),
        ("a^^b\n", {"delimiter": "^"}, [["a", None, "b"]]),
    ],
)
def test_dialects(text: str, dialect: dict[str, Any], expected: list[list[str | None]]) -> None:
    assert [record.cells for record in records(text, **dialect)] == expected


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        (b'ok\n"a"b,3\nok\n', 2, "Text after the closing quote"),
        (b'ok\n"a\nb"c\nok\n', 2, "Text after the closing quote"),
        (b"ok\na\rb\nok\n", 2, "Carriage return"),
        (b'ok\n"a",a\rb\nok\n', 2, "Carriage return"),
        (b"ok\n\xff\nok\n", 2, "Line 2 is not valid UTF-8"),
        (b'ok\n"a\n\xff\nb\n"\nok\n', 2, "Line 3 is not valid UTF-8"),
        (b'ok\n"a\nb\nok\n', 2, "Unclosed quote"),
    ],
)
def test_malformed(text: bytes, line: int, said: str) -> None:
    found = records(text)
    (bad,) = [record for record in found if record.reason]
    assert (bad.line, bad.text.split("\n")[0]) == (
        line,
        text.split(b"\n")[1].decode(errors="backslashreplace"),
    )
    assert said in bad.reason
    good = [record.cells for record in found if not record.reason]
    assert good == ([["ok"]] if "Unclosed quote" in said else [["ok"], ["ok"]])


@pytest.mark.parametrize("count", [JOINED_LINES, 3 * JOINED_LINES + 1])
def test_a_record_of_many_lines(count: int) -> None:
    cell = "\n" * count
    first, second = records(f'"{cell}","",\n1,2,3\n')
    assert (first.cells, first.line, first.end.line) == ([cell, "", None], 1, count + 2)
    assert (second.cells, second.line) == (["1", "2", "3"], count + 2)
    (bad, _) = records(f'"{cell}"x\n1,2,3\n')
    assert bad.text == f'"… ({count + 4} bytes)'


def test_a_record_without_end() -> None:
    text = b'"' + (b"x" * 1023 + b"\n") * (MAX_RECORD_BYTES // 1024 + 1)
    with pytest.raises(FileRefused, match="--resume-at 1"):
        list(csv_records(lines_of(io.BytesIO(text), Position(1, 0))))
