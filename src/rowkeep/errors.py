"""Every way to fail: one class an error, with its stable code, status and title.

Codes are never reused. The HTTP layer turns these into answers and the CLI into one line; nobody else
words an error for a reader. Who raises one finds here, too, what it is made of.
"""

from __future__ import annotations

from collections.abc import Iterator

from rowkeep.problems import (
    MAX_ECHO,
    MAX_PROBLEMS,
    Problem,
    ProblemList,
    RowkeepError,
    pointer,
    preview,
)

__all__ = (
    "MAX_ECHO",
    "MAX_PROBLEMS",
    "Problem",
    "ProblemList",
    "RowkeepError",
    "pointer",
    "preview",
)
"""What is not defined here, but needed by whoever raises or answers an error."""

# 400: the request itself cannot be understood


class MalformedJson(RowkeepError):
    """The body is not JSON (RFC 8259), not UTF-8, or nested deeper than the setting max_json_depth."""

    code, status, title = "malformed_json", 400, "Malformed JSON"


class MalformedRequest(RowkeepError):
    """The request is not HTTP/1.1 as RFC 9112 has it: a broken head, or no Host header."""

    code, status, title = "malformed_request", 400, "Malformed request"


class RepeatedKey(RowkeepError):
    """An object of the body has one key twice."""

    code, status, title = "repeated_key", 400, "Repeated key"


class InvalidBody(RowkeepError):
    """The body is JSON, but not of the form that this call takes."""

    code, status, title = "invalid_body", 400, "Invalid body"


class UnknownKey(RowkeepError):
    """The body has a key that this call does not know."""

    code, status, title = "unknown_key", 400, "Unknown key"


class InvalidParameter(RowkeepError):
    """A query parameter or header is unknown, given twice, or has a value that it cannot have."""

    code, status, title = "invalid_parameter", 400, "Invalid parameter"


class UnknownColumn(RowkeepError):
    """No column of that name, nor exactly one near it."""

    code, status, title = "unknown_column", 400, "Unknown column"


class DuplicateColumn(RowkeepError):
    """Two different names in one object, or two in a list, mean the same column."""

    code, status, title = "duplicate_column", 400, "Duplicate column"


class SystemColumn(RowkeepError):
    """A system column may be read, but neither defined nor written."""

    code, status, title = "system_column", 400, "System column"


class UnknownOperand(RowkeepError):
    """No such operand."""

    code, status, title = "unknown_operand", 400, "Unknown operand"


class InvalidFilter(RowkeepError):
    """The filter is not well-formed, or its operand does not go with the column or the value."""

    code, status, title = "invalid_filter", 400, "Invalid filter"


class MissingFilter(RowkeepError):
    """An update or delete without a filter, which would touch every row."""

    code, status, title = "missing_filter", 400, "Filter missing"


class InvalidCursor(RowkeepError):
    """The cursor is not one of ours, or belongs to another filter or sort."""

    code, status, title = "invalid_cursor", 400, "Invalid cursor"


class InvalidName(RowkeepError):
    """A name that is not of the form that names have."""

    code, status, title = "invalid_name", 400, "Invalid name"


class InvalidDefinition(RowkeepError):
    """The definition of a table is not well-formed or contradicts itself."""

    code, status, title = "invalid_definition", 400, "Invalid definition"


# 401, 403: who is asking


class Unauthenticated(RowkeepError):
    """No token, or one that does not hold. One answer for all causes."""

    code, status, title = "unauthenticated", 401, "Unauthenticated"

    def __init__(self, cause: str = "malformed token") -> None:
        """``cause`` is for the log alone: a response that named it would help to guess tokens."""
        super().__init__(
            "The request needs a valid token in the header auth or Authorization: Bearer.",
            headers={"WWW-Authenticate": "Bearer"},
        )
        self.cause = cause


class Forbidden(RowkeepError):
    """The app has no such grant."""

    code, status, title = "forbidden", 403, "Forbidden"


# 404, 405, 408, 413, 414, 415, 431: what is asked for, and in which form


class NoSuchEndpoint(RowkeepError):
    """No call has this path."""

    code, status, title = "no_such_endpoint", 404, "No such path"


class NoSuchTable(RowkeepError):
    """The workspace has no such table."""

    code, status, title = "no_such_table", 404, "No such table"


class NoSuchView(RowkeepError):
    """The workspace has no such view."""

    code, status, title = "no_such_view", 404, "No such view"


class NoSuchApp(RowkeepError):
    """The workspace has no such app."""

    code, status, title = "no_such_app", 404, "No such app"


class NoSuchWorkspace(RowkeepError):
    """There is no such workspace."""

    code, status, title = "no_such_workspace", 404, "No such workspace"


class NoSuchAdminToken(RowkeepError):
    """There is no such admin token."""

    code, status, title = "no_such_admin_token", 404, "No such admin token"


class MethodNotAllowed(RowkeepError):
    """The path is known, but not with this method; ``Allow`` lists those it has."""

    code, status, title = "method_not_allowed", 405, "Method not allowed"


class RequestTimeout(RowkeepError):
    """The head or the body of the request did not arrive in time."""

    code, status, title = "request_timeout", 408, "Request timeout"


class UriTooLong(RowkeepError):
    """The request line is longer than the setting max_request_line_bytes."""

    code, status, title = "uri_too_long", 414, "URI too long"


class HeadersTooLarge(RowkeepError):
    """The headers are larger or more than the settings max_header_bytes and max_header_count allow."""

    code, status, title = "headers_too_large", 431, "Headers too large"


class BodyTooLarge(RowkeepError):
    """The body is larger than the setting max_body_bytes."""

    code, status, title = "body_too_large", 413, "Body too large"


class UnsupportedMediaType(RowkeepError):
    """The body is not application/json in UTF-8, or is compressed."""

    code, status, title = "unsupported_media_type", 415, "Unsupported media type"


# 409: the request is well-formed but cannot be carried out as things stand


class UniqueViolation(RowkeepError):
    """A unique index already holds that value."""

    code, status, title = "unique_violation", 409, "Unique index violated"


class NameTaken(RowkeepError):
    """Another thing of this kind has that name; upper and lower case make no difference."""

    code, status, title = "name_taken", 409, "Name taken"


class ReferenceViolation(RowkeepError):
    """A value that a column refers to is not there."""

    code, status, title = "reference_violation", 409, "Reference violated"


class StillReferenced(RowkeepError):
    """Something else refers to it, and must go or change first."""

    code, status, title = "still_referenced", 409, "Still referred to"


class DeleteNotAllowed(RowkeepError):
    """It may not be deleted: the workspace main, the last admin token."""

    code, status, title = "delete_not_allowed", 409, "DeleteNotAllowed"


class DataLoss(RowkeepError):
    """A change of a table would lose data, and allowDataLoss=true was not said. Nothing was changed."""

    code, status, title = "data_loss", 409, "Data loss"


class IncompatibleRows(RowkeepError):
    """Stored rows do not fit the changed definition: how many, and a sample of them. Nothing was changed."""

    code, status, title = "incompatible_rows", 409, "Rows violate"


class TooManyColumns(RowkeepError):
    """PostgreSQL takes no further column: this table has had 1,600, those that are gone included. Nothing
    was changed."""

    code, status, title = "too_many_columns", 409, "No room"

    def __init__(
        self, msg: str = "PostgreSQL has no room for another column in this table; make a new one."
    ) -> None:
        super().__init__(msg)


# 422: a value that its column cannot hold


class InvalidValue(RowkeepError):
    """A value does not fit the type or the limits of its column."""

    code, status, title = "invalid_value", 422, "Invalid value"


class TooManyCells(RowkeepError):
    """An insert has more cells (rows × columns) than the setting max_bulk_cells. Nothing was written."""

    code, status, title = "too_many_cells", 422, "Too many cells"


class ResponseTooLarge(RowkeepError):
    """A single record is larger than the setting max_response_bytes."""

    code, status, title = "response_too_large", 422, "Response too large"


class MissingValue(RowkeepError):
    """A required column has no value."""

    code, status, title = "missing_value", 422, "Required value"


# 500, 503: our side


class InternalError(RowkeepError):
    """A fault of Rowkeep's own; the log has more."""

    code, status, title = "internal_error", 500, "InternalError error"


class CorruptedCell(RowkeepError):
    """An encrypted cell does not open: it was changed or moved by other hands than Rowkeep's."""

    code, status, title = "corrupted_cell", 500, "Damaged cell"

    def __init__(
        self, msg: str = "An encrypted cell was changed outside of Rowkeep and does not open."
    ) -> None:
        super().__init__(msg)


class Busy(RowkeepError):
    """The store was too busy for longer than busy_timeout_seconds. Nothing was written."""

    code, status, title = "busy", 503, "Busy"

    def __init__(self, msg: str = "The store is too busy. Nothing was written; try again.") -> None:
        super().__init__(msg, headers={"Retry-After": "1"})


class QueryTimeout(RowkeepError):
    """A query, update or delete ran longer than the setting max_query_seconds; it was cancelled."""

    code, status, title = "query_timeout", 503, "Query timeout"

    def __init__(self, msg: str) -> None:
        super().__init__(msg, headers={"Retry-After": "5"})


class ProcessingTimeout(RowkeepError):
    """The request took longer than the setting max_request_seconds; it was cancelled."""

    code, status, title = "processing_timeout", 503, "Request took too long"

    def __init__(self, msg: str) -> None:
        super().__init__(msg, headers={"Retry-After": "5"})


class ShuttingDown(RowkeepError):
    """The server is stopping; the request was cancelled. If it writes, it may have been done before that."""

    code, status, title = "shutting_down", 503, "Server is stopping"

    def __init__(
        self,
        msg: str = "The server is stopping and cancelled the request. If it writes, check whether it was "
        "done before you repeat it.",
    ) -> None:
        super().__init__(msg, headers={"Retry-After": "1"})


class StorageUnavailable(RowkeepError):
    """The database cannot be reached."""

    code, status, title = "storage_unavailable", 503, "Storage unavailable"

    def __init__(self, msg: str = "The storage cannot be reached.") -> None:
        super().__init__(msg, headers={"Retry-After": "5"})


class StorageMissing(StorageUnavailable):
    """The database of the workspace, or the catalog, is missing or was replaced; the log names it."""

    code, status, title = "storage_missing", 503, "Storage missing"

    def __init__(self, msg: str = "The database is missing; the log of the server names it.") -> None:
        super().__init__(msg)


class StorageFull(StorageUnavailable):
    """The device of the store has no space left. Nothing was written."""

    code, status, title = "storage_full", 503, "Storage full"

    def __init__(
        self, msg: str = "No space is left on the device of the store. Nothing was written."
    ) -> None:
        super().__init__(msg)


class StorageReadOnly(StorageUnavailable):
    """The store can be read, but not written. Nothing was written."""

    code, status, title = "storage_read_only", 503, "Storage read-only"

    def __init__(self, msg: str = "The store is read-only. Nothing was written.") -> None:
        super().__init__(msg)


# Errors of a start or a shell: no answer bears them, they end a process with one line


class SetupError(Exception):
    """A setting, a key or a store is not as it must be to start; the message says what to mend."""


def all_errors() -> list[type[RowkeepError]]:
    """Every error a caller can be answered with, by status and code."""
    return sorted(_kinds_of(RowkeepError), key=lambda kind: (kind.status, kind.code))


def _kinds_of(base: type[RowkeepError]) -> Iterator[type[RowkeepError]]:
    for kind in base.__subclasses__():
        if "code" in vars(kind):
            yield kind
        yield from _kinds_of(kind)
