"""Lists: pages of lists in the management API."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import msgspec

from rowkeep.errors.catalogue import InvalidCursor

T = TypeVar("T")

DEFAULT_LIMIT = 100
MAX_LIMIT = 1000


class Listing(msgspec.Struct, Generic[T], frozen=True):
    """One page of a list; ``next_cursor`` is None at the end."""

    items: Sequence[T]
    next_cursor: str | None = None


class ListRequest(msgspec.Struct, frozen=True):
    """At most ``limit`` items after the key ``after``."""

    limit: int = DEFAULT_LIMIT
    after: str = ""

    def page(self, found: Sequence[T], key: Callable[[T], str]) -> Listing[T]:
        """The page of ``limit`` + 1 items, if there are that many."""
        items = found[: self.limit]
        return Listing(items, write_cursor(key(items[-1])) if len(found) > self.limit else None)


def write_cursor(key: str) -> str:
    return base64.urlsafe_b64encode(key.encode()).decode().rstrip("=")


def read_cursor(cursor: str) -> str:
    """Raises InvalidCursor."""
    try:
        key = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
    except ValueError:
        key = ""
    if key == "" or "\x00" in key:
        raise InvalidCursor("Invalid cursor: use a nextCursor of this list.")
    return key
