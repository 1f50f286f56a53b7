"""Requests of an import: their bodies, and the idempotency keys that make it safe to send them again."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from enum import StrEnum

import msgspec

from rowkeep.files.records import Row


class OnConflict(StrEnum):
    """What happens to a row whose key is in the table."""

    ERROR = "error"
    IGNORE = "ignore"
    UPDATE = "update"


class Mode(StrEnum):
    """Whether valid rows are stored if others are rejected."""

    PARTIAL = "partial"
    ATOMIC = "atomic"


class BulkOptions(msgspec.Struct, frozen=True, kw_only=True):
    """The options of every bulk insert of an import. ``key`` has the columns of a unique index."""

    mode: Mode = Mode.PARTIAL
    on_conflict: OnConflict = OnConflict.ERROR
    key: tuple[str, ...] = ()
    is_dry_run: bool = False

    @property
    def is_repeatable(self) -> bool:
        """Whether a request that was executed can be sent again under another key without inserting its rows
        twice."""
        return self.on_conflict is not OnConflict.ERROR

    @property
    def is_atomic(self) -> bool:
        return self.mode is Mode.ATOMIC

    def body(self, rows: Sequence[Row], *, is_upsert: bool = False) -> bytes:
        """The body of a bulk insert of these rows. In mode partial, rows are inserted, and those whose key is
        in the table are then sent again as an upsert, of all or none of them."""
        members: dict[str, object] = {}
        action = self.on_conflict
        if not is_upsert and not self.is_atomic:
            members["mode"] = Mode.PARTIAL
            action = OnConflict.ERROR
        if self.key:
            members["onConflict"] = {"columns": self.key, "action": action}
        if self.is_dry_run:
            members["dryRun"] = True
        start = msgspec.json.encode({**members, "data": []})[:-2]
        return b"%b%b]}" % (start, b",".join([row.json for row in rows]))

    @property
    def parameters(self) -> dict[str, str]:
        """The query parameters of a stream, which inserts or upserts all of its rows or none."""
        if not self.key or self.on_conflict is OnConflict.ERROR:
            return {}
        return {"onConflict": ",".join(self.key), "action": self.on_conflict}

    @staticmethod
    def lines(rows: Sequence[Row]) -> bytes:
        """The body of a stream of these rows: one line for each."""
        body = b"\n".join([row.json for row in rows]) + b"\n"
        if body.count(b"\n") == len(rows) and b"\r" not in body:
            return body
        # line ends between the tokens of JSON have no meaning
        return b"".join([row.json.replace(b"\n", b" ").replace(b"\r", b" ") + b"\n" for row in rows])

    @property
    def extra_bytes(self) -> int:
        """The size of a body without rows."""
        return len(self.body((), is_upsert=True))


def idempotency_key(run: str, place: str, body: bytes) -> str:
    """The key of a request. ``run`` identifies the import, and ``place`` the position of its rows."""
    digest = hashlib.sha256(b"%b\n%b\n" % (run.encode(), place.encode()))
    digest.update(body)
    return f"rowkeep-import-{digest.hexdigest()}"
