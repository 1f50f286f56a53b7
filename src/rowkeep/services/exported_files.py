"""Exported files: the rows of a streamed query as one file, for formats that are made as a whole. Another
process writes it, with limits of memory and time."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import BinaryIO

from rowkeep.errors.catalogue import QueryTimeout
from rowkeep.errors.files import FileTooLarge
from rowkeep.files.isolated import MAX_UNPACKED_BYTES, IsolatedWriter
from rowkeep.files.reading_frames import ReadingBounds, Write
from rowkeep.files.records import FileRefused
from rowkeep.files.responses import ColumnInfo
from rowkeep.services.file_imports.readings import without_options
from rowkeep.services.streamed_queries import StreamedRows
from rowkeep.services.work_directories import EXPORT, work_directory
from rowkeep.settings import Settings

WRITER_CPU_SECONDS = 3600


async def exported(rows: StreamedRows, file_format: str, settings: Settings) -> BinaryIO:
    """A temporary file with these rows, which are closed. Raises FileTooLarge, QueryTimeout, and what reading
    the rows raises."""
    work = work_directory(settings, EXPORT)
    try:
        directory = await asyncio.to_thread(work.__enter__)
        try:
            async with asyncio.timeout_at(rows.deadline):
                path = directory / "file"
                await _write(rows, file_format, path, settings)
            return await asyncio.to_thread(path.open, "rb")
        except TimeoutError:
            raise QueryTimeout(
                "The file took longer than the setting max_streamed_query_seconds. Use a filter or fewer "
                "columns, or export CSV or NDJSON."
            ) from None
        finally:
            # a file without a name stays until it is closed
            await asyncio.to_thread(work.__exit__, None, None, None)
    finally:
        rows.close()


async def _write(rows: StreamedRows, file_format: str, path: Path, settings: Settings) -> None:
    bounds = ReadingBounds(
        memory_bytes=settings.max_file_memory_bytes,
        unpacked_bytes=MAX_UNPACKED_BYTES,
        cpu_seconds=WRITER_CPU_SECONDS,
    )
    task = Write(
        path=str(path),
        name="The file",
        format=file_format,
        columns=[ColumnInfo(name, kind) for name, kind in rows.columns],
        bounds=bounds,
    )
    writer = await asyncio.to_thread(IsolatedWriter, task, str(path.parent))
    try:
        while not rows.is_done:
            await asyncio.to_thread(writer.write, await rows.part())
        await asyncio.to_thread(writer.finish)
    except FileRefused as error:
        raise FileTooLarge(without_options(str(error))) from None
    finally:
        await asyncio.to_thread(writer.close)
