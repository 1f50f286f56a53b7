"""Lists: one page of a list in the management API, and where the next one begins."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias, TypeVar

import msgspec

from rowkeep.errors.catalogue import InvalidCursor

T = TypeVar("T")
Listing: TypeAlias = dict[str, Any]

DEFAULT_LIMIT = 100
MAX_LIMIT = 1000


class Page(msgspec.Struct, frozen=True):
    """At most ``limit`` things, behind the key ``after``."""

    limit: int = DEFAULT_LIMIT
    after: str = ""

    def listing(
        self, what: str, found: Sequence[T], form: Callable[[T], Any], key: Callable[[T], str]
    ) -> Listing:
        """The answer, from one thing more than the limit if there are more."""
        shown = found[: self.limit]
        answer: Listing = {what: [form(each) for each in shown]}
        if len(found) > self.limit:
            answer["nextCursor"] = write_cursor(key(shown[-1]))
        return answer


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
