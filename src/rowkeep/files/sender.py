"""Sender: sends each bulk insert under an idempotency key, which the journal has before the request is sent.

So a request whose response was lost is simply sent again: the server stores its rows once. After an
interruption, the request of the journal is built again from the file and sent under the same key.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

import msgspec
from msgspec import structs

from rowkeep.errors.catalogue import IdempotencyKeyReused, SetupError
from rowkeep.files.bulk import BulkReply
from rowkeep.files.journal import WHOLE, InFlight, Ledger
from rowkeep.files.records import FileRefused, Position, Row
from rowkeep.files.requests import BulkOptions, idempotency_key
from rowkeep.files.responses import RequestRefused
from rowkeep.files.row_api import NDJSON, RowApi
from rowkeep.files.text_pieces import TextPiece
from rowkeep.files.whole_stream import SendChunks

MARGIN_SECONDS = 60
"""How long before a key expires it is not relied on any more."""


class Uncertain(SetupError):
    """It is unknown whether a request was executed; the message says what to check, and how to continue."""


class Extent(msgspec.Struct, frozen=True):
    """Which rows a request has: those up to this position of the file, and this number of waiting rows."""

    end: Position
    resent: int

    @property
    def place(self) -> str:
        return f"{self.end.line},{self.end.offset},{self.resent}"


class _Sent(msgspec.Struct, frozen=True):
    """The rows of a request: their number, the lines of the first and the last one, and how they are sent."""

    rows: int
    first: int
    last: int
    is_streamed: bool = False
    is_text: bool = False

    @classmethod
    def of(cls, rows: list[Row], *, is_streamed: bool = False) -> _Sent:
        return cls(len(rows), rows[0].line, rows[-1].line, is_streamed)


class Sender:
    """Sends bulk inserts to one table, with one journal."""

    def __init__(
        self, api: RowApi, table: str, ledger: Ledger, options: BulkOptions,
        clock: Callable[[], float] = time.time,
    ) -> None:  # fmt: skip
        self._api = api
        self._table = table
        self._ledger = ledger
        self._clock = clock
        self.options = options

    async def send(self, rows: list[Row], extent: Extent) -> BulkReply:
        """Insert these rows, which are those of ``extent``. Until the caller records its new progress, the
        request stays in the journal.

        Raises RequestRefused (the request is then not in the journal any more), Uncertain, FileRefused, and
        SetupError if the server stays unavailable.
        """
        body = self.options.body(rows)
        key = None if self.options.is_dry_run else self._key(extent, body)
        reply = await self._sent(_Sent.of(rows), extent, key, lambda: self._api.bulk(self._table, body, key))
        if reply.failed and not reply.has_errors:
            # the stored response was too large, so the server has only its counts
            raise Uncertain(
                f"Lines {rows[0].line} to {rows[-1].line} were imported, but the response was lost, and it "
                f"is not known which {reply.failed} of their {len(rows)} rows were rejected. Use "
                "--in-doubt stored to continue with the next rows, and a smaller --batch to avoid this."
            )
        return reply

    async def stream(self, rows: list[Row], extent: Extent) -> BulkReply:
        """Insert or upsert these rows, all or none of them, as a stream. Raises the same errors."""
        return await self._stream(self.options.lines(rows), NDJSON, _Sent.of(rows, is_streamed=True), extent)

    async def stream_text(self, piece: TextPiece, media_type: str) -> BulkReply:
        """Insert all rows of a piece of a file, or none, as a stream. Raises the same errors."""
        sent = _Sent(piece.rows, piece.start.line, piece.end.line - 1, is_streamed=True, is_text=True)
        return await self._stream(piece.body, media_type, sent, Extent(piece.end, 0))

    async def at_once(self, work: Callable[[SendChunks], Awaitable[BulkReply]]) -> BulkReply:
        """Insert all rows of a file, or none, as one stream that ``work`` sends, if need be several times.
        Raises the same errors."""
        progress = self._ledger.progress
        key = None if self.options.is_dry_run else idempotency_key(progress.run, "all", b"")
        first = progress.standing.next.line

        async def send(chunks: AsyncIterator[bytes], parameters: Mapping[str, str]) -> BulkReply:
            return await self._api.insert_stream(self._table, chunks, NDJSON, parameters, key)

        sent = _Sent(0, first, first, is_streamed=True)
        flight = progress.in_flight
        try:
            return await self._sent(sent, Extent(WHOLE, 0), key, lambda: work(send))
        except RequestRefused as error:
            if flight is None or error.code != IdempotencyKeyReused.code:
                raise
            self._ledger.record(progress)
            raise _changed(flight) from None

    async def _stream(self, body: bytes, media_type: str, sent: _Sent, extent: Extent) -> BulkReply:
        key = self._key(extent, body)

        async def call() -> BulkReply:
            return await self._api.insert_stream(self._table, body, media_type, self.options.parameters, key)

        reply = await self._sent(sent, extent, key, call)
        if reply.written != sent.rows:
            raise Uncertain(
                f"Lines {sent.first} to {sent.last} have {sent.rows} rows, but the server says that it "
                f"received {reply.written}. Something between here and the server may change requests. Use "
                "--batch 5000 to send rows in another way."
            )
        return reply

    def _key(self, extent: Extent, body: bytes) -> str:
        return idempotency_key(self._ledger.progress.run, extent.place, body)

    async def _sent(
        self,
        sent: _Sent,
        extent: Extent,
        key: str | None,
        call: Callable[[], Awaitable[BulkReply]],
    ) -> BulkReply:
        was_sent_before = self._ledger.progress.in_flight is not None
        if key is not None:
            self._write_down(sent, extent, key)
        tries = 0

        async def attempt() -> BulkReply:
            nonlocal tries
            tries += 1
            return await call()

        try:
            reply = await self._api.patiently(attempt)
        except RequestRefused:
            self._ledger.record(structs.replace(self._ledger.progress, in_flight=None))
            raise
        is_expected = was_sent_before or tries > 1
        return structs.replace(reply, is_replayed=False) if is_expected else reply

    async def upsert(self, rows: list[Row]) -> BulkReply:
        """Upsert these rows, all or none. The journal does not need the request: after an interruption it is
        sent again under another key, and changes nothing that it did not change before. Raises RequestRefused
        and SetupError."""
        body = self.options.body(rows, is_upsert=True)
        key = idempotency_key(secrets.token_hex(), "upsert", body)
        reply = await self._api.patiently(lambda: self._api.bulk(self._table, body, key))
        return structs.replace(reply, is_replayed=False)

    async def check(self, rows: list[Row]) -> BulkReply:
        """Insert these rows in a dry run. Raises RequestRefused, if none could be inserted, and
        SetupError."""
        body = structs.replace(self.options, is_dry_run=True).body(rows)
        return await self._api.patiently(lambda: self._api.bulk(self._table, body, None))

    def _write_down(self, sent: _Sent, extent: Extent, key: str) -> None:
        """Store the request in the journal, before it is sent. Raises FileRefused if another one is there."""
        progress = self._ledger.progress
        flight = progress.in_flight
        if flight is None:
            flight = InFlight(
                rows=sent.rows,
                first=sent.first,
                last=sent.last,
                end=extent.end,
                resent=extent.resent,
                key=key,
                sent_on=self._clock(),
                is_streamed=sent.is_streamed,
                is_text=sent.is_text,
            )
            self._ledger.record(structs.replace(progress, in_flight=flight))
        elif flight.key != key:
            raise _changed(flight)


def _changed(flight: InFlight) -> FileRefused:
    title = flight.title[:1].upper() + flight.title[1:]
    return FileRefused(
        f"{title} have changed since their request was sent, so it cannot be sent again. "
        + how_to_continue(flight)
    )


def check_count(rows: int, reply: BulkReply) -> None:
    """Raises Uncertain if the server received another number of rows than the file has."""
    if reply.written != rows:
        raise Uncertain(
            f"The file has {rows} rows, but the server says that it received {reply.written}. Something "
            "between here and the server may change requests. Use --mode partial to send rows in another way."
        )


def check_age(flight: InFlight, seconds: float, now: float) -> None:
    """Raises Uncertain if the server may have deleted the key of a request, because it was sent more than
    ``seconds`` ago, or if the clock was set back meanwhile."""
    age = now - flight.sent_on
    if -MARGIN_SECONDS <= age < seconds - MARGIN_SECONDS:
        return
    hours = f"{seconds / 3600:g} hours"
    raise Uncertain(
        f"Cannot tell whether {flight.title} were imported: the response to their request was lost, and the "
        f"server knows its idempotency key only for {hours} (idempotency_hours). " + how_to_continue(flight)
    )


def how_to_continue(flight: InFlight) -> str:
    return (
        f"Check whether the row of line {flight.first} is in the table. If it is, use --in-doubt stored, "
        "otherwise --in-doubt lost."
    )
