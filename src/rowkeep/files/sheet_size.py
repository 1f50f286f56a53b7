"""The size of a sheet: a sheet is held in memory up to its last row and column, also where it has no cells.

One cell in the last corner of an otherwise small sheet would need half a terabyte. Programs write the corners
of a sheet at its start, in XML (.xlsx) or as a binary record (.xlsb).
"""

from __future__ import annotations

import re
from typing import IO, BinaryIO
from xml.parsers import expat
from zipfile import ZipFile

from rowkeep.files.binary_sheets import binary_corner, binary_last, binary_part_of
from rowkeep.files.error_cells import NO_XML, PART_BYTES, column_number, letters, part_of
from rowkeep.files.records import FileRefused
from rowkeep.files.unfit import shown

MAX_CELLS = 250_000_000
"""The most cells of a sheet, of 32 bytes each, with those that are empty."""

HEAD_BYTES = 4096
LONGEST_ADDRESS = 32
"""More bytes than what ``CELL`` finds has."""

CORNERS = re.compile(rb"""\bdimension\s+ref\s*=\s*["']([A-Z]{1,3})(\d{1,7}):([A-Z]{1,3})(\d{1,7})["']""")
CELL = re.compile(rb"""\br\s*=\s*["']([A-Z]{1,3})(\d{1,7})["']""")


def check_size(file: BinaryIO, sheet: str, name: str) -> None:
    """Raises FileRefused if a sheet of an .xlsx or .xlsb file is too large to be held in memory."""
    try:
        with ZipFile(file) as archive:
            parts = {each.lower(): each for each in archive.namelist()}
            is_binary = "xl/workbook.bin" in parts
            part = (binary_part_of if is_binary else part_of)(archive, parts, sheet)
            corner, last = (binary_corner, binary_last) if is_binary else (_corner, _last)
            with archive.open(part) as cells:
                if _cells(*corner(cells)) <= MAX_CELLS:
                    return
            with archive.open(part) as cells:
                column, row = last(cells)
    except (*NO_XML, expat.ExpatError):
        return  # it has no XML, or is damaged, which its reader says
    if _cells(column, row) > MAX_CELLS:
        raise FileRefused(
            f"Sheet {shown(sheet)} of {name} has cells as far as column {letters(column)} and row {row:,}, "
            "which is too large. Delete the rows and columns after the data, or save it as CSV."
        )


def _corner(xml: IO[bytes]) -> tuple[int, int]:
    """The last column and the last row, as the file says."""
    found = CORNERS.search(xml.read(HEAD_BYTES))
    return (0, 0) if found is None else _place(found[3], found[4])


def _last(xml: IO[bytes]) -> tuple[int, int]:
    """The last column and the last row that have cells: what a file says of itself can be wrong."""
    column = row = 0
    rest = b""
    while part := xml.read(PART_BYTES):
        for found in CELL.finditer(rest + part):
            at, line = _place(found[1], found[2])
            column, row = max(column, at), max(row, line)
        rest = part[-LONGEST_ADDRESS:]
    return column, row


def _place(column: bytes, row: bytes) -> tuple[int, int]:
    return column_number(column.decode()), int(row)


def _cells(column: int, row: int) -> int:
    return (column + 1) * row
