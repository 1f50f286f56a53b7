"""Texts of files: encodings, delimiters and compression are found, and read as UTF-8."""

from __future__ import annotations

import gzip
import io
from typing import BinaryIO

import pytest
from msgspec import structs

from rowkeep.files.compressed import GZIP, ZSTD, packing
from rowkeep.files.content import Content
from rowkeep.files.detection import delimiter_of
from rowkeep.files.encoding import asked_encoding, encoding_of
from rowkeep.files.formats import format_of
from rowkeep.files.reading import Reading
from rowkeep.files.records import FileRefused, Row, Target, Unreadable

TEXTS = {
    "Name;Stadt\nJürgen;Köln\n": (
        "utf-8",
        "cp1252",
        "utf-16",
        "utf-16-le",
        "utf-16-be",
        "utf-8-sig",
        "utf-32",
    ),
    "Prix,Note\n5 €,“déjà vu”\n": ("utf-8", "cp1252"),
    "Имя;Город\nИван;Москва\nПётр;Санкт-Петербург\n": ("utf-8", "cp1251", "koi8-r", "utf-16"),
    "名前,都市\n太郎,東京\n花子,大阪\n": ("utf-8", "shift_jis", "utf-16-le"),
    "Imię,Miasto\nŻółw,Łódź\nwąż,gęś\n": ("utf-8", "cp1250"),
    "Wähler(innen);Straße\n1;2\n": ("latin-1",),
    "é": ("cp1252",),
    "plain,ASCII\n": ("ascii",),
}


class Pipe(io.RawIOBase):
    """Bytes that can be read once."""

    def __init__(self, data: bytes) -> None:
        self._inner = io.BytesIO(data)

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        return self._inner.read(min(size, 7) if size > 0 else size)


def content(data: bytes, reading: Reading | None = None, *, is_pipe: bool = False) -> Content:
    file: BinaryIO = Pipe(data) if is_pipe else io.BytesIO(data)  # type: ignore[assignment] # what is read of it
    return Content(file, "file.csv", None if is_pipe else len(data), reading or Reading())


@pytest.mark.parametrize("is_pipe", [False, True])
@pytest.mark.parametrize("text", TEXTS)
def test_texts_are_read_as_utf8(text: str, is_pipe: bool) -> None:
    for encoding in TEXTS[text]:
        for compression in (None, GZIP, ZSTD):
            packed = io.BytesIO()
            with packing(packed, compression) as out:
                out.write(text.encode(encoding))
            found = content(packed.getvalue(), is_pipe=is_pipe)
            assert found.head == text, encoding
            read = found.text().read().decode().removeprefix("\ufeff")
            assert (read, found.compression) == (text, compression), (encoding, found.encoding)
            if not is_pipe:
                again = found.text(3).read()
                whole = ("\ufeff" if encoding == "utf-8-sig" else "") + text
                assert again == whole.encode()[3:]


def test_an_encoding_that_is_named() -> None:
    assert encoding_of("ü".encode("cp850"), asked_encoding("CP850")).name == "cp850"
    found = content("ü".encode("cp850"), Reading(encoding="cp850"))
    assert found.text().read().decode() == "ü"
    with pytest.raises(FileRefused, match="not in the encoding utf-16"):
        content(b"abc", Reading(encoding="utf-16-le")).text().read()
    for each in ("base64", "idna", "punycode", "undefined", "unicode_escape", "raw-unicode-escape"):
        with pytest.raises(LookupError):
            asked_encoding(each)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_an_encoding_that_needs_a_byte_order_mark(encoding: str) -> None:
    text = "a,b\n1,2\n"
    reading = Reading(encoding=asked_encoding(encoding))
    assert content(text.encode(encoding), reading).text().read().decode() == text
    with pytest.raises(FileRefused, match=f"byte order mark. Use --encoding {encoding}-le or {encoding}-be"):
        content(text.encode(f"{encoding}-le"), reading).text().read()


def test_windows_1252_with_what_it_does_not_have_is_latin_1() -> None:
    assert encoding_of(b"caf\xe9\x81\n").name in ("latin_1", "cp1252")
    assert encoding_of(b"\xff\xfe").has_mark


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"PK\x03\x04 and so on", "file.csv is an Excel or OpenDocument file. Use --format xlsx."),
        (b"PAR1", "Use --format parquet"),
        (b"a,b\x00\x00\x00c\n\x00", "bytes 0"),
    ],
)
def test_what_is_no_text(data: bytes, said: str) -> None:
    with pytest.raises(FileRefused, match=said):
        _ = content(data).head


@pytest.mark.parametrize("cut", [5, 25])
def test_a_damaged_compressed_file(cut: int) -> None:
    data = gzip.compress(b"a,b\n" * 1000)[:cut]
    with pytest.raises(FileRefused, match=r"file\.csv is not a complete gzip file"):
        content(data).text().read()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a;b\n1,5;2,5\n3,5;4\n", ";"),
        ("a,b\n1;2,3\n", ","),
        ("a\tb,c\n1\t2\n", "\t"),
        ("a|b|c\n1|2|3\n", "|"),
        ("only\n1\n2\n", ","),
        ("only\n1,5\n2,5\n", ","),
        ("sep=|\na|b,c,d\n", "|"),
        ('"a;b",c\n"1;2",3\n', ","),
        ("Name, first;Age\nx;1\ny;2\n", ";"),
        ("a;b;c\n1;x\vy\vz;3\n2;x\u2028y\x85z;3\n", ";"),
        ("", ","),
    ],
)
def test_delimiters(text: str, expected: str) -> None:
    assert delimiter_of(text, '"', 1, is_whole=True) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Last, first\tAge, years\nDoe, John\t1,5\n", "\t"),
        ("Last, first\tAge; years\n", "\t"),
        ("Name\nDoe, John\n", "\t"),
        ("a;b\n1;2\n", ";"),
        ("sep=,\na,b\tc\n", ","),
    ],
)
def test_the_usual_delimiter_of_a_format(text: str, expected: str) -> None:
    assert delimiter_of(text, '"', 1, is_whole=True, usual="\t") == expected


def test_commas_in_a_file_with_tabs() -> None:
    text = b"Last, first\tAge, years\nDoe, John\t1,5\n"
    assert rows_of(text, "f.tsv") == ['{"Last, first":"Doe, John","Age, years":"1,5"}']


def rows_of(data: bytes, name: str = "f.csv", types: tuple[str, ...] = (), **options: object) -> list[object]:
    reading = structs.replace(Reading(), **options)
    kind = format_of(name, None)
    kind.check(reading)
    source = kind.open(content(data, reading), reading)
    names = source.names or ()
    kinds = (*types, *["string"] * (len(names) - len(types)))
    targets = [
        Target(each or f"#{at}", kind) for at, (each, kind) in enumerate(zip(names, kinds, strict=True))
    ]
    found: list[object] = []
    records = list(source.records(source.start, targets))
    for at, record in enumerate(records, 1):
        # reading can begin after each record
        assert list(source.records(record.end, targets)) == records[at:]
        if isinstance(record, Row):
            found.append(record.json.decode())
        else:
            assert isinstance(record, Unreadable)
            found.append(record.reason)
    return found


def test_csv_sources() -> None:
    assert rows_of(b"sep=;\r\na;b\r\n1;\r\n") == ['{"a":"1","b":null}']
    assert rows_of("a;b\n1,5;x\n\n2;\n".encode("cp1252"), types=("number",), decimal=",") == [
        '{"a":1.5,"b":"x"}',
        '{"a":2,"b":null}',
    ]
    assert rows_of(b"title\n\na,b\n1,2\n", header_line=3) == ['{"a":"1","b":"2"}']
    assert rows_of(b"1,2\n3,4\n", header_line=0, only=("x", "y")) == [
        '{"x":"1","y":"2"}',
        '{"x":"3","y":"4"}',
    ]
    with pytest.raises(FileRefused, match="names 3 columns, but"):
        rows_of(b"1,2\n", header_line=0, only=("x", "y", "z"))
    with pytest.raises(FileRefused, match="without names"):
        rows_of(b"1,2\n", header_line=0)
    assert rows_of(b'a\nNULL\n\n"NULL"\n', nulls=("NULL",)) == ['{"a":null}', '{"a":null}', '{"a":"NULL"}']
    assert rows_of(b"a,b\n1\n") == ["The record has 1 cells, but the header has 2."]


def test_ndjson_sources() -> None:
    data = '{"a":1,"b":2,"_id":3}\n\n{"b":"ü"}\n'
    options = {"renames": (("a", "x"),), "skipped": ("c",)}
    expected = ['{"x":1,"b":2}', '{"b":"ü"}']
    assert rows_of(data.encode("utf-16"), "f.ndjson", **options) == expected
    assert rows_of(data.encode(), "f.ndjson", only=("a",)) == ['{"a":1}', "{}"]
