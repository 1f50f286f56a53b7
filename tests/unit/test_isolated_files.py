"""Hostile files: they end the process that reads them, with a clear error, and nothing else."""

from __future__ import annotations

import gzip
import io
import json
import signal
import zipfile
from pathlib import Path
from typing import Any

import pytest

from rowkeep.files.isolated import _why_it_ended, inspected, isolated
from rowkeep.files.reading import Reading
from rowkeep.files.reading_frames import FileToRead, ReadingBounds
from rowkeep.files.records import FileRefused, Row, Target, Unreadable


def file_at(path: Path, kind: str = "csv", **bounds: int) -> FileToRead:
    usual = {"memory_bytes": 1024**3, "unpacked_bytes": 1024**3, "cpu_seconds": 60}
    return FileToRead(
        path=str(path),
        name=path.name,
        format=kind,
        reading=Reading(),
        bounds=ReadingBounds(**(usual | bounds)),
    )


def stored(tmp_path: Path, name: str, content: bytes) -> Path:
    path = tmp_path / name
    path.write_bytes(content)
    return path


def refusal(file: FileToRead) -> str:
    with pytest.raises(FileRefused) as refused:
        inspected(file, "", str(Path(file.path).parent))
    return str(refused.value)


def test_a_small_file_that_becomes_large(tmp_path: Path) -> None:
    bomb = stored(tmp_path, "a.csv.gz", gzip.compress(b"a,b\n" + b"1,2\n" * 2_000_000, 1))
    assert refusal(file_at(bomb, unpacked_bytes=1024**2)).startswith(
        "a.csv.gz has more than 1,048,576 bytes when it is unpacked."
    )


def test_a_workbook_that_becomes_large(tmp_path: Path) -> None:
    book = io.BytesIO()
    with zipfile.ZipFile(book, "w") as packed:
        packed.writestr("xl/workbook.xml", b"x")
    content = bytearray(book.getvalue())
    # the size in the directory at the end of the file
    at = content.rindex(b"PK\x01\x02") + 24
    content[at : at + 4] = (3 * 1024**3).to_bytes(4, "little")
    refused = refusal(file_at(stored(tmp_path, "a.xlsx", bytes(content)), "xlsx"))
    assert "3,221,225,472 bytes when it is unpacked" in refused


def test_a_cell_that_needs_too_much_memory(tmp_path: Path) -> None:
    huge = stored(tmp_path, "a.ndjson", b'{"a": "' + b"x" * 60_000_000 + b'"}\n')
    refused = refusal(file_at(huge, "ndjson", memory_bytes=64 * 1024**2))
    assert refused == (
        "a.ndjson needs more than 67,108,864 bytes of memory (the setting max_file_memory_bytes). Divide it."
    )


OF = "urn:oasis:names:tc:opendocument:xmlns"
REPEATED = f"""<?xml version="1.0"?>
<office:document-content xmlns:office="{OF}:office:1.0" xmlns:table="{OF}:table:1.0"
 xmlns:text="{OF}:text:1.0"><office:body><office:spreadsheet><table:table table:name="S">
<table:table-row table:number-rows-repeated="2000"><table:table-cell office:value-type="string"
 table:number-columns-repeated="16384"><text:p>x</text:p></table:table-cell></table:table-row></table:table></office:spreadsheet></office:body>
</office:document-content>"""


def test_a_sheet_of_one_cell_that_is_repeated(tmp_path: Path) -> None:
    path = tmp_path / "a.ods"
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        packed.writestr("META-INF/manifest.xml", "<manifest/>")
        packed.writestr("content.xml", REPEATED)
    refused = refusal(file_at(path, "ods", memory_bytes=64 * 1024**2))
    assert refused == (
        "a.ods needs more than 67,108,864 bytes of memory (the setting max_file_memory_bytes). Save it as "
        "CSV, or divide it."
    )


def test_many_columns(tmp_path: Path) -> None:
    wide = stored(tmp_path, "a.csv", b"," * 1_000_000 + b"\n")
    assert "has 1,000,001 columns" in refusal(file_at(wide))


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (-signal.SIGXCPU, "takes more than 60 seconds"),
        (-signal.SIGXFSZ, "bytes when it is unpacked"),
        (-signal.SIGKILL, "bytes of memory"),
        (1, "may be damaged"),
    ],
)
def test_how_a_process_can_end(tmp_path: Path, status: int, words: str) -> None:
    assert words in _why_it_ended(status, file_at(tmp_path / "a.csv"))


def test_records_are_those_of_the_file(tmp_path: Path) -> None:
    lines = [f"{at},{at * 2}" for at in range(1200)]
    lines[7] = '7,"broken" x'
    path = stored(tmp_path, "a.csv", "\n".join(["a,b", *lines]).encode())
    targets = [Target("a", "integer"), Target("b", "string")]
    with isolated(file_at(path), str(tmp_path)) as source:
        assert (source.names, source.size) == (("a", "b"), path.stat().st_size)
        every = list(source.records(source.start, targets))
        again = list(source.records(every[999].end, targets))
    assert again == every[1000:]
    assert isinstance(every[7], Unreadable)
    rows: list[Any] = [(each.line, json.loads(each.json)) for each in every if isinstance(each, Row)]
    assert rows[0] == (2, {"a": 0, "b": "0"})
    assert (len(rows), rows[-1]) == (1199, (1201, {"a": 1199, "b": "2398"}))
