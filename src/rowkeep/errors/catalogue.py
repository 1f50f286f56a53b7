"""All errors: one class each, with its stable code, status and title.

The docstring of a class is its description in docs/errors.md. Codes are never reused. The HTTP layer turns
errors into responses, and the command line into one line.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import rowkeep.errors.files  # noqa: F401 - its errors are among all
from rowkeep.errors.base import (
    MAX_ECHO,
    MAX_PROBLEMS,
    Problem,
    ProblemList,
    RowkeepError,
    excerpt,
    pointer,
    preview,
)
from rowkeep.errors.charts import InvalidChart, NoSuchChart, TooManyCharts
from rowkeep.errors.definitions import DefinitionChanged
from rowkeep.errors.history import HistoryExpired, HistoryOff, NoSuchOperation, UndoConflict
from rowkeep.errors.webhooks import InvalidUrl, NoSuchDelivery, NoSuchWebhook, TooManyWebhooks

__all__ = (
    "MAX_ECHO", "MAX_PROBLEMS", "DefinitionChanged", "HistoryExpired", "HistoryOff", "InvalidChart",
    "InvalidUrl", "NoSuchChart", "NoSuchDelivery", "NoSuchOperation", "NoSuchWebhook", "Problem",
    "ProblemList", "RowkeepError", "TooManyCharts", "TooManyWebhooks", "UndoConflict", "excerpt", "pointer",
    "preview",
)  # fmt: skip
"""Re-exported for modules that raise or handle errors."""

# 400: the request is invalid


class MalformedJson(RowkeepError):
    """The body is not JSON (RFC 8259), not UTF-8, or nested deeper than the setting max_json_depth."""

    code, status, title = "malformed_json", 400, "Malformed JSON"


class MalformedCsv(RowkeepError):
    """The body is not CSV (RFC 4180) in UTF-8, or has no valid header."""

    code, status, title = "malformed_csv", 400, "Malformed CSV"


class MalformedRequest(RowkeepError):
    """The request is not valid HTTP/1.1 (RFC 9112), for example because it has no Host header."""

    code, status, title = "malformed_request", 400, "Malformed request"


class RepeatedKey(RowkeepError):
    """An object in the body has the same key twice."""

    code, status, title = "repeated_key", 400, "Repeated key"


class InvalidBody(RowkeepError):
    """The body is JSON, but does not have the form that this endpoint takes."""

    code, status, title = "invalid_body", 400, "Invalid body"


class InvalidCompression(RowkeepError):
    """The body cannot be unpacked as its header Content-Encoding says."""

    code, status, title = "invalid_compression", 400, "Invalid compression"


class UnknownKey(RowkeepError):
    """The body has a key that this endpoint does not know."""

    code, status, title = "unknown_key", 400, "Unknown key"


class InvalidParameter(RowkeepError):
    """A query parameter or header is unknown, given twice, or has an invalid value."""

    code, status, title = "invalid_parameter", 400, "Invalid parameter"


class UnknownColumn(RowkeepError):
    """No column has this name, or the name is ambiguous."""

    code, status, title = "unknown_column", 400, "Unknown column"


class DuplicateColumn(RowkeepError):
    """Two keys of one object, or two names in one list, match the same column."""

    code, status, title = "duplicate_column", 400, "Duplicate column"


class SystemColumn(RowkeepError):
    """A system column can be read, but not defined or written."""

    code, status, title = "system_column", 400, "System column cannot be changed"


class UnknownOperand(RowkeepError):
    """No operand has this name."""

    code, status, title = "unknown_operand", 400, "Unknown operand"


class InvalidFilter(RowkeepError):
    """The filter is invalid, or its operand cannot be used with the column or the value."""

    code, status, title = "invalid_filter", 400, "Invalid filter"


class MissingFilter(RowkeepError):
    """An update or delete has no filter and would change every row."""

    code, status, title = "missing_filter", 400, "Missing filter"


class InvalidCursor(RowkeepError):
    """The cursor is invalid, or was produced with another filter or sort."""

    code, status, title = "invalid_cursor", 400, "Invalid cursor"


class InvalidName(RowkeepError):
    """A name does not have the required form."""

    code, status, title = "invalid_name", 400, "Invalid name"


class InvalidDefinition(RowkeepError):
    """The definition of a table or view is invalid."""

    code, status, title = "invalid_definition", 400, "Invalid definition"


# 401, 403: authentication and grants


class Unauthenticated(RowkeepError):
    """The token is missing or invalid. The response is the same for all causes."""

    code, status, title = "unauthenticated", 401, "Unauthenticated"

    def __init__(self, cause: str = "malformed token") -> None:
        """``cause`` is only logged: in a response it would help to guess tokens."""
        super().__init__(
            "The token is missing or invalid. Send a valid one in the header auth or Authorization: Bearer.",
            headers={"WWW-Authenticate": "Bearer"},
        )
        self.cause = cause


class SignInFailed(RowkeepError):
    """The e-mail address or the password is wrong. The response is the same for all causes."""

    code, status, title = "sign_in_failed", 401, "Sign-in failed"

    def __init__(self, msg: str = "The e-mail address or the password is wrong.") -> None:
        super().__init__(msg, headers={"WWW-Authenticate": "Bearer"})


class Forbidden(RowkeepError):
    """The app does not have the required grant, or the user not the required right."""

    code, status, title = "forbidden", 403, "Forbidden"


class CrossOrigin(RowkeepError):
    """A request with the cookie of a session was sent by a page of another origin. Nothing was done."""

    code, status, title = "cross_origin", 403, "Request from another origin"


# 404, 405, 408, 413, 414, 415, 431: the endpoint, and the size and form of the request


class NoSuchEndpoint(RowkeepError):
    """No endpoint has this path."""

    code, status, title = "no_such_endpoint", 404, "No such endpoint"

    def __init__(self, msg: str = "No such endpoint. Check the path.") -> None:
        super().__init__(msg)


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
    """No workspace has this name."""

    code, status, title = "no_such_workspace", 404, "No such workspace"


class NoSuchAdminToken(RowkeepError):
    """No admin token has this id."""

    code, status, title = "no_such_admin_token", 404, "No such admin token"


class NoSuchUser(RowkeepError):
    """No user has this id or e-mail address, or it is not a member or has no share."""

    code, status, title = "no_such_user", 404, "No such user"


class NoSuchSession(RowkeepError):
    """The user has no session with this id."""

    code, status, title = "no_such_session", 404, "No such session"


class InvalidLink(RowkeepError):
    """The one-time link is invalid, was used already, or has expired."""

    code, status, title = "invalid_link", 410, "Invalid link"

    def __init__(
        self,
        msg: str = "The link is invalid, was used already, or has expired. Ask an administrator for "
        "another one.",
    ) -> None:
        super().__init__(msg)


class MethodNotAllowed(RowkeepError):
    """The endpoint does not support this method. The header ``Allow`` lists those that it supports."""

    code, status, title = "method_not_allowed", 405, "Method not allowed"

    def __init__(self, method: str, allowed: str) -> None:
        super().__init__(
            f"Method {preview(method)} is not allowed here. Use {allowed}.", headers={"Allow": allowed}
        )


class RequestTimeout(RowkeepError):
    """The head or the body of the request did not arrive in time."""

    code, status, title = "request_timeout", 408, "Request timeout"


class UriTooLong(RowkeepError):
    """The request line is longer than the setting max_request_line_bytes."""

    code, status, title = "uri_too_long", 414, "URI too long"


class HeadersTooLarge(RowkeepError):
    """The headers exceed the settings max_header_bytes or max_header_count."""

    code, status, title = "headers_too_large", 431, "Headers too large"


class BodyTooLarge(RowkeepError):
    """The body is larger than the setting max_body_bytes, or a row of it than max_row_bytes."""

    code, status, title = "body_too_large", 413, "Body too large"


class LineTooLong(RowkeepError):
    """A line of a stream, or a record of CSV, is larger than the setting max_row_bytes."""

    code, status, title = "line_too_long", 413, "Line too long"


class UnsupportedMediaType(RowkeepError):
    """The body is not application/json in UTF-8, or is compressed with something else than gzip or zstd."""

    code, status, title = "unsupported_media_type", 415, "Unsupported media type"


# 409: the request conflicts with existing data


class UniqueViolation(RowkeepError):
    """A row with the same value in a unique index already exists."""

    code, status, title = "unique_violation", 409, "Unique index violated"


class NameTaken(RowkeepError):
    """The name or client id is already used. Names that differ only in case are the same."""

    code, status, title = "name_taken", 409, "Name taken"


class ReferenceViolation(RowkeepError):
    """A value does not exist in the column that it references."""

    code, status, title = "reference_violation", 409, "Reference violated"


class StillReferenced(RowkeepError):
    """It is still referenced by rows, tables or views, which must be changed or deleted first."""

    code, status, title = "still_referenced", 409, "Still referenced"


class DeleteNotAllowed(RowkeepError):
    """The workspace main, the last admin token and one's own user cannot be deleted or disabled."""

    code, status, title = "delete_not_allowed", 409, "Delete not allowed"


class DataLoss(RowkeepError):
    """The change would lose data, and allowDataLoss=true was not set. Nothing was changed."""

    code, status, title = "data_loss", 409, "Data loss"


class IncompatibleRows(RowkeepError):
    """Existing rows violate the change. ``count`` says how many, ``sample`` shows some of them. Nothing was
    changed."""

    code, status, title = "incompatible_rows", 409, "Existing rows violate the change"


class AffectedOutOfBounds(RowkeepError):
    """The filter matches fewer rows than ``minAffected``, or more than ``maxAffected`` or the maximum of the
    app. ``nMatched`` says how many. Nothing was written."""

    code, status, title = "affected_out_of_bounds", 409, "Number of affected rows out of bounds"


class QuotaExceeded(RowkeepError):
    """The table would have more rows than the setting max_rows_per_table allows, or the workspace has more
    bytes than max_workspace_bytes. ``quota`` names the setting, ``limit`` is its value. Nothing was
    written."""

    code, status, title = "quota_exceeded", 409, "Quota exceeded"

    def __init__(self, msg: str, *, quota: str = "max_rows_per_table", value: int = 0) -> None:
        more = {"quota": quota, "limit": value}
        super().__init__(msg, problems=[Problem(msg, self.code, more=more)])


class IdempotencyInProgress(RowkeepError):
    """A write with the same Idempotency-Key is still running. Nothing was written; repeat it later."""

    code, status, title = "idempotency_in_progress", 409, "Idempotency key in progress"

    def __init__(
        self,
        msg: str = "A write with the same Idempotency-Key is still running. Nothing was written; repeat the "
        "same request later.",
    ) -> None:
        super().__init__(msg, headers={"Retry-After": "1"})


class TooManyColumns(RowkeepError):
    """PostgreSQL allows no more columns in this table: 1,600 in its lifetime, dropped ones included.
    Nothing was changed."""

    code, status, title = "too_many_columns", 409, "Too many columns"

    def __init__(
        self, msg: str = "PostgreSQL allows no more columns in this table. Create a new table."
    ) -> None:
        super().__init__(msg)


# 422: invalid values


class InvalidValue(RowkeepError):
    """A value does not fit the type or the limits of its column."""

    code, status, title = "invalid_value", 422, "Invalid value"


class TooManyCells(RowkeepError):
    """An insert has more cells (rows × columns) than the setting max_bulk_cells. Nothing was written."""

    code, status, title = "too_many_cells", 422, "Too many cells"


class AllRowsFailed(RowkeepError):
    """None of the rows of a bulk with mode ``partial`` could be inserted. ``errors`` has the errors of all
    rows, each with its own code; ``nInserted`` and ``nFailed`` are the counts. Nothing was written."""

    code, status, title = "all_rows_failed", 422, "All rows failed"


class TooManyFailedRows(RowkeepError):
    """A bulk with mode ``partial`` has more errors than the setting max_bulk_errors. Nothing was written."""

    code, status, title = "too_many_failed_rows", 422, "Too many failed rows"


class TooManyOperations(RowkeepError):
    """A batch has more than 1,000 operations. Nothing was written."""

    code, status, title = "too_many_operations", 422, "Too many operations"


class InvalidResultReference(RowkeepError):
    """A ``{"$ref": …}`` in a batch does not refer to a single value of an earlier result."""

    code, status, title = "invalid_result_reference", 422, "Invalid reference to a result"


class ResponseTooLarge(RowkeepError):
    """A single record, or the records of a batch, are larger than the setting max_response_bytes."""

    code, status, title = "response_too_large", 422, "Response too large"


class MissingValue(RowkeepError):
    """A required column has no value."""

    code, status, title = "missing_value", 422, "Missing value"


class DuplicateKey(RowkeepError):
    """Several rows of an upsert have the same key. Nothing was written."""

    code, status, title = "duplicate_key", 422, "Duplicate key"


class IdempotencyKeyReused(RowkeepError):
    """The Idempotency-Key was used for another request. Nothing was written."""

    code, status, title = "idempotency_key_reused", 422, "Idempotency key reused"


# 429: too many requests


class RateLimited(RowkeepError):
    """The app has sent more requests to the table than its ``rateLimit`` or the setting rate_limit allows.
    ``Retry-After`` says when to try again. Nothing was done."""

    code, status, title = "rate_limited", 429, "Rate limited"

    def __init__(self, msg: str, seconds: int = 60) -> None:
        super().__init__(msg, headers={"Retry-After": str(seconds)})


class TooManySignIns(RowkeepError):
    """Too many sign-ins to this account or from this address have failed. ``Retry-After`` is at most 60."""

    code, status, title = "too_many_sign_ins", 429, "Too many failed sign-ins"

    def __init__(self, seconds: int = 60) -> None:
        super().__init__(
            f"Too many sign-ins have failed. Try again in {seconds} seconds.",
            headers={"Retry-After": str(seconds)},
        )


# 500, 503: the server


class InternalError(RowkeepError):
    """An error in Rowkeep itself. The server log has the details."""

    code, status, title = "internal_error", 500, "Internal error"

    def __init__(self, msg: str = "Internal error. See the server log.") -> None:
        super().__init__(msg)


class CorruptedCell(RowkeepError):
    """An encrypted cell cannot be decrypted: it was modified outside Rowkeep."""

    code, status, title = "corrupted_cell", 500, "Corrupted cell"

    def __init__(
        self, msg: str = "An encrypted cell cannot be decrypted: it was modified outside Rowkeep."
    ) -> None:
        super().__init__(msg)


class Busy(RowkeepError):
    """The server or the database was too busy for longer than busy_timeout_seconds. Nothing was written."""

    code, status, title = "busy", 503, "Busy"

    def __init__(self, msg: str = "The database is too busy. Nothing was written; try again.") -> None:
        super().__init__(msg, headers={"Retry-After": "1"})


class QueryTimeout(RowkeepError):
    """A query, update or delete ran longer than the setting max_query_seconds and was cancelled."""

    code, status, title = "query_timeout", 503, "Query timeout"

    def __init__(self, msg: str) -> None:
        super().__init__(msg, headers={"Retry-After": "5"})


class ProcessingTimeout(RowkeepError):
    """The request took longer than the setting max_request_seconds and was cancelled."""

    code, status, title = "processing_timeout", 503, "Processing timeout"

    def __init__(self, msg: str) -> None:
        super().__init__(msg, headers={"Retry-After": "5"})


class ShuttingDown(RowkeepError):
    """The server is stopping and cancelled the request. A write may have been committed before that."""

    code, status, title = "shutting_down", 503, "Server shutting down"

    def __init__(
        self,
        msg: str = "The server is stopping and cancelled the request. If it is a write, check whether it was "
        "committed before you retry.",
    ) -> None:
        super().__init__(msg, headers={"Retry-After": "1"})


class StorageUnavailable(RowkeepError):
    """The database cannot be reached."""

    code, status, title = "storage_unavailable", 503, "Storage unavailable"

    def __init__(self, msg: str = "The database cannot be reached. Try again later.") -> None:
        super().__init__(msg, headers={"Retry-After": "5"})


class StorageMissing(StorageUnavailable):
    """The database of the workspace, or the catalog, is missing or was replaced. The server log names it."""

    code, status, title = "storage_missing", 503, "Storage missing"

    def __init__(self, msg: str = "The database is missing. The server log names it.") -> None:
        super().__init__(msg)


class StorageFull(StorageUnavailable):
    """The device of the database has no space left. Nothing was written."""

    code, status, title = "storage_full", 503, "Storage full"

    def __init__(
        self, msg: str = "The device of the database has no space left. Nothing was written."
    ) -> None:
        super().__init__(msg)


class StorageReadOnly(StorageUnavailable):
    """The database is read-only. Nothing was written."""

    code, status, title = "storage_read_only", 503, "Storage read-only"

    def __init__(self, msg: str = "The database is read-only. Nothing was written.") -> None:
        super().__init__(msg)


class StorageNewer(StorageUnavailable):
    """A newer version of Rowkeep has changed the database of a workspace, so this one must not use it."""

    def __init__(self, msg: str) -> None:
        super().__init__(msg)


class NotReady(RowkeepError):
    """The server cannot serve all requests: the master key does not fit the store, or a database belongs to
    another version of Rowkeep."""

    code, status, title = "not_ready", 503, "Not ready"

    def __init__(self, msg: str = "The server is not ready. The server log names the cause.") -> None:
        super().__init__(msg, headers={"Retry-After": "5"})


# Errors of a command: they end the process with one line and are never sent in a response


class SetupError(Exception):
    """A setting, a key or the store is invalid; the message says what to do."""


class NewerStore(SetupError):
    """A newer version of Rowkeep has written a database."""


@cache
def all_errors() -> tuple[type[RowkeepError], ...]:
    """All errors that a response can have, sorted by status and code."""
    return tuple(sorted(_kinds_of(RowkeepError), key=lambda kind: (kind.status, kind.code)))


def _kinds_of(base: type[RowkeepError]) -> Iterator[type[RowkeepError]]:
    for kind in base.__subclasses__():
        if "code" in vars(kind):
            yield kind
        yield from _kinds_of(kind)
