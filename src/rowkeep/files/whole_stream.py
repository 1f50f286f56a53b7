"""Whole streams: imports of all rows of a file or none, as one stream of any size."""

from __future__ import annotations

import re
from array import array
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from itertools import islice

import msgspec
from msgspec import UNSET

from rowkeep.files.bulk import BulkReply
from rowkeep.files.records import Record, Row
from rowkeep.files.rejects import Reject, RowError, unreadable
from rowkeep.files.requests import BulkOptions
from rowkeep.files.responses import RequestProblem, RequestRefused

CHUNK_BYTES = 256 * 1024
MAX_LISTED = 100
"""How many unreadable records are listed; the server lists as many errors."""

OF_ROWS = (400, 409, 413, 422)

OTHER_LINE = re.compile(r"\ALine ([0-9]+)(?= has the same )")
"""The line of a row with the same key."""

SendChunks = Callable[[AsyncIterator[bytes], Mapping[str, str]], Awaitable[BulkReply]]
"""Sends a stream with its parameters."""


class UnreadableRecords(Exception):
    """The file has records that cannot be read, so none of it is imported."""

    def __init__(self, rejects: list[Reject]) -> None:
        super().__init__()
        self.rejects = rejects


class _Lines:
    """The rows of a file as lines of a stream, which can have other numbers than those of the file."""

    def __init__(self, records: Iterator[Record], seen: Callable[[int], None]) -> None:
        self._records = records
        self._seen = seen
        self.numbers = array("Q")

    async def __aiter__(self) -> AsyncIterator[bytes]:
        part: list[Row] = []
        size = 0
        for record in self._records:
            if not isinstance(record, Row):
                rest = (each for each in self._records if not isinstance(each, Row))
                more = [unreadable(each) for each in islice(rest, MAX_LISTED - 1)]
                raise UnreadableRecords([unreadable(record), *more])
            self.numbers.append(record.line)
            part.append(record)
            size += len(record.json)
            if size >= CHUNK_BYTES:
                self._seen(len(self.numbers))
                yield BulkOptions.lines(part)
                part, size = [], 0
        self._seen(len(self.numbers))
        if part:
            yield BulkOptions.lines(part)


async def import_at_once(
    every: Callable[[], Iterator[Record]],
    send: SendChunks,
    bulk: BulkOptions,
    seen: Callable[[int], None],
) -> tuple[BulkReply, list[Reject]]:
    """Import all records, or none; returns the counts, and the rows because of which none was imported.
    ``every`` reads the records. Raises RequestRefused, and what ``send`` raises."""
    lines = _Lines(every(), seen)
    parameters = dict(bulk.parameters) | ({"dryRun": "true"} if bulk.is_dry_run else {})
    try:
        return await send(aiter(lines), parameters), []
    except UnreadableRecords as error:
        return BulkReply(), error.rejects
    except RequestRefused as error:
        if error.status not in OF_ROWS or not any(each.line is not None for each in error.problems):
            raise
        return BulkReply(), _rejects(error.problems, lines.numbers, every())


def _rejects(problems: list[RequestProblem], numbers: array[int], records: Iterator[Record]) -> list[Reject]:
    """The rows that a stream was refused for, with their lines in the file."""
    by_line: dict[int, list[RowError]] = {}
    for each in problems:
        if each.line is not None and 0 < each.line <= len(numbers):
            found = RowError(_in_file(each.msg, numbers), each.code, each.pointer or UNSET)
            by_line.setdefault(numbers[each.line - 1], []).append(found)
    last = max(by_line, default=0)
    rejects: list[Reject] = []
    for record in records:
        if record.line > last:
            break
        if record.line in by_line and isinstance(record, Row):
            rejects.append(Reject(record.line, msgspec.Raw(record.json), by_line[record.line]))
    return rejects


def _in_file(msg: str, numbers: array[int]) -> str:
    """The message without the line of the stream, and with another line that it names as that of the file."""
    head, _, tail = msg.partition(": ")
    msg = tail if head.startswith("Line ") and head[5:].isdigit() else msg
    return OTHER_LINE.sub(lambda found: f"Line {numbers[int(found[1]) - 1]}", msg)
