"""Export: writes the rows of a table, or those that match a filter, to a file, one page at a time."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET

from rowkeep.cli.files.formats import Format
from rowkeep.cli.files.output_file import outlet
from rowkeep.cli.files.progress import Bar
from rowkeep.client.data import DataClient
from rowkeep.client.responses import ReceivedPage

FIRST_PAGE = 100
PAGE_BYTES = 8 * 1024 * 1024
"""The target size of a page. Rows can be large; the first page shows how large."""


class ExportOptions(msgspec.Struct, frozen=True, kw_only=True):
    """The options of an export. ``query`` is the body of a query; if ``limit`` is None, all matching rows are
    exported."""

    table: str
    query: dict[str, Any]
    limit: int | None = None


async def export(
    api: DataClient, options: ExportOptions, kind: Format, path: str, is_forced: bool, shown: Bar
) -> int:
    """Write the file; returns the number of rows. Raises RequestRefused, FileRefused, SetupError, OSError."""
    largest = (await api.limits()).page
    size = min(FIRST_PAGE, largest)
    with outlet(path, is_forced) as out:
        page = await _page(api, options, size, 0)
        writer = kind.create(out, page.meta_info)
        rows = writer.write(page.query_result)
        while page.next_cursor is not UNSET and (options.limit is None or rows < options.limit):
            shown.move(rows, rows)
            weight = max(1, len(bytes(page.query_result)))
            size = max(1, min(largest, size * PAGE_BYTES // weight))
            page = await _page(api, options, size, rows, page.next_cursor)
            rows += writer.write(page.query_result)
        writer.close()
    return rows


async def _page(
    api: DataClient, options: ExportOptions, size: int, rows: int, cursor: str | None = None
) -> ReceivedPage:
    left = size if options.limit is None else min(size, options.limit - rows)
    body = options.query | {"count": "none"} | ({} if cursor is None else {"cursor": cursor})
    return await api.query(options.table, body, left)
