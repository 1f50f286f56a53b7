"""Heads: what the heads of requests mean, known for those that clients send again and again.

Most clients send the same head with each request of a kind: only the body differs. Such a head need not be
parsed and checked again, byte by byte and header by header.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

MAX_BYTES = 2048
"""Longer heads are not known."""

MAX_KNOWN = 1024

END = b"\r\n\r\n"

UNIQUE = frozenset((b"x-request-id", b"traceparent", b"idempotency-key"))
"""Headers that are different in each request."""


class Head(msgspec.Struct, frozen=True):
    """The head of a request of HTTP/1.1, as its parser read it."""

    method: str
    path: str
    raw_path: bytes
    query: bytes
    version: str
    headers: tuple[tuple[bytes, bytes], ...]
    fields: Mapping[bytes, bytes]
    """The headers by name."""
    keeps_alive: bool
    is_forwarded: bool
    """Whether a proxy set headers about the sender of the request."""


class KnownHeads:
    """The heads of one process, by their bytes, each with the length of the body that follows."""

    def __init__(self) -> None:
        self.known: dict[bytes, tuple[Head, int]] = {}

    def add(self, message: bytes, head: Head) -> None:
        """A whole message with this head has arrived, and nothing else."""
        end = message.find(END) + len(END)
        body = len(message) - end
        length = head.fields.get(b"content-length", b"0")
        # the head ends at its first empty line: only then the rest is exactly the body
        if (
            end > MAX_BYTES
            or not length.isdigit()
            or int(length) != body
            or not UNIQUE.isdisjoint(head.fields)
        ):
            return
        if len(self.known) >= MAX_KNOWN:
            del self.known[next(iter(self.known))]
        self.known[message[:end]] = head, body
