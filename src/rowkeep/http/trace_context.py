"""Trace context: the headers that connect a request with the logs and traces of other programs
(``X-Request-Id``, and ``traceparent`` of W3C Trace Context)."""

from __future__ import annotations

import itertools
import os
import re

import msgspec

REQUEST_ID = re.compile(rb"[A-Za-z0-9._:/+=@~-]{1,128}")
"""A request id that is used as it was sent; any other one is replaced."""

_TRACEPARENT = re.compile(rb"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
INVALID_VERSION = b"ff"
NO_TRACE, NO_SPAN = b"0" * 32, b"0" * 16


class TraceParent(msgspec.Struct, frozen=True):
    """A trace and a span in it, in hexadecimal."""

    trace_id: str
    span_id: str
    flags: int = 0

    def header(self) -> bytes:
        return f"00-{self.trace_id}-{self.span_id}-{self.flags:02x}".encode()


def read_traceparent(value: bytes) -> TraceParent | None:
    """The content of ``traceparent``; None if it is invalid. A later version can have more parts."""
    found = _TRACEPARENT.fullmatch(value.strip())
    if found is None or found[1] == INVALID_VERSION or (found[1] == b"00" and found[5] is not None):
        return None
    if found[2] == NO_TRACE or found[3] == NO_SPAN:
        return None
    return TraceParent(found[2].decode(), found[3].decode(), int(found[4], 16) & 1)


class RequestIds:
    """Makes the ids of requests that have none: a random part for the process, and a number."""

    def __init__(self) -> None:
        self._prefix = os.urandom(8).hex()
        self._numbers = itertools.count(1)

    def new(self) -> str:
        return f"{self._prefix}-{next(self._numbers):x}"
