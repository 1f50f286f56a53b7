"""Export: writes the rows of a table, or those that match a filter, to a file, as a stream from one
snapshot."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, BinaryIO

import msgspec
from msgspec import UNSET

from rowkeep.cli.files.progress import Bar
from rowkeep.client.data import DataClient
from rowkeep.files.compressed import Compression, packing
from rowkeep.files.formats import Format
from rowkeep.files.output_file import outlet
from rowkeep.files.records import RecordWriter
from rowkeep.files.responses import NoResponse, NotStreamed, ReceivedPage, Unreachable
from rowkeep.files.row_api import NDJSON

FIRST_PAGE = 100
PAGE_BYTES = 8 * 1024 * 1024
"""The target size of a page. Rows can be large; the first page shows how large."""

PART_BYTES = 256 * 1024
"""Lines of a stream are written when they have this size."""

MAX_TRIES = 3
"""How often an export to a file is begun if its stream breaks off."""


class ExportOptions(msgspec.Struct, frozen=True, kw_only=True):
    """The options of an export. ``query`` is the body of a query; if ``limit`` is None, all matching rows are
    exported. ``compression`` is that of the file."""

    table: str
    query: dict[str, Any]
    limit: int | None = None
    compression: Compression | None = None


async def export(
    api: DataClient, options: ExportOptions, kind: Format, path: str, is_forced: bool, shown: Bar
) -> int:
    """Write the file; returns the number of rows. Raises RequestRefused, FileRefused, SetupError, OSError."""
    with outlet(path, is_forced) as out:
        tries = 0
        while True:
            try:
                with packing(out, options.compression) as packed:
                    return await _write(api, options, kind, packed, shown)
            except NoResponse as failure:
                tries += 1
                if path == "-" or tries >= MAX_TRIES:
                    raise Unreachable(
                        f"The rows from {api.connection.name} ended before the last one: {failure}. Run the "
                        "command again."
                    ) from None
            out.seek(0)
            out.truncate()


async def _write(api: DataClient, options: ExportOptions, kind: Format, out: BinaryIO, shown: Bar) -> int:
    largest = (await api.limits()).page
    size = min(FIRST_PAGE, largest)
    is_counted = shown.is_visible and options.limit is None
    page = await _page(api, options, size, 0, is_counted=is_counted)
    writer = kind.create(out, page.meta_info)
    if not isinstance(page.total, msgspec.UnsetType):
        shown.restart(f"Exporting {options.table}", page.total)
    if page.next_cursor is UNSET or (options.limit is not None and options.limit <= size):
        rows = writer.write(page.query_result)
    else:
        try:
            async with api.stream("tables", options.table, options.query, NDJSON, options.limit) as parts:
                rows = await _write_stream(writer, parts, shown)
        except NotStreamed:
            rows = await _write_pages(api, options, writer, page, shown)
    writer.close()
    return rows


async def _write_stream(writer: RecordWriter, parts: AsyncIterator[bytes], shown: Bar) -> int:
    """Write the lines of a stream. Raises NoResponse."""
    rows = size = 0
    pending: list[bytes] = []
    async for part in parts:
        pending.append(part)
        size += len(part)
        if size < PART_BYTES or b"\n" not in part:
            continue
        lines, _, rest = b"".join(pending).rpartition(b"\n")
        rows += writer.write_lines(lines + b"\n")
        pending, size = [rest], len(rest)
        shown.move(rows, rows)
    lines = b"".join(pending)
    return rows + (writer.write_lines(lines) if lines else 0)


async def _write_pages(
    api: DataClient, options: ExportOptions, writer: RecordWriter, page: ReceivedPage, shown: Bar
) -> int:
    """Write the pages from the first one on, for a server that does not stream."""
    largest = (await api.limits()).page
    size = min(FIRST_PAGE, largest)
    rows = writer.write(page.query_result)
    while page.next_cursor is not UNSET and (options.limit is None or rows < options.limit):
        shown.move(rows, rows)
        weight = max(1, len(bytes(page.query_result)))
        size = max(1, min(largest, size * PAGE_BYTES // weight))
        page = await _page(api, options, size, rows, page.next_cursor)
        rows += writer.write(page.query_result)
    return rows


async def _page(
    api: DataClient,
    options: ExportOptions,
    size: int,
    rows: int,
    cursor: str | None = None,
    *,
    is_counted: bool = False,
) -> ReceivedPage:
    left = size if options.limit is None else min(size, options.limit - rows)
    count = "exact" if is_counted else "none"
    body = options.query | {"count": count} | ({} if cursor is None else {"cursor": cursor})
    return await api.query(options.table, body, left)
