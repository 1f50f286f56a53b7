"""Activity: what server processes count for the operator, and the sizes of tables by day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec


class SlowQuery(msgspec.Struct, frozen=True):
    """A request that took long in the database, at a time in seconds since 1970. ``statement`` is without
    its values; ``table`` and ``app`` are as in the log."""

    time: float
    seconds: float
    operation: str
    statement: str
    table: str | None
    app: str | None


class Counts(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one process counted in some minutes: requests by the class of their status (2 for 200 to 299),
    refused requests by reason, and rows by operation."""

    requests: Mapping[str, int] = {}
    refusals: Mapping[str, int] = {}
    rows: Mapping[str, int] = {}
    slowest: Sequence[SlowQuery] = ()


class TableOnDay(msgspec.Struct, frozen=True):
    """The size of a table on a day, such as 2026-11-27. Rows and bytes can be estimates."""

    table_id: str
    name: str
    rows: int
    bytes: int
    day: str = ""


class Growth(msgspec.Struct, frozen=True):
    """A table and its sizes, the oldest first."""

    workspace: str
    days: Sequence[TableOnDay]


class ActivityPoint(msgspec.Struct, frozen=True):
    """What all processes counted from a time on, in seconds since 1970."""

    time: int
    counts: Counts


class Notice(msgspec.Struct, frozen=True):
    """Something that needs attention: what it is about, how urgent (``error``, ``warning``), and what to
    do."""

    about: str
    level: str
    message: str


class Activity(msgspec.Struct, frozen=True):
    """What an operator sees first."""

    since: int
    until: int
    step: int
    points: Sequence[ActivityPoint]
    slowest: Sequence[SlowQuery]
    tables: Sequence[Growth]
    notices: Sequence[Notice]
