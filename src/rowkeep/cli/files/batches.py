"""Batches: sends the records of a file to a table in bulk inserts, and collects the rejected rows."""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec
from msgspec import structs

from rowkeep.cli.files.journal import Ledger, Standing
from rowkeep.cli.files.progress import Bar
from rowkeep.cli.files.records import Position, Record, Row, Unreadable
from rowkeep.cli.files.rejects import Reject, Rejects, rejected_row, unreadable
from rowkeep.cli.files.sender import Sender, around
from rowkeep.client.responses import RequestProblem, RequestRefused
from rowkeep.errors.catalogue import MAX_PROBLEMS, BodyTooLarge, SetupError

BATCH_BYTES = 8 * 1024 * 1024
"""The maximum size of the rows of one request, except for a single larger row: well below the setting
max_body_bytes, and a limit on the memory of an import."""

BETWEEN = b","

ROW_POINTER = re.compile(r"/data/([0-9]+)(?=/|$)")

CONFLICT, TOO_LARGE = 409, 413
OF_ROWS = (400, CONFLICT, TOO_LARGE, 422)
"""The statuses of errors in rows, as opposed to errors about the sender."""

GROWTH = 4


class TooManyErrors(SetupError):
    """More rows were rejected than --max-errors allows."""


class Refusal(msgspec.Struct, frozen=True):
    """The errors of a rejected bulk by the positions of its rows, and the number of rows that were
    checked."""

    problems: dict[int, list[RequestProblem]]
    judged: int
    is_conflict: bool

    @classmethod
    def of(cls, error: RequestRefused, rows: int) -> Refusal:
        """Raises the error itself if it is not about rows."""
        if error.status not in OF_ROWS:
            raise error
        found: dict[int, list[RequestProblem]] = {}
        for problem in error.problems:
            place = ROW_POINTER.match(problem.pointer)
            if place is not None and int(place[1]) < rows:
                found.setdefault(int(place[1]), []).append(problem)
        if not found and rows == 1:
            found[0] = error.problems or [RequestProblem(str(error), error.code)]
        is_conflict = error.status == CONFLICT
        # Only the first conflict is reported, and at most MAX_PROBLEMS of other errors: rows after the last
        # reported one were not checked. If the request as a whole is rejected (too large, too many cells), no
        # row was.
        is_whole = bool(found) and not is_conflict and len(error.problems) < MAX_PROBLEMS
        return cls(found, rows if is_whole else max(found, default=-1) + 1, is_conflict)


class BatchLimits(msgspec.Struct, frozen=True, kw_only=True):
    """The limits of an import: rows and bytes of a request, bytes of a single row, and rejected rows (None
    for no limit)."""

    rows: int
    bytes: int
    row_bytes: int
    errors: int | None

    @classmethod
    def of(cls, rows: int, errors: int | None, body_bytes: int) -> BatchLimits:
        """The limits for a server that accepts bodies of at most ``body_bytes``."""
        row_bytes = body_bytes - len(around(b""))
        return cls(rows=rows, bytes=min(BATCH_BYTES, row_bytes), row_bytes=row_bytes, errors=errors)


class Importer:
    """Imports records."""

    def __init__(
        self, sender: Sender, ledger: Ledger, rejects: Rejects, bounds: BatchLimits, shown: Bar
    ) -> None:
        self._sender = sender
        self._ledger = ledger
        self._rejects = rejects
        self._bounds = bounds
        self._most = bounds.rows
        self._shown = shown

    @property
    def standing(self) -> Standing:
        return self._ledger.progress.standing

    async def run(self, records: Iterable[Record]) -> None:
        """Import all records. Raises TooManyErrors, RequestRefused, Uncertain, SetupError, OSError."""
        rows: list[Row] = []
        count = size = 0
        end = self.standing.next
        for record in records:
            weight = len(record.json) + len(BETWEEN) if isinstance(record, Row) else len(record.text)
            if count >= self._bounds.rows or size + weight > self._bounds.bytes:
                await self._import(rows, end)
                rows, count, size = [], 0, 0
            count, size, end = count + 1, size + weight, record.end
            if isinstance(record, Unreadable):
                self._reject(unreadable(record))
            elif len(record.json) > self._bounds.row_bytes:
                self._reject(rejected_row(record, [_too_large(self._bounds.row_bytes)], ""))
            else:
                rows.append(record)
        await self._import(rows, end)

    def _reject(self, reject: Reject) -> None:
        self._rejects.add(reject)
        self._check_errors()

    async def _import(self, rows: list[Row], end: Position) -> None:
        """Import the rows of one batch, which ends at ``end``, in one or more requests."""
        while rows:
            part = rows[: self._most]
            try:
                await self._sender.send(part, self._standing_after(part))
            except RequestRefused as error:
                good = self._sort_out(part, Refusal.of(error, len(part)))
                rows = good + rows[len(part) :]
            else:
                self._rejects.settle(part[-1].line)
                rows = rows[len(part) :]
                self._most = min(self._bounds.rows, self._most * GROWTH)
                self._show()
        if self._rejects.pending or self.standing.next != end:
            self._sender.settle(structs.replace(self._with_rejects(None), next=end))
            self._rejects.settle()
            self._show()

    def _standing_after(self, part: list[Row]) -> Standing:
        """The progress after this part is inserted. Rejects before its end are written to disk first."""
        standing = self._with_rejects(part[-1].line)
        return structs.replace(standing, next=part[-1].end, inserted=standing.inserted + len(part))

    def _with_rejects(self, last_line: int | None) -> Standing:
        before = self.standing
        count, size = self._rejects.write(before.rejects_bytes, last_line)
        return structs.replace(before, rejected=before.rejected + count, rejects_bytes=size)

    def _sort_out(self, part: list[Row], refusal: Refusal) -> list[Row]:
        """The rows of a rejected part that must be sent again, without the rejected ones. The checked rows
        are sent first."""
        for place, problems in refusal.problems.items():
            self._reject(rejected_row(part[place], problems, f"/data/{place}"))
        good = [row for place, row in enumerate(part) if place not in refusal.problems]
        if refusal.judged < len(part):
            judged = refusal.judged - len(refusal.problems)
            # no valid row was found before the error: use smaller parts, each of which is checked separately
            least = 1 if refusal.is_conflict or not refusal.problems else MAX_PROBLEMS
            self._most = judged or max(least, len(part) // 2)
        return good

    def _check_errors(self) -> None:
        count = self.standing.rejected + self._rejects.pending
        if self._bounds.errors is not None and count > self._bounds.errors:
            self._rejects.write(self.standing.rejects_bytes)
            raise TooManyErrors(
                f"Stopped at line {self._rejects.last_line}: more than {self._bounds.errors} rejected rows "
                f"(--max-errors); see {self._rejects.path}. {self.standing.inserted:,} rows were imported. "
                "Run the command again with a higher --max-errors to resume."
            )

    def _show(self) -> None:
        self._shown.move(self.standing.next.offset, self.standing.inserted)


def _too_large(row_bytes: int) -> RequestProblem:
    message = (
        f"The row is larger than {row_bytes} bytes, which a request can have (the setting max_body_bytes)."
    )
    return RequestProblem(message, BodyTooLarge.code)
