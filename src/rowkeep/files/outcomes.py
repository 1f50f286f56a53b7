"""Outcomes: what became of the rows of one request."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from rowkeep.files.bulk import BulkReply
from rowkeep.files.records import Row
from rowkeep.files.rejects import Reject
from rowkeep.files.responses import RequestProblem, RequestRefused
from rowkeep.files.sender import Extent, Sender

DATA = "/data"
ROW_POINTER = re.compile(rf"{DATA}/([0-9]+)(?=/|$)")

CONFLICT, TOO_LARGE = 409, 413
OF_ROWS = (400, CONFLICT, TOO_LARGE, 422)
"""The statuses of errors in rows, as opposed to errors about the sender."""


class Outcome(msgspec.Struct, frozen=True):
    """The counts of a request, and the errors of its rejected rows by their places."""

    reply: BulkReply
    problems: dict[int, list[RequestProblem]]


class Verdict(msgspec.Struct, frozen=True):
    """Where the rows of a request go that the server did not accept: those that are rejected, that wait for
    other rows of the file, and whose key is in the table; and how many of these are ignored."""

    rejects: list[Reject] = []
    waiting: list[Reject] = []
    existing: list[Reject] = []
    ignored: int = 0


async def insert(sender: Sender, rows: list[Row], extent: Extent) -> Outcome | None:
    """Send one request. None if the request was refused as a whole, because there are too many rows in it:
    nothing was stored.

    Raises RequestRefused if the reason is not in the rows, Uncertain, FileRefused, SetupError.
    """
    try:
        reply = await sender.send(rows, extent)
    except RequestRefused as error:
        return _refused(error, rows)
    return Outcome(reply, by_row(reply.problems, len(rows)))


def _refused(error: RequestRefused, rows: Sequence[Row]) -> Outcome | None:
    """Raises the error itself if it is not about rows."""
    found = by_row(error.problems, len(rows))
    if not is_about_rows(error):
        raise error
    if not found and len(rows) == 1:
        found[0] = error.problems or [RequestProblem(str(error), error.code)]
    return Outcome(BulkReply(failed=len(rows)), found) if len(found) == len(rows) else None


def is_about_rows(error: RequestRefused) -> bool:
    """Whether a request was refused because of its rows, or of their number and size."""
    if error.status not in OF_ROWS:
        return False
    if error.status == CONFLICT and not any(each.pointer.startswith(DATA) for each in error.problems):
        return False
    return all(not each.pointer or each.pointer.startswith(DATA) for each in error.problems)


def by_row(problems: Sequence[RequestProblem], rows: int) -> dict[int, list[RequestProblem]]:
    """Errors by the places of their rows in the request."""
    found: dict[int, list[RequestProblem]] = {}
    for problem in problems:
        place = ROW_POINTER.match(problem.pointer)
        if place is not None and int(place[1]) < rows:
            found.setdefault(int(place[1]), []).append(problem)
    return found
