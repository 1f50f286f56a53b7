"""History: what is recorded of the changes of a table's rows (contract, section 12)."""

from __future__ import annotations

import re
from enum import IntEnum

import msgspec

OPERATION_ID = re.compile(r"[0-9a-f]{24}")

MAX_KEEP_DAYS = 36_500


class History(msgspec.Struct, frozen=True):
    """Changes are recorded, and the records deleted when they are this many days old."""

    keep_days: int


class Operation(msgspec.Struct, frozen=True):
    """A request that changes rows: its id, the ``Operation-Id`` of its response, and who sent it, as in
    ``Updated_By``; an empty text where the server itself deletes rows."""

    id: str
    writer: str


class ChangeKind(IntEnum):
    """What happened to a row, as it is stored."""

    INSERT = 0
    UPDATE = 1
    DELETE = 2


SERVER = ""
"""The writer of what the server itself does, such as the retention."""
