"""Responses: those of the Data API, and the errors for rejected, unserved and lost requests."""

from __future__ import annotations

import msgspec
from msgspec import UNSET, UnsetType

from rowkeep.errors.catalogue import SetupError


class ColumnInfo(msgspec.Struct, frozen=True):
    """A column in the response to a query."""

    name: str
    type: str


class ReceivedPage(msgspec.Struct, frozen=True, rename="camel"):
    """One page of a query. The records are still JSON, because each format decodes them in its own way."""

    meta_info: list[ColumnInfo]
    query_result: msgspec.Raw
    next_cursor: str | UnsetType = UNSET
    total: int | UnsetType = UNSET


class RequestProblem(msgspec.Struct, frozen=True):
    """One error of a rejected request; ``pointer`` is the JSON Pointer to its position in the body, or in the
    row on this ``line`` of a stream."""

    msg: str
    code: str
    pointer: str = ""
    line: int | None = None


class ReceivedProblem(msgspec.Struct, frozen=True):
    """The body of every response that is not 2xx."""

    code: str
    detail: str
    errors: list[RequestProblem]


class RequestRefused(SetupError):
    """The Data API rejected a request, which had no effect."""

    def __init__(self, status: int, problem: ReceivedProblem) -> None:
        super().__init__(problem.detail)
        self.status = status
        self.code = problem.code
        self.problems = problem.errors


class Unreachable(SetupError):
    """The server was not available, or too busy, until the last retry."""


class NotServed(Exception):
    """The request was certainly not executed: there was no connection, or the server was too busy.

    ``retry_after`` is the number of seconds that the server asks to wait; None if unknown.
    """

    def __init__(self, reason: str, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class NoResponse(NotServed):
    """It is not known whether the request was executed: the response was lost, or does not show it."""


class NotStreamed(Exception):
    """The server does not stream the response to a query, because it is an older one."""


class ListedColumn(msgspec.Struct, frozen=True, rename="camel"):
    """A column in the list of tables. ``reference`` is the table and column that it references."""

    name: str
    type: str
    is_required: bool
    reference: dict[str, str] | None = None


class UsableTable(msgspec.Struct, frozen=True):
    """A table or view in the list of those that the caller can use."""

    name: str
    kind: str
    columns: list[ListedColumn]
    rights: list[str]


class UsableTables(msgspec.Struct, frozen=True):
    """The list of tables and views."""

    tables: list[UsableTable]


usable_decoder: msgspec.json.Decoder[UsableTables] = msgspec.json.Decoder(UsableTables)
problem_decoder: msgspec.json.Decoder[ReceivedProblem] = msgspec.json.Decoder(ReceivedProblem)
page_decoder: msgspec.json.Decoder[ReceivedPage] = msgspec.json.Decoder(ReceivedPage)


def more_errors(count: int) -> str:
    """The number of errors that a message about the first error omits."""
    return f" (and {count} more error{'' if count == 1 else 's'})" if count > 0 else ""
