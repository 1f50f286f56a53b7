"""Bulk replies: the response to a bulk insert, in every mode, with or without records."""

from __future__ import annotations

import msgspec
from msgspec import UNSET, UnsetType

from rowkeep.files.responses import RequestProblem


class BulkReply(msgspec.Struct, frozen=True, rename="camel"):
    """The counts of a bulk insert, and the errors of the rows that failed. ``is_replayed`` says whether the
    request had been executed before, under the same idempotency key."""

    inserted: int = msgspec.field(name="nInserted", default=0)
    updated: int = msgspec.field(name="nUpdated", default=0)
    ignored: int = msgspec.field(name="nIgnored", default=0)
    failed: int = msgspec.field(name="nFailed", default=0)
    errors: list[RequestProblem] | UnsetType = UNSET
    is_replayed: bool = False
    size: int = 0
    """The number of bytes of the response."""

    @property
    def written(self) -> int:
        """The rows that were accepted."""
        return self.inserted + self.updated + self.ignored

    @property
    def problems(self) -> list[RequestProblem]:
        return [] if isinstance(self.errors, UnsetType) else self.errors

    @property
    def has_errors(self) -> bool:
        """Whether the response has the errors of the rows that failed."""
        return not isinstance(self.errors, UnsetType) and bool(self.errors)


bulk_decoder: msgspec.json.Decoder[BulkReply] = msgspec.json.Decoder(BulkReply)
