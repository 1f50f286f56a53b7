"""The binary records of .xlsb files: where the cells of a sheet are, and how far they go."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator, Mapping
from typing import IO, cast
from zipfile import ZipFile

from rowkeep.files.error_cells import PART_BYTES, part_with_id

SHEET, CORNERS, ROW = 0x9C, 0x94, 0
CELLS = range(2, 12)
"""The kinds of records: a sheet of a workbook, the corners of a sheet, a row, and a cell with a value or a
formula. (BrtBundleSh, BrtWsDim, BrtRowHdr, and BrtCellRk to BrtFmlaError)"""

LONGEST_HEAD = 64
"""How many records can come before the corners of a sheet."""


def binary_part_of(archive: ZipFile, parts: Mapping[str, str], sheet: str) -> str:
    """The part of the archive with the cells of a sheet. Raises KeyError."""
    with archive.open(parts["xl/workbook.bin"]) as book:
        sheets = [_sheet(data) for kind, data in _records(book) if kind == SHEET]
    ids = {name: known_as for known_as, name in sheets}
    return part_with_id(archive, parts, "xl/_rels/workbook.bin.rels", ids[sheet])


def binary_corner(cells: IO[bytes]) -> tuple[int, int]:
    """The last column, counted from 0, and the last row, counted from 1, as the file says."""
    for at, (kind, data) in enumerate(_records(cells)):
        if kind == CORNERS:
            _, row, _, column = struct.unpack_from("<4I", data.ljust(16, b"\0"))
            return column, row + 1
        if at == LONGEST_HEAD:
            break
    return 0, 0


def binary_last(cells: IO[bytes]) -> tuple[int, int]:
    """The same of what has cells."""
    column = row = number = 0
    for kind, data in _records(cells):
        if len(data) < 4:
            continue
        if kind == ROW:
            number = int.from_bytes(data[:4], "little") + 1
        elif kind in CELLS:
            column, row = max(column, int.from_bytes(data[:4], "little")), max(row, number)
    return column, row


def _sheet(sheet: bytes) -> tuple[str, str]:
    """The id and the name of a sheet, each with its length before it."""
    at = 8
    texts = []
    for _ in range(2):
        end = at + 4 + 2 * int.from_bytes(sheet[at : at + 4], "little")
        texts.append(sheet[at + 4 : end].decode("utf-16-le"))
        at = end
    return texts[0], texts[1]


def _records(part: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    """Each record has a kind of one or two bytes, and a length of up to four bytes with seven bits each."""
    buffered = io.BufferedReader(cast("io.RawIOBase", part), PART_BYTES)
    while kind := buffered.read(1):
        number = kind[0]
        if number & 0x80:
            number = number & 0x7F | _byte(buffered) << 7
        length = 0
        for shift in (0, 7, 14, 21):
            byte = _byte(buffered)
            length |= (byte & 0x7F) << shift
            if not byte & 0x80:
                break
        yield number, buffered.read(length)


def _byte(part: IO[bytes]) -> int:
    return int.from_bytes(part.read(1), "little")
