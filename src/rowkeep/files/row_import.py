"""Row import: sends the records of a file, and then the rows that waited for others, and records what became
of each."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence

import msgspec
from msgspec import structs

from rowkeep.errors.catalogue import BodyTooLarge, InvalidValue, ReferenceViolation, SetupError
from rowkeep.files.batches import BatchLimits, BatchReader, BatchSize, PieceSize
from rowkeep.files.bulk import BulkReply
from rowkeep.files.conflicts import Conflict, Conflicts
from rowkeep.files.file_keys import FileKeys
from rowkeep.files.journal import WHOLE, InFlight, Ledger, Standing
from rowkeep.files.outcomes import DATA, Outcome, Verdict, by_row, insert, is_about_rows
from rowkeep.files.records import Record, Row, Unreadable
from rowkeep.files.rejects import Reject, RowLog, refused, rejected_row, unreadable
from rowkeep.files.responses import RequestProblem, RequestRefused
from rowkeep.files.row_api import ShownProgress
from rowkeep.files.sender import Extent, Sender, check_count
from rowkeep.files.table_columns import TableColumns
from rowkeep.files.text_pieces import TextPiece
from rowkeep.files.waiting import NOWHERE, Groups, WaitingRow, WaitingRows, must_wait
from rowkeep.files.whole_stream import SendChunks, import_at_once

UNAUTHENTICATED, FORBIDDEN, NOT_FOUND, UNSUPPORTED = 401, 403, 404, 415

MAX_ROWS = 10_000_000
"""The maximum number of rows of one request."""


class TooManyErrors(SetupError):
    """More rows were rejected than --max-errors allows."""


class RowLogs(msgspec.Struct, frozen=True):
    """The files of rejected rows, of waiting rows, and of rows whose key is in the table."""

    rejects: RowLog
    waiting: RowLog
    existing: RowLog


class RowImport:
    """Imports rows into one table. ``keys`` is for --key."""

    can_stream = True

    def __init__(
        self,
        sender: Sender,
        ledger: Ledger,
        logs: RowLogs,
        limits: BatchLimits,
        columns: TableColumns,
        keys: FileKeys | None,
        shown: ShownProgress,
    ) -> None:
        self._sender = sender
        self._ledger = ledger
        self._logs = logs
        self._limits = limits
        self._columns = columns
        self._keys = keys
        self._shown = shown
        self._conflicts = Conflicts(sender.options, columns)
        self._prepare()
        self._size = BatchSize(limits.rows)

    def _prepare(self) -> None:
        """For another kind of import."""

    @property
    def standing(self) -> Standing:
        return self._ledger.progress.standing

    @property
    def in_flight(self) -> InFlight | None:
        """The request whose response was lost."""
        return self._ledger.progress.in_flight

    async def run(self, records: Iterable[Record]) -> None:
        """Import all records from the current position on. Raises TooManyErrors, RequestRefused, Uncertain,
        FileRefused, SetupError, OSError."""
        reader = BatchReader(records, self._limits.bytes)
        flight = self._ledger.progress.in_flight
        if flight is not None and flight.resent == 0:
            taken = reader.take_to(flight.end)
            if not flight.is_streamed:
                await self._import(taken, reader)
            elif not await self._stream(taken):
                await self._import_all(taken)
        if self._limits.can_stream and self.can_stream:
            await self._run_streams(reader)
        while taken := reader.take(self._size.rows):
            await self._import(taken, reader)

    async def _run_streams(self, reader: BatchReader) -> None:
        """Stream pieces of the file, until its end or until the server cannot take streams. While one is
        sent, the next one is read. A piece with a row that is not accepted is sent again in single requests,
        which say what is wrong with each row."""
        piece = PieceSize()
        records = await asyncio.to_thread(reader.take, MAX_ROWS, piece.bytes)
        while records:
            ahead = asyncio.ensure_future(asyncio.to_thread(reader.take, MAX_ROWS, piece.bytes))
            try:
                if piece.is_paused:
                    await self._import_all(records)
                    piece.waited()
                elif await self._stream(records):
                    piece.accepted()
                else:
                    await self._import_all(records)
                    piece.refused()
            except BaseException:
                await asyncio.wait([ahead])
                ahead.exception()
                raise
            records = await ahead
            if not self.can_stream:
                reader.put_back(records)
                return

    async def _stream(self, records: list[Record]) -> bool:
        """Import records as one stream, all or none. Returns whether they were imported."""
        if not records:
            return True
        rows, rejects = self._sort(records)
        end = records[-1].end
        reply = BulkReply()
        if rows:
            try:
                reply = await self._sender.stream(rows, Extent(end, 0))
            except RequestRefused as error:
                self._check_refusal(error)
                return False
        self._record(structs.replace(self.standing, next=end), reply, Verdict(rejects=rejects))
        return True

    async def stream_text(self, piece: TextPiece, media_type: str) -> bool:
        """Import a piece of the file as one stream, all rows or none. Returns whether they were imported."""
        try:
            reply = await self._sender.stream_text(piece, media_type)
        except RequestRefused as error:
            self._check_refusal(error)
            return False
        self._record(structs.replace(self.standing, next=piece.end), reply, Verdict())
        return True

    def _check_refusal(self, error: RequestRefused) -> None:
        """Raises the error of a stream itself if no other request would be accepted."""
        if error.status in (UNAUTHENTICATED, FORBIDDEN, NOT_FOUND):
            raise error
        # an older server, or a gateway, takes no streams
        self.can_stream = error.status != UNSUPPORTED

    @property
    def can_stream_text(self) -> bool:
        """Whether rows can be sent as they are in the file, without a look at each."""
        return self._limits.can_stream and self.can_stream and self._keys is None

    async def _import_all(self, records: list[Record]) -> None:
        """Import records in single requests."""
        reader = BatchReader(records, self._limits.bytes)
        while taken := reader.take(self._size.rows):
            await self._import(taken, reader)

    async def run_at_once(self, every: Callable[[], Iterator[Record]]) -> bool:
        """Import all records in one stream, or none of them. Returns whether they were imported. Raises what
        ``run`` raises."""
        if self.standing.next == WHOLE:
            # an earlier command imported them
            if not self.standing.written:
                inserted = sum(1 for _ in every())
                self._ledger.record(
                    structs.replace(
                        self._ledger.progress, standing=structs.replace(self.standing, inserted=inserted)
                    )
                )
            return True
        rejects: list[Reject] = []
        count = 0

        def seen(rows: int) -> None:
            nonlocal count
            count = rows
            self._shown.move(0, rows)

        async def work(send: SendChunks) -> BulkReply:
            reply, found = await import_at_once(every, send, self._sender.options, seen)
            rejects[:] = found
            return reply

        reply = await self._sender.at_once(work)
        if not rejects:
            check_count(count, reply)
        standing = self.standing if rejects else structs.replace(self.standing, next=WHOLE)
        self._record(standing, reply, Verdict(rejects=rejects))
        return not rejects

    async def _import(self, records: list[Record], reader: BatchReader) -> None:
        """Import the records of one batch, or the first ones if they are too many for a request."""
        if not records:
            return
        rows, rejects = self._sort(records)
        end = records[-1].end
        outcome: Outcome | None = Outcome(BulkReply(), {})
        if rows:
            outcome = await insert(self._sender, rows, Extent(end, 0))
        if outcome is None:
            self._size.shrink(len(records))
            reader.put_back(records)
            return
        verdict = self._judge(rows, outcome, can_wait=True)
        rejects = sorted(rejects + verdict.rejects, key=lambda reject: reject.line)
        verdict = structs.replace(verdict, rejects=rejects)
        self._record(structs.replace(self.standing, next=end), outcome.reply, verdict)
        self._size.adapt(len(records), outcome.reply.size)

    def _sort(self, records: Iterable[Record]) -> tuple[list[Row], list[Reject]]:
        """The rows to be sent, and those that are rejected already."""
        rows: list[Row] = []
        rejects: list[Reject] = []
        for record in records:
            if isinstance(record, Unreadable):
                rejects.append(unreadable(record))
            elif len(record.json) > self._limits.row_bytes:
                rejects.append(refused(record, too_large(self._limits.row_bytes), BodyTooLarge.code))
            else:
                rows.append(record)
        if self._keys is None:
            return rows, rejects
        repeated = self._keys.add(rows)
        for row in rows:
            if row.line in repeated:
                message = f"Line {repeated[row.line]} has the same {self._keys.names} (--key)."
                rejects.append(refused(row, message, InvalidValue.code))
        return [row for row in rows if row.line not in repeated], rejects

    def _judge(self, rows: Sequence[Row], outcome: Outcome, *, can_wait: bool) -> Verdict:
        """Where the rows go that the server did not accept."""
        verdict = Verdict([], [], [])
        ignored = 0
        for place, problems in sorted(outcome.problems.items()):
            prefix = f"{DATA}/{place}"
            row = rejected_row(rows[place], problems, prefix)
            kind = self._conflicts.judge(row)
            if kind is Conflict.IGNORED:
                ignored += 1
            elif kind is Conflict.EXISTS:
                verdict.existing.append(row)
            elif can_wait and must_wait(self._columns, problems, prefix):
                verdict.waiting.append(row)
            else:
                verdict.rejects.append(row)
        return structs.replace(verdict, ignored=ignored)

    def _record(self, standing: Standing, reply: BulkReply, verdict: Verdict) -> None:
        """Store what became of the rows of a request. Raises TooManyErrors."""
        rejects = verdict.rejects
        standing = structs.replace(
            standing,
            inserted=standing.inserted + reply.inserted,
            updated=standing.updated + reply.updated,
            ignored=standing.ignored + reply.ignored + verdict.ignored,
            rejected=standing.rejected + len(rejects),
            rejects_bytes=self._logs.rejects.add(rejects, standing.rejects_bytes),
            waiting=standing.waiting + len(verdict.waiting),
            waiting_bytes=self._logs.waiting.add(verdict.waiting, standing.waiting_bytes),
            existing_bytes=self._logs.existing.add(verdict.existing, standing.existing_bytes),
            replayed=standing.replayed + (reply.written if reply.is_replayed else 0),
        )
        self._ledger.record(structs.replace(self._ledger.progress, standing=standing, in_flight=None))
        done = standing.upserted or standing.resent
        self._shown.move(done, standing.written)
        if rejects and self._limits.errors is not None and standing.rejected > self._limits.errors:
            raise TooManyErrors(
                f"Stopped at line {rejects[-1].line}: more than {self._limits.errors} rejected rows "
                f"(--max-errors); see {self._logs.rejects.path}. {standing.written:,} rows were imported. "
                "Run the command again with a higher --max-errors to resume."
            )

    async def run_waiting(self) -> None:
        """Send the waiting rows again, each after the rows that it refers to. Raises what ``run`` raises."""
        if self.standing.resent == self.standing.waiting:
            return
        self._shown.restart("Importing rows that refer to later rows", self.standing.waiting)
        waiting = WaitingRows(self._logs.waiting.path, self.standing.waiting, self._columns)
        self._size = BatchSize(self._limits.rows)
        groups = Groups(waiting.groups(), self.standing.resent, self._limits.bytes)
        flight = self._ledger.progress.in_flight
        if flight is not None:
            await self._resend(groups.take_rows(flight.rows), groups)
        while taken := groups.take(self._size.rows):
            await self._resend(taken, groups)

    async def _resend(self, taken: list[list[WaitingRow]], groups: Groups, /) -> None:
        rows: list[Row] = [row for group in taken for row in group]
        resent = self.standing.resent + len(rows)
        if sum(len(row.json) + 1 for row in rows) > self._limits.row_bytes:
            outcome: Outcome | None = None
        else:
            outcome = await insert(self._sender, rows, Extent(self.standing.next, resent))
        if outcome is None and len(taken) > 1:
            self._size.shrink(len(rows))
            groups.put_back(taken)
            return
        if outcome is None:
            outcome = Outcome(BulkReply(failed=len(rows)), {})
            message = f"{len(rows):,} rows refer to each other in a circle. That is too many for one request."
            verdict = Verdict(rejects=[refused(row, message, BodyTooLarge.code) for row in rows])
        else:
            verdict = self._judge(rows, outcome, can_wait=False)
        self._record(structs.replace(self.standing, resent=resent), outcome.reply, verdict)
        self._size.adapt(len(rows), outcome.reply.size)

    async def run_existing(self) -> None:
        """Upsert the rows whose key was in the table. All other rows of the file that they can refer to are
        there by now. Raises what ``run`` raises."""
        if self.standing.upserted == self.standing.existing_bytes:
            return
        self._shown.restart("Importing rows that exist", self.standing.existing_bytes)
        self._size = BatchSize(self._limits.rows)
        log = self._logs.existing
        while self.standing.upserted < self.standing.existing_bytes:
            taken, end = log.read(self.standing.upserted, self._size.rows, self._limits.bytes)
            upserted = await self._upsert(taken)
            if upserted is None:
                self._size.shrink(len(taken))
                continue
            reply, rejects = upserted
            self._record(structs.replace(self.standing, upserted=end), reply, Verdict(rejects=rejects))
            self._size.adapt(len(taken), 0)

    async def _upsert(self, taken: list[Reject]) -> tuple[BulkReply, list[Reject]] | None:
        """Upsert rows, without those that are refused. None if they are too many for a request."""
        rejects: list[Reject] = []
        rows = [Row(each.line, NOWHERE, bytes(each.row)) for each in taken]
        if self._conflicts.must_check(taken):
            rows = await self._checked(rows, rejects)
        while rows:
            try:
                return await self._sender.upsert(rows), rejects
            except RequestRefused as error:
                problems = by_row(error.problems, len(rows))
                if not is_about_rows(error):
                    raise
                if not problems and len(rows) == 1:
                    problems = {0: error.problems or [RequestProblem(str(error), error.code)]}
                if not problems:
                    return None
                rejects += [
                    rejected_row(rows[place], found, f"{DATA}/{place}") for place, found in problems.items()
                ]
                rows = [row for place, row in enumerate(rows) if place not in problems]
        return BulkReply(), rejects

    async def _checked(self, rows: list[Row], rejects: list[Reject]) -> list[Row]:
        """The rows whose references exist; the others are added to the rejects."""
        try:
            found = (await self._sender.check(rows)).problems
        except RequestRefused as error:
            found = error.problems
        problems = by_row([each for each in found if each.code == ReferenceViolation.code], len(rows))
        good: list[Row] = []
        for place, row in enumerate(rows):
            missing = problems.get(place)
            if missing:
                rejects.append(rejected_row(row, missing, f"{DATA}/{place}"))
            else:
                good.append(row)
        return good


def too_large(row_bytes: int) -> str:
    return f"The row is larger than {row_bytes} bytes, which a request can have (the setting max_body_bytes)."
