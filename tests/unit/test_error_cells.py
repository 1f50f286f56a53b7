"""Cells of spreadsheets with errors, such as #DIV/0!, which must not become empty cells unnoticed."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest
import xlsxwriter

from rowkeep.files import error_cells
from rowkeep.files.content import reading_content
from rowkeep.files.error_cells import letters
from rowkeep.files.formats import format_of
from rowkeep.files.reading import PLAIN, Reading
from rowkeep.files.records import FileRefused, Record, Row, Target, Unreadable

ODS = """<?xml version="1.0"?>
<office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"
 xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"
 xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" xmlns:calcext="urn:calcext">
<office:body><office:spreadsheet>
<table:table table:name="Other"><table:table-row>{error}</table:table-row></table:table>
<table:table table:name="Sums"><table:table-row>{a}{b}</table:table-row>
<table:table-row table:number-rows-repeated="2">{one}{error}</table:table-row>
<table:table-row>{one}{one}</table:table-row></table:table>
</office:spreadsheet></office:body></office:document-content>"""
TEXT = '<table:table-cell office:value-type="string"><text:p>{}</text:p></table:table-cell>'
NUMBER = '<table:table-cell office:value-type="float" office:value="1"><text:p>1</text:p></table:table-cell>'
ERROR = (
    '<table:table-cell table:formula="of:=1/0" office:value-type="float" office:value="0" '
    'calcext:value-type="error"><text:p>#DIV/0!</text:p></table:table-cell>'
)


def records_of(path: Path, reading: Reading = PLAIN) -> Sequence[Record]:
    with reading_content(str(path), reading) as content:
        source = format_of(str(path), None).open(content, reading)
        return list(source.records(source.start, [Target(name, "string") for name in source.names or ()]))


def row(record: Record) -> object:
    assert isinstance(record, Row)
    return msgspec.json.decode(record.json)


@pytest.fixture
def book(tmp_path: Path) -> Path:
    """Its columns begin at C4. The cell C6 only looks like an error."""
    path = tmp_path / "book.xlsx"
    with xlsxwriter.Workbook(path) as made:
        made.add_worksheet("Other").write_formula(4, 3, "=1/0", None, "#DIV/0!")
        sheet = made.add_worksheet("Sums & more")
        sheet.write_row(3, 2, ["a", "b", "c"])
        sheet.write_row(4, 2, ["1", "2", "3"])
        sheet.write_row(5, 2, ["#N/A", "2"])
        sheet.write_formula(6, 3, "=1/0", None, "#DIV/0!")
        sheet.write_formula(7, 4, "=NA()", None, "#N/A")
        sheet.write_row(8, 2, ["5"])
    return path


def test_rows_with_errors_are_rejected(book: Path) -> None:
    good, text, divided, missing, last = records_of(book, Reading(sheet="Sums & more"))
    assert [row(each) for each in (good, text, last)] == [
        {"a": "1", "b": "2", "c": "3"},
        {"a": "#N/A", "b": "2", "c": None},
        {"a": "5", "b": None, "c": None},
    ]
    assert isinstance(divided, Unreadable)
    assert isinstance(missing, Unreadable)
    assert (divided.line, missing.line) == (7, 8)
    assert divided.reason == (
        'Column b has the error "#DIV/0!" in cell D7 of sheet "Sums & more". Correct the cell, or import '
        "this text as null."
    )
    assert '"#N/A" in cell E8' in missing.reason


def test_errors_that_mean_null_are_empty(book: Path) -> None:
    reading = Reading(sheet="2", nulls=("#DIV/0!", "#N/A"))
    # a row of nothing but errors is a blank one then
    assert [(each.line, row(each)) for each in records_of(book, reading)][1:] == [
        (6, {"a": None, "b": "2", "c": None}),
        (9, {"a": "5", "b": None, "c": None}),
    ]


def test_errors_in_open_document_files(tmp_path: Path) -> None:
    """With the number 0, and in rows that are repeated."""
    path = tmp_path / "book.ods"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("META-INF/manifest.xml", "<manifest/>")
        cells = {"error": ERROR, "one": NUMBER, "a": TEXT.format("a"), "b": TEXT.format("b")}
        archive.writestr("content.xml", ODS.format(**cells))
    first, second, last = records_of(path, Reading(sheet="Sums"))
    assert [isinstance(each, Unreadable) and each.reason[:38] for each in (first, second)] == [
        'Column b has the error "#DIV/0!" in ce',
        'Column b has the error "#DIV/0!" in ce',
    ]
    assert "cell B3" in str(second)
    assert row(last) == {"a": "1", "b": "1"}


def test_too_many_errors(book: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(error_cells, "MAX_ERROR_CELLS", 1)
    with pytest.raises(FileRefused, match=r"book.xlsx has more than 1 cells with errors, such as #N/A"):
        records_of(book, Reading(sheet="2"))


def test_letters_of_columns() -> None:
    assert [letters(at) for at in (0, 25, 26, 701, 702, 16_383)] == ["A", "Z", "AA", "ZZ", "AAA", "XFD"]
