"""Change feeds: where a reader of a table's changes is, and what it asks for."""

from __future__ import annotations

from enum import Enum, auto
from typing import TypeAlias

import msgspec

MAX_CHANGES = 1000
"""The maximum number of changes of a page."""

DEFAULT_CHANGES = 100

MAX_WAIT_SECONDS = 60
"""How long a request can wait for the next change."""

NOW = "now"
"""Stands for the cursor of the newest change."""


class FeedCursor(msgspec.Struct, frozen=True, order=True):
    """After a change of a table: the ``position`` of its operation, and its own number."""

    position: int
    seq: int


class FeedEnd(Enum):
    """Before the oldest change that is recorded, or after the newest one."""

    OLDEST = auto()
    NEWEST = auto()


FeedPlace: TypeAlias = FeedCursor | FeedEnd

NO_CHANGE = FeedCursor(0, 0)
"""Before the first change that a table can have."""


class FeedRequest(msgspec.Struct, frozen=True):
    """At most ``limit`` changes after the cursor ``after``: its text, :data:`NOW`, or None for the start. If
    there are none, wait ``wait`` seconds for the next one."""

    after: str | None = None
    limit: int = DEFAULT_CHANGES
    wait: int = 0
