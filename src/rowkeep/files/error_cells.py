"""Error cells: cells of a sheet whose formula has no value, such as #DIV/0!, which calamine reads as empty.

They are found in the XML of .xlsx, .xlsm and .ods files. Files of .xls and .xlsb have no XML.
"""

from __future__ import annotations

import posixpath
import re
import zlib
from collections.abc import Callable, Collection, Mapping
from typing import IO, BinaryIO
from xml.parsers import expat
from zipfile import BadZipFile, ZipFile

import msgspec

from rowkeep.files.records import FileRefused

MAX_ERROR_CELLS = 100_000
PART_BYTES = 1024 * 1024
LONGEST_MARK = 64
"""More bytes than what ``MARK`` finds has."""

MARK = re.compile(rb"""\bt\s*=\s*["']e["']|value-type\s*=\s*["']error["']""")
"""What the XML of a sheet without error cells does not have."""

ADDRESS = re.compile(r"([A-Z]{1,3})(\d{1,7})")
MAX_TEXT = 100

NO_XML = (BadZipFile, KeyError, RuntimeError, UnicodeDecodeError, zlib.error, EOFError)
"""What is raised for an archive without the XML of a sheet, and for one that only calamine can read, such as
one that says that it is of a newer version of zip."""

Attributes = Mapping[str, str]


class ErrorCell(msgspec.Struct, frozen=True, gc=False):
    """The error of a cell, such as ``#DIV/0!``, and the place of the cell, such as ``B2``."""

    text: str
    address: str

    def __str__(self) -> str:
        return self.text


Found = dict[int, dict[int, ErrorCell]]
"""Error cells by row number, counted from 1, and by column, counted from 0."""


def error_cells(file: BinaryIO, sheet: str, nulls: Collection[str], name: str) -> Found | None:
    """The error cells of a sheet without those of the texts ``nulls``; None if the file has no XML. Raises
    FileRefused if they are too many."""
    try:
        with ZipFile(file) as archive:
            reader: _OdsReader | _XlsxReader
            parts = {each.lower(): each for each in archive.namelist()}
            if "content.xml" in parts:
                part, reader = parts["content.xml"], _OdsReader(sheet, nulls, name)
            else:
                part, reader = part_of(archive, parts, sheet), _XlsxReader(nulls, name)
            with archive.open(part) as xml:
                if not _is_marked(xml):
                    return {}
            with archive.open(part) as xml:
                _parse(xml, reader.start, reader.end, reader.text)
    except NO_XML:
        return None
    except expat.ExpatError as error:
        raise FileRefused(f"{name} has a sheet that cannot be read: {error}.") from None
    return reader.found


def _is_marked(xml: IO[bytes]) -> bool:
    rest = b""
    while part := xml.read(PART_BYTES):
        if MARK.search(rest + part):
            return True
        rest = part[-LONGEST_MARK:]
    return False


def _parse(
    xml: IO[bytes],
    start: Callable[[str, Attributes], None],
    end: Callable[[str], None] | None = None,
    text: Callable[[str], None] | None = None,
) -> None:
    """Names of elements are without the prefix of their namespace."""
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = lambda name, attributes: start(_local(name), attributes)
    if end is not None:
        parser.EndElementHandler = lambda name: end(_local(name))
    if text is not None:
        parser.CharacterDataHandler = text
    while part := xml.read(PART_BYTES):
        parser.Parse(part, False)
    parser.Parse(b"", True)


def _local(name: str) -> str:
    return name.rpartition(":")[2]


def part_of(archive: ZipFile, parts: Mapping[str, str], sheet: str) -> str:
    """The part of the archive with the cells of a sheet. Raises KeyError if it is not XML."""
    ids: dict[str, str] = {}

    def sheets(name: str, attributes: Attributes) -> None:
        if name == "sheet":
            ids[attributes.get("name", "")] = next(
                (value for key, value in attributes.items() if key != "id" and _local(key) == "id"), ""
            )

    with archive.open(parts["xl/workbook.xml"]) as xml:
        _parse(xml, sheets)
    return part_with_id(archive, parts, "xl/_rels/workbook.xml.rels", ids[sheet])


def part_with_id(archive: ZipFile, parts: Mapping[str, str], relations: str, wanted: str) -> str:
    """The part of the archive that has this id in the relations of a workbook. Raises KeyError."""
    targets: dict[str, str] = {}

    def relation(name: str, attributes: Attributes) -> None:
        if name == "Relationship":
            targets[attributes.get("Id", "")] = attributes.get("Target", "")

    with archive.open(parts[relations]) as xml:
        _parse(xml, relation)
    target = posixpath.normpath(posixpath.join("/xl", targets[wanted])).lstrip("/")
    return parts[target.lower()]


class _Reader:
    """Where in the XML of a sheet the parser is."""

    def __init__(self, nulls: Collection[str], name: str) -> None:
        self.found: Found = {}
        self._nulls = nulls
        self._name = name
        self._count = 0
        self._row = 0
        self._column = -1
        self._text: list[str] | None = None
        """The parts of the text of an error cell, if the parser is in one."""

    def text(self, text: str) -> None:
        if self._text is not None:
            self._text.append(text)

    def _add(self, repeated: int = 1) -> None:
        """The cell at the present place ends, and so many before it are like it."""
        text = "".join(self._text or ()).strip()[:MAX_TEXT] or "error"
        self._text = None
        if text not in self._nulls:
            for column in range(self._column - repeated + 1, self._column + 1):
                self._put(self._row, column, text)

    def _put(self, row: int, column: int, text: str) -> None:
        self._count += 1
        if self._count > MAX_ERROR_CELLS:
            raise FileRefused(
                f"{self._name} has more than {MAX_ERROR_CELLS:,} cells with errors, such as {text}. Correct "
                f"them, or import them as empty cells (--null {text!r})."
            )
        self.found.setdefault(row, {})[column] = ErrorCell(text, f"{letters(column)}{row}")


class _XlsxReader(_Reader):
    def start(self, name: str, attributes: Attributes) -> None:
        if name == "row":
            self._row = int(attributes["r"]) if attributes.get("r", "").isdecimal() else self._row + 1
            self._column = -1
        elif name == "c":
            place = ADDRESS.fullmatch(attributes.get("r", ""))
            self._column = self._column + 1 if place is None else column_number(place[1])
            self._is_error = attributes.get("t") == "e"
        elif name == "v" and self._is_error:
            self._text = []

    _is_error = False

    def end(self, name: str) -> None:
        if name == "v" and self._text is not None:
            self._add()


class _OdsReader(_Reader):
    def __init__(self, sheet: str, nulls: Collection[str], name: str) -> None:
        super().__init__(nulls, name)
        self._sheet = sheet
        self._is_wanted = False
        self._rows = self._cells = 1
        """How often the present row and cell are repeated."""

    def start(self, name: str, attributes: Attributes) -> None:
        if name == "table":
            self._is_wanted = attributes.get("table:name") == self._sheet
            self._row = 0
        elif name == "table-row":
            self._row += 1
            self._rows = _count(attributes.get("table:number-rows-repeated"))
            self._column = -1
        elif name in ("table-cell", "covered-table-cell"):
            self._cells = _count(attributes.get("table:number-columns-repeated"))
            self._column += self._cells
            is_error = any(
                _local(key) == "value-type" and each == "error" for key, each in attributes.items()
            )
            self._text = [] if is_error and self._is_wanted else None

    def end(self, name: str) -> None:
        if name == "table-cell" and self._text is not None:
            self._add(self._cells)
        elif name == "table-row":
            first = self._row
            self._row += self._rows - 1
            cells = list(self.found.get(first, {}).items())
            for number in range(first + 1, self._row + 1) if cells else ():
                for column, error in cells:
                    self._put(number, column, error.text)


def _count(text: str | None) -> int:
    return int(text) if text is not None and text.isdecimal() and len(text) < 8 else 1


def column_number(name: str) -> int:
    """The number of a column by its letters, counted from 0."""
    number = 0
    for letter in name:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1


def letters(column: int) -> str:
    """The letters of a column, counted from 0: A, B, …, Z, AA, …"""
    name = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        name = chr(ord("A") + rest) + name
    return name
