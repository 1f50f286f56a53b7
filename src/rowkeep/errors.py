"""Every way to fail: one class an error, with its stable code, status and title.

Codes are never reused. The HTTP layer turns these into answers and the CLI into one line; nobody else
words an error for a reader. This module imports nothing of Rowkeep.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

MAX_PROBLEMS = 100
"""How many problems one answer lists (contract, section 6)."""

MAX_ECHO = 100
"""How many characters of what was sent an error repeats."""


_JSON_WORDS = {
    "True": "true",
    "False": "false",
    "None": "null",
    "inf": "a number that large",
    "-inf": "a number that small",
}


def quoted(value: object) -> str:
    """What was sent, fit for an error message: at most 100 characters, control characters escaped."""
    if isinstance(value, list | dict):
        return "an array" if isinstance(value, list) else "an object"
    text = value if isinstance(value, str) else _JSON_WORDS.get(repr(value), repr(value))
    shown = text if len(text) <= MAX_ECHO else text[: MAX_ECHO - 1] + "…"
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in shown)


def escape_pointer(token: str) -> str:
    """One reference token of a JSON Pointer (RFC 6901, section 3)."""
    return token.replace("~", "~0").replace("/", "~1")


def pointer(*tokens: str | int) -> str:
    """A JSON Pointer (RFC 6901) from its reference tokens; ``pointer()`` is the whole document."""
    return "".join(f"/{escape_pointer(str(token))}" for token in tokens)


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a request: what, under which code, and where in its body."""

    msg: str
    code: str
    pointer: str | None = None


class RowkeepError(Exception):
    """The base of all errors that a caller is told of.

    ``problems`` has at least one entry; the first one is the answer's ``detail``. ``headers`` go into the
    answer as they stand.
    """

    code: ClassVar[str]
    status: ClassVar[int]
    title: ClassVar[str]

    def __init__(
        self,
        msg: str,
        *,
        pointer: str | None = None,
        problems: Iterable[Problem] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(msg)
        self.problems = tuple(problems) or (Problem(msg, self.code, pointer),)
        self.headers = dict(headers or {})

    @property
    def msg(self) -> str:
        return str(self.args[0])


# 400: the request itself cannot be understood


class MalformedJson(RowkeepError):
    """The body is not JSON (RFC 8259), not UTF-8, or nested too deep."""

    code, status, title = "malformed_json", 400, "Malformed JSON"


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
    """Two names in one object or list mean the same column."""

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


class FilterMissing(RowkeepError):
    """An update or delete without a filter, which would touch every row."""

    code, status, title = "filter_missing", 400, "Filter missing"


class InvalidCursor(RowkeepError):
    """The cursor is not one of ours, or belongs to another filter or sort."""

    code, status, title = "invalid_cursor", 400, "Invalid cursor"


class InvalidName(RowkeepError):
    """A name that is not of the form that names have."""

    code, status, title = "invalid_name", 400, "Invalid name"


class InvalidDefinition(RowkeepError):
    """The definition of a table is not well-formed or contradicts itself."""

    code, status, title = "invalid_definition", 400, "Invalid definition"


class Unsupported(RowkeepError):
    """The definition asks for what this version of Rowkeep does not have."""

    code, status, title = "unsupported", 400, "Unsupported"


# 401, 403: who is asking


class Unauthenticated(RowkeepError):
    """No token, or one that does not hold. One answer for all causes."""

    code, status, title = "unauthenticated", 401, "Unauthenticated"

    def __init__(self) -> None:
        super().__init__(
            "The request needs a valid token in the header auth or Authorization: Bearer.",
            headers={"WWW-Authenticate": "Bearer"},
        )


class Forbidden(RowkeepError):
    """The app has no such grant."""

    code, status, title = "forbidden", 403, "Forbidden"


# 404, 405, 413, 415: what is asked for, and in which form


class NoSuchRoute(RowkeepError):
    """No call has this path."""

    code, status, title = "no_such_route", 404, "No such path"


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


class Protected(RowkeepError):
    """It may not be deleted: the workspace main, the last admin token."""

    code, status, title = "protected", 409, "Protected"


# 422: a value that its column cannot hold


class InvalidValue(RowkeepError):
    """A value does not fit the type or the limits of its column."""

    code, status, title = "invalid_value", 422, "Invalid value"


class RequiredValue(RowkeepError):
    """A required column has no value."""

    code, status, title = "required_value", 422, "Required value"


# 500, 503: our side


class Internal(RowkeepError):
    """A fault of Rowkeep's own; the log has more."""

    code, status, title = "internal", 500, "Internal error"


class Busy(RowkeepError):
    """The store was too busy for longer than busy_timeout_seconds. Nothing was written."""

    code, status, title = "busy", 503, "Busy"

    def __init__(self, msg: str = "The store is too busy. Nothing was written; try again.") -> None:
        super().__init__(msg, headers={"Retry-After": "1"})


class StorageUnavailable(RowkeepError):
    """The database cannot be reached."""

    code, status, title = "storage_unavailable", 503, "Storage unavailable"

    def __init__(self, msg: str = "The storage cannot be reached.") -> None:
        super().__init__(msg, headers={"Retry-After": "5"})


# Errors of a start or a shell: no answer bears them, they end a process with one line


class SetupError(Exception):
    """A setting, a key or a store is not as it must be to start; the message says what to mend."""


@dataclass(slots=True)
class ProblemList:
    """Collects the problems of one body, at most :data:`MAX_PROBLEMS`, and raises them together.

    The class of the first problem decides the status (readings, 67).
    """

    first: type[RowkeepError] | None = None
    found: list[Problem] = field(default_factory=list)

    def add(self, kind: type[RowkeepError], msg: str, where: str) -> None:
        if self.first is None:
            self.first = kind
        if not self.full:
            self.found.append(Problem(msg, kind.code, where))

    @property
    def full(self) -> bool:
        return len(self.found) >= MAX_PROBLEMS

    def raise_if_any(self) -> None:
        if self.first is not None:
            raise self.first(self.found[0].msg, problems=self.found)


def all_errors() -> list[type[RowkeepError]]:
    """Every error a caller can be answered with, by status and code."""
    return sorted(RowkeepError.__subclasses__(), key=lambda kind: (kind.status, kind.code))
