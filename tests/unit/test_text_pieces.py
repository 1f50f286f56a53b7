"""Text pieces: the server reads them as the import would, or refuses them."""

from __future__ import annotations

import io
from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rowkeep.codec.streams.blocks import Block
from rowkeep.codec.streams.csv_blocks import read_block, read_header
from rowkeep.errors.catalogue import MalformedCsv
from rowkeep.files import text_pieces
from rowkeep.files.csv_blocks import records_of
from rowkeep.files.csv_records import CsvRecord, Dialect
from rowkeep.files.reading import Reading
from rowkeep.files.records import Position, Target
from rowkeep.files.text_pieces import NdjsonText, TextFile, TextPiece, csv_text

START = Position(1, 0)
PIECES = [
    b"a",
    b"Z\xc3\xbc",
    b",",
    b",",
    b";",
    b'"',
    b'""',
    b'"a\nb",',
    b"\n",
    b"\n",
    b"\r\n",
    b"\r",
    b"\xff",
    b"\0",
]
TWO = (Target("a", "string"), Target("b", "number"))


def csv_file(text: bytes, dialect: Dialect, targets: Sequence[Target | None] = TWO) -> TextFile:
    form = csv_text(targets, Reading(), dialect)
    assert form is not None
    return TextFile(form, lambda offset: io.BytesIO(text[offset:]))


def pieces(file: TextFile, size: int) -> list[TextPiece]:
    found: list[TextPiece] = []
    at = START
    while piece := file.take(at, size):
        found.append(piece)
        at = piece.end
    return found


def as_the_server_reads(body: bytes) -> list[list[str | None]] | None:
    """The cells of a stream; None if it is refused."""
    try:
        names, rest = read_header(Block(body, 1))
        block = read_block(rest, len(names))
    except MalformedCsv:
        return None
    return None if block.unfit else [list(row) for row in zip(*block.columns, strict=True)]


def as_an_import_reads(text: bytes, piece: TextPiece, dialect: Dialect) -> list[CsvRecord]:
    part = io.BytesIO(text[piece.start.offset :])
    records = [each for each in records_of(part, piece.start, dialect) if each.end <= piece.end]
    assert records[-1].end == piece.end
    return records


@pytest.mark.parametrize("size", [5, 30, 1000])
@pytest.mark.parametrize("delimiter", [",", ";"])
def test_the_server_reads_the_same(size: int, delimiter: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_pieces, "BLOCK_BYTES", 20)
    dialect = Dialect(delimiter=delimiter)

    @settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # on a slow machine too
    @given(st.lists(st.sampled_from(PIECES), max_size=40).map(b"".join))
    def same(text: bytes) -> None:
        for piece in pieces(csv_file(text, dialect), size):
            cells = as_the_server_reads(piece.body)
            if cells is not None:
                expected = as_an_import_reads(text, piece, dialect)
                assert cells == [each.cells for each in expected]
                assert piece.rows == len(cells)

    same()


@pytest.mark.parametrize(
    ("text", "dialect"),
    [
        (b"1,2\n3,4\n", Dialect()),
        (b"1,2\r\n3,4", Dialect()),
        (b'"1, ""x""\ny",2\n,""\n', Dialect()),
        (b"1\t2\n3\t4\n", Dialect(delimiter="\t")),
        (b"1;2\n3;4\n", Dialect(delimiter=";", quote="")),
    ],
)
def test_usual_files_are_sent_as_they_are(text: bytes, dialect: Dialect) -> None:
    (piece,) = pieces(csv_file(text, dialect), 1000)
    assert (piece.end.offset, piece.rows) == (len(text), 2)
    again = csv_file(text, dialect).piece(piece.start, piece.end, 2)
    assert again == piece


@pytest.mark.parametrize(
    ("text", "dialect"),
    [
        (b"1,2\n\n3,4\n", Dialect()),
        (b"1,2\n3\n", Dialect()),
        (b'1,"2\n', Dialect()),
        (b"1,2\r3,4\n", Dialect()),
        (b"1,\0\n", Dialect()),
        (b"1;2,5\n", Dialect(delimiter=";")),
        (b'1;"2"\n', Dialect(delimiter=";")),
        (b"'1','2'\n", Dialect(quote="'")),
    ],
)
def test_others_are_read(text: bytes, dialect: Dialect) -> None:
    assert pieces(csv_file(text, dialect), 1000) == []


@pytest.mark.parametrize(
    ("targets", "reading", "dialect"),
    [
        ((Target("a", "string"), None), Reading(), Dialect()),
        ((Target("a", "string"), Target("b", "date")), Reading(), Dialect()),
        ((Target("a", "string"), Target("b", "json")), Reading(), Dialect()),
        ((Target("a", "string"), Target("b", "of a newer server")), Reading(), Dialect()),
        (TWO, Reading(decimal=","), Dialect()),
        (TWO, Reading(), Dialect(nulls=frozenset({"NULL"}))),
        (TWO[:1], Reading(), Dialect()),
    ],
)
def test_cells_that_must_be_converted(
    targets: Sequence[Target | None], reading: Reading, dialect: Dialect
) -> None:
    assert csv_text(targets, reading, dialect) is None


def test_ndjson() -> None:
    def found(text: bytes) -> list[TextPiece]:
        return pieces(TextFile(NdjsonText(), lambda offset: io.BytesIO(text[offset:])), 1000)

    (piece,) = found(b'{"a":1}\n{"a":2}')
    assert (piece.end, piece.rows, piece.body) == (Position(3, 15), 2, b'{"a":1}\n{"a":2}\n')
    for text in (b'{"a":1}\n\n{"a":2}\n', b' {"a":1}\n', b'{"_id":"x","a":1}\n', b"[1]\n"):
        assert found(text) == []
