"""Odd files: damaged, empty, of another kind, or written in a way that few programs expect. Each is read, or
refused with a message that says what is wrong with it."""

from __future__ import annotations

import gzip
import io
import struct
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from zipfile import ZipFile

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter

from rowkeep.files.compressed import zstd
from rowkeep.files.content import reading_content
from rowkeep.files.excel_format import ExcelWriter
from rowkeep.files.formats import format_of
from rowkeep.files.inference import Inference
from rowkeep.files.inspection import inspect
from rowkeep.files.reading import PLAIN, Reading
from rowkeep.files.records import FileRefused, Position, Record, Row, Target, Unreadable
from rowkeep.files.responses import ColumnInfo

CSV = "a,b\n" + "".join(f"{number},{number * 7919 % 1000}\n" for number in range(5000))
GZIPPED, ZSTANDARD = gzip.compress(CSV.encode(), mtime=0), zstd.compress(CSV.encode())
DEEP = b'{"a":' + b"[" * 5000 + b"]" * 5000 + b"}\n"


def parquet(**columns: object) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out)
    return out.getvalue()


def workbook(*rows: list[object], of_1904: bool = False) -> bytes:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"date_1904": of_1904}) as book:
        dates = book.add_format({"num_format": "yyyy-mm-dd"})
        sheet = book.add_worksheet()
        for at, row in enumerate(rows):
            for place, cell in enumerate(row):
                if isinstance(cell, datetime):
                    sheet.write_datetime(at, place, cell, dates)
                elif isinstance(cell, float):
                    sheet.write_number(at, place, cell, dates)
                else:
                    sheet.write(at, place, cell)
    return out.getvalue()


NUMBERS = parquet(a=list(range(10_000)), b=[f"x{number}" for number in range(10_000)])
BOOK = workbook(["a", "b"], [1, 2])


def with_part(content: bytes) -> bytes:
    """A file of .xlsb with this as its list of sheets, at which its reader panics."""
    out = io.BytesIO()
    with ZipFile(out, "w") as book:
        book.writestr("xl/_rels/workbook.bin.rels", "<R/>")
        book.writestr("xl/workbook.bin", content)
    return out.getvalue()


def records_of(path: Path, reading: Reading = PLAIN, types: str = "json") -> Iterator[Record]:
    with reading_content(str(path), reading) as content:
        source = format_of(str(path), None).open(content, reading)
        yield from source.records(source.start, [Target(name, types) for name in source.names or ()])


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"", "a.csv has no valid header. The file is empty."),
        ("a.csv", b"\xef\xbb\xbf", "The file is empty."),
        ("a.csv", b"\n\n", "The file is empty."),
        ("a.csv", b"a,b\r1,2\r", "Its lines end with carriage returns (CR)"),
        ("a.csv", b"a,b\n1,\0\n", "It contains bytes 0, so it is not a text file."),
        ("a.csv", "a,b\n1,2\n".encode("utf-16-le")[:-1], "not in the encoding utf-16-le: truncated data"),
        ("a.csv", BOOK, "a.csv is an Excel or OpenDocument file. Use --format xlsx."),
        ("a.csv", NUMBERS, "a.csv is a Parquet file. Use --format parquet."),
        ("a.csv.gz", gzip.compress(GZIPPED, mtime=0), "a.csv.gz is compressed twice. Unpack it once."),
        ("a.csv.zst", zstd.compress(GZIPPED), "a.csv.zst is compressed twice. Unpack it once."),
        ("a.csv.gz", GZIPPED[:-2000], "a.csv.gz is not a complete gzip file"),
        ("a.csv.gz", GZIPPED[:5], "a.csv.gz is not a complete gzip file"),
        ("a.csv.gz", GZIPPED[:2000] + b"garbage" * 500, "a.csv.gz is not a complete gzip file"),
        ("a.csv.zst", ZSTANDARD[:-2000], "a.csv.zst is not a complete zstd file"),
        ("a.csv.zst", ZSTANDARD + b"abc", "a.csv.zst is not a complete zstd file"),
        ("a.parquet", b"", "a.parquet is not a valid Parquet file"),
        ("a.parquet", NUMBERS[: len(NUMBERS) // 2], "a.parquet is not a valid Parquet file"),
        ("a.parquet", NUMBERS[:2000] + b"\0" * 3000 + NUMBERS[5000:], "a.parquet is damaged"),
        ("a.parquet", parquet(a=[[1]]), "a.parquet cannot be imported. Column a has the type list"),
        ("a.xlsx", b"", "a.xlsx is not a valid Excel or OpenDocument file"),
        ("a.xlsx", b"PK\x03\x04", "a.xlsx is not a valid Excel or OpenDocument file"),
        ("a.xlsx", BOOK[: len(BOOK) // 2], "a.xlsx is not a valid Excel or OpenDocument file"),
        ("a.xlsx", b"a,b\n1,2\n", "a.xlsx is not a valid Excel or OpenDocument file"),
        ("a.xlsx", workbook(), "a.xlsx has no valid header. The sheet is empty."),
        ("a.xlsb", with_part(b"\x9c\x01\x00"), "a.xlsb is not a valid Excel or OpenDocument file"),
    ],
)
def test_refused(name: str, content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(FileRefused) as refused:
        list(records_of(path))
    assert message in str(refused.value)
    assert ".." not in str(refused.value)


@pytest.mark.parametrize(("name", "content"), [("a.csv", b"a,b\n1,2\n"), ("a.xlsx", BOOK)])
def test_a_header_after_the_last_row(name: str, content: bytes, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(
        FileRefused, match=r"no valid header\. It has no row in line 9 or after it \(--header\)"
    ):
        list(records_of(path, Reading(header_line=9)))


def with_far_cell(cell: str) -> bytes:
    """A workbook that says that its last cell is in the last corner, where this XML is."""
    out = io.BytesIO()
    with ZipFile(io.BytesIO(BOOK)) as book, ZipFile(out, "w") as changed:
        for part in book.namelist():
            xml = book.read(part).decode()
            if part == "xl/worksheets/sheet1.xml":
                xml = xml.replace('ref="A1:B2"', 'ref="A1:XFD1048576"')
                xml = xml.replace("</sheetData>", f'<row r="1048576">{cell}</row></sheetData>')
            changed.writestr(part, xml)
    return out.getvalue()


def test_a_sheet_with_a_cell_in_its_last_corner(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    path.write_bytes(with_far_cell('<c r="XFD1048576"><v>1</v></c>'))
    with pytest.raises(FileRefused) as refused:
        list(records_of(path))
    assert str(refused.value) == (
        f'Sheet "Sheet1" of {path} has cells as far as column XFD and row 1,048,576, which is too large. '
        "Delete the rows and columns after the data, or save it as CSV."
    )
    path.write_bytes(with_far_cell(""))
    assert len(list(records_of(path))) == 1


def binary_workbook(*rows: tuple[int, int, str], corner: tuple[int, int]) -> bytes:
    """An .xlsb file with cells, each of a row, a column and a text."""

    def record(kind: int, data: bytes = b"") -> bytes:
        start = bytes([kind]) if kind < 0x80 else bytes([kind & 0x7F | 0x80, kind >> 7])
        return start + bytes([len(data)]) + data

    def text(value: str) -> bytes:
        return struct.pack("<I", len(value)) + value.encode("utf-16-le")

    sheet = record(0x81) + record(0x94, struct.pack("<4I", 0, corner[0], 0, corner[1])) + record(0x91)
    for row, column, value in rows:
        sheet += record(0, struct.pack("<IIHHBI", row, 0, 300, 0, 0, 0))
        sheet += record(6, struct.pack("<II", column, 0) + text(value))
    named = record(0x9C, struct.pack("<II", 0, 1) + text("rId1") + text("S"))
    parts = {
        "xl/workbook.bin": record(0x83) + record(0x8F) + named + record(0x90) + record(0x84),
        "xl/_rels/workbook.bin.rels": b'<R><Relationship Id="rId1" Target="worksheets/sheet1.bin"/></R>',
        "xl/worksheets/sheet1.bin": sheet + record(0x92) + record(0x82),
    }
    out = io.BytesIO()
    with ZipFile(out, "w") as book:
        for part, data in parts.items():
            book.writestr(part, data)
    return out.getvalue()


def test_a_binary_sheet_with_a_cell_in_its_last_corner(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsb"
    last = (1_048_575, 16_383)
    path.write_bytes(binary_workbook((0, 0, "a"), (1, 0, "1"), (*last, "x"), corner=last))
    with pytest.raises(
        FileRefused, match=r'Sheet "S" of .* has cells as far as column XFD and row 1,048,576,'
    ):
        list(records_of(path))
    path.write_bytes(binary_workbook((0, 0, "a"), (1, 0, "1"), corner=last))
    assert len(list(records_of(path))) == 1


@pytest.mark.parametrize(
    ("name", "content", "rows"),
    [
        ("a.csv", b"a,b", 0),
        ("a.csv", b"a\n1\n\n2\n", 3),
        ("a.csv", b'a,b\n1,"' + b"line\n" * 210_000 + b'"\n2,x\n', 2),
        ("a.csv", "a,b\nZürich,1\n".encode("utf-16-be"), 1),
        ("a.csv", (",".join(f"c{n}" for n in range(390)) + "\n" + "1," * 389 + "1\n").encode(), 1),
        ("a.csv", GZIPPED, 5000),
        ("a.csv.gz", CSV.encode(), 5000),
        ("a.csv.gz", GZIPPED + b"\0" * 100, 5000),
        (
            "a.csv.gz",
            gzip.compress(CSV[:10].encode(), mtime=0) + gzip.compress(CSV[10:].encode(), mtime=0),
            5000,
        ),
        ("a.parquet", parquet(a=pa.array([], pa.int64())), 0),
        ("a.xlsx", workbook(["a", "b"]), 0),
    ],
)
def test_read(name: str, content: bytes, rows: int, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    found = list(records_of(path, types="string"))
    assert [each for each in found if not isinstance(each, Row)] == []
    assert len(found) == rows


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"[1, 2]\n", "The line must be a JSON object: one for each row, without an array around them."),
        (b"1\n", "The line must be a JSON object: one for each row, without an array around them."),
        (b"{\n", "The line is not valid JSON: unexpected end."),
        (b'{"a": NaN}\n', 'The line is not valid JSON: invalid character at byte 6, got "N".'),
        (b'{"a": "\\ud800"}\n', "The line has a string with half a surrogate pair (such as \\ud800)"),
        (b'{"a": 1, "a": 2}\n', "The line is not a valid JSON object: "),
        (DEEP, "The line has arrays and objects nested too deeply"),
    ],
)
def test_lines_that_are_no_rows(line: bytes, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "a.ndjson"
    path.write_bytes(line + b'{"a": 1}\n')
    first, second = records_of(path)
    assert isinstance(first, Unreadable)
    assert first.reason.startswith(reason)
    assert isinstance(second, Row)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "a.ndjson has no rows and no columns."),
        (b"[1]\n", "a.ndjson has no row that can be read. The first error is in line 1: The line must be"),
    ],
)
def test_nothing_to_infer(content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "a.ndjson"
    path.write_bytes(content)
    with reading_content(str(path), PLAIN) as opened:
        source = format_of(str(path), None).open(opened, PLAIN)
        inference = Inference(source, PLAIN)
        inference.read(source.records(source.start, inference.targets))
        with pytest.raises(FileRefused) as refused:
            inference.check_columns("a.ndjson")
    assert str(refused.value).startswith(message)


def test_numbers_that_python_does_not_read(tmp_path: Path) -> None:
    path = tmp_path / "a.ndjson"
    path.write_bytes(b'{"a": 1}\n{"a": ' + b"9" * 5000 + b"}\n")
    with reading_content(str(path), PLAIN) as opened:
        found = inspect(opened, format_of(str(path), None), PLAIN, "t", 1024**3)
    assert (found.rows_seen, found.n_unreadable) == (1, 1)
    assert found.unreadable == ["line 2: The line has a number that is too large."]
    assert [len(row["a"] or "") for row in found.rows] == [1, 201]


def test_columns_with_equal_and_missing_names(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"a,a,\n1,2,3\n")
    with reading_content(str(path), PLAIN) as opened:
        source = format_of(str(path), None).open(opened, PLAIN)
        inference = Inference(source, PLAIN)
        inference.read(source.records(source.start, inference.targets))
    assert inference.proposal("t").renames == (("#2", "a_2"), ("#3", "Column_3"))


def test_dates_of_workbooks(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    path.write_bytes(workbook(["When"], [datetime(1904, 1, 2)], [datetime(2020, 1, 2)], [-3.0], of_1904=True))
    first, second, third = records_of(path, types="date")
    assert [each.json for each in (first, second) if isinstance(each, Row)] == [
        b'{"When":"1904-01-02"}',
        b'{"When":"2020-01-02"}',
    ]
    assert isinstance(third, Unreadable)
    path.write_bytes(workbook(["When"], [0.5], [60.0], [2958466.0]))
    reasons = [each.reason for each in records_of(path, types="date") if isinstance(each, Unreadable)]
    assert "must be a date, but the cell is a time without a date" in reasons[0]
    assert "must be a date, but the cell is a number" in reasons[-1]


def test_texts_of_parquet_files_that_are_not_in_utf_8(tmp_path: Path) -> None:
    texts = pa.array([b"a", b"\xff", None, b"b"])
    path = tmp_path / "a.parquet"
    path.write_bytes(parquet(a=pa.Array.from_buffers(pa.string(), 4, texts.buffers())))
    first, second, *others = records_of(path, types="string")
    assert (first, others) == (
        Row(1, Position(2, 1), b'{"a":"a"}'),
        [Row(3, Position(4, 3), b'{"a":null}'), Row(4, Position(5, 4), b'{"a":"b"}')],
    )
    assert isinstance(second, Unreadable)
    assert (second.line, second.reason) == (2, "A value is text that is not in UTF-8.")


def test_timestamps_without_a_time_zone(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    path.write_bytes(parquet(a=[datetime(2020, 7, 1, 12), None, datetime(1, 1, 1)]))
    with pytest.raises(FileRefused, match="Column a has timestamps without a time zone"):
        list(records_of(path, types="date"))
    for zone, moment in (
        ("UTC", b"2020-07-01T12:00:00.000Z"),
        ("Europe/Zurich", b"2020-07-01T10:00:00.000Z"),
    ):
        found = list(records_of(path, Reading(time_zone=zone), "date"))
        assert moment in found[0].json if isinstance(found[0], Row) else False
        assert isinstance(found[1], Row)


def test_types_of_columns_that_their_values_do_not_show(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    whole, none = pa.array([1.0, 2.0]), [None, None]
    typed = {"Is": pa.bool_(), "Whole": pa.int16(), "Day": pa.date32(), "When": pa.timestamp("us", tz="UTC")}
    empty = {name: pa.array(none, kind) for name, kind in typed.items()}
    path.write_bytes(parquet(Number=whole, **empty, Exact=pa.array(none, pa.decimal128(9, 2)), Text=none))
    with reading_content(str(path), PLAIN) as opened:
        found = inspect(opened, format_of(str(path), None), PLAIN, "t", 1024**3)
    assert {each["name"]: each["type"] for each in found.definition["schemaDef"]} == {
        "Number": "number",
        "Is": "boolean",
        "Whole": "integer",
        "Day": "date",
        "When": "date",
        "Exact": "decimal",
        "Text": "string",
    }


@pytest.mark.parametrize(
    ("cells", "names"),
    [({}, ("a", "b")), ({(2, 3): "x"}, ("a", "b", "", "")), ({(0, 4): "c"}, ("a", "b", "", "", "c"))],
)
def test_columns_of_empty_texts(
    cells: dict[tuple[int, int], str], names: tuple[str, ...], tmp_path: Path
) -> None:
    path = tmp_path / "a.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["a", "b"])
        for row, at in ((row, at) for row in range(1, 4) for at in range(6)):
            sheet.write_string(row, at, "1" if at < 2 else "")
        for (row, at), text in cells.items():
            sheet.write_string(row, at, text)
    with reading_content(str(path), PLAIN) as opened:
        assert format_of(str(path), None).open(opened, PLAIN).names == names


def test_texts_of_workbooks_that_are_too_long() -> None:
    """Excel counts UTF-16: a text that is cut there would be lost without a word."""
    for text, length in (("x" * 32_768, "32,768"), ("😀" * 16_384, "32,768")):
        writer = ExcelWriter(io.BytesIO(), [ColumnInfo("a", "string")])
        with pytest.raises(FileRefused, match=f"Column a has a text of {length} characters"):
            writer.write(msgspec.Raw(msgspec.json.encode([{"a": text}])))
        assert writer.write(msgspec.Raw(msgspec.json.encode([{"a": text[:-1]}]))) == 1
