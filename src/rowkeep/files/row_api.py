"""Row API: what an import needs of the Data API, which may be that of another machine or of this process."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Protocol, TypeVar

from rowkeep.files.bulk import BulkReply

T = TypeVar("T")

NDJSON = "application/x-ndjson"
CSV = "text/csv"


class RowApi(Protocol):
    """Inserts rows. Methods raise RequestRefused, SetupError, NotServed, NoResponse."""

    async def bulk(self, table: str, content: bytes, key: str | None) -> BulkReply:
        """Send the body of a bulk; ``key`` is its idempotency key."""
        ...

    async def insert_stream(
        self,
        table: str,
        chunks: AsyncIterator[bytes] | bytes,
        media_type: str,
        parameters: Mapping[str, str],
        key: str | None = None,
    ) -> BulkReply:
        """Send a stream of rows; ``parameters`` are its options."""
        ...

    async def patiently(self, call: Callable[[], Awaitable[T]]) -> T:
        """Call a function, and retry it while requests are not served."""
        ...


class ShownProgress(Protocol):
    """Where an import shows its progress."""

    def move(self, done: int, rows: int) -> None:
        """``done`` is 0 while the file is read; ``rows`` are those that were imported."""
        ...

    def restart(self, what: str, total: int) -> None:
        """Other work begins, such as importing rows that waited for others."""
        ...
