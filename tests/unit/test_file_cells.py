"""Cells of files: dates and numbers as they are written, without guessing."""

from __future__ import annotations

import sys

import pytest
from msgspec import json

from rowkeep.cli.file_options import reading_of
from rowkeep.files.dates import LONGEST_DATE, date_reader, format_codes
from rowkeep.files.reading import Reading
from rowkeep.files.text_cells import reader_of
from rowkeep.files.unfit import UnfitCell

CERTAIN = {
    "2012/01/01": "2012-01-01T00:00:00.000Z",
    "2012.1.5": "2012-01-05T00:00:00.000Z",
    "2012-1-5": "2012-01-05T00:00:00.000Z",
    "Jan 1 2000": "2000-01-01T00:00:00.000Z",
    "1 January 2000": "2000-01-01T00:00:00.000Z",
    "5-Feb-2001": "2001-02-05T00:00:00.000Z",
    "March 5, 2001 13:45": None,
    "2012/01/01 10:00:00Z": "2012-01-01T10:00:00.000Z",
    "2012-01-01 10:00:00.5+02:00": "2012-01-01T08:00:00.500Z",
    "2020-03-28T07:02:09.652Z": "2020-03-28T07:02:09.652Z",
    "1585378929652": 1585378929652,
    "-1": -1,
    "soon": "soon",
}


@pytest.mark.parametrize("text", CERTAIN)
def test_dates_that_can_be_read_in_one_way(text: str) -> None:
    read = date_reader((), None)
    expected = CERTAIN[text]
    if expected is None:
        with pytest.raises(UnfitCell, match="--time-zone"):
            read(text)
    else:
        assert json.decode(json.encode(read(text))) == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("29.02.2024", "--date-format DD.MM.YYYY or --date-format MM.DD.YYYY"),
        ("1/2/2024", "DD/MM/YYYY"),
        ("01-02-24 10:00", "which number is the day"),
        ("20200101", "--date-format YYYYMMDD or --date-format epoch-ms"),
        ("2021/02/30", "a date that exists"),
        ("2021-02-03 04:05", "--time-zone"),
    ],
)
def test_dates_that_cannot(text: str, said: str) -> None:
    with pytest.raises(UnfitCell, match=said):
        date_reader((), None)(text)


@pytest.mark.parametrize(
    ("formats", "text", "expected"),
    [
        (("DD.MM.YYYY",), "29.02.2024", "2024-02-29T00:00:00.000Z"),
        (("%m/%d/%Y", "%d.%m.%Y"), "02/29/2024", "2024-02-29T00:00:00.000Z"),
        (("YYYYMMDD",), "20200101", "2020-01-01T00:00:00.000Z"),
        (("DD.MM.YYYY HH:mm",), "01.07.2024 10:00", "2024-07-01T08:00:00.000Z"),
        (("epoch-s",), "1585378929", "2020-03-28T07:02:09.000Z"),
        (("epoch-ms",), "0", "1970-01-01T00:00:00.000Z"),
        (("D.M.YY",), "1.2.24", "2024-02-01T00:00:00.000Z"),
        (("MMM D, YYYY",), "Jan 5, 2001", "2001-01-05T00:00:00.000Z"),
        (("DD.MM.YYYY",), "2024-02-29", "2024-02-29"),
        (("DD.MM.YYYY",), "2024/2/29", "2024-02-29T00:00:00.000Z"),
        (("DD.MM.YYYY",), "2024-07-01 10:00", "2024-07-01T08:00:00.000Z"),
        (("DD.MM.YYYY",), "Jul 1, 2024 10:00", "2024-07-01T08:00:00.000Z"),
    ],
)
def test_formats(formats: tuple[str, ...], text: str, expected: str) -> None:
    read = date_reader(tuple(map(format_codes, formats)), "Europe/Berlin")
    assert read(text) == expected
    with pytest.raises(UnfitCell, match="--date-format"):
        read("31.31.2024")


@pytest.mark.parametrize("formats", [(), ("%d %B %Y",)])
def test_a_long_text_is_no_date_and_not_remembered(formats: tuple[str, ...]) -> None:
    text = "May " + "x" * LONGEST_DATE
    before = sys.getrefcount(text)
    read = date_reader(formats, None)
    if formats:
        with pytest.raises(UnfitCell, match="must be a date in the format"):
            read(text)
    else:
        assert read(text) == text
    assert sys.getrefcount(text) == before


def test_formats_that_are_none() -> None:
    for pattern in ("DD.MM", "%q", "YYYY", "x"):
        with pytest.raises(ValueError, match="a day, a month and a year"):
            format_codes(pattern)


@pytest.mark.parametrize(
    ("decimal", "thousands", "text", "expected"),
    [
        (",", ".", "1.234.567,50", b"1234567.50"),
        (",", "", "-0,5e3", b"-0.5e3"),
        (".", ",", "1,234", b"1234"),
        (".", " ", "1\u202f234\u00a0567 890.5", b"1234567890.5"),
        (".", "'", "12'345", b"12345"),
        (",", ".", "1234", b"1234"),
        (",", ".", "1.5", None),
        (",", ".", "12.34,5", None),
        (",", "", "1.5", None),
        (".", ",", "1,23", None),
    ],
)
def test_numbers(decimal: str, thousands: str, text: str, expected: bytes | None) -> None:
    reading = Reading(decimal=decimal, thousands=thousands)
    for column_type in ("number", "integer", "decimal"):
        read = reader_of(column_type, reading)
        if expected is None:
            with pytest.raises(UnfitCell, match="decimal separator"):
                read(text)
        else:
            assert json.encode(read(text)) == expected
    assert reader_of("string", reading)(text) == text


def test_options() -> None:
    found = reading_of(
        delimiter="tab", quote="none", encoding="Windows-1252", header="none", renames=["a=b=c"],
        columns=['x,"y,z"', "w"], date_format=["DD.MM.YYYY"], thousands=" ", null=["NULL", ""],
    )  # fmt: skip
    assert (found.delimiter, found.quote, found.encoding, found.header_line) == ("\t", "", "cp1252", 0)
    assert (found.renames, found.only) == ((("a=b", "c"),), ("x", "y,z", "w"))
    assert found.date_formats == ("%d.%m.%Y",)
    assert Reading().key == ""
    assert found.key != ""


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"delimiter": "ab"}, "--delimiter must be one character"),
        ({"quote": ""}, "--quote must be one character"),
        ({"encoding": "martian"}, "known encoding"),
        ({"header": "0"}, "none or the number of a line"),
        ({"renames": ["a"]}, "NAME=COLUMN"),
        ({"decimal": "x"}, "--decimal must be"),
        ({"decimal": ",", "thousands": ","}, "other than --decimal"),
        ({"date_format": ["%H"]}, "a day, a month and a year"),
        ({"time_zone": "Mars/Olympus"}, "name of a zone"),
    ],
)
def test_options_that_are_refused(options: dict[str, object], said: str) -> None:
    with pytest.raises(Exception, match=said):
        reading_of(**options)  # type: ignore[arg-type] # one of them
