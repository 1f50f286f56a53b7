"""Text import: sends a file in pieces as they are, and imports record by record what the server refuses or
what cannot be sent so."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator

from rowkeep.files.records import Position, Record
from rowkeep.files.row_import import RowImport
from rowkeep.files.text_pieces import TextFile

FIRST_TEXT_BYTES = 1024 * 1024
TEXT_BYTES = 32 * 1024 * 1024
"""The size of the first piece, and of the largest: on SQLite, other writers wait while one is stored."""

READ_BYTES = 8 * 1024 * 1024
MAX_READ_BYTES = 512 * 1024 * 1024
"""How much is read record by record where a piece cannot be sent, each time twice as much."""

GROWTH = 4


class _Window:
    """The records between two positions of a file."""

    def __init__(self, records: Iterable[Record], end: Position) -> None:
        self._records = records
        self._end = end
        self.is_last = False

    def __iter__(self) -> Iterator[Record]:
        for record in self._records:
            yield record
            if record.end.offset >= self._end.offset:
                return
        self.is_last = True


class TextImport:
    """Imports a whole file."""

    def __init__(
        self, importer: RowImport, text: TextFile, read: Callable[[Position], Iterable[Record]]
    ) -> None:
        """``read`` reads the records from a position on."""
        self._importer = importer
        self._text = text
        self._read = read
        self._size = FIRST_TEXT_BYTES
        self._read_bytes = READ_BYTES

    async def run(self) -> None:
        """Import all records from the current position on. Raises what ``RowImport.run`` raises."""
        importer = self._importer
        end = await self._settle()
        while importer.can_stream_text:
            if end is None:
                end = max(await self._send(), self._after(self._read_bytes))
                self._read_bytes = min(MAX_READ_BYTES, 2 * self._read_bytes)
            window = _Window(self._read(importer.standing.next), end)
            await importer.run(window)
            if window.is_last:
                return
            end = None
        await importer.run(self._read(importer.standing.next))

    async def _settle(self) -> Position | None:
        """Send the request whose response was lost again. Returns the end of its records if it was refused,
        or was not text."""
        flight = self._importer.in_flight
        if flight is None or flight.resent:
            return None
        if not flight.is_text:
            return flight.end
        start = self._importer.standing.next
        piece = await asyncio.to_thread(self._text.piece, start, flight.end, flight.rows)
        is_imported = await self._importer.stream_text(piece, self._text.media_type)
        return None if is_imported else flight.end

    async def _send(self) -> Position:
        """Send pieces, up to the end of the file, or until one is refused, or until records must be read one
        by one. Returns the position up to which this is known."""
        importer = self._importer
        while importer.can_stream_text:
            piece = await asyncio.to_thread(self._text.take, importer.standing.next, self._size)
            if piece is None:
                break
            if not await importer.stream_text(piece, self._text.media_type):
                self._size = FIRST_TEXT_BYTES
                return piece.end
            if self._size >= READ_BYTES:
                self._read_bytes = READ_BYTES
            self._size = min(TEXT_BYTES, GROWTH * self._size)
        return importer.standing.next

    def _after(self, size: int) -> Position:
        start = self._importer.standing.next
        return Position(start.line, start.offset + size)
