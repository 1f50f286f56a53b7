"""Changes: reads the recorded changes of tables, and follows them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import msgspec

from rowkeep.client.answers import decoded
from rowkeep.client.data import DataClient
from rowkeep.client.paths import path_part

PAGE = 1000
WAIT_SECONDS = 50
"""How long one request waits for the next change: less than most proxies allow."""


class ReceivedChanges(msgspec.Struct, frozen=True, rename="camel"):
    """A page of changes. Each is still JSON."""

    changes: list[msgspec.Raw]
    next_cursor: str
    has_more: bool


_decoder = msgspec.json.Decoder(ReceivedChanges)


async def changes_page(
    api: DataClient, table: str, after: str | None, limit: int = PAGE, wait: int = 0
) -> ReceivedChanges:
    """One page of the changes of a table. The request is repeated if there is no response, which is safe."""
    return await _page(api, f"tables/{path_part(table)}/changes", after, limit, wait)


async def row_changes(api: DataClient, table: str, row_id: str) -> list[dict[str, Any]]:
    """All changes of a row, the oldest first."""
    path = f"tables/{path_part(table)}/rows/{path_part(row_id)}/changes"
    found: list[dict[str, Any]] = []
    after = None
    while True:
        page = await _page(api, path, after, PAGE, 0)
        found += map(decoded, page.changes)
        if not page.has_more:
            return found
        after = page.next_cursor


async def follow(
    api: DataClient, table: str, after: str | None, *, is_endless: bool = True
) -> AsyncIterator[ReceivedChanges]:
    """The changes of a table after a cursor, page by page; if it ``is_endless``, also those that will
    happen, otherwise up to the newest one. Pages can be empty."""
    while True:
        page = await changes_page(api, table, after, PAGE, WAIT_SECONDS if is_endless else 0)
        yield page
        if not (is_endless or page.has_more):
            return
        after = page.next_cursor


async def _page(api: DataClient, path: str, after: str | None, limit: int, wait: int) -> ReceivedChanges:
    given: dict[str, str | int] = {"limit": limit}
    if after is not None:
        given["after"] = after
    if wait:
        given["wait"] = wait
    return _decoder.decode(await api.get(f"{path}?{httpx.QueryParams(given)}"))
