"""The process that reads a file of somebody else: ``python -m rowkeep.files`` takes a task on standard input,
and writes frames on standard output. Its memory and time are limited, so that no file can harm the server."""

from __future__ import annotations

import io
import os
import resource
import sys
from collections.abc import Mapping
from typing import BinaryIO, cast

from rowkeep.errors.catalogue import RowkeepError, SetupError
from rowkeep.files.content import Content, opened
from rowkeep.files.formats import FORMATS, Format
from rowkeep.files.inspection import inspect, opened_source
from rowkeep.files.isolated import too_much_memory
from rowkeep.files.reading_frames import (
    End,
    FileToRead,
    Frame,
    Inspect,
    Open,
    Opened,
    Part,
    ReadingBounds,
    ReadRecords,
    Refused,
    Seen,
    Task,
    Write,
    packed,
    read_task,
    write_frame,
)
from rowkeep.files.records import Record, Source

PART_ROWS = 500
PART_BYTES = 1024 * 1024
WRITTEN_BYTES = 1024 * 1024


def limit(bounds: ReadingBounds) -> None:
    """Limit this process: memory that it can write to, seconds of a processor, and the size of files."""
    for kind, most in (
        (resource.RLIMIT_DATA, bounds.memory_bytes),
        (resource.RLIMIT_CPU, bounds.cpu_seconds),
        (resource.RLIMIT_FSIZE, bounds.unpacked_bytes),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(kind)
        allowed = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (allowed, hard))


class FileReader:
    """Does the tasks for one file, which is opened once."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self._source: Source | None = None

    def run(self, task: Task) -> None:
        """Raises SetupError, RowkeepError, OSError, MemoryError."""
        if isinstance(task, Write):
            _write(task)
            return
        if isinstance(task, Inspect):
            file, memory = task.file, task.file.bounds.memory_bytes
            write_frame(self._out, Seen(inspect(*self._content(file), file.reading, task.table, memory)))
            return
        if self._source is None:
            file, memory = task.file, task.file.bounds.memory_bytes
            self._source = opened_source(*self._content(file), file.reading, memory)
        if isinstance(task, Open):
            write_frame(self._out, _opened(self._source))
        else:
            _send_records(self._source, task, self._out)

    def _content(self, file: FileToRead) -> tuple[Content, Format]:
        stored = opened(file.path)
        size = os.fstat(stored.fileno()).st_size
        content = Content(stored, file.name, size, file.reading, file.bounds.unpacked_bytes)
        return content, FORMATS[file.format]


def _write(task: Write) -> None:
    """Write all lines of the input into a file, some at a time."""
    with open(task.path, "wb") as out:
        writer = FORMATS[task.format].create(out, task.columns)
        rest = b""
        given = cast("io.BufferedReader", sys.stdin.buffer)
        while part := given.read1(WRITTEN_BYTES):
            lines, end, rest_of_part = (rest + part).rpartition(b"\n")
            rest = rest_of_part
            if lines:
                writer.write_lines(lines + end)
        writer.close()


def _opened(source: Source) -> Opened:
    types: Mapping[str, str] = source.known_types
    names = None if source.names is None else list(source.names)
    return Opened(names, source.start, source.size, source.detected, dict(types))


def _send_records(source: Source, task: ReadRecords, out: BinaryIO) -> None:
    records: list[Record] = []
    size = 0
    for record in source.records(task.start, task.targets):
        records.append(record)
        size += len(getattr(record, "json", b""))
        if len(records) >= PART_ROWS or size >= PART_BYTES:
            write_frame(out, _part(records, source))
            records, size = [], 0
    write_frame(out, _part(records, source))


def _part(records: list[Record], source: Source) -> Part:
    return Part([packed(record) for record in records], source.done, sorted(source.left_out))


def main() -> None:
    out = sys.stdout.buffer
    reader = FileReader(out)
    while (task := read_task(sys.stdin.buffer)) is not None:
        limit(task.bounds if isinstance(task, Write) else task.file.bounds)
        write_frame(out, _ended(reader, task))


def _ended(reader: FileReader, task: Task) -> Frame:
    """Do a task; returns how it ended."""
    about = task if isinstance(task, Write) else task.file
    try:
        reader.run(task)
    except (SetupError, RowkeepError) as error:
        return Refused(str(error))
    except MemoryError:
        return Refused(too_much_memory(about))
    except OSError as error:
        done = "written" if isinstance(task, Write) else "read"
        return Refused(f"{about.name} cannot be {done}: {error.strerror or error}.")
    return End()


if __name__ == "__main__":
    main()
