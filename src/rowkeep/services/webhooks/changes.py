"""Changes: where the recorded changes of a table come from that become messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec

from rowkeep.catalog.workspace import OpenWorkspace


class EncodedChange(msgspec.Struct, frozen=True):
    """One change: its kind, its time, and its JSON as the Data API returns it."""

    kind: str
    on: str
    data: bytes


class ChangePage(msgspec.Struct, frozen=True):
    """Changes in the order of their commits, and the cursor after the last of them."""

    table: str
    """The name of the table."""
    changes: Sequence[EncodedChange]
    next_cursor: str
    has_more: bool


class ChangesSource(Protocol):
    """The recorded changes of tables, by the ids of the tables. Its methods raise NoSuchTable, HistoryOff,
    and HistoryExpired for a cursor whose changes were deleted; StaleCatalog if definitions change
    meanwhile."""

    async def end(self, opened: OpenWorkspace, table_id: str) -> str:
        """The cursor after the newest change."""

    async def after(self, opened: OpenWorkspace, table_id: str, cursor: str, limit: int) -> ChangePage:
        """The changes after a cursor; an empty one is the start of the records."""

    async def ends(self, opened: OpenWorkspace, table_ids: Sequence[str]) -> Mapping[str, str]:
        """The cursors after the newest changes of some tables, or what changes when these do: if it is equal
        to an earlier one, a table has no further changes. Tables without history are missing."""
