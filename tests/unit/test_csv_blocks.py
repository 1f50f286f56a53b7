"""CSV blocks: the same records as those of the csv module, wherever blocks end."""

from __future__ import annotations

import io

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rowkeep.files import csv_blocks
from rowkeep.files.csv_blocks import records_of
from rowkeep.files.csv_records import CsvRecord, Dialect, csv_records
from rowkeep.files.lines import lines_of
from rowkeep.files.records import FileRefused, Position

START = Position(1, 0)
PIECES = [
    b"a",
    b"Z\xc3\xbc",
    b",",
    b";",
    b'"',
    b'""',
    b"\n",
    b"\r\n",
    b"\r",
    b"\xff",
    b"\0",
    b"\xef\xbb\xbf",
    b"null",
]


def records(read: object) -> list[CsvRecord] | str:
    try:
        return list(read)  # type: ignore[call-overload] # an iterator of records
    except FileRefused as error:
        return str(error)


@pytest.mark.parametrize("size", [1, 7, 64])
@pytest.mark.parametrize(
    "dialect", [Dialect(), Dialect(delimiter=";", quote=""), Dialect(nulls=frozenset({"null"}))]
)
def test_blocks_have_the_records_of_the_file(
    size: int, dialect: Dialect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_blocks, "BLOCK_BYTES", size)

    @settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # on a slow machine too
    @given(st.lists(st.sampled_from(PIECES), max_size=40).map(b"".join))
    def same(text: bytes) -> None:
        expected = records(csv_records(lines_of(io.BytesIO(text), START), dialect))
        assert records(records_of(io.BytesIO(text), START, dialect)) == expected

    same()


def test_reading_continues_at_the_end_of_a_record() -> None:
    text = b'a,b\n1,"2\n3"\n4,\n'
    for record in records_of(io.BytesIO(text), START, Dialect()):
        rest = io.BytesIO(text)
        rest.seek(record.end.offset)
        assert [each.end for each in records_of(rest, record.end, Dialect())][-1:] in ([], [Position(5, 15)])
