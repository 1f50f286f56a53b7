"""Reading frames: what a process that reads a file is asked, and what it returns, each as MessagePack with
its length before it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, TypeAlias

import msgspec

from rowkeep.files.detection import Detected
from rowkeep.files.inspection import Inspected
from rowkeep.files.reading import Reading
from rowkeep.files.records import Position, Record, Row, Target, Unreadable
from rowkeep.files.responses import ColumnInfo

LENGTH_BYTES = 8


class ReadingBounds(msgspec.Struct, frozen=True, kw_only=True):
    """How much a process that reads a file can take: bytes of memory, and of the file when it is unpacked,
    and seconds of a processor."""

    memory_bytes: int
    unpacked_bytes: int
    cpu_seconds: int


class FileToRead(msgspec.Struct, frozen=True, kw_only=True):
    """A file, its name in messages, and how it is read."""

    path: str
    name: str
    format: str
    reading: Reading
    bounds: ReadingBounds


class Inspect(msgspec.Struct, frozen=True, tag=True):
    """Look at the start of a file."""

    file: FileToRead
    table: str


class Open(msgspec.Struct, frozen=True, tag=True):
    """Read the header of a file."""

    file: FileToRead


class ReadRecords(msgspec.Struct, frozen=True, tag=True):
    """Read the records of a file from a position on."""

    file: FileToRead
    start: Position
    targets: list[Target | None]


class Write(msgspec.Struct, frozen=True, tag=True):
    """Write a file with these columns. Its rows follow the task, each as a line of JSON, up to the end of the
    input."""

    path: str
    name: str
    format: str
    columns: list[ColumnInfo]
    bounds: ReadingBounds


Task: TypeAlias = Inspect | Open | ReadRecords | Write


class Opened(msgspec.Struct, frozen=True, tag=True):
    """The header of a file: the fields of a ``Source``."""

    names: list[str] | None
    start: Position
    size: int | None
    detected: Detected
    known_types: dict[str, str]


class Seen(msgspec.Struct, frozen=True, tag=True):
    """What the start of a file shows."""

    inspected: Inspected


class Part(msgspec.Struct, frozen=True, tag=True):
    """Some records, how much of the file was read, and the system columns that were skipped so far. A record
    has its line, the position after it, and its JSON, or its text and why it cannot be read."""

    records: list[tuple[int, int, int, bytes | None, str, str]]
    done: int
    left_out: list[str]


class Refused(msgspec.Struct, frozen=True, tag=True):
    """The file cannot be read."""

    message: str


class End(msgspec.Struct, frozen=True, tag=True):
    """Everything was read."""


Frame: TypeAlias = Seen | Opened | Part | Refused | End

_encoder = msgspec.msgpack.Encoder()
_task_decoder: msgspec.msgpack.Decoder[Task] = msgspec.msgpack.Decoder(Task)
_decoder: msgspec.msgpack.Decoder[Frame] = msgspec.msgpack.Decoder(Frame)


def write_frame(out: BinaryIO, frame: Frame) -> None:
    _write(out, frame)


def read_frame(file: BinaryIO) -> Frame | None:
    """The next frame; None if the process ended within it or before it."""
    content = _next(file)
    return None if content is None else _decoder.decode(content)


def write_task(out: BinaryIO, task: Task) -> None:
    _write(out, task)


def read_task(file: BinaryIO) -> Task | None:
    """The next task; None after the last one."""
    content = _next(file)
    return None if content is None else _task_decoder.decode(content)


def _write(out: BinaryIO, message: Frame | Task) -> None:
    content = _encoder.encode(message)
    out.write(len(content).to_bytes(LENGTH_BYTES, "big"))
    out.write(content)
    out.flush()


def _next(file: BinaryIO) -> bytes | None:
    length = file.read(LENGTH_BYTES)
    size = int.from_bytes(length, "big")
    content = file.read(size) if len(length) == LENGTH_BYTES else b""
    return content if content and len(content) == size else None


def packed(record: Record) -> tuple[int, int, int, bytes | None, str, str]:
    line, end = record.line, record.end
    if isinstance(record, Row):
        return line, end.line, end.offset, record.json, "", ""
    return line, end.line, end.offset, None, record.text, record.reason


def records_in(part: Part) -> Iterator[Record]:
    for line, end_line, end_offset, json, text, reason in part.records:
        end = Position(end_line, end_offset)
        yield Unreadable(line, end, text, reason) if json is None else Row(line, end, json)
