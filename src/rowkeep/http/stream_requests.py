"""Stream requests: inserts whose body is NDJSON or CSV instead of JSON."""

from __future__ import annotations

from typing import get_args

from msgspec import UNSET, UnsetType

from rowkeep.codec.streams.readers import CsvReader, NdjsonReader, StreamReader
from rowkeep.errors.catalogue import InvalidParameter, UnsupportedMediaType, preview
from rowkeep.http.request import Request, flag
from rowkeep.model.data_requests import Conflict, ConflictAction, InsertMode, InsertOptions
from rowkeep.services.stream_requests import StreamRequest

READERS: dict[str, type[StreamReader]] = {"application/x-ndjson": NdjsonReader, "text/csv": CsvReader}
"""By media type."""

PARAMETERS = ("mode", "onConflict", "action", "dryRun")
"""The query parameters of a stream. They mean the same as these members of the body of a bulk; ``action`` is
that of ``onConflict``, whose columns are separated by commas."""


def is_stream(content_type: str) -> bool:
    """Whether a body of this type is a stream."""
    return content_type.partition(";")[0].strip().lower() in READERS


def stream_request(request: Request) -> StreamRequest:
    """Raises UnsupportedMediaType, InvalidParameter."""
    content_type = request.header(b"content-type") or ""
    media_type, _, rest = content_type.lower().partition(";")
    parameters = [each.strip().replace('"', "") for each in rest.split(";") if each.strip()]
    if set(parameters) - {"charset=utf-8", "charset=utf8", "header=present"}:
        raise UnsupportedMediaType(
            f"A stream must be in UTF-8, and CSV must have a header; got {preview(content_type)}."
        )
    return StreamRequest(request.stream(), READERS[media_type.strip()], _options(request))


def _options(request: Request) -> InsertOptions:
    given = request.parameters(*PARAMETERS)
    mode = _one_of(given, "mode", get_args(InsertMode))
    action = _one_of(given, "action", get_args(ConflictAction))
    if ("onConflict" in given) != ("action" in given):
        raise InvalidParameter("onConflict and action belong together. Send both, or none of them.")
    conflict: Conflict | UnsetType = UNSET
    if action is not None:
        conflict = Conflict([name.strip() for name in given["onConflict"].split(",")], action)  # type: ignore[arg-type] # one of them
    return InsertOptions(conflict, mode or UNSET, flag(given, "dryRun"))  # type: ignore[arg-type] # one of them


def _one_of(given: dict[str, str], name: str, choices: tuple[str, ...]) -> str | None:
    value = given.get(name)
    if value is not None and value not in choices:
        raise InvalidParameter(
            f"{name} must be one of {', '.join(map(preview, choices))}; got {preview(value)}."
        )
    return value
