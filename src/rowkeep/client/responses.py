"""Answers: what the Data API says to a command, and the ways in which it may say nothing."""

from __future__ import annotations

import msgspec
from msgspec import UNSET, UnsetType

from rowkeep.errors.catalogue import SetupError


class ColumnInfo(msgspec.Struct, frozen=True):
    """A column as a query's answer tells of it."""

    name: str
    type: str


class ReceivedPage(msgspec.Struct, frozen=True, rename="camel"):
    """One page of a query; the records are still JSON, for each format reads them in its own way."""

    meta_info: list[ColumnInfo]
    query_result: msgspec.Raw
    next_cursor: str | UnsetType = UNSET


class RequestProblem(msgspec.Struct, frozen=True):
    """One problem of a refused request, where in its body it lies being told by a JSON Pointer."""

    msg: str
    code: str
    pointer: str = ""


class ReceivedProblem(msgspec.Struct, frozen=True):
    """What every answer that is not 2xx bears."""

    code: str
    detail: str
    errors: list[RequestProblem]


class RequestRefused(SetupError):
    """The Data API refuses a request, which then has done nothing."""

    def __init__(self, status: int, problem: ReceivedProblem) -> None:
        super().__init__(problem.detail)
        self.status = status
        self.code = problem.code
        self.problems = problem.errors


class Unreachable(SetupError):
    """The server stays away, or too busy, for longer than it is waited for."""


class NotServed(Exception):
    """The request was surely not carried out: there was no connection, or the server was too busy.

    ``retry_after`` is how many seconds the server asks to wait, if it says.
    """

    def __init__(self, said: str, retry_after: float | None = None) -> None:
        super().__init__(said)
        self.retry_after = retry_after


class NoResponse(NotServed):
    """Whether the request was carried out is not known: its answer was lost, or tells nothing."""


problem_decoder: msgspec.json.Decoder[ReceivedProblem] = msgspec.json.Decoder(ReceivedProblem)
page_decoder: msgspec.json.Decoder[ReceivedPage] = msgspec.json.Decoder(ReceivedPage)


def more_errors(count: int) -> str:
    """How many errors a message about the first one leaves out."""
    return f" (and {count} more error{'' if count == 1 else 's'})" if count > 0 else ""
