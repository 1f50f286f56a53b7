"""Media types: in which format a client wants the rows of a query (RFC 9110, section 12.5.1)."""

from __future__ import annotations

import re
from collections.abc import Container
from functools import lru_cache

from rowkeep.services.streamed_queries import StreamForm

CACHED = 256
MAX_LENGTH = 1024
"""A longer header is read, but the result is not cached."""

STREAMED = {"application/x-ndjson": StreamForm.NDJSON, "text/csv": StreamForm.CSV}
CONTENT_TYPES = {
    StreamForm.NDJSON: b"application/x-ndjson",
    StreamForm.CSV: b"text/csv; charset=utf-8; header=present",
}
FILE_FORMATS = {
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "application/vnd.apache.parquet": "parquet",
}
"""Formats of files that are made as a whole, for administrators and users. They must be the only one in
Accept."""

JSON_RANGES = ("application/json", "application/*", "*/*")
"""What includes JSON, the most specific first."""

WEIGHT = re.compile(r"[01](?:\.[0-9]{0,3})?")


EVENT_STREAM = "text/event-stream"
"""The media type of server-sent events."""


def wants_events(accept: str) -> bool:
    """Whether a client prefers a stream of events to JSON."""
    return _preferred(accept, (EVENT_STREAM,)) is not None


def stream_form(accept: str) -> StreamForm | None:
    """The format of a stream, if a client prefers one; None for JSON. Only a format that is named is
    streamed: ``*/*`` means JSON. Of equal ones, JSON comes first, then the first in the header."""
    return _cached(accept) if len(accept) <= MAX_LENGTH else _stream_form(accept)


def _stream_form(accept: str) -> StreamForm | None:
    best = _preferred(accept, STREAMED)
    return None if best is None else STREAMED[best]


def _preferred(accept: str, offered: Container[str]) -> str | None:
    """The offered media type that a client prefers; None for JSON."""
    weights: dict[str, float] = {}
    for each in accept.lower().split(","):
        media_type, _, parameters = each.partition(";")
        weights.setdefault(media_type.strip(), weight_in(parameters))
    named = [name for name in weights if name in offered and weights[name] > 0]
    if not named:
        return None
    best = max(named, key=lambda name: weights[name])
    json = next((each for each in JSON_RANGES if each in weights), None)
    if json is not None:
        is_named = json == JSON_RANGES[0]
        if weights[json] > weights[best] or (is_named and weights[json] == weights[best]):
            return None
    return best


_cached = lru_cache(CACHED)(_stream_form)


def weight_in(parameters: str) -> float:
    """The weight ``q`` in the parameters of an element: 1 if there is none, 0 if it is invalid."""
    for parameter in parameters.split(";"):
        name, equals, weight = parameter.partition("=")
        if equals and name.strip() == "q":
            return min(1.0, float(weight)) if WEIGHT.fullmatch(weight.strip()) else 0.0
    return 1.0
